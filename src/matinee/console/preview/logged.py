"""A logged page beside the one that is computed now for the same moment: does it come out the same?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from msgspec import structs

from matinee.console.preview.engine import Engine, limits_of, seen
from matinee.console.preview.imagined import Facts
from matinee.console.preview.question import (
    COLS,
    MOST_COLS,
    MOST_ROWS,
    RELEASED,
    ROWS,
    Question,
)
from matinee.console.preview.seen import Page
from matinee.console.preview.titles_then import Then
from matinee.errors import InputError, NotFoundError
from matinee.observe.decision_log import find_decision, plausible
from matinee.observe.decisions import DecisionRecord, Slot
from matinee.observe.home import Home
from matinee.observe.members import MATURITY_MAX
from matinee.observe.state.as_of import MembersAsOf
from matinee.platform.deciding import Decided, Explained
from matinee.platform.dresser import FALLBACK
from matinee.platform.initiative import Initiative
from matinee.serve.artworks import NAME as ARTWORK
from matinee.serve.deciding_again import Again, decide_again
from matinee.serve.images_again import images_of


@dataclass(frozen=True, slots=True)
class Logged:
    """A decision from the log.

    Attributes
    ----------
    decision_id : str
        The one that is asked about.
    made : str
        The one that composed the page: another one, if it was served again.
    page : Page
        What was shown, with scores and stages where it comes out the same again.
    again : Page or None
        What is computed now, where it differs; None: the same, or it cannot be computed.
    reproduced : bool or None
        None: it cannot be computed.
    note : str
        Why it differs, or cannot be computed.
    """

    decision_id: str
    made: str
    page: Page
    again: Page | None
    reproduced: bool | None
    note: str


def logged(
    home: Home, initiatives: Mapping[str, Initiative], name: str, decision_id: str, engine: Engine
) -> Logged:
    """Show a logged page, and make it once more.

    Parameters
    ----------
    name : str
        The initiative whose decisions are pages.

    Raises
    ------
    NotFoundError
        No decision of this id was logged, or it was pruned or erased.
    InputError
        It is not a page, or its member was erased.
    StorageError
        The lake or the log cannot be read.
    """
    record = find_decision(home, decision_id) if plausible(decision_id, engine.now().latest_us) else None
    made = record
    if record is not None and record.sticky_of is not None:
        made = find_decision(home, record.sticky_of)
    if record is None or made is None:
        raise NotFoundError(
            f'decision is "{decision_id[:200]}", expected the decision_id of a page of this service that was '
            "neither pruned nor erased."
        )
    if record.initiative != name or name not in initiatives:
        raise InputError(
            f'decision is "{decision_id}", which is of {record.initiative}, expected one of {name}. Ask '
            f"/v1/decisions/{decision_id} about it."
        )
    engine.refuse_erased(record.unit_id)
    again = decide_again(home, initiatives[name], made)
    return _told(home, initiatives, record, made, again, engine)


def question_about(record: DecisionRecord, *, release: str, artwork: str = RELEASED) -> Question:
    """The question whose preview is nearest to a logged page.

    What the request said about territory, maturity and kids is taken as stored.
    """
    context: Mapping[str, Any] = record.context
    maturity, kids, territory = (context.get(key) for key in ("maturity", "kids", "territory"))
    return Question(
        record.unit_id,
        record.at_us,
        release,
        str(context["device"]) if context.get("device") else None,
        Facts(
            str(territory) if territory else None,
            maturity if isinstance(maturity, int) and 0 <= maturity <= MATURITY_MAX else None,
            True if kids is True else None,
        ),
        _size(context.get("rows"), ROWS, MOST_ROWS),
        _size(context.get("cols"), COLS, MOST_COLS),
        seed if isinstance(seed := context.get("seed"), int) and seed >= 0 else 0,
        artwork=artwork,
    )


def _told(
    home: Home,
    initiatives: Mapping[str, Initiative],
    record: DecisionRecord,
    made: DecisionRecord,
    again: Again,
    engine: Engine,
) -> Logged:
    then = Then.of(home, made.at_us)
    members = MembersAsOf(home, made.at_us, made.at_us)
    past, stored = members.record(made.unit_id), members.member(made.unit_id)
    slots = record.slots or made.slots
    whys = {one["title_id"]: one["why"] for one in reversed(images_of(home, initiatives, made, slots))}
    question = question_about(made, release=_release(made, engine), artwork=_artwork(made, engine))
    given = Decided(
        tuple(slots), (), _text(made.context.get("reason")), {}, tuple(made.rows), tuple(made.unmet)
    )
    explained = again.explained
    same = again.reproduced and explained is not None
    told = Explained(given, (), {})
    if same and explained is not None:
        told = replace(explained, decided=given)
    common = {
        "version": FALLBACK if made.fallback else made.model,
        "at_us": record.at_us,
        "opened_us": made.at_us,
        "limits": limits_of(stored, past),
    }
    page = seen(then, question, told, slots, whys, past, engine.address)
    page = replace(page, policy=made.policy, **common)  # type: ignore[arg-type]
    other = None
    if explained is not None and not same:
        images = {slot.action: slot for slot in slots}
        now = [_with_image(slot, images.get(slot.action)) for slot in explained.decided.slots]
        other = seen(then, question, explained, now, whys, past, engine.address)
        other = replace(other, policy=made.policy, **common)  # type: ignore[arg-type]
    return Logged(record.decision_id, made.decision_id, page, other, again.reproduced, again.note)


def _release(made: DecisionRecord, engine: Engine) -> str:
    """The release that decided; what is in production, if it is gone or was two interleaved."""
    if made.fallback:
        return FALLBACK
    known = {one.version for one in engine.openings.releases()}
    return made.model if made.model in known else RELEASED


def _artwork(made: DecisionRecord, engine: Engine) -> str:
    """The release that chose the images; what is in production, if it is gone or nobody chose."""
    known = {one.version for one in engine.openings.releases(ARTWORK)}
    version = str(made.context.get("artwork_model", ""))
    return version if version in known else RELEASED


def _with_image(slot: Slot, shown: Slot | None) -> Slot:
    """A slot with the image that its title had on the logged page."""
    if shown is None or shown.artwork_id is None:
        return slot
    return structs.replace(
        slot,
        artwork_id=shown.artwork_id,
        artwork_propensity=shown.artwork_propensity,
        artwork_n=shown.artwork_n,
    )


def _size(value: object, usual: int, most: int) -> int:
    return min(value, most) if isinstance(value, int) and value > 0 else usual


def _text(value: object) -> str | None:
    return None if value is None else str(value)
