"""The addresses of /watch that show something."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import urlencode

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Stream

from matinee.console.entrance import staff
from matinee.console.parts import Part
from matinee.console.visit import AnyRequest, visit_of
from matinee.console.watch import acting, reporting
from matinee.console.watch.details import decided_at, details, permitted, tile_of
from matinee.console.watch.part import Look, Watch
from matinee.console.watch.places import SEARCH, Place, surface_of
from matinee.console.watch.sentences import isolated
from matinee.console.watch.tiles import details_address, play_address
from matinee.errors import MatineeError, NotFoundError
from matinee.learn.reading import UNKNOWN_RUNTIME_S
from matinee.types import format_exact

WATCH = "watch/page.html.jinja"
MINUTES = 10
"""Of the button that watches a little."""
END_S = 1.0
SAME_SITE = frozenset({"same-origin", "none"})


@get("/watch")
async def watch_page(request: AnyRequest, watch: NamedDependency[Watch]) -> Response[bytes] | Stream:
    """The page of the member whom the session names; without one, the choice of profiles.

    Its head is sent before the rows are decided.
    """
    if staff(request).member_id is None:
        return await _profiles(request, watch)
    look = await watch.look(request)
    watch.warm()
    values = {"page_name": "watch", "again": look.screen.address("/watch/rows")}
    if request.query_params.get("cursor"):  # it may be none of ours, which has a status of its own
        late = await _late(request, watch, look)
        return watch.page(request, look, WATCH, {**values, "late": late})
    return watch.begun(request, look, WATCH, values, _late(request, watch, look))


@get("/watch/rows")
async def rows(request: AnyRequest, watch: NamedDependency[Watch]) -> Response[bytes]:
    """Rows as a part: those below a cursor; without one the first screen as it is now."""
    look = await watch.look(request)
    late = await _late(request, watch, look)
    found = watch.page(request, look, "watch/rows.html.jinja", late)
    if late["page"].replaced:
        found.headers["X-Matinee-Page"] = "replaced"
    return found


@get("/watch/title/{title_id:path}")
async def title(
    request: AnyRequest, title_id: FromPath[str], watch: NamedDependency[Watch]
) -> Response[bytes]:
    """The details of a title; with `part=1` for the panel."""
    title_id = title_id.removeprefix("/")
    look = await watch.look(request)
    place = Place.parse(request.query_params.get("from"))
    surface = surface_of(request.query_params.get("from"))
    found = await details(watch.services, look.viewer, look.tiles, title_id, place=place, surface=surface)
    values = {
        "page_name": "title",
        "found": found,
        "place": place,
        "surface": surface,
        "decision_id": None if place is None else place.decision_id,
        "play": play_address(title_id, place, surface),
        "back": details_address(title_id, place, surface),
        "genre": look.tiles.sentences.genre,
        "part": _part(request),
    }
    template = "watch/details.html.jinja" if _part(request) else "watch/title.html.jinja"
    return watch.page(request, look, template, values)


@get("/watch/play/{title_id:path}")
async def player(
    request: AnyRequest, title_id: FromPath[str], watch: NamedDependency[Watch]
) -> Response[bytes]:
    """The simulated player; a series plays the episode that comes next, and goes on where it was left."""
    title_id = title_id.removeprefix("/")
    look = await watch.look(request)
    viewer, found_at = look.viewer, request.query_params.get("from")
    place, surface = Place.parse(found_at), surface_of(found_at)
    permitted(viewer, title_id)
    plays = viewer.to_play(title_id)
    if plays is None:
        raise NotFoundError("title: this profile has nothing of this series, expected an episode.")
    facts = permitted(viewer, plays)
    runtime_s = facts.runtime_s or UNKNOWN_RUNTIME_S
    position_s = min(viewer.position_s(plays), max(runtime_s - END_S, 0.0))
    following = viewer.next_episode(plays)
    decided = await decided_at(watch.services, viewer, title_id, place)
    tile = tile_of(look.tiles, plays, decided)
    values = {
        "page_name": "play",
        "facts": facts,
        "tile": tile,
        "place": place,
        "surface": surface,
        "decision_id": None if place is None else place.decision_id,
        "runtime_s": runtime_s,
        "position_s": position_s,
        "offers": _offers(runtime_s, position_s),
        "event_id": secrets.token_hex(16),
        "following": None if following is None else look.tiles.plain([following])[0],
        "following_play": None if following is None else play_address(following, place, surface),
        "back": details_address(title_id, place, surface),
        "part": _part(request),
    }
    template = "watch/player.html.jinja" if _part(request) else "watch/play.html.jinja"
    return watch.page(request, look, template, values)


@get("/watch/search")
async def search(request: AnyRequest, watch: NamedDependency[Watch]) -> Response[bytes]:
    """What is found, or near; with `part=1` the results alone.

    A page of results is a search of the member, and is reported as one; for parts the module does that.
    """
    look = await watch.look(request)
    query = " ".join(request.query_params.get("q", "").split())
    found = await watch.search.find(look.viewer, query)
    part = _part(request)
    reported = False
    if found.query and not part and request.headers.get("sec-fetch-site", "none") in SAME_SITE:
        reported = await _report(watch, look, found.query)
    values = {
        "page_name": "search",
        "query": query,
        "quoted": isolated(found.query),
        "found": found,
        "named": look.tiles.plain(found.named, surface=SEARCH),
        "described": look.tiles.plain(found.described, surface=SEARCH),
        "watched": look.tiles.plain(found.watched or (), surface=SEARCH),
        "close": look.tiles.plain(found.close or (), surface=SEARCH),
        "picks": look.tiles.plain(found.picks or (), surface=SEARCH),
        "reported": reported,
    }
    return watch.page(
        request, look, "watch/results.html.jinja" if part else "watch/search.html.jinja", values
    )


async def _profiles(request: AnyRequest, watch: Watch) -> Response[bytes]:
    """The choice of profiles."""
    watch.warm()
    who = request.query_params.get("who", "")[:100]
    number = request.query_params.get("page", "1")
    choice = await watch.profiles.choice(who, int(number[:6]) if number.isdecimal() else 1)
    asked = {"who": who} if who else {}
    values = {
        "page_name": "profiles",
        "choice": choice,
        "who": who,
        "earlier": _numbered(asked, choice.page - 1) if choice.page > 1 else None,
        "later": _numbered(asked, choice.page + 1) if choice.page < choice.n_pages else None,
        "gone": request.query_params.get("gone") is not None,
    }
    return watch.console.rendering.page(
        request, "watch/profiles.html.jinja", {**watch.frame(request), **values}
    )


def _numbered(asked: dict[str, str], page: int) -> str:
    return "/watch?" + urlencode({**asked, "page": page})


async def _late(request: AnyRequest, watch: Watch, look: Look) -> dict[str, Any]:
    """What a page knows when its rows are decided."""
    cursor = request.query_params.get("cursor") or None
    language = visit_of(request).language.code
    page = await watch.pages.page(look.viewer, look.tiles, look.screen, language, cursor)
    further = cursor is not None and not page.replaced
    return {
        "page": page,
        "further": further,
        "addresses": _addresses(look, page.cursor),
        "now": format_exact(watch.services.clock.now_us),
    }


async def _report(watch: Watch, look: Look, query: str) -> bool:
    """Report a search; a page of results does not fail because it cannot be."""
    try:
        await watch.reports.one(reporting.search(query, look.viewer), look.viewer, look.screen.device)
    except MatineeError:
        return False
    return True


def _addresses(look: Look, cursor: str | None) -> dict[str, str]:
    """Addresses of rows: the first ones again, the next ones as a page and as a part."""
    screen = look.screen
    return {
        "first": screen.address("/watch"),
        "page": screen.address("/watch", cursor=cursor),
        "part": screen.address("/watch/rows", cursor=cursor),
    }


def _offers(runtime_s: float, position_s: float) -> list[tuple[str, int]]:
    """What the form of the player offers: key of a text, and seconds to watch."""
    left_s = runtime_s - position_s
    found = [("player.to_the_end", left_s), ("player.half", min(left_s, runtime_s / 2))]
    if left_s > MINUTES * 60:
        found.append(("player.ten_minutes", MINUTES * 60))
    return [(key, max(1, round(s))) for key, s in found]


def _part(request: AnyRequest) -> bool:
    return request.query_params.get("part") == "1"


PART = Part(
    routes=(watch_page, rows, title, player, search, *acting.ROUTES),
    links=(("common.watch", "/watch"),),
    open=lambda console: {"watch": Watch(console)},
)
