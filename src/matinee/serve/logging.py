"""The server's log: one line per request and per event of note, and in none of them a person or a secret.

A line holds the route's template, not the path, since paths hold the ids of members. There are no query
strings, no bodies and no headers in it. Exceptions are logged with their places in the code; their messages
often quote data, and stand in the log only at the level "debug".
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from http import HTTPMethod
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, TextIO

import msgspec
from litestar.types import Scope

from matinee.observe.clock import wall_us
from matinee.serve.headers import current_request_id

REQUESTS = logging.getLogger("matinee.request")
Form = Literal["auto", "json", "text"]
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
METHODS = frozenset(HTTPMethod)
WORTH_A_WARNING = (401, 403, 429)
"""Statuses that tell of a wrong key or of a client beyond its rate."""
LONGEST_CHAIN = 5
"""Most causes of an exception that are told."""
FLUSH_S = 0.2
"""How long the line of a request that went well may wait for others."""
MOST_WAITING = 1_000
Told = tuple[str, str, int, float, str | None, str | None]
"""Of a request: method, route, status, milliseconds, its id, and that of its key."""
_NAMES = {level: name for name, level in LEVELS.items()}


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
    handler = _Handler(out, TextLines(quoting) if chosen == "text" else JsonLines(quoting))
    root = logging.getLogger()
    for before in [one for one in root.handlers if isinstance(one, _Handler)]:
        root.removeHandler(before)
        before.close()
    root.addHandler(handler)
    logging.getLogger("matinee").setLevel(LEVELS[level])
    logging.getLogger("uvicorn").setLevel(max(LEVELS[level], logging.INFO))
    access = logging.getLogger("uvicorn.access")  # writes raw paths
    access.disabled, access.propagate = True, False
    return handler


def log_request(scope: Scope, status: int, took_s: float) -> None:
    """One line for a request, once it is answered."""
    level = level_of(status)
    if not REQUESTS.isEnabledFor(level):
        return
    state = scope.get("state") or {}
    method = str(scope.get("method", ""))
    told: Told = (
        method if method in METHODS else "other",
        str(scope.get("path_template") or "unknown"),
        status,
        round(took_s * 1_000, 2),
        state.get("request_id"),
        state.get("key_id"),
    )
    handlers = [one for one in logging.getLogger().handlers if isinstance(one, _Handler)]
    for handler in handlers:
        handler.request(level, told)
    if not handlers:  # nobody called `set_up`: whoever embeds the application has a log of their own
        names = ("method", "route", "status", "ms", "request_id", "key_id")
        REQUESTS.log(level, "request", extra={"request": dict(zip(names, told, strict=True))})


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
        """Who says what, and where an exception came from."""
        line: dict[str, Any] = {
            "time": _iso(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        if (request_id := current_request_id()) is not None:
            line["request_id"] = request_id
        if record.exc_info and record.exc_info[1] is not None:
            line["errors"] = list(_told(record.exc_info[1], self.quoting))
        line["pid"] = record.process
        return msgspec.json.encode(line).decode()

    def request(self, level: int, told: Told) -> str:
        """The line of a request; none of its texts has anything to escape (templates, ids, numbers)."""
        method, route, status, ms, request_id, key_id = told
        key = "null" if key_id is None else f'"{key_id}"'
        return (
            f'{{"time":"{_iso(wall_us() / 1e6)}","level":"{_NAMES[level]}","logger":"{REQUESTS.name}",'
            f'"method":"{method}","route":"{route}","status":{status},"ms":{ms},"request_id":"{request_id}",'
            f'"key_id":{key},"pid":{os.getpid()}}}'
        )


class TextLines(logging.Formatter):
    """One line for people; an exception takes further, indented lines."""

    def __init__(self, quoting: bool = False) -> None:
        super().__init__()
        self.quoting = quoting

    def format(self, record: logging.LogRecord) -> str:
        """The same facts as in JSON."""
        head = f"{_iso(record.created)[11:23]} {record.levelname.lower():<7}"
        lines = [f"{head} {_message(record)}"]
        if record.exc_info and record.exc_info[1] is not None:
            for told in _told(record.exc_info[1], self.quoting):
                quoted = f": {told['message']}" if "message" in told else ""
                lines += [f"    {told['error']}{quoted}", *(f"      {place}" for place in told["places"])]
            if (request_id := current_request_id()) is not None:
                lines[0] += f" request {request_id}"
        return "\n".join(lines)

    def request(self, level: int, told: Told) -> str:
        """The line of a request."""
        method, route, status, ms, request_id, key_id = told
        key = f" key {key_id}" if key_id else ""
        head = f"{_iso(wall_us() / 1e6)[11:23]} {_NAMES[level]:<7}"
        return f"{head} {method} {route} {status} {ms} ms{key} request {request_id}"


class _Handler(logging.Handler):
    """Writes lines to a stream, those of requests that went well together, some times a second.

    A call of the system for each request would give other threads a turn each time, and waits for whoever
    reads the log. Everything else is written at once, after what waits. A log that nobody reads any more
    stops no request.
    """

    def __init__(self, stream: TextIO, lines: JsonLines | TextLines) -> None:
        super().__init__()
        self.stream, self.lines = stream, lines
        self.setFormatter(lines)
        self._waiting: deque[str] = deque()
        self._some = threading.Event()
        self._closed = False
        threading.Thread(target=self._run, name="matinee-log", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line at once."""
        self._waiting.append(self.format(record))
        self.flush()

    def request(self, level: int, told: Told) -> None:
        """Write the line of a request, soon."""
        waiting = self._waiting
        waiting.append(self.lines.request(level, told))
        if level >= logging.WARNING or len(waiting) >= MOST_WAITING:
            self.flush()
        elif len(waiting) == 1:
            self._some.set()

    def flush(self) -> None:
        """Write what waits."""
        with self.lock or contextlib.nullcontext(), contextlib.suppress(OSError, ValueError):
            lines = [self._waiting.popleft() for _ in range(len(self._waiting))]
            if lines:
                self.stream.write("\n".join(lines) + "\n")
            self.stream.flush()
        if self._waiting:  # a line that came meanwhile was not the first, so nobody told of it
            self._some.set()

    def close(self) -> None:
        """Write what waits; the thread ends. Called at the end of the process too."""
        self._closed = True
        self._some.set()
        self.flush()
        super().close()

    def _run(self) -> None:
        while not self._closed:
            self._some.wait()
            self._some.clear()
            time.sleep(FLUSH_S)
            self.flush()


def level_of(status: int) -> int:
    """How loud a request's line is."""
    if status >= 500:
        return logging.ERROR
    return logging.WARNING if status in WORTH_A_WARNING else logging.INFO


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
