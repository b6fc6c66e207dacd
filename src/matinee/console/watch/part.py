"""What the addresses of /watch work with, and the values that all its pages have."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any

from litestar import Response
from litestar.response import Stream

from matinee.console.entrance import watcher
from matinee.console.parts import Console
from matinee.console.titles import TitlesNow
from matinee.console.visit import AnyRequest, visit_of
from matinee.console.watch.pages import WatchedPages
from matinee.console.watch.profiles import Profiles
from matinee.console.watch.reporting import Reports
from matinee.console.watch.screen import Screen, screen_of
from matinee.console.watch.searching import Search
from matinee.console.watch.sentences import Sentences
from matinee.console.watch.tiles import Tiles
from matinee.console.watch.viewing import Viewer, viewer
from matinee.errors import MatineeError
from matinee.serve.pages import Pages
from matinee.types import format_exact, parse_at

LOG = logging.getLogger("matinee.console")
CLIENT = "client"
"""Section of the texts that the modules in the browser say."""


@dataclass(frozen=True, slots=True)
class Look:
    """One request for a page of a member: who looks, on what, and in which words.

    Attributes
    ----------
    viewer : Viewer
    screen : Screen
    tiles : Tiles
    """

    viewer: Viewer
    screen: Screen
    tiles: Tiles


class Watch:
    """What the addresses of /watch work with; handlers take it by the name `watch`.

    Attributes
    ----------
    titles : TitlesNow
    pages : WatchedPages
    search : Search
    profiles : Profiles
    reports : Reports
    """

    def __init__(self, console: Console) -> None:
        services = console.services
        self.console, self.services = console, services
        self.titles = TitlesNow(services)
        self.pages = WatchedPages(Pages(services))
        self.search = Search(services)
        self.profiles = Profiles(services)
        self.reports = Reports(services)
        self._warming: asyncio.Task[None] | None = None
        self._words = client_words(console)

    async def look(self, request: AnyRequest) -> Look:
        """Read who looks.

        Raises
        ------
        StaffNeededError, ProfileNeededError
            Nobody who may, or no profile is chosen.
        StorageError
            Nothing is known about any title yet.
        """
        member_id = watcher(request)
        screen = screen_of(request.headers, request.query_params)
        locale = visit_of(request).language.locale
        found = await viewer(self.services, self.titles, member_id, {})
        code = visit_of(request).language.code

        def say(key: str, **values: object) -> str:
            return self.console.texts.say(code, key, values)

        sentences = Sentences(say, lambda day: locale.date(parse_at(day), "day"))
        return Look(found, screen, Tiles(self.services, found, sentences))

    def page(
        self,
        request: AnyRequest,
        look: Look,
        template: str,
        values: Mapping[str, Any],
        *,
        status: int = 200,
    ) -> Response[bytes]:
        """A page of a member; its template finds `viewer`, `screen`, `kids` and what `frame` says."""
        return self.console.rendering.page(
            request, template, self._known(request, look) | dict(values), status=status
        )

    def begun(
        self,
        request: AnyRequest,
        look: Look,
        template: str,
        values: Mapping[str, Any],
        later: Awaitable[Mapping[str, Any]],
    ) -> Stream:
        """The same, with its head sent at once and the rest when `later` is there (`Rendering.begun`)."""
        return self.console.rendering.begun(
            request, template, self._known(request, look) | dict(values), later
        )

    def _known(self, request: AnyRequest, look: Look) -> dict[str, Any]:
        titles = look.viewer.seen.titles
        return {
            **self.frame(request),
            "viewer": look.viewer,
            "screen": look.screen,
            "kids": look.viewer.kids,
            "size": titles.size,
            "aspect": titles.aspect,
            "profile": profile_of(look.viewer.member_id),
            "member_id": look.viewer.member_id,
        }

    def frame(self, request: AnyRequest) -> dict[str, Any]:
        """What every page of /watch has, also one without a member."""
        return {
            "screen": screen_of(request.headers, request.query_params),
            "kids": False,
            "profile": "",
            "member_id": None,
            "now": format_exact(self.services.clock.now_us),
            "words": self._words,
            "query": "",
            "decision_id": None,
            "tools": "watch/tools.html.jinja",
        }

    def warm(self) -> None:
        """Read titles and make the index of the search in the background, before somebody waits for them."""
        if self._warming is None:
            self._warming = asyncio.create_task(self._warm())

    async def _warm(self) -> None:
        try:
            await self.search.warm(await self.titles.now())
        except MatineeError as problem:
            LOG.warning("/watch is not warm yet: %s", problem)
            self._warming = None


def client_words(console: Console) -> list[tuple[str, str]]:
    """Names and keys of the texts that modules say: `not-sent`, `client.not_sent`."""
    entries = console.texts.languages["en"].entries
    keys = [key for key in entries if key.startswith(f"{CLIENT}.")]
    return [(key.removeprefix(f"{CLIENT}.").replace("_", "-"), key) for key in keys]


def profile_of(member_id: str) -> str:
    """A text that is the same for one member and for no other, and does not tell the id."""
    return hashlib.blake2b(member_id.encode(), digest_size=12, person=b"matinee watch").hexdigest()
