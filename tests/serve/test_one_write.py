"""What is written in one turn of the loop goes out in one call, in order, and nothing is kept back."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import uvicorn

from matinee.serve.one_write import MOST_HELD, OneWrite, OneWriteProtocol


class Beneath(asyncio.Transport):
    """A transport that notes what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[bytes | str] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.calls.append(bytes(data))

    def close(self) -> None:
        self.calls.append("close")

    def abort(self) -> None:
        self.calls.append("abort")

    def is_closing(self) -> bool:
        return "close" in self.calls or "abort" in self.calls


def told(work: Callable[[OneWrite, Beneath], Awaitable[None]]) -> list[bytes | str]:
    async def go() -> list[bytes | str]:
        beneath = Beneath()
        await work(OneWrite(beneath, asyncio.get_running_loop()), beneath)
        for _ in range(3):
            await asyncio.sleep(0)
        return beneath.calls

    return asyncio.run(go())


def test_the_parts_of_one_turn_are_one_call() -> None:
    async def work(transport: OneWrite, beneath: Beneath) -> None:
        transport.write(b"head ")
        transport.write(bytearray(b"body"))
        transport.write(b"")
        assert beneath.calls == []
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        transport.write(b"next")

    assert told(work) == [b"head body", b"next"]


def test_what_is_changed_after_it_was_written_is_sent_as_it_was() -> None:
    async def work(transport: OneWrite, beneath: Beneath) -> None:
        data = bytearray(b"before")
        transport.write(data)
        data[:] = b"after!"

    assert told(work) == [b"before"]


def test_much_is_not_held() -> None:
    async def work(transport: OneWrite, beneath: Beneath) -> None:
        for _ in range(5):
            transport.write(b"x" * (MOST_HELD // 2))
        assert [len(call) for call in beneath.calls] == [MOST_HELD // 2 * 3]

    assert sum(map(len, told(work))) == MOST_HELD // 2 * 5


def test_closing_sends_what_is_held_and_aborting_does_not() -> None:
    async def closed(transport: OneWrite, beneath: Beneath) -> None:
        transport.write(b"last")
        transport.close()
        assert transport.is_closing()
        transport.write(b"too late")

    async def aborted(transport: OneWrite, beneath: Beneath) -> None:
        transport.write(b"last")
        transport.abort()

    assert told(closed) == [b"last", "close"]
    assert told(aborted) == ["abort"]


def test_streams_and_requests_sent_at_once_are_answered_in_order() -> None:
    size = 300_000

    async def app(scope: dict[str, object], receive: object, send: Callable[..., Awaitable[None]]) -> None:
        text = str(scope["path"]).encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(3):
            await send({"type": "http.response.body", "body": text * size, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def go() -> bytes:
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            config = uvicorn.Config(app, http=OneWriteProtocol, ws="none", lifespan="off", log_config=None)
            server = uvicorn.Server(config)
            serving = asyncio.create_task(server.serve(sockets=[listening]))
            while not server.started:
                await asyncio.sleep(0.01)
            reader, writer = await asyncio.open_connection(*listening.getsockname())
            request = "GET /{} HTTP/1.1\r\nHost: x\r\n{}\r\n"
            writer.write((request.format("a", "") + request.format("b", "Connection: close\r\n")).encode())
            got = await reader.read()
            writer.close()
            server.should_exit = True
            await serving
            return got

    got = asyncio.run(go())
    assert got.count(b"200 OK") == 2
    assert (got.count(b"/a"), got.count(b"/b")) == (3 * size, 3 * size)
    assert got.rindex(b"/a") < got.index(b"/b")
