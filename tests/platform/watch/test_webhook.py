from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from matinee.platform.watch.webhook import send


class Sink:
    """A server on this machine that answers as it is told and keeps what it got."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.got: list[dict[str, Any]] = []
        self.wait_s = 0.0
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                sink.got.append({"path": self.path, "type": self.headers["Content-Type"], **json.loads(body)})
                time.sleep(sink.wait_s)
                self.send_response(sink.answers.pop(0) if sink.answers else 204)
                self.send_header("Location", "/elsewhere")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/alerts"
        threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        ).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def sink(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sink]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    made = Sink()
    yield made
    made.close()


def test_a_message_arrives_as_json(sink: Sink) -> None:
    assert send(sink.url, {"text": "hello"}).ok
    assert sink.got == [{"path": "/alerts", "type": "application/json", "text": "hello"}]


def test_a_server_in_trouble_is_asked_again_with_growing_pauses(sink: Sink) -> None:
    sink.answers = [503, 500]
    pauses: list[float] = []
    found = send(sink.url, {}, sleep=pauses.append)
    assert (found.ok, found.tries, pauses) == (True, 3, [0.5, 1.0])


def test_it_gives_up_and_says_why(sink: Sink) -> None:
    sink.answers = [503] * 9
    found = send(sink.url, {}, sleep=lambda _: None)
    assert (found.ok, found.tries, found.error) == (False, 3, "the answer is 503, expected 2xx")
    assert len(sink.got) == 3


@pytest.mark.parametrize("code", [400, 404, 302, 307])
def test_a_refusal_or_a_redirect_is_not_repeated(sink: Sink, code: int) -> None:
    sink.answers = [code]
    found = send(sink.url, {}, sleep=lambda _: None)
    assert (found.ok, found.tries, found.error) == (False, 1, f"the answer is {code}, expected 2xx")
    assert len(sink.got) == 1


def test_a_slow_server_costs_a_bounded_time(sink: Sink) -> None:
    sink.wait_s = 0.5
    found = send(sink.url, {}, timeout_s=0.05, tries=2, sleep=lambda _: None)
    assert (found.ok, found.tries) == (False, 2)
    assert "timed out" in found.error


def test_no_server_and_no_address_are_told_and_nothing_is_raised(sink: Sink) -> None:
    sink.close()
    found = send(sink.url, {}, sleep=lambda _: None)
    assert not found.ok
    assert "refused" in found.error
    wrong = send("file:///etc/passwd", {})
    assert (wrong.tries, wrong.error) == (
        0, 'the address is "file:///etc/passwd", expected http:// or https://',
    )  # fmt: skip
