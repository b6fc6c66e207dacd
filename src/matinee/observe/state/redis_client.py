"""How a `RedisStore` reaches its server: the client and its time limits."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from matinee.errors import ConfigError, MissingExtraError

CONNECT_S, ANSWER_S = 0.5, 1.0
"""A server that is slower than this counts as gone, so that whoever asks can go on without it."""
IDLE_CHECK_S = 5


def shown(url: str) -> str:
    """An address as it may be printed: without its password.

    Examples
    --------
    >>> shown("redis://ana:secret@db.example:6379/2")
    'redis://ana:***@db.example:6379/2'
    """
    scheme, found, rest = url.partition("://")
    who, known, address = rest.rpartition("@")  # the last one: a password may hold others
    address = address.partition("?")[0]
    if not found:
        return "an address without a scheme"
    return f"{scheme}://{who.partition(':')[0]}:***@{address}" if known else f"{scheme}://{address}"


def connect(url: str, name: str) -> Any:
    """A client of the server; nothing is asked of it yet. `name` is the address without its password.

    Raises
    ------
    ConfigError
        The URL is not one of Redis.
    MissingExtraError
        The client library is not installed.
    """
    try:
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry
    except ImportError as error:
        raise MissingExtraError("the state store in Redis", "redis") from error
    try:
        if urlsplit(url).scheme not in ("redis", "rediss", "unix"):
            raise ValueError("unknown scheme")
        return redis.Redis.from_url(
            url,
            socket_connect_timeout=CONNECT_S,
            socket_timeout=ANSWER_S,
            health_check_interval=IDLE_CHECK_S,
            retry=Retry(NoBackoff(), 0),
        )
    except ValueError:
        raise ConfigError(
            f"[serve] state is {name}, expected redis://HOST:PORT/DB, rediss://HOST:PORT/DB or unix:///PATH."
        ) from None
