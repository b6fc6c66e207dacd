"""Open the store of a home: the file in it, or the server that [serve] state names."""

from __future__ import annotations

from collections.abc import Iterable

from matinee.errors import ConfigError
from matinee.observe.home import Home
from matinee.observe.state.folds import Fold
from matinee.observe.state.store import OpenedStore


def open_store(
    home: Home, url: str = "", dedup_h: float = 48, folds: Iterable[Fold] | None = ()
) -> OpenedStore:
    """The state of members.

    Parameters
    ----------
    home : Home
    url : str
        Empty: HOME/state.db. redis://, rediss:// or unix://: Redis or Valkey.
    dedup_h : float, > 0
        Hours in which an event is told from one that is sent again.
    folds : iterable of Fold or None
        What else is kept for members. None leaves all as it is and folds nothing: for tools that look, or
        erase, and do not know what a server keeps.

    Raises
    ------
    ConfigError
        The URL is not one of these; its password is not shown.
    MissingExtraError
        Redis is named and its client is not installed.
    StorageError
        The file cannot be opened. A server is first asked when something is wanted of it.
    """
    if dedup_h <= 0:
        raise ConfigError(f"[serve] dedup_h is {dedup_h}, expected a number of hours above 0.")
    if not url:
        from matinee.observe.state.sqlite import SqliteStore

        return SqliteStore(home.state_db, dedup_h, folds)
    from matinee.observe.state.redis import RedisStore

    return RedisStore(url, dedup_h, folds)
