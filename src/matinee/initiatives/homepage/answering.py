"""One page for one request, as the platform logs and explains it: slots, rows, action set, stages."""

from __future__ import annotations

from dataclasses import dataclass, replace

import msgspec
import numpy as np

from matinee.errors import NotFoundError
from matinee.initiatives.homepage.asking import above_of, narrowed, size_of
from matinee.initiatives.homepage.audience import SharedShelves
from matinee.initiatives.homepage.compose import Composer
from matinee.initiatives.homepage.page import MemberState, Page, Row
from matinee.initiatives.homepage.reckoning import scored
from matinee.initiatives.homepage.record import page_slots
from matinee.initiatives.homepage.rows.base import Viewer
from matinee.initiatives.homepage.rules import first_rule, rules
from matinee.initiatives.homepage.stock import see
from matinee.initiatives.homepage.trace import PageTrace, RowTrace
from matinee.observe.decisions import RowNote
from matinee.observe.member_state import TitleTable
from matinee.platform.deciding import Context, Decided, Explained, Request, Stage
from matinee.platform.whereabouts import Located, Place
from matinee.types import NEVER_US, Ids, Index

ODDS = "odds"
"""Under which the context of a decision holds what its explored slots were drawn from."""
DIGITS = 6
"""Of a probability in it: 100 titles take about 2 kB."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A decision with what it was made from."""

    decided: Decided
    page: Page
    state: MemberState
    composer: Composer


def answer(
    composer: Composer,
    state: MemberState,
    request: Request,
    titles: TitleTable,
    *,
    trace: PageTrace | None = None,
) -> Answer:
    """Compose what is asked for: a page, or the rows below those that the member has.

    Raises
    ------
    InputError
        The request asks for a size that is no size.
    """
    composer = composer.moved(request.at_us)
    state = replace(state, limits=narrowed(state.limits, request))
    if request.actions is not None:
        state = replace(state, disliked=_others(state, request.actions, titles))
    shared = composer.audience(state.here)
    rows, cols = size_of(request)
    above = above_of(request, titles.position) if request.after or request.after_rows else []
    config = composer.config
    most = config.rows if rows is None else min(rows, config.rows)
    cols = None if cols is None else min(cols, config.cols)
    if above:
        most = max(0, min(most, config.rows - len(above)))
    page = Page(state.member_id, request.at_us, [])
    if most or not above:
        page = composer.page(state, seed=request.seed, rows=most, cols=cols, trace=trace, above=above)
    more = len(page.rows) == most and len(above) + most < config.rows
    decided = Decided(
        tuple(page_slots(page)),
        permitted_of(shared, request, titles),
        page.reason,
        left_out(shared, state) | odds(page, composer.titles.catalogue.title_ids),
        rows=tuple(RowNote(row.row, row.kind, row.reason) for row in page.rows),
        unmet=tuple(page.unmet),
        more=more,
        valid_until_us=valid_until(composer),
    )
    return Answer(decided, page, state, composer)


def permitted_of(shared: SharedShelves, request: Request, titles: TitleTable) -> tuple[str, ...]:
    """Name of the action set of all members with these limits, or the few titles that were asked about."""
    if request.actions is None:
        return (shared.actions,)
    allowed = shared.audience.allowed
    known = ((title_id, titles.position.get(title_id, -1)) for title_id in request.actions)
    return tuple(title_id for title_id, t in known if t >= 0 and allowed[t])


def left_out(shared: SharedShelves, state: MemberState) -> Context:
    """How many titles of the action set are not offered to this member in discovery rows."""
    allowed = shared.audience.allowed
    watched, disliked = np.unique(state.history), np.unique(state.disliked)
    return {
        "n_watched": int(allowed[watched].sum()),
        "n_disliked": int(allowed[disliked].sum()),
    }


def odds(page: Page, title_ids: Ids) -> Context:
    """What the explored slots were drawn from: by row, the probability of each title, as JSON.

    The log needs it to tell what another policy would have drawn: `exploration.write_explored`.
    """
    if not page.drawn:
        return {}
    by_row = {
        str(slot.row): {
            str(name): float(f"{p:.{DIGITS}g}")
            for name, p in zip(title_ids[slot.titles].tolist(), slot.probabilities.tolist(), strict=True)
        }
        for slot in page.drawn
    }
    return {ODDS: msgspec.json.encode(by_row).decode()}


def valid_until(composer: Composer) -> int | None:
    """Until when the same titles are permitted."""
    until_us = composer.audiences.span(composer.at_us)[1]
    return None if until_us == NEVER_US else until_us


def explained(given: Answer, trace: PageTrace) -> Explained:
    """Stage by stage: the rules over the whole catalogue, then each row."""
    composer = given.composer
    viewer = see(given.state, composer.audience(given.state.here), composer.unit)
    ids = composer.titles.catalogue.title_ids
    drawn = {
        slot.row: f'"{ids[slot.title]}" was drawn with probability '
        f"{slot.probabilities[np.flatnonzero(slot.titles == slot.title)[0]]:.4f} among {len(slot.titles)} "
        "titles"
        for slot in trace.explored
    }
    traced = {row.row: _row_stage(row, drawn.get(row.row)) for row in trace.rows}
    rows = [traced.get(row.row) or _ordered_stage(row) for row in given.page.rows]
    scores = [
        trace.weighed.get((row.row, tile.title), {}) | scored(viewer, tile.title)
        for row in given.page.rows
        for tile in row.tiles
    ]
    return Explained(given.decided, (eligible(viewer), *rows), dict(trace.absent), tuple(scores))


def position_of(titles: TitleTable, title_id: str) -> int:
    """Position of a title that is asked about.

    Raises
    ------
    NotFoundError
        The catalogue does not have it.
    """
    found = titles.position.get(title_id)
    if found is None:
        raise NotFoundError(
            f'homepage: title "{title_id}" is not in the catalogue of that moment, expected one of its '
            f"{len(titles.position)} titles."
        )
    return found


def located(given: Answer, trace: PageTrace) -> Located:
    """What a page made of the title that the trace asks about."""
    composer, title = given.composer, trace.asked
    viewer = see(given.state, composer.audience(given.state.here), composer.unit)
    return located_for(viewer, title, given.decided, tuple(trace.places))


def located_for(viewer: Viewer, title: int, decided: Decided, places: tuple[Place, ...]) -> Located:
    """What a page made of a title: where it stands, what forbids it, how it compares.

    Parameters
    ----------
    places : tuple of Place
        Its places in the rows that could have held it.
    """
    catalogue = viewer.audience.catalogue
    action = str(catalogue.title_ids[title])
    slots = tuple(i for i, slot in enumerate(decided.slots) if slot.action == action)
    masks = rules(viewer, "fresh")
    permitted = np.flatnonzero(masks.permitted())
    better = int((viewer.play[permitted] > viewer.play[title]).sum())
    rule = first_rule(masks, title)
    scores = scored(viewer, title) | {"play": float(viewer.play[title])}
    if rule is None:
        scores |= {"order": float(better + 1), "candidates": float(len(permitted))}
    note = "" if places or slots or rule else "no row of the page could have held it"
    return Located(action, slots, rule, places, scores, note)


def eligible(viewer: Viewer) -> Stage:
    """What each rule takes away from the whole catalogue before a discovery row is filled."""
    masks = rules(viewer, "fresh")
    everything = np.arange(len(viewer.audience.catalogue), dtype=np.int32)
    left = int(masks.permitted().sum())
    return Stage(
        "eligible", len(everything), masks.removed(everything), left, "titles that a discovery row may show"
    )


def _row_stage(row: RowTrace, drawn: str | None) -> Stage:
    removed = row.removed | ({"elsewhere on the page": row.on_page} if row.on_page else {})
    note = f"{row.reason}: {row.shown} shown, {row.gain:.4f} plays expected"
    scores = {"gain": row.gain}
    if row.ordered:
        note += "; editors ordered its kind for this place"
    if row.runner_up:
        note += f'; next would have been "{row.runner_up}" with {row.runner_up_gain:.4f}'
        scores["runner_up_gain"] = row.runner_up_gain
        if row.runner_up_gain > row.gain and not row.ordered:
            note += ", which is less once variety of kinds and genres counts"
    if drawn:
        note += f"; {drawn}"
    return Stage(f"row {row.row}: {row.kind}", row.candidates, removed, row.left, note, scores)


def _ordered_stage(row: Row) -> Stage:
    """A row that holds nothing but what editors placed there."""
    n = len(row.tiles)
    return Stage(f"row {row.row}: {row.kind}", n, {}, n, f"{row.reason}: {n} shown, placed by editors")


def _others(state: MemberState, actions: tuple[str, ...], titles: TitleTable) -> Index:
    """Titles that a request excludes by naming others, with those that the member dislikes: same mask."""
    allowed = np.zeros(len(titles.unit), np.bool_)
    allowed[[t for t in (titles.position.get(a, -1) for a in actions) if t >= 0]] = True
    return np.union1d(state.disliked, np.flatnonzero(~allowed)).astype(np.int32)
