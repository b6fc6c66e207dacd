"""Who may ask for what: API keys as one server process knows them."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from matinee.errors import ConfigError, MatineeError
from matinee.observe.clock import wall_us
from matinee.platform.registry.api_keys import SCOPES, ApiKeyRow, ApiKeys
from matinee.serve.problems import ProblemError
from matinee.serve.tokens import PREFIX
from matinee.types import DAY_US, NEVER_US

LOG = logging.getLogger("matinee.serve")
RELOAD_S = 1.0
"""Seconds between two looks at the registry: a key that is made or revoked counts after that."""
LONGEST_HEADER = 200
"""Characters of an Authorization header that are looked at; ours have 65."""
LONGEST_HOST = 64
"""Characters of a host that may be this machine; an address has at most 47."""
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="matinee"'}
NOBODY = hashlib.sha256(b"nobody").digest()
REFUSED = (
    "no valid key came with the request, expected Authorization: Bearer KEY with a key of this service that "
    "is neither expired nor revoked. Make one: matinee key create NAME --scope SCOPE."
)
"""One text for a key that is missing, misspelt, unknown, expired or revoked: a guess learns nothing."""


@dataclass(frozen=True, slots=True)
class KeyFound:
    """Who asks.

    Attributes
    ----------
    key_id : str
        Public part of the key, for logs; empty on a server that needs none.
    scopes : frozenset of str
    rate : float
        Requests per second that this host answers; infinite on a server that needs no key.
    until_us : int
        From then on the key is refused.
    """

    key_id: str
    name: str
    scopes: frozenset[str]
    rate: float
    until_us: int = NEVER_US


OPEN = KeyFound("", "", frozenset(SCOPES), float("inf"))
"""Who asks a server that needs no key."""


class Keys:
    """The keys of the registry, kept in memory and read again every second.

    While the registry cannot be reached, the keys that were known go on until they expire. Before it was read
    for the first time, everybody is refused.

    A check costs 2 microseconds, so no verdict is remembered: a revoked key is refused with the next look
    at the registry, an expired one at once.

    Parameters
    ----------
    store : ApiKeys
        Of an open registry.
    host : str
        Address that the server listens on.
    now_us : callable
        Clock by which keys expire.

    Attributes
    ----------
    failures : int
        Looks at the registry that failed, in a row.
    """

    def __init__(self, store: ApiKeys, host: str, *, now_us: Callable[[], int] = wall_us) -> None:
        self.store, self.host, self.now_us = store, host, now_us
        self.failures = 0
        self._known: dict[str, tuple[bytes, KeyFound]] = {}
        self._days: dict[str, int] = {}
        self._used: set[str] = set()
        self._open = False
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def is_open(self) -> bool:
        """No key is needed: the server listens on loopback, and none was ever made."""
        return self._open

    def load(self) -> None:
        """Read the keys.

        Raises
        ------
        StorageError
            The registry cannot be read. The keys known before stay.
        """
        rows = self.store.all()
        self._known = {
            row.key_id: (
                bytes.fromhex(row.secret_hash),
                KeyFound(
                    row.key_id,
                    row.name,
                    frozenset(row.scopes),
                    row.rate,
                    NEVER_US if row.expires_us is None else row.expires_us,
                ),
            )
            for row in rows
            if row.revoked_us is None
        }
        self._days = {row.key_id: row.used_us or 0 for row in rows}
        needs = required(self.host, rows)
        if not needs and not self._open:
            LOG.warning(
                "No key exists: whoever reaches %s may send, ask and erase. Make one: matinee key create.",
                self.host,
            )
        self._open = not needs

    def check(self, header: str | None, scope: str, *, elsewhere: bool = False) -> KeyFound:
        """Who asks, if they may.

        Parameters
        ----------
        header : str or None
            The Authorization header.
        scope : {"ingest", "decide", "admin"}
            What the route needs.
        elsewhere : bool
            The request shows that it came from another machine or site (`from_elsewhere`), which a server
            without keys refuses: a proxy in front of it would open it to everybody.

        Raises
        ------
        ProblemError
            401 without a valid key, the same for every reason; 403 for a valid key without the scope.
        """
        if self._open and not elsewhere:
            return OPEN
        found = self._find(header)
        if found is None:
            raise ProblemError(401, REFUSED, headers=CHALLENGE)
        if scope not in found.scopes:
            raise ProblemError(
                403,
                f"key {found.key_id}: has the scopes {', '.join(sorted(found.scopes))}, expected {scope}. "
                "Use a key that has it, or make one: matinee key create.",
            )
        self._used.add(found.key_id)
        return found

    def holds(self, key_id: str, scope: str) -> bool:
        """Whether a key that was shown before still has a scope: neither revoked nor expired since."""
        known = self._known.get(key_id)
        return known is not None and scope in known[1].scopes and self.now_us() < known[1].until_us

    def _find(self, header: str | None) -> KeyFound | None:
        """The valid key of a header. An unknown id costs as much as a wrong secret."""
        kind, _, token = (header or "")[:LONGEST_HEADER].partition(" ")
        prefix, _, rest = token.partition("_")
        key_id, _, secret = rest.partition("_")
        known = self._known.get(key_id)
        expected, found = (NOBODY, None) if known is None else known
        same = hmac.compare_digest(hashlib.sha256(secret.encode("utf-8", "replace")).digest(), expected)
        if not same or found is None or prefix != PREFIX or kind.lower() != "bearer":
            return None
        return found if self.now_us() < found.until_us else None

    def start(self, every_s: float = RELOAD_S) -> None:
        """Read the keys again in the background until `stop`. Call it in the process that serves."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._follow, args=(every_s,), name="keys", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the background thread, and note which keys were used."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def refresh(self) -> bool:
        """Read the keys and note the days of use; False if the registry could not be reached."""
        try:
            self.load()
            self._note_use()
        except MatineeError as problem:
            self.failures += 1
            if self.failures == 1:
                LOG.warning("The registry cannot be read; known keys go on until they expire. %s", problem)
            return False
        if self.failures:
            LOG.warning("The registry can be read again.")
        self.failures = 0
        return True

    def _follow(self, every_s: float) -> None:
        while not self._stop.wait(every_s):
            try:
                self.refresh()
            except Exception:  # a thread that dies would freeze the keys as they are
                self.failures += 1
                LOG.exception("keys could not be read")
        self.refresh()

    def _note_use(self) -> None:
        """Write the day of use of each key: once per day, key and process."""
        used, self._used = self._used, set()
        today = self.now_us() // DAY_US * DAY_US
        new = {key_id: today for key_id in used if self._days.get(key_id, today) < today}
        if new:
            self.store.used(new)


@lru_cache(maxsize=64)
def is_loopback(host: str) -> bool:
    """Whether an address can be reached from this machine only.

    Examples
    --------
    >>> [is_loopback(host) for host in ("127.0.0.1", "localhost", "::1", "0.0.0.0", "shop.example", "")]
    [True, True, True, False, False, False]
    """
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def required(host: str, rows: Sequence[ApiKeyRow]) -> bool:
    """Whether a server needs keys: always, but on loopback while none was ever made.

    A key that was revoked or has expired still counts: ending the last key must not open the server.
    """
    return bool(rows) or not is_loopback(host)


def check_bind(host: str, rows: Sequence[ApiKeyRow], at_us: int) -> None:
    """See that a server that others can reach has a key.

    Raises
    ------
    ConfigError
        The address is not a loopback one, and no key is valid.
    """
    if is_loopback(host) or any(row.is_valid(at_us) for row in rows):
        return
    raise ConfigError(
        f'[serve] host is "{host}", which other machines can reach, and no API key is valid. Make one first: '
        "matinee key create NAME --scope ingest --scope decide, or serve on 127.0.0.1."
    )


def from_elsewhere(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether the headers of a request show that it was not made on this machine for this server.

    A proxy forwarded it; or a page of some web site sent it through a browser on this machine (its `Origin`,
    or a `Host` name that was pointed at this machine, is not a loopback one).
    """
    for name, value in headers:
        if name in (b"x-forwarded-for", b"forwarded", b"x-real-ip", b"via"):
            return True
        if name in (b"host", b"origin"):
            place = value.decode("latin-1").rpartition("//")[2]
            host = place[: place.index("]") + 1] if "]" in place else place.partition(":")[0]
            if len(host) > LONGEST_HOST or not is_loopback(host):
                return True
    return False
