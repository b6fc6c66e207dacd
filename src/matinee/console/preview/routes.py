"""/console/preview: any member's page, as of any time, on any release, alone or beside another one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlencode

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.response import Redirect

from matinee.console.parts import Console, Part
from matinee.console.preview.changes import KINDS
from matinee.console.preview.desk import Desk, Result
from matinee.console.preview.links import PATH, Links
from matinee.console.preview.openings import Release
from matinee.console.preview.question import Asked, WrongError, read, write
from matinee.console.preview.view import DEVICES, view
from matinee.console.preview.words import Words, least_play, name_of
from matinee.console.visit import AnyRequest, visit_of
from matinee.console.watch.profiles import Profiles
from matinee.errors import StorageError
from matinee.serve.problems import UNAVAILABLE_RETRY_S, ProblemError

PAGE, FRAGMENT = "preview/page.html.jinja", "preview/part.html.jinja"
MOST_PARAMETERS = 200
HEADERS = {"Cache-Control": "no-store"}


@get(PATH)
async def preview(
    request: AnyRequest, console: NamedDependency[Console], previews: NamedDependency[Previews]
) -> Response[Any]:
    """The page, or with `part=1` what changes of it."""
    return await previews.reply(request, console)


class Previews:
    """Answers the requests for previews.

    Parameters
    ----------
    console : Console
    """

    def __init__(self, console: Console) -> None:
        self.desk = Desk(console)
        self.profiles = Profiles(console.services)

    async def reply(self, request: AnyRequest, console: Console) -> Response[Any]:
        """A page in any case: what is wrong is told beside its field, and that too much waits too."""
        query = request.scope["query_string"].decode("latin-1")
        watching = visit_of(request).session.member_id
        if not query and watching is not None:  # from the page that is looked at to why it looks so
            return Redirect(f"{PATH}?{urlencode({'member': watching})}", status_code=303)
        try:
            parameters = parse_qs(query, keep_blank_values=True, max_num_fields=MOST_PARAMETERS)
        except ValueError:
            parameters = {}
        asked, part = read(parameters), parameters.get("part") == ["1"]
        found: list[Any] = []
        releases: tuple[list[Release], list[Release]] = ([], [])
        status, headers, result = 200, dict(HEADERS), Result()
        try:
            releases = await self.desk.releases()
            to, found = await self._imagined(asked, parameters)
            to = to or _shorter(asked, query)
            if to is not None:
                return Redirect(_part(to) if part else to, status_code=303)
            result = await self.desk.show(asked)
        except WrongError as problem:
            asked = replace(asked, wrong={**asked.wrong, problem.field: str(problem)})
        except ProblemError as problem:
            if problem.status != 503:
                raise
            status, result = 503, Result(trouble=str(problem))
            headers |= problem.headers
        if result.later:
            status, headers["Retry-After"] = 503, str(UNAVAILABLE_RETRY_S)
        elif status == 200 and (asked.wrong or result.wrong):
            status = 400
        profiles = [] if part and asked.first is not None else await self._members()
        words = Words(console.texts, visit_of(request).language)
        values = view(asked, result, releases, found, profiles, parameters) | told(words, result)
        return console.rendering.page(
            request, FRAGMENT if part else PAGE, values, status=status, headers=headers
        )

    async def _imagined(self, asked: Asked, parameters: dict[str, list[str]]) -> tuple[str | None, list[Any]]:
        """The address with the change that a form asked for by a title's name; else titles to choose from."""
        kind, text = (parameters.get(name, [""])[0].strip() for name in ("what", "about"))
        if asked.first is None or kind not in KINDS or not text:
            return None, []
        found = await self.desk.titles(asked.second or asked.first, text)
        if len(found) == 1:
            return Links(asked.first, asked.second, asked.title).what_if(kind, found[0].title_id), []
        return None, found

    async def _members(self) -> list[str]:
        """Some members to choose from, those first who did something last."""
        try:
            choice = await self.profiles.choice()
        except StorageError:
            return []
        return [one.member.member_id for house in choice.households for one in house.profiles]


def told(words: Words, result: Result) -> dict[str, Any]:
    """What the templates say with."""
    return {
        "said": words.summary(result.differences),
        "sentences": words.sentences,
        "notes": words.notes,
        "known": words.known,
        "share": words.share,
        "asked_of": words.asked,
        "stage_name": words.stage_name,
        "version_name": words.version_name,
        "device_name": words.device_name,
        "device_options": [(one, words.device_name(one)) for one in DEVICES],
        "measured": words.measured,
        "name_of": name_of,
        "least_play": least_play,
    }


def _part(address: str) -> str:
    """The address of what changes of a page."""
    address, _, spot = address.partition("#")
    return f"{address}&part=1" + (f"#{spot}" if spot else "")


def _shorter(asked: Asked, query: str) -> str | None:
    """The address without what is as usual, where a form made a longer one."""
    if asked.wrong or asked.first is None or "about=" in query:
        return None
    short = write(asked.first, asked.second, title=asked.title)
    given = [(n, v) for n, values in parse_qs(query).items() for v in values if n not in {"part", "lang"}]
    blank = len(parse_qs(query)) != len(parse_qs(query, keep_blank_values=True))
    return f"{PATH}?{short}" if blank or len(urlencode(given)) > len(short) else None


PART = Part(
    routes=(preview,),
    links=(("preview.link", PATH),),
    open=lambda console: {"previews": Previews(console)},
)
