"""Requests that no client library would send, as bytes on a socket; what must come back."""

from __future__ import annotations

import json
import random
import re
import socket
from dataclasses import dataclass

PATIENCE_S = 10.0
LEAKS = re.compile(
    rb"Traceback|File \"|\.py\b|site-packages|/usr/lib|/src/matinee|/home/|/tmp/|object at 0x|line \d+, in "
)
"""What a reply never holds: a trace, a path of this machine, the inside of an object."""
TARGETS = (
    "/v1/events",
    "/v1/members/m1/homepage",
    "/v1/decisions/retention",
    "/v1/decisions/x/reward",
    "/healthz",
    "/readyz",
    "/metrics",
    "/openapi.json",
    "/",
)
METHODS = ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "get", "PROPFIND", "")
HOSTILE = (
    b"%00",
    b"%zz",
    b"%",
    b"%c0%af",
    b"%ff%fe",
    b"..%2f..%2f..%2fetc%2fpasswd",
    b"../../../../etc/passwd",
    b"%e2%80%ae",
    b"%f0%9f%8e%ac",
    b";ls",
    b"'%20OR%201=1--",
    b"{{7*7}}",
    b"$%7bjndi:ldap://x%7d",
    b"%0d%0aX-Injected:%20yes",
    b"a" * 3_000,
    "ä".encode(),
    b"\xff\xfe",
    b"\x00",
)


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply as it came, or nothing: the connection was closed."""

    status: int
    headers: dict[str, str]
    body: bytes


def ask(address: str, request: bytes, *, close: bool = True) -> Reply | None:
    """Send bytes, and read until the end of the reply."""
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as sock:
        try:
            sock.sendall(request)
            if close:
                sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # refused while it was sent: what it says is there to be read
        data = b""
        try:
            while part := sock.recv(65_536):
                data += part
                if whole(data):
                    break
        except ConnectionError:
            pass
    return parsed(data)


def whole(data: bytes) -> bool:
    head, found, body = data.partition(b"\r\n\r\n")
    if not found:
        return False
    length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    return length is not None and len(body) >= int(length[1])


def parsed(data: bytes) -> Reply | None:
    head, found, body = data.partition(b"\r\n\r\n")
    if not found:
        return None
    first, *rest = head.split(b"\r\n")
    headers = {}
    for line in rest:
        name, _, value = line.decode("latin-1").partition(": ")
        headers[name.lower()] = value
    length = headers.get("content-length")
    return Reply(int(first.split()[1]), headers, body if length is None else body[: int(length)])


def check(reply: Reply, about: object) -> None:
    """No failure of ours, no leak, no header that the client wrote; errors in their form."""
    assert reply.status < 500, (about, reply)
    assert not LEAKS.search(reply.body), (about, reply)
    assert "x-injected" not in reply.headers, (about, reply)
    if reply.status >= 400 and reply.body and "json" in reply.headers.get("content-type", ""):
        problem = json.loads(reply.body)
        assert problem["status"] == reply.status, (about, reply)
        assert problem["title"], (about, reply)
        assert problem["detail"], (about, reply)
        assert "application/problem+json" in reply.headers["content-type"], (about, reply)
    elif reply.status >= 400 and "text/html" in reply.headers.get(
        "content-type", ""
    ):  # at an address of the pages
        assert "default-src 'none'" in reply.headers["content-security-policy"], (about, reply)
    elif reply.status >= 400:  # what the HTTP layer refuses before it is a request, and replies to HEAD
        assert len(reply.body) < 200, (about, reply)


def broken() -> dict[str, bytes]:
    """Requests that break HTTP itself, by what is wrong with them."""
    post = b"POST /v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    chunked = post + b"Transfer-Encoding: chunked\r\n\r\n"
    get = b"GET /v1/members/m1/homepage"
    return {
        "no method": b" / HTTP/1.1\r\n\r\n",
        "noise": bytes(random.Random(1).randbytes(4_000)) + b"\r\n\r\n",
        "tls": bytes.fromhex("16030100a5010000a10303") + b"x" * 160,
        "http2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "no version": get + b"\r\n\r\n",
        "version": get + b" HTTP/9.9\r\nHost: 127.0.0.1\r\n\r\n",
        "long url": get + b"?device=" + b"a" * 65_536 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        "long path": b"GET /" + b"a" * 65_536 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        "long id": b"GET /v1/members/" + b"a" * 20_000 + b"/homepage HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        "long header": get + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: " + b"a" * 100_000 + b"\r\n\r\n",
        "many headers": get + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"X-A: b\r\n" * 5_000 + b"\r\n",
        "endless header": get + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: " + b"a" * 300_000,
        "header name": get + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nX A: b\r\n\r\n",
        "header without name": get + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n: b\r\n\r\n",
        "NUL in header": get + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: a\x00b\r\n\r\n",
        "NUL in path": b"GET /v1/members/a\x00b/homepage HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        "folded header": get + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: a\r\n b\r\n\r\n",
        "bad percent": b"GET /v1/members/%zz%/homepage HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        "bad utf-8": b"GET /v1/members/%ff%fe/homepage HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        "bad utf-8 in query": get + b"?device=%ff%fe&territory=%c0 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        "surrogate": b"GET /v1/members/%ed%a0%80/homepage HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        "absolute": b"GET http://other/v1/members/m1/homepage HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        "star": b"OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        "chunk size": chunked + b"zz\r\n[]\r\n0\r\n\r\n",
        "chunk size sign": chunked + b"-1\r\n[]\r\n0\r\n\r\n",
        "chunk size huge": chunked + b"ffffffffffffffffff\r\n[]\r\n",
        "chunk too short": chunked + b"9\r\n[]\r\n0\r\n\r\n",
        "chunk without end": chunked + b"2\r\n[]\r\n",
        "chunk extension": chunked + b"2;" + b"x" * 50_000 + b"\r\n[]\r\n0\r\n\r\n",
        "chunked and length": post
        + b"Content-Length: 2\r\n"
        + chunked[len(post) :]
        + b"2\r\n[]\r\n0\r\n\r\n",
        "unknown coding": post + b"Transfer-Encoding: cow\r\n\r\n[]",
        "length too long": post + b"Content-Length: 9\r\n\r\n[]",
        "length too short": post + b"Content-Length: 1\r\n\r\n[]",
        "length negative": post + b"Content-Length: -5\r\n\r\n[]",
        "length no number": post + b"Content-Length: two\r\n\r\n[]",
        "length huge": post + b"Content-Length: 99999999999999999999\r\n\r\n[]",
        "two lengths": post + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n[] ",
        "gzip that is none": post + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n[]",
        "unknown packing": post + b"Content-Encoding: br\r\nContent-Length: 2\r\n\r\n[]",
        "utf-16": post + b"Content-Length: 6\r\n\r\n" + "[]".encode("utf-16"),
        "NUL in body": post + b"Content-Length: 4\r\n\r\n[\x00\x00]",
        "bad utf-8 in body": post + b'Content-Length: 14\r\n\r\n[{"type":"\xff"}]',
        "expectation": post + b"Expect: a miracle\r\nContent-Length: 2\r\n\r\n[]",
        "upgrade": get + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
        "two requests": (get + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n") * 2,
        "bad type": b"POST /v1/decisions/retention HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: \xff/\x01\r\n"
        b"Content-Length: 2\r\n\r\n{}",
        "authorization": get + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer \xff\xfe\r\n\r\n",
    }


def hostile(rng: random.Random) -> bytes:
    """A request that is HTTP, and in which anything may be wrong."""
    method = rng.choice(METHODS).encode()
    target = rng.choice(TARGETS).encode()
    if rng.random() < 0.6:
        parts = target.split(b"/")
        parts[rng.randrange(len(parts))] = rng.choice(HOSTILE)
        target = b"/".join(parts)
    if rng.random() < 0.5:
        names = (b"rows", b"cols", b"maturity", b"kids", b"cursor", b"budget_ms", b"territory", b"x")
        values = (*HOSTILE, b"", b"-1", b"1e999", b"NaN", b"true", b"99999999999999999999", b"[]", b"{}")
        target += b"?" + b"&".join(
            rng.choice(names) + b"=" + rng.choice(values) for _ in range(rng.randint(1, 4))
        )
    body = rng.choice((b"", b"null", b"[]", b"{}", b'"x"', b"1e999", b"[" * 200, b"\xff", b"[[]]"))
    if rng.random() < 0.5:
        body = json.dumps(anything(rng, 3)).encode()
    kinds = (
        b"application/json",
        b"application/x-ndjson",
        b"text/plain",
        b"multipart/form-data",
        b"\x7f",
        b"",
    )
    lines = [method + b" " + target + b" HTTP/1.1", b"Host: 127.0.0.1", b"Connection: close"]
    lines += [b"Content-Type: " + rng.choice(kinds), b"Content-Length: " + str(len(body)).encode()]
    if rng.random() < 0.2:
        lines.append(b"X-Request-Id: " + rng.choice(HOSTILE))
    if rng.random() < 0.1:
        lines.append(b"Content-Encoding: " + rng.choice((b"gzip", b"deflate", b"x", b"gzip, gzip")))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


NAMES = ("type", "event_id", "member_id", "title_id", "at", "watch_s", "unit_id", "context", "value")
TEXTS = ("play", "m1", "", " ", "\x00", "é", "2024-11-01T00:00:00Z", "9999-99-99", "a" * 500, "\ud83d")


def anything(rng: random.Random, depth: int) -> object:
    """A value of JSON, with the names of our own fields in it."""
    kind = rng.randrange(7 if depth else 5)
    if kind == 0:
        return rng.choice((0, -1, 1, 2**31, 2**63, -(2**70), 1e308, 0.5, 1_700_000_000))
    if kind == 1:
        return rng.choice((None, True, False))
    if kind in (2, 3, 4):
        return rng.choice(TEXTS)
    if kind == 5:
        return [anything(rng, depth - 1) for _ in range(rng.randrange(4))]
    return {rng.choice(NAMES): anything(rng, depth - 1) for _ in range(rng.randrange(6))}
