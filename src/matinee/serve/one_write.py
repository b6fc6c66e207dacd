"""Sends what one turn of the event loop writes to a connection in one call of the system.

A reply comes as two messages, its head and its body, and uvicorn hands each to the socket at once. The second
call costs as much as ten events to check, and the client is woken twice.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HELD = 64 * 1024
"""Bytes that are held until the end of the turn; more are handed over at once, so that the bounds of the
transport beneath count."""


class OneWrite(asyncio.Transport):
    """A transport that joins what is written to it in one turn of the loop; all else goes straight through.

    Parameters
    ----------
    beneath : asyncio.Transport
    loop : asyncio.AbstractEventLoop
        That of the transport.
    """

    def __init__(self, beneath: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._beneath, self._loop = beneath, loop
        self._held: list[bytes] = []
        self._n_bytes = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send soon, after what was written before."""
        if not data:
            return
        if not self._held:
            self._loop.call_soon(self._send)
        self._held.append(bytes(data))
        self._n_bytes += len(data)
        if self._n_bytes > MOST_HELD:
            self._send()

    def close(self) -> None:
        """Close when all is sent."""
        self._send()
        self._beneath.close()

    def abort(self) -> None:
        """Close at once."""
        self._held.clear()
        self._beneath.abort()

    def is_closing(self) -> bool:
        """Whether it is closed, or closes."""
        return self._beneath.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What is known about the connection."""
        return self._beneath.get_extra_info(name, default)

    def pause_reading(self) -> None:
        """Take nothing from the client for now."""
        self._beneath.pause_reading()

    def resume_reading(self) -> None:
        """Go on."""
        self._beneath.resume_reading()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Give the connection to another protocol."""
        self._beneath.set_protocol(protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Whose connection it is."""
        return self._beneath.get_protocol()

    def _send(self) -> None:
        held, self._n_bytes = self._held, 0
        if held and not self._beneath.is_closing():
            self._beneath.write(held[0] if len(held) == 1 else b"".join(held))
        held.clear()


class OneWriteProtocol(HttpToolsProtocol):
    """uvicorn's HTTP, over such a transport."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has connected."""
        super().connection_made(OneWrite(transport, self.loop))
