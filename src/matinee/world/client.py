"""A client of the decision server: connections that stay open, patience while it is busy, plain errors."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec

from matinee.errors import InputError, StorageError

T = TypeVar("T")
BUSY = (429, 503)
TIMEOUT_S = 60.0
LONGEST_WAIT_S = 30.0
"""So long at most before a request that the server had no room for is sent again, whatever it says."""


class _Ready(msgspec.Struct):
    at: str = ""


class _Problem(msgspec.Struct):
    detail: str = ""


@dataclass(slots=True)
class Client:
    """Asks a server; several requests at a time.

    Parameters
    ----------
    address : str
        Such as http://127.0.0.1:8080.
    key : str or None
        Secret of an API key with the scopes ingest and decide.
    connections : int, 1 or more
    patience_s : float
        How long a request is sent again while the server answers that it has no room (429) or cannot (503).
    wait : callable
        Waits so many seconds; for tests.

    Raises
    ------
    InputError
        The address is none.
    """

    address: str
    key: str | None = None
    connections: int = 4
    patience_s: float = 120.0
    wait: Callable[[float], None] = time.sleep
    _lines: SimpleQueue[http.client.HTTPConnection] = field(init=False, default_factory=SimpleQueue)

    def __post_init__(self) -> None:
        parts = urlsplit(self.address)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/"):
            raise InputError(
                f'--server is "{self.address}", expected an address such as http://127.0.0.1:8080. '
                "matinee serve prints it."
            )
        for _ in range(self.connections):
            self._lines.put(self._line())

    def get(self, path: str) -> bytes:
        """The body of a reply; errors as in `post`."""
        return self._ask("GET", path, None)

    def post(self, path: str, body: object) -> bytes:
        """Send a value as JSON; the body of the reply.

        Raises
        ------
        InputError
            The server refuses the request or the key; its own words are in the message.
        StorageError
            It does not answer, fails, or has no room for longer than `patience_s`.
        """
        return self._ask("POST", path, msgspec.json.encode(body))

    def now(self) -> str:
        """What time it is for the server, by a connection of its own (another process may answer).

        Raises
        ------
        InputError
            What answers is no decision server.
        """
        line = self._line()
        try:
            found = msgspec.json.decode(self._on(line, "GET", "/readyz", None), type=_Ready)
        except msgspec.MsgspecError as problem:
            raise InputError(
                f"--server {self.address}: /readyz answers with something else than a decision server would "
                f"({problem}), expected the address of matinee serve."
            ) from problem
        finally:
            line.close()
        if not found.at:
            raise InputError(
                f"--server {self.address}: does not say what time it is for it, expected the same version of "
                "Matinee as this one."
            )
        return found.at

    def each(self, ask: Callable[[int], T], n: int) -> list[T]:
        """`ask` for each of 0 to n - 1, a few at a time; the first error ends it."""
        with ThreadPoolExecutor(self.connections, thread_name_prefix="client") as pool:
            waiting = [pool.submit(ask, i) for i in range(n)]
            try:
                return [one.result() for one in waiting]
            except BaseException:
                for one in waiting:
                    one.cancel()
                raise

    def close(self) -> None:
        """Close all connections."""
        for _ in range(self.connections):
            self._lines.get().close()

    def _line(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.address)
        secure = parts.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        return kind(parts.hostname or "", parts.port, timeout=TIMEOUT_S)

    def _ask(self, method: str, path: str, body: bytes | None) -> bytes:
        line = self._lines.get()
        try:
            return self._on(line, method, path, body)
        finally:
            self._lines.put(line)

    def _on(self, line: http.client.HTTPConnection, method: str, path: str, body: bytes | None) -> bytes:
        """Ask over one connection, again while the server is busy."""
        waited = 0.0
        while True:
            status, said, after_s = self._once(line, method, path, body)
            if status == 200:
                return said
            if status not in BUSY:
                raise self._refused(method, path, status, said)
            pause = min(max(after_s, 0.05), LONGEST_WAIT_S)
            if waited + pause > self.patience_s:
                raise StorageError(
                    f"--server {self.address}: has answered {status} for {waited:.0f} s "
                    f"({_detail(said)}), expected room for {method} {_route(path)}. Look at its /readyz, and "
                    "run the command again."
                )
            self.wait(pause)
            waited += pause

    def _once(
        self, line: http.client.HTTPConnection, method: str, path: str, body: bytes | None
    ) -> tuple[int, bytes, float]:
        """Status, body, and the seconds after which one may ask again.

        A connection that was open and has gone is opened once more: servers close those that rest. Nothing is
        done twice by that, since events have ids.
        """
        headers = {"Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        while True:
            fresh = line.sock is None
            try:
                line.request(method, path, body, headers)
                reply = line.getresponse()
                return reply.status, reply.read(), _seconds(reply.getheader("Retry-After"))
            except (OSError, http.client.HTTPException) as problem:
                line.close()
                if fresh or isinstance(problem, TimeoutError):
                    why = getattr(problem, "strerror", None) or str(problem) or type(problem).__name__
                    raise StorageError(
                        f"--server {self.address}: does not answer ({why}), expected a running server. Start "
                        "it (matinee serve), and run the command again: it goes on where it stopped."
                    ) from problem

    def _refused(self, method: str, path: str, status: int, said: bytes) -> InputError | StorageError:
        where = f"--server {self.address}: {method} {_route(path)} answers {status} ({_detail(said)})"
        if status in (401, 403):
            return InputError(
                f"{where}, expected 200. Give a key with the scopes ingest and decide: matinee key create "
                "simulation --scope ingest --scope decide, and --key KEY."
            )
        if status >= 500:
            return StorageError(f"{where}, expected 200. The server's log says why; run the command again.")
        return InputError(f"{where}, expected 200. Is it the decision server of this home?")


def first_line(text: str, longest: int = 300) -> str:
    """A text of somebody else's in a message: one line, not too long."""
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[:longest]}..."


def batches(values: Sequence[T], size: int) -> list[Sequence[T]]:
    """The values in portions.

    Examples
    --------
    >>> batches([1, 2, 3], 2)
    [[1, 2], [3]]
    """
    return [values[start : start + size] for start in range(0, len(values), size)]


def _seconds(text: str | None) -> float:
    try:
        return float(text) if text else 1.0
    except ValueError:  # a date: nobody needs to wait that long here
        return 1.0


def _route(path: str) -> str:
    return path.partition("?")[0]


def _detail(said: bytes) -> str:
    try:
        found = msgspec.json.decode(said, type=_Problem).detail
    except msgspec.MsgspecError:
        found = said.decode("utf-8", "replace")
    return first_line(found) or "no reason given"
