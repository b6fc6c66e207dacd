"""What bodies of requests may take from one process together: memory, and time to arrive."""

from __future__ import annotations

import asyncio

from litestar.types import HTTPReceiveMessage, Receive

from matinee.serve.deadlines import Deadlines
from matinee.serve.problems import ProblemError

BODY_S = 30.0
"""Longest time that a client may take to send a body."""
MOST_BYTES = 64_000_000
"""Bytes of bodies that are held at a time, from their first part until their requests are answered."""
RETRY_S = 1


class Incoming:
    """Counts the bodies that a process holds, and refuses what is too much or too slow.

    Parameters
    ----------
    most_bytes : int, > 0
        Bound of all bodies together. One that is larger alone is left to the limit of a single body.
    limit_s : float, > 0
        For a body to arrive. One that dribbles in is refused with its first part after that.

    Attributes
    ----------
    n_bytes : int
        What is held now.

    Notes
    -----
    For one event loop. Reading goes through `Body`, which takes the place of ASGI's `receive`.
    """

    def __init__(self, most_bytes: int = MOST_BYTES, limit_s: float = BODY_S) -> None:
        self.most_bytes, self.limit_s = most_bytes, limit_s
        self.n_bytes = 0
        self.deadlines = Deadlines(limit_s)


class Body:
    """`receive` of one request; call `release` when it is answered.

    Parameters
    ----------
    incoming : Incoming
    receive : Receive
    """

    __slots__ = ("_arrived", "_began", "_incoming", "_n_bytes", "_receive")

    def __init__(self, incoming: Incoming, receive: Receive) -> None:
        self._incoming, self._receive = incoming, receive
        self._n_bytes, self._arrived = 0, False
        self._began: float | None = None

    async def __call__(self) -> HTTPReceiveMessage:
        """The next message.

        Raises
        ------
        ProblemError
            408: the body did not arrive in time; 429: the process holds too much.
        """
        if self._arrived:  # whoever asks now waits for the client to go away
            return await self._receive()  # type: ignore[return-value]
        incoming = self._incoming
        now = asyncio.get_running_loop().time()
        if self._began is None:
            self._began = now
        try:
            if now - self._began > incoming.limit_s:
                raise TimeoutError
            with incoming.deadlines:
                message = await self._receive()
        except TimeoutError:
            self._arrived = True
            raise ProblemError(
                408,
                f"body: did not arrive within {incoming.limit_s:g} s, expected it sooner. Send less at once.",
            ) from None
        if message["type"] != "http.request" or not message.get("more_body", False):
            self._arrived = True
        if message["type"] == "http.request":
            self._hold(len(message.get("body", b"")))
        return message  # type: ignore[return-value]

    def release(self) -> None:
        """The request is answered: its body is held no longer."""
        self._incoming.n_bytes -= self._n_bytes
        self._n_bytes = 0

    def _hold(self, n_bytes: int) -> None:
        incoming = self._incoming
        if incoming.n_bytes > self._n_bytes and incoming.n_bytes + n_bytes > incoming.most_bytes:
            self._arrived = True
            raise ProblemError(
                429,
                f"body: {incoming.n_bytes} bytes of requests are held already, expected at most "
                f"{incoming.most_bytes} with this one. Send it again in {RETRY_S} s.",
                headers={"Retry-After": str(RETRY_S)},
            )
        incoming.n_bytes += n_bytes
        self._n_bytes += n_bytes
