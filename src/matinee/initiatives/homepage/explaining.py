"""Why a page that was made for many looks as it does for one member: stages, from the rules and the rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from matinee.initiatives.homepage.answering import eligible, located_for
from matinee.initiatives.homepage.asking import narrowed
from matinee.initiatives.homepage.compose import Composer
from matinee.initiatives.homepage.made import MadePage
from matinee.initiatives.homepage.page import MemberState
from matinee.initiatives.homepage.reckoning import scored
from matinee.initiatives.homepage.rows.base import Viewer
from matinee.initiatives.homepage.rules import rules
from matinee.initiatives.homepage.stock import see
from matinee.observe.decisions import RowNote
from matinee.observe.member_state import TitleTable
from matinee.platform.deciding import Decided, Explained, Request, Stage
from matinee.platform.whereabouts import Located
from matinee.types import Index


def explained_correction(
    decided: Decided,
    made: MadePage,
    state: MemberState,
    request: Request,
    composer: Composer,
    titles: TitleTable,
) -> Explained:
    """Stages of a page that was corrected: the rules over the whole catalogue, then each row.

    The candidates of a row are the titles that it had on the page that was made, and those that the member's
    own state proposes for it.

    Parameters
    ----------
    decided : Decided
        The corrected page.
    made : MadePage
        What it was corrected from.
    """
    composer = composer.moved(request.at_us)
    state = replace(state, limits=narrowed(state.limits, request))
    viewer = see(state, composer.audience(state.here), composer.unit)
    shown: dict[int, list[int]] = {note.row: [] for note in decided.rows}
    for slot in decided.slots:
        if slot.row in shown:
            shown[slot.row].append(titles.position[slot.action])
    rows = [_row(note, shown, made, viewer, composer) for note in decided.rows]
    present = {note.kind for note in decided.rows}
    absent = {
        name: "not on the page of this audience"
        if kind.exists_for(viewer)
        else "not for this member (no history)"
        for name, kind in composer.kinds.items()
        if name not in present
    }
    worth = [
        scored(viewer, position) | {"play": float(viewer.play[position])}
        for position in (titles.position[slot.action] for slot in decided.slots)
    ]
    return Explained(decided, (eligible(viewer), *rows), absent, tuple(worth))


def located_in_correction(
    title: int, decided: Decided, state: MemberState, request: Request, composer: Composer
) -> Located:
    """What a page that was corrected made of a title; the row of the audience's page is not told."""
    composer = composer.moved(request.at_us)
    state = replace(state, limits=narrowed(state.limits, request))
    viewer = see(state, composer.audience(state.here), composer.unit)
    return located_for(viewer, title, decided, ())


def _row(
    note: RowNote, shown: dict[int, list[int]], made: MadePage, viewer: Viewer, composer: Composer
) -> Stage:
    kind = composer.kinds.get(note.kind)
    candidates = _candidates(note, shown[note.row], made, viewer, composer)
    masks = rules(viewer, "fresh" if kind is None else kind.admits)
    removed = masks.removed(candidates)
    permitted = candidates[masks.permitted()[candidates]]
    others = [title for row, some in shown.items() if row != note.row for title in some]
    elsewhere = int((np.isin(permitted, others) & ~np.isin(permitted, shown[note.row])).sum())
    if elsewhere:
        removed["elsewhere on the page"] = elsewhere
    return Stage(
        f"row {note.row}: {note.kind}",
        len(candidates),
        removed,
        len(permitted) - elsewhere,
        f"{note.reason}: {len(shown[note.row])} shown, from the page that members of this audience share",
    )


def _candidates(note: RowNote, shown: list[int], made: MadePage, viewer: Viewer, composer: Composer) -> Index:
    """Titles that could have stood in a row, each once."""
    found = [np.array(shown, np.int32)]
    start, positions = 0, made.positions()
    for row in made.rows:
        if (row.kind, row.reason) == (note.kind, note.reason):
            found.append(positions[start : start + row.size])
        start += row.size
    kind = composer.kinds.get(note.kind)
    if kind is not None:
        found += [shelf.titles for shelf in kind.personal(viewer) if shelf.reason == note.reason]
    return np.unique(np.concatenate(found)).astype(np.int32)
