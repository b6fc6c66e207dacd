"""The server's log: one line per request and per event of note, and in none of them a person or a secret.

A line holds the route's template, not the path, since paths hold the ids of members. There are no query
strings, no bodies and no headers in it. Exceptions are logged with their places in the code; their messages
often quote data, and stand in the log only at the level "debug".
"""

from __future__ import annotations

import contextlib
import logging
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from http import HTTPMethod
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, TextIO

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from matinee.serve.headers import current_request_id

REQUESTS = logging.getLogger("matinee.request")
Form = Literal["auto", "json", "text"]
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
METHODS = frozenset(HTTPMethod)
WORTH_A_WARNING = (401, 403, 429)
"""Statuses that tell of a wrong key or of a client beyond its rate."""
LONGEST_CHAIN = 5
"""Most causes of an exception that are told."""


def set_up(form: Form = "auto", level: str = "info", *, stream: TextIO | None = None) -> logging.Handler:
    """Send everything that is logged in this process to one stream, in one form. A second call replaces it.

    Parameters
    ----------
    form : {"auto", "json", "text"}
        "auto": text on a terminal, JSON otherwise.
    level : {"debug", "info", "warning", "error"}
        "info" has a line per request; "warning" only those that went wrong. "debug" adds the messages of
        exceptions, which may hold ids of members: for development.
    stream : text file, optional
        Default standard error, which systemd and container engines collect.
    """
    out = sys.stderr if stream is None else stream
    chosen = ("text" if out.isatty() else "json") if form == "auto" else form
    quoting = level == "debug"
    handler = _Handler(out)
    handler.setFormatter(TextLines(quoting) if chosen == "text" else JsonLines(quoting))
    root = logging.getLogger()
    for before in [one for one in root.handlers if isinstance(one, _Handler)]:
        root.removeHandler(before)
    root.addHandler(handler)
    logging.getLogger("matinee").setLevel(LEVELS[level])
    logging.getLogger("uvicorn").setLevel(max(LEVELS[level], logging.INFO))
    access = logging.getLogger("uvicorn.access")  # writes raw paths
    access.disabled, access.propagate = True, False
    return handler


class RequestLog:
    """ASGI middleware: one line for each request, once it is answered. The outermost of all."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 500

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, note)
        finally:
            level = level_of(status)
            if REQUESTS.isEnabledFor(level):
                state = scope.get("state") or {}
                REQUESTS.handle(_request_record(level, scope, state, status, time.perf_counter() - began))


class JsonLines(logging.Formatter):
    """One JSON object per line.

    Parameters
    ----------
    quoting : bool
        Tell the messages of exceptions too.
    """

    def __init__(self, quoting: bool = False) -> None:
        super().__init__()
        self.quoting = quoting

    def format(self, record: logging.LogRecord) -> str:
        """Of a request: its facts; of anything else: who says what, and where an exception came from."""
        line: dict[str, Any] = {"time": _iso(record.created), "level": record.levelname.lower()}
        request = getattr(record, "request", None)
        if request is not None:
            line |= request
        else:
            line |= {"logger": record.name, "message": _message(record)}
            if (request_id := current_request_id()) is not None:
                line["request_id"] = request_id
            if record.exc_info and record.exc_info[1] is not None:
                line["errors"] = list(_told(record.exc_info[1], self.quoting))
        line["pid"] = record.process
        return msgspec.json.encode(line).decode()


class TextLines(logging.Formatter):
    """One line for people; an exception takes further, indented lines."""

    def __init__(self, quoting: bool = False) -> None:
        super().__init__()
        self.quoting = quoting

    def format(self, record: logging.LogRecord) -> str:
        """The same facts as in JSON."""
        head = f"{_iso(record.created)[11:23]} {record.levelname.lower():<7}"
        request = getattr(record, "request", None)
        if request is not None:
            text = "{method} {route} {status} {ms} ms".format(**request)
            key = f" key {request['key_id']}" if request["key_id"] else ""
            return f"{head} {text}{key} request {request['request_id']}"
        lines = [f"{head} {_message(record)}"]
        if record.exc_info and record.exc_info[1] is not None:
            for told in _told(record.exc_info[1], self.quoting):
                quoted = f": {told['message']}" if "message" in told else ""
                lines += [f"    {told['error']}{quoted}", *(f"      {place}" for place in told["places"])]
            if (request_id := current_request_id()) is not None:
                lines[0] += f" request {request_id}"
        return "\n".join(lines)


class _Handler(logging.StreamHandler[TextIO]):
    """Ours, so that a second `set_up` finds it; a log that nobody reads any more stops no request."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802
        """Nothing to do: there is nowhere left to say it."""
        with contextlib.suppress(OSError, ValueError):
            self.flush()


def level_of(status: int) -> int:
    """How loud a request's line is."""
    if status >= 500:
        return logging.ERROR
    return logging.WARNING if status in WORTH_A_WARNING else logging.INFO


def _request_record(
    level: int, scope: Scope, state: dict[str, Any], status: int, took_s: float
) -> logging.LogRecord:
    record = logging.LogRecord(REQUESTS.name, level, "", 0, "request", None, None)
    method = str(scope.get("method", ""))
    record.request = {
        "logger": REQUESTS.name,
        "method": method if method in METHODS else "other",
        "route": str(scope.get("path_template") or "unknown"),
        "status": status,
        "ms": round(took_s * 1_000, 2),
        "request_id": state.get("request_id"),
        "key_id": state.get("key_id"),
    }
    return record


def _message(record: logging.LogRecord) -> str:
    """What is said; of asyncio only the first line, since the next prints the exception with its data."""
    text = record.getMessage()
    return text.partition("\n")[0] if record.name == "asyncio" else text


def _told(problem: BaseException, quoting: bool) -> Iterator[dict[str, Any]]:
    """An exception and its causes: their kinds and the places in the code that they went through."""
    found: BaseException | None = problem
    for _ in range(LONGEST_CHAIN):
        if found is None:
            return
        told: dict[str, Any] = {"error": type(found).__qualname__, "places": _places(found.__traceback__)}
        if quoting:
            told["message"] = str(found)
        yield told
        found = found.__cause__ or (None if found.__suppress_context__ else found.__context__)


def _places(trace: TracebackType | None) -> list[str]:
    """File, line and function of each frame, the last call at the end."""
    out = []
    while trace is not None:
        code = trace.tb_frame.f_code
        file = Path(code.co_filename)
        out.append(f"{'/'.join(file.parts[-3:])}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return out


def _iso(created_s: float) -> str:
    second = int(created_s)
    return f"{_until_second(second)}.{int((created_s - second) * 1_000):03d}Z"


@lru_cache(maxsize=2)
def _until_second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
