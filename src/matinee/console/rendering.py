"""Makes pages: Jinja templates, in which everything is escaped and nothing may be missing."""

from __future__ import annotations

import asyncio
import gzip
import logging
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jinja2
from litestar import Response
from litestar.response import Stream
from markupsafe import Markup

from matinee.console.look import THEMES
from matinee.console.session import Sessions
from matinee.console.static import LEAST_PACKED, Static, packs
from matinee.console.texts import Language, Texts
from matinee.console.visit import AnyRequest, visit_of

LOG = logging.getLogger("matinee.console")
FOLDER = Path(__file__).parent / "templates"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",  # with no-referrer, browsers send forms with "Origin: null"
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Vary": "Accept-Encoding, Cookie",
}
APART = {"Cross-Origin-Opener-Policy": "same-origin"}
"""Of the pages of the team. A browser gives them a process of its own, which costs a member's page 60 ms."""
GZIP = 31
"""`wbits` of zlib that makes a gzip stream."""
PACKING = 4
"""Effort of gzip for pages: 0.3 ms for 60 KB, which become 7 KB; a tenth more than at 9."""
MARK = "\x00"
"""Where a page is parted that is sent in parts; no text of a page has it."""
FAILED = "failed.html.jinja"
"""The rest of a page whose rest cannot be made."""
Link = tuple[str, str]
"""Key of a text, and an address."""


class Rendering:
    """Pages in all languages. Templates know these by themselves:

    `t(key, n=...)` a text; `number(x)`, `percent(share)`, `date(at_us, form)`, `time(at_us)`,
    `duration(seconds)` as the language writes them; `static(file)` its address; `lang`; `languages` (code and
    name); `themes`. And of the request: `visit`, `session`, `theme`, `csrf`, `here` (its address), `links`
    (the pages of the console).

    Parameters
    ----------
    texts : Texts
    files : Static
    sessions : Sessions
    links : sequence of (key, address)
        What stands in the head of each page.
    reload : bool
        Read a template again when it changes.
    """

    def __init__(
        self,
        texts: Texts,
        files: Static,
        sessions: Sessions,
        *,
        links: tuple[Link, ...] = (),
        folder: Path = FOLDER,
        reload: bool = False,
    ) -> None:
        self.texts, self.files, self.sessions, self.links = texts, files, sessions, links
        self._environments = {
            code: self._environment(language, folder, reload) for code, language in texts.languages.items()
        }

    def page(
        self,
        request: AnyRequest,
        template: str,
        values: Mapping[str, Any] | None = None,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> Response[bytes]:
        """A page, or a part of one, for the visitor who asked.

        Parameters
        ----------
        template : str
            Path in `templates/`.
        values : mapping
            What the template needs besides what it knows.
        """
        data = self.text(request, template, values).encode()
        told = {**_headers(request), **(headers or {})}
        if len(data) >= LEAST_PACKED and packs(request.headers.get("accept-encoding", "")):
            data = gzip.compress(data, PACKING)
            told["Content-Encoding"] = "gzip"
        return Response(data, status_code=status, headers=told, media_type="text/html")

    def text(self, request: AnyRequest, template: str, values: Mapping[str, Any] | None = None) -> str:
        """The same as text."""
        return self._template(request, template).render(self._known(request) | dict(values or {}))

    def begun(
        self,
        request: AnyRequest,
        template: str,
        values: Mapping[str, Any],
        later: Awaitable[Mapping[str, Any]],
    ) -> Stream:
        """A page in parts: what is above the first `{{ mark }}` is sent at once, the rest when it is known.

        A browser fetches the style sheet and shows the head meanwhile. Below, each part is sent when the next
        mark is met. Where it fails, a sentence stands in its place: the status has been sent.

        Parameters
        ----------
        values : mapping
            What the template needs, besides what it knows and `late`.
        later : awaitable
            Gives what the template finds below the mark as attributes of `late`. It goes on when the visitor
            leaves.
        """
        late = SimpleNamespace()
        known = self._known(request) | dict(values) | {"late": late, "mark": Markup(MARK)}
        rest = self._template(request, template).generate(known)
        first, _ = _until_mark(rest)
        packing = packs(request.headers.get("accept-encoding", ""))
        coming = asyncio.ensure_future(later)

        async def sent() -> AsyncIterator[bytes]:
            pack = zlib.compressobj(PACKING, wbits=GZIP) if packing else None
            yield first.encode() if pack is None else _packed(pack, first, zlib.Z_SYNC_FLUSH)
            more, inside = True, False
            try:
                vars(late).update(await asyncio.shield(coming))
                while more:
                    part, more = _until_mark(rest)
                    if more:
                        inside = True
                        yield part.encode() if pack is None else _packed(pack, part, zlib.Z_SYNC_FLUSH)
                        await asyncio.sleep(0)  # what a turn of the loop wrote leaves at its end
            except Exception:
                LOG.exception("%s: its rest cannot be made", template)
                part = self.text(request, FAILED, {"inside": inside})
            yield part.encode() if pack is None else _packed(pack, part, zlib.Z_FINISH)

        told = _headers(request) | ({"Content-Encoding": "gzip"} if packing else {})
        return Stream(sent(), headers=told, media_type="text/html")

    def _template(self, request: AnyRequest, name: str) -> jinja2.Template:
        return self._environments[visit_of(request).language.code].get_template(name)

    def _known(self, request: AnyRequest) -> dict[str, Any]:
        """What each page knows of its request."""
        visit = visit_of(request)
        return {
            "visit": visit,
            "session": visit.session,
            "theme": visit.look.theme,
            "csrf": self.sessions.token(visit.session),
            "here": _here(request),
            "links": self.links,
            "mark": "",
        }

    def _environment(self, language: Language, folder: Path, reload: bool) -> jinja2.Environment:
        made = jinja2.Environment(
            loader=jinja2.FileSystemLoader(folder),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=reload,
            cache_size=-1,
        )
        locale = language.locale
        made.globals.update(
            t=self._say(language.code),
            number=locale.number,
            percent=locale.percents,
            date=locale.date,
            time=locale.time,
            duration=locale.duration,
            static=self.files.address,
            lang=language.code,
            languages=[(code, one.name) for code, one in self.texts.languages.items()],
            themes=THEMES,
        )
        return made

    def _say(self, code: str) -> Callable[..., str]:
        def t(key: str, **values: object) -> str:
            return self.texts.say(code, key, values)

        return t


def _headers(request: AnyRequest) -> dict[str, str]:
    return HEADERS | APART if request.url.path.startswith("/console") else HEADERS


def _until_mark(pieces: Iterator[str]) -> tuple[str, bool]:
    """What comes before the next mark, which is a piece of its own, and whether there was one."""
    found: list[str] = []
    for piece in pieces:
        if piece == MARK:
            return "".join(found), True
        found.append(piece)
    return "".join(found), False


def _packed(pack: Any, text: str, flush: int) -> bytes:
    """A part of a gzip stream, whole enough to be read when it arrives."""
    return bytes(pack.compress(text.encode()) + pack.flush(flush))


def _here(request: AnyRequest) -> str:
    """The address of a page, to come back to; of anything but a page that was asked for: the start."""
    if request.method != "GET":
        return "/watch"
    query = request.scope["query_string"].decode("latin-1")
    return request.scope["path"] + (f"?{query}" if query else "")
