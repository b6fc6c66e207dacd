"""Pages of /watch as their contract has them, from a server of a few lines that a test can disturb."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import matinee.console

STATIC = Path(matinee.console.__file__).parent / "static"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types matinee"
)
"""That of the console, and Trusted Types on top."""
TYPES = {".js": "text/javascript", ".css": "text/css"}
WORDS = (
    "close failed other-profile liked disliked cleared listed unlisted play pause seek speed finished again "
    "search loading sent"
)
COLUMNS = 12
SECOND_US = 1_000_000
IMAGE = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="30">'
    '<rect width="20" height="30" fill="teal"/></svg>'
)


@dataclass
class Stage:
    """What the server says, and what it was told.

    Attributes
    ----------
    rows : callable
        Decision -> rows of its first screen: kind and title ids.
    further : int
        Fragments with two more rows each that `#more` leads to.
    answers : list of (status, headers)
        Taken one by one before events are accepted; -1 closes the connection without an answer.
    refused : set of str
        Titles about which events are rejected.
    batches : list of list of dict
        Events of each request that was accepted.
    """

    rows: Callable[[int], list[tuple[str, list[str]]]] = field(default=lambda _: home_rows())
    further: int = 0
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    batches: list[list[dict[str, Any]]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    profile: str = "p1"
    csrf: str = "c1"
    now: str = "1998-04-22T23:00:00.000Z"
    position_s: float = 0
    decisions: int = 0
    files: Path = STATIC
    broken: set[str] = field(default_factory=set)
    address: str = ""

    @property
    def events(self) -> list[dict[str, Any]]:
        """All that was accepted, each id once."""
        return list({one["event_id"]: one for batch in self.batches for one in batch}.values())

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        """Events of one type."""
        return [one for one in self.events if one["type"] == kind]


def home_rows(n: int = 8, first: str = "continue_watching") -> list[tuple[str, list[str]]]:
    """Rows with titles of their own: t1-1, t1-2, ..."""
    kinds = [first, *(f"kind_{i}" for i in range(2, n + 1))]
    return [(kind, [f"t{i}-{k}" for k in range(1, COLUMNS + 1)]) for i, kind in enumerate(kinds, start=1)]


def tile(title: str, decision: str, row: int, col: int, *, going_on: bool = False) -> str:
    """A tile; each fifth column has no image."""
    source = f"{decision}.{row}.{col}"
    image = '<img class="tile__image" src="/artwork/{}.svg" width="20" height="30" loading="lazy" alt="">'
    progress = '<progress class="tile__progress" max="100" value="40">40 %</progress>' if going_on else ""
    ground = f'<span class="tile__ground">{title}</span>'
    return (
        f'<li class="tile" data-title="{title}" data-row="{row}" data-col="{col}" data-decision="{decision}">'
        f'<a class="tile__link" href="/watch/title/{title}?from={source}">'
        f"{image.format(title) if col % 5 else ground}"
        f'<span class="tile__name">Name of {title}</span>{progress}</a></li>'
    )


def section(kind: str, titles: list[str], decision: str, row: int) -> str:
    """A row."""
    going_on = kind == "continue_watching"
    tiles = "".join(tile(one, decision, row, col, going_on=going_on) for col, one in enumerate(titles, 1))
    return (
        f'<section class="row" data-row="{row}" data-kind="{kind}" data-decision="{decision}" '
        f'aria-labelledby="row-{row}"><h2 class="row__title" id="row-{row}">Row {kind}</h2>'
        f'<ul class="row__tiles">{tiles}</ul></section>'
    )


def more(stage: Stage, at: int) -> str:
    """The link to further rows, while there are some."""
    address = f"/watch?cursor={at}"
    rows = f"/watch/rows?cursor={at}"
    return (
        f'<a id="more" rel="next" href="{address}" data-rows="{rows}">More</a>' if at < stage.further else ""
    )


def first_screen(stage: Stage) -> tuple[str, str]:
    """Rows of a new decision, and the link."""
    stage.decisions += 1
    decision = f"d{stage.decisions}"
    rows = stage.rows(stage.decisions)
    made = "".join(section(kind, titles, decision, i) for i, (kind, titles) in enumerate(rows, start=1))
    return made, more(stage, 0)


def acts(title: str) -> str:
    """Thumbs and list of a title."""
    kinds = (("thumb_up", "thumb_clear"), ("thumb_down", "thumb_clear"), ("list_add", "list_remove"))
    buttons = "".join(
        f'<button class="button" name="act" value="{on}" data-off="{off}" aria-pressed="false">{on}</button>'
        for on, off in kinds
    )
    return (
        f'<form class="act" method="post" action="/watch/act"><input type="hidden" name="csrf" value="c1">'
        f'<input type="hidden" name="title_id" value="{title}">'
        '<input type="hidden" name="decision_id" value="d1"><input type="hidden" name="row" value="1">'
        f'<input type="hidden" name="col" value="2">{buttons}</form>'
    )


def details(title: str) -> str:
    """What stands in the panel."""
    return (
        f'<article class="details" data-title="{title}" data-name="Name of {title}">'
        f'<h2 class="details__name" id="details-name">Name of {title}</h2>'
        f'<a class="button details__play" href="/watch/play/{title}">Play</a>{acts(title)}'
        f'<section class="row"><ul class="row__tiles"><li class="tile" data-title="s1">'
        f'<a class="tile__link" href="/watch/title/s1"><span class="tile__ground">Similar</span>'
        f'<span class="tile__name">Similar</span></a></li></ul></section></article>'
    )


def player(stage: Stage, title: str) -> str:
    """A player of a title that runs 1,000 seconds."""
    return (
        f'<section class="player" data-title="{title}" data-name="Name" data-runtime-s="1000" '
        f'data-position-s="{stage.position_s}" data-decision="d1" data-row="2" data-col="3">'
        f'<form class="act player__form" method="post" action="/watch/act"></form></section>'
        f'<section class="player__next" hidden><p>Next</p></section><a href="/watch" id="home">Home</a>'
    )


def page(stage: Stage, kind: str, content: str) -> str:
    """The frame."""
    words = " ".join(f'data-{one}="[{one}]{{name}}"' for one in WORDS.split())
    return (
        f'<!doctype html><html lang="en" data-theme="dark"><head><meta charset="utf-8"><title>{kind}</title>'
        f'<meta name="viewport" content="width=device-width"><meta name="csrf" content="{stage.csrf}">'
        f'<meta name="now" content="{stage.now}"><meta name="profile" content="{stage.profile}">'
        '<link rel="icon" href="data:,">'
        + "".join(
            f'<link rel="stylesheet" href="/console/static/x/{one}.css">'
            for one in ("tokens", "base", "parts", "watch")
        )
        + f'<script type="module" src="/console/static/x/watch.js"></script></head>'
        f'<body class="watch" data-page="{kind}">'
        f'<header class="header"><form id="search" action="/watch/search" role="search">'
        f'<input name="q" type="search" aria-label="Search"></form></header>'
        f'<main class="page" id="main">{content}</main>'
        f'<dialog class="panel" id="panel"></dialog><div id="said" role="status" aria-live="polite"></div>'
        f'<div id="words" hidden {words} data-not-sent="{{n}} wait" data-results="{{n}} results" '
        'data-no-results="none" data-position="{at} of {of}" data-rows-loaded="{n} rows"></div></body></html>'
    )


def answer(stage: Stage, path: str, query: dict[str, list[str]]) -> str | None:
    """HTML for an address."""
    part = "part" in query
    if path == "/watch":
        rows, link = first_screen(stage)
        return page(stage, "watch", f'<div class="rows" id="rows" data-rows="/watch/rows">{rows}</div>{link}')
    if path == "/watch/rows" and "cursor" in query:
        at = int(query["cursor"][0])
        n = len(stage.rows(0)) + 2 * at
        rows = [
            section(f"more_{n + i}", [f"m{n + i}-{k}" for k in range(COLUMNS)], f"c{at}", n + i)
            for i in (1, 2)
        ]
        return "".join(rows) + more(stage, at + 1)
    if path == "/watch/rows":
        return "".join(first_screen(stage))
    if path.startswith("/watch/title/"):
        made = details(path.rpartition("/")[2])
        return made if part else page(stage, "title", made)
    if path.startswith("/watch/play/"):
        return page(stage, "play", player(stage, path.rpartition("/")[2]))
    if path == "/watch/search":
        asked = query.get("q", [""])[0]
        tiles = "".join(
            f'<li class="tile" data-title="{asked}{i}"><a class="tile__link" href="/watch/title/{asked}{i}">'
            f'<span class="tile__ground">{asked}</span><span class="tile__name">{asked} {i}</span></a></li>'
            for i in range(len(asked))
        )
        heading = '<h2 class="row__title">Found</h2>'
        found = f'<section class="row">{heading}<ul class="row__tiles">{tiles}</ul></section>'
        return found if part else page(stage, "search", f'<div class="results" id="results">{found}</div>')
    return None


def handler(stage: Stage) -> type[BaseHTTPRequestHandler]:
    """What answers requests."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            stage.asked.append(self.path)
            name = url.path.rpartition("/")[2]
            if url.path.startswith("/console/static/"):
                file = stage.files / name
                bad = name in stage.broken or not file.is_file()
                self._say(404 if bad else 200, b"" if bad else file.read_bytes(), TYPES.get(file.suffix, ""))
            elif url.path.startswith("/artwork/"):
                self._say(200, IMAGE.encode(), "image/svg+xml")
            else:
                html = answer(stage, url.path, parse_qs(url.query))
                self._say(200 if html else 404, (html or "").encode(), "text/html; charset=utf-8")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            if stage.answers:
                status, headers = stage.answers.pop(0)
                if status < 0:
                    self.close_connection = True
                else:
                    self._say(status, b"{}", "application/json", headers)
            elif self.headers["X-Profile"] != stage.profile:
                self._say(409, b"{}", "application/json")
            elif self.headers["X-CSRF-Token"] != stage.csrf:
                self._say(403, b"{}", "application/json")
            else:
                events = json.loads(body)
                bad = [i for i, one in enumerate(events) if one.get("title_id") in stage.refused]
                stage.batches.append([one for i, one in enumerate(events) if i not in bad])
                rejected = [{"index": i, "error": "no"} for i in bad]
                reply = {"accepted": len(events) - len(bad), "duplicate": 0, "rejected": rejected}
                self._say(200, json.dumps(reply).encode(), "application/json")

        def _say(self, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            told = {"Content-Type": kind, "Content-Length": str(len(body)), "Cache-Control": "no-store"}
            for name, value in (told | {"Content-Security-Policy": POLICY} | (headers or {})).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    return Handler


@contextmanager
def staged(**given: Any) -> Iterator[Stage]:
    """A server on a free port of this machine."""
    stage = Stage(**given)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(stage))
    server.daemon_threads = True
    stage.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield stage
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
