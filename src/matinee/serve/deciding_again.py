"""Make a logged decision once more, as of its moment, and say whether it comes out the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from matinee import settings
from matinee.learn.reading import load_catalogue
from matinee.observe.decision_log import decisions_about, find_decision
from matinee.observe.decisions import DecisionRecord, RowNote, Slot
from matinee.observe.home import Home
from matinee.observe.state.as_of import MembersAsOf
from matinee.platform.abilities import Explains
from matinee.platform.deciding import Decider, Explained, Request, Surroundings
from matinee.platform.initiative import Initiative
from matinee.platform.lifecycle.model_folder import check_files, read_card
from matinee.platform.lifecycle.simulated import simulated_home
from matinee.serve.interleaved import Together, versions_of
from matinee.serve.opened import NONE
from matinee.types import derive_seed

MOST_DIFFERENCES = 10
CLOSE = 1e-6
"""Propensities that differ by less, relatively, are the same."""


@dataclass(frozen=True, slots=True)
class Again:
    """A decision made once more.

    Attributes
    ----------
    explained : Explained or None
        None: it could not be made, `note` says why.
    reproduced : bool or None
        Whether it has the same slots; None if it could not be made.
    differences : list of dict
        The first slots that differ: place, what was logged, what came out now.
    note : str
        Why it is not the same, or not made; "" if it is.
    """

    explained: Explained | None
    reproduced: bool | None
    differences: list[dict[str, Any]] = field(default_factory=list)
    note: str = ""


def decide_again(home: Home, initiative: Initiative, record: DecisionRecord) -> Again:
    """Decide from what the log and the lake say about the decision's moment.

    The model, its settings and its code are those of today under the same version; the catalogue, the log
    and the member are those of then. Never raises: what is in the way is the note.
    """
    try:
        decider = _open(home, initiative, record)
    except Exception as problem:  # a model that is gone costs the stages, not the record
        what = "The fallback" if record.fallback else f"The model {record.model}"
        return Again(None, None, note=f"{what} cannot be opened any more: {problem}")
    last = Again(None, None, note="The decision could not be made again.")
    for request in _requests(home, record):
        try:
            explained = _explain(decider, request)
        except Exception as problem:  # whatever a model does, the record is shown
            last = Again(None, None, note=f"Deciding again failed, {type(problem).__name__}: {problem}")
            continue
        last = _compared(record, explained, decider)
        if last.reproduced:
            break
    return last


def _open(home: Home, initiative: Initiative, record: DecisionRecord) -> Decider:
    lake = home if initiative.data == "home" else simulated_home(home)
    config = settings.load(home.settings, initiative.name, initiative.config, values=initiative.values)
    opened_us = record.context.get("refreshed_us")
    around = Surroundings(
        lake.limited_to(initiative.tables),
        opened_us if isinstance(opened_us, int) else record.at_us,
        config,
        MembersAsOf(lake, record.at_us, record.at_us) if initiative.unit == "member" else None,
    )
    if record.fallback:
        return _decider(initiative.fallback.open(around))
    found = [_open_version(home, initiative, one, around) for one in versions_of(record.model)]
    if len(found) == 1:
        return found[0]
    return Together(found[0], found[1], record.decision_id, _pinned(lake, record.at_us))


def _open_version(home: Home, initiative: Initiative, version: str, around: Surroundings) -> Decider:
    if version == NONE:  # the fallback as an arm of an experiment
        return _decider(initiative.fallback.open(around))
    folder = home.releases / initiative.name / version
    check_files(folder, read_card(folder).files)
    return _decider(initiative.open(folder, around))


def _decider(opened: Any) -> Decider:
    found: Decider = opened
    return found


def _pinned(lake: Home, at_us: int) -> frozenset[str]:
    catalogue = load_catalogue(lake, at_us)
    return frozenset(pin.title_id for pin in catalogue.pins if pin.title_id is not None)


def _explain(decider: Decider, request: Request) -> Explained:
    if isinstance(decider, Explains):
        return decider.explain(request)
    return Explained(decider.decide(request), ())


def _requests(home: Home, record: DecisionRecord) -> Iterator[Request]:
    """What was asked, as far as the log says; the seed of the draws is logged, 0, or the decision's own."""
    after, after_rows = _above(home, record)
    listed = bool(record.actions) and not record.actions[0].startswith("mask:")
    logged = record.context.get("seed")
    seeds = [logged] if isinstance(logged, int) else [0, derive_seed(0, record.decision_id)]
    for seed in seeds:
        yield Request(
            record.unit_id,
            record.at_us,
            context=dict(record.context),
            actions=tuple(record.actions) if listed else None,
            seed=seed,
            after=tuple(after),
            after_rows=tuple(after_rows),
        )


def _above(home: Home, record: DecisionRecord) -> tuple[list[Slot], list[RowNote]]:
    """What stood above the rows of a decision that continues a page."""
    first = record.context.get("continues")
    begun = find_decision(home, first) if isinstance(first, str) else None
    if begun is None:
        return [], []
    top = min((slot.row or 1 for slot in record.slots), default=1 << 30)
    slots: dict[int, list[Slot]] = {}
    notes: dict[int, RowNote] = {}
    earlier = decisions_about(home, record.unit_id, begun.at_us, record.at_us)
    for one in earlier:
        of_page = one.decision_id == first or one.context.get("continues") == first
        if of_page and one.decision_id != record.decision_id:
            for row in {slot.row or 1 for slot in one.slots}:
                slots[row] = [slot for slot in one.slots if slot.row == row]
            notes.update({note.row: note for note in one.rows})
    above = sorted(row for row in slots if row < top)
    return [s for row in above for s in slots[row]], [notes[row] for row in above if row in notes]


def _compared(record: DecisionRecord, explained: Explained, decider: Decider) -> Again:
    logged, now = record.slots, list(explained.decided.slots)
    differences = [
        {
            "slot": place + 1,
            "logged": None if a is None else _words(a),
            "now": None if b is None else _words(b),
        }
        for place, (a, b) in enumerate(_pairs(logged, now))
        if not _same(a, b)
    ]
    if not differences:
        return Again(explained, True)
    return Again(explained, False, differences[:MOST_DIFFERENCES], _likely(record, explained, decider))


def _pairs(a: list[Slot], b: list[Slot]) -> Iterator[tuple[Slot | None, Slot | None]]:
    for i in range(max(len(a), len(b))):
        yield (a[i] if i < len(a) else None, b[i] if i < len(b) else None)


def _same(a: Slot | None, b: Slot | None) -> bool:
    if a is None or b is None or (a.action, a.row, a.col) != (b.action, b.row, b.col):
        return False
    return abs(a.propensity - b.propensity) <= CLOSE * max(a.propensity, b.propensity)


def _words(slot: Slot) -> dict[str, Any]:
    given = {"action": slot.action, "row": slot.row, "col": slot.col, "propensity": slot.propensity}
    return {name: value for name, value in given.items() if value is not None}


def _likely(record: DecisionRecord, explained: Explained, decider: Decider) -> str:
    """The likeliest reason for another result, the most certain first."""
    decided = explained.decided
    if decider.policy != record.policy:
        return f"The policy is {decider.policy} now, it was {record.policy}: the code is another release."
    if record.context.get("made") == "ahead":
        return "The page was made ahead and corrected; computed at its moment it comes out otherwise."
    acted = record.context.get("acted")
    if acted is not None and decided.context.get("acted") not in (None, acted):
        return (
            "The log says something else about what the member had done by then: events arrived later than "
            "they happened, or were erased or pruned since."
        )
    if record.actions and decided.permitted and list(decided.permitted) != list(record.actions):
        return (
            "Another set of actions was permitted: the catalogue, its windows or pins, or the limits of the "
            "member have been changed for that moment."
        )
    return (
        "The same actions were permitted and the member had done the same: popularity had been read at "
        "another moment, or settings or code have changed since."
    )
