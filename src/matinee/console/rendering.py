"""Makes pages: Jinja templates, in which everything is escaped and nothing may be missing."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jinja2
from litestar import Response

from matinee.console.look import THEMES
from matinee.console.session import Sessions
from matinee.console.static import LEAST_PACKED, Static, packs
from matinee.console.texts import Language, Texts
from matinee.console.visit import AnyRequest, visit_of

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
    "Cross-Origin-Opener-Policy": "same-origin",
    "Vary": "Accept-Encoding, Cookie",
}
PACKING = 4
"""Effort of gzip for pages: 0.3 ms for 60 KB, which become 7 KB; a tenth more than at 9."""
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
        told = {**HEADERS, **(headers or {})}
        if len(data) >= LEAST_PACKED and packs(request):
            data = gzip.compress(data, PACKING)
            told["Content-Encoding"] = "gzip"
        return Response(data, status_code=status, headers=told, media_type="text/html")

    def text(self, request: AnyRequest, template: str, values: Mapping[str, Any] | None = None) -> str:
        """The same as text."""
        visit = visit_of(request)
        environment = self._environments[visit.language.code]
        return environment.get_template(template).render(
            visit=visit,
            session=visit.session,
            theme=visit.look.theme,
            csrf=self.sessions.token(visit.session),
            here=_here(request),
            links=self.links,
            **(values or {}),
        )

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


def _here(request: AnyRequest) -> str:
    """The address of a page, to come back to; of anything but a page that was asked for: the start."""
    if request.method != "GET":
        return "/watch"
    query = request.scope["query_string"].decode("latin-1")
    return request.scope["path"] + (f"?{query}" if query else "")
