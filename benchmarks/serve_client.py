"""Clients over raw sockets: one connection, and a fixed rate that does not wait for slow replies."""

from __future__ import annotations

import asyncio
import gc
import json
import random
import socket
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

HEAD = "Host: 127.0.0.1\r\n"
FIRST_SCREEN = "/v1/members/m{:07d}/homepage?rows=6&cols=10"


class Connection:
    """One connection that is kept; replies are waited for."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def get(self, path: str) -> bytes:
        """Body of a reply; anything but 200 is an error."""
        return self._ask(request("GET", path))

    def post(self, path: str, body: object) -> Any:
        """The same for something that is sent as JSON; the reply, decoded."""
        return json.loads(self._ask(request("POST", path, json.dumps(body).encode())))

    def close(self) -> None:
        """Close it."""
        self._socket.close()

    def _ask(self, data: bytes) -> bytes:
        self._socket.sendall(data)
        got = b""
        while (end := got.find(b"\r\n\r\n")) < 0:
            got += self._more()
        head, length = got[:end], content_length(got[:end])
        parts, left = [got[end + 4 :]], length - (len(got) - end - 4)
        while left > 0:
            parts.append(self._more())
            left -= len(parts[-1])
        body = b"".join(parts)
        if status(head) != 200:
            raise SystemExit(f"the server replied {status(head)}: {body[:500]!r}")
        return body

    def _more(self) -> bytes:
        got = self._socket.recv(262_144)
        if not got:
            raise SystemExit("the server closed the connection.")
        return got


@dataclass(frozen=True)
class Paced:
    """What a client of a fixed rate saw.

    Attributes
    ----------
    rate : float
        Requests sent per second.
    took_ms : list of float
        Of each reply, from when it was due.
    errors : int
    """

    rate: float
    took_ms: list[float]
    errors: int

    @property
    def p50_ms(self) -> float:
        return statistics.median(self.took_ms)

    @property
    def p99_ms(self) -> float:
        return quantile(self.took_ms, 0.99)


def at_rate(port: int, paths: Iterator[str], rate: float, seconds: float, connections: int = 64) -> Paced:
    """Send requests at random moments (a Poisson process), however long the replies take.

    A request that finds no free connection waits for one, and its time begins when it was due: a server that
    falls behind cannot slow its clients down and so look better than it is. The connections are open before
    the first request is due. This process looks for no garbage meanwhile: a reply that it does not read
    would be the server's delay.
    """
    gc.collect()
    gc.disable()
    try:
        return asyncio.run(_at_rate(port, paths, rate, seconds, connections))
    finally:
        gc.enable()


async def _at_rate(port: int, paths: Iterator[str], rate: float, seconds: float, connections: int) -> Paced:
    due: asyncio.Queue[tuple[float, str] | None] = asyncio.Queue()
    took_ms: list[float] = []
    errors = 0

    async def work(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal errors
        while (one := await due.get()) is not None:
            code, _ = await ask(reader, writer, request("GET", one[1]))
            took_ms.append(1e3 * (time.perf_counter() - one[0]))
            errors += code != 200
        writer.close()

    lines = [await asyncio.open_connection("127.0.0.1", port) for _ in range(connections)]
    workers = [asyncio.create_task(work(*line)) for line in lines]
    rng = random.Random(0)
    began = at = time.perf_counter()
    sent = 0
    while at < began + seconds:
        at += rng.expovariate(rate)
        if (wait := at - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        due.put_nowait((time.perf_counter(), next(paths)))
        sent += 1
    for _ in workers:
        due.put_nowait(None)
    await asyncio.gather(*workers)
    return Paced(sent / seconds, took_ms, errors)


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, data: bytes) -> tuple[int, bytes]:
    """Send a request; status and body of the reply."""
    writer.write(data)
    head = await reader.readuntil(b"\r\n\r\n")
    return status(head), await reader.readexactly(content_length(head))


def request(method: str, path: str, body: bytes | None = None) -> bytes:
    """Bytes of a request."""
    if body is None:
        return f"{method} {path} HTTP/1.1\r\n{HEAD}\r\n".encode()
    length = f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
    return f"{method} {path} HTTP/1.1\r\n{HEAD}{length}\r\n".encode() + body


def status(head: bytes) -> int:
    """Of a reply."""
    return int(head.split(b" ", 2)[1])


def content_length(head: bytes) -> int:
    """Bytes of the body of a reply."""
    found = head.lower().partition(b"content-length:")[2]
    return int(found.split(b"\r\n", 1)[0]) if found else 0


def quantile(values: list[float], q: float) -> float:
    """The value below which a share `q` of the others lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))]
