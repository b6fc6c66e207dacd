"""The addresses of /watch that change something: profile, plays, thumbs, the list, and reported events."""

from __future__ import annotations

import math
import secrets
from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Response, post
from litestar.di import NamedDependency
from litestar.response import Redirect

from matinee.console.entrance import staff
from matinee.console.origin import local
from matinee.console.parts import Console
from matinee.console.troubles import wants_json
from matinee.console.visit import AnyRequest
from matinee.console.watch import reporting
from matinee.console.watch.details import permitted
from matinee.console.watch.part import Look, Watch, profile_of
from matinee.console.watch.places import Place, surface_of
from matinee.errors import InputError
from matinee.learn.reading import UNKNOWN_RUNTIME_S
from matinee.observe.events.schema import LONGEST_TEXT
from matinee.serve.problems import ProblemError

WATCH = "/watch"
PLAY = "play"
LONGEST_PLAY_S = 86_400.0
LONGEST_BATCH = 4_000_000
"""Bytes of reported events; fewer where `[serve] max_body_mb` says so."""
PROFILE = "x-profile"
"""Header with which a module says whose page it stands on."""


@post("/watch/profile")
async def choose(request: AnyRequest, console: NamedDependency[Console]) -> Redirect:
    """Look at the page of a member from now on; `new` makes up somebody whom nobody has heard of."""
    staff(request)
    form = await request.form()
    member_id = str(form.get("member_id", ""))
    if "new" in form and not member_id:
        member_id = f"guest-{secrets.token_hex(4)}"
    if not member_id.strip() or len(member_id) > LONGEST_TEXT or not member_id.isprintable():
        raise InputError(
            f'member_id is "{member_id[:40]}", expected 1 to {LONGEST_TEXT} printable characters. Choose one.'
        )
    if console.services.erased.refuses(member_id):
        return Redirect(f"{WATCH}?gone=1", status_code=303)
    console.entrance.choose(request, member_id)
    return Redirect(WATCH, status_code=303)


@post("/watch/leave", sync_to_thread=False)
def leave(request: AnyRequest, console: NamedDependency[Console]) -> Redirect:
    """Back to the choice of profiles."""
    console.entrance.choose(request, None)
    return Redirect(WATCH, status_code=303)


@post("/watch/act")
async def act(request: AnyRequest, watch: NamedDependency[Watch]) -> Response[Any]:
    """Take in one play, thumb or change of the list from a form, and go back."""
    look = await watch.look(request)
    _same_profile(request, look)
    form = {str(name): str(value) for name, value in (await request.form()).items()}
    said = form.get("act", "")
    title_id = form.get("title_id", "")
    permitted(look.viewer, title_id)
    place = Place.of(form.get("decision_id", ""), form.get("row", ""), form.get("col", ""))
    surface = surface_of(form.get("surface"))
    event = _play(look, title_id, form, place) if said == PLAY else reporting.signal(title_id, said, place)
    if surface and place is None:
        event["surface"] = surface
    if form.get("event_id"):
        event["event_id"] = form["event_id"]
    reply = await watch.reports.one(event, look.viewer, look.screen.device)
    if wants_json(request):
        return _json({**msgspec.to_builtins(reply), "act": said, "title_id": title_id})
    return Redirect(local(form.get("next"), WATCH), status_code=303)


@post("/watch/events", status_code=200, request_max_body_size=LONGEST_BATCH)
async def events(request: AnyRequest, watch: NamedDependency[Watch]) -> Response[Any]:
    """Take in a JSON list of events without `member_id`; answers as `POST /v1/events`."""
    look = await watch.look(request)
    _same_profile(request, look)
    reply = await watch.reports.batch(await request.body(), look.viewer, look.screen.device)
    return _json(msgspec.to_builtins(reply))


def _play(look: Look, title_id: str, form: Mapping[str, str], place: Place | None) -> dict[str, Any]:
    """A play that a form reports; without a position it went on from where the title was left."""
    viewer = look.viewer
    plays = viewer.to_play(title_id) or title_id
    facts = permitted(viewer, plays)
    runtime_s = facts.runtime_s or UNKNOWN_RUNTIME_S
    watch_s = _seconds(form, "watch_s")
    if watch_s is None:
        raise InputError("watch_s is missing, expected the seconds that were watched.")
    position_s = _seconds(form, "position_s")
    if position_s is None:
        position_s = min(viewer.position_s(plays) + watch_s, runtime_s)
    return reporting.play(plays, watch_s, position_s, place)


def _seconds(form: Mapping[str, str], name: str) -> float | None:
    text = form.get(name, "")
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= LONGEST_PLAY_S:
        raise InputError(f'{name} is "{text[:40]}", expected a number of seconds, 0 to {LONGEST_PLAY_S:g}.')
    return value


def _same_profile(request: AnyRequest, look: Look) -> None:
    """Refuse what was done on the page of another profile, which the session has left since."""
    given = request.headers.get(PROFILE)
    if given and given != profile_of(look.viewer.member_id):
        raise ProblemError(
            409, "profile: the session has another one by now, expected that of the page. Reload the page."
        )


def _json(value: Any) -> Response[bytes]:
    return Response(
        msgspec.json.encode(value), media_type="application/json", headers={"Cache-Control": "no-store"}
    )


ROUTES = (choose, leave, act, events)
