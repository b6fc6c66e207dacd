"""A page that was made ahead, put right for what has happened since: no scores, a few masks, one pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from matinee.initiatives.homepage.answering import permitted_of, valid_until
from matinee.initiatives.homepage.asking import above_of, narrowed, size_of
from matinee.initiatives.homepage.compose import Composer
from matinee.initiatives.homepage.made import MADE_COLS, MADE_ROWS, MadePage, MadeRow, same_pins
from matinee.initiatives.homepage.members import Past
from matinee.initiatives.homepage.page import Row
from matinee.initiatives.homepage.pins import name_pin
from matinee.initiatives.homepage.rows.base import Audience, RowKind
from matinee.initiatives.homepage.rows.because_you_watched import LIKED
from matinee.initiatives.homepage.stock import kept_for_list
from matinee.observe.decisions import RowNote, Slot
from matinee.observe.member_state import TitleTable
from matinee.platform.deciding import Context, Decided, Request
from matinee.types import Ids, Index, Mask

BECAUSE, CONTINUE, MY_LIST, AGAIN = "because_you_watched", "continue_watching", "my_list", "watch_again"
LEAST_LEFT = 0.5
"""Part of the titles of a page made ahead that has to be left, or it is of no use any more."""


@dataclass(slots=True)
class Waiting:
    """A row that may come next: its titles, those that may not be shown taken out already."""

    row: MadeRow
    titles: Index
    kind: RowKind | None
    number: int | None = None


@dataclass(slots=True)
class Masks:
    """Who may stand where: `fresh` but not `kept` in discovery rows; the others as in `stock.admitted`."""

    audience: Audience
    fresh: Mask
    kept: Mask | None = None
    liked: Mask | None = None
    resumable: Mask | None = None
    watched: Mask | None = None


@dataclass(slots=True)
class Standing:
    """The corrected page while it grows."""

    last_row: Index
    slots: list[Slot] = field(default_factory=list)
    rows: list[RowNote] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    head: list[str] = field(default_factory=list)
    unmet: list[str] = field(default_factory=list)


def corrected(
    made: MadePage, past: Past, request: Request, composer: Composer, titles: TitleTable
) -> Decided | None:
    """The page as it has to be now; None if too little of it is left, or it was made for somewhere else.

    Watched and disliked titles and those that may not be shown here and now are gone; rows of the member's
    own titles follow their state; what is like the latest liked play stands near the top; no title stands
    twice within a viewport; rows are numbered anew, except those that editors ordered. A correction draws
    nothing: a slot that was drawn keeps its propensity, or is gone.

    Parameters
    ----------
    past : Past
        With the `acted` of the page, its history and marks are not looked at: nothing has happened.
    """
    composer = composer.moved(request.at_us)
    state_limits = narrowed(past.limits, request)
    here = state_limits.located(past.last_territory)
    rows, cols = _size(request)
    above = above_of(request, titles.position) if request.after or request.after_rows else []
    if (
        request.actions is not None
        or here.territory != made.territory
        or cols > MADE_COLS
        or rows + len(above) > MADE_ROWS
        or not same_pins(composer, here.territory, made.at_us, request.at_us)
    ):
        return None
    shared = composer.audience(here)
    changed = past.acted is None or past.acted != made.acted
    masks = _masks(shared.audience, past, composer.unit, changed)
    waiting = _waiting(made, masks, composer, titles)
    if waiting is None:
        return None
    if changed:
        waiting = _own_rows(waiting, past, masks, composer)
        waiting = _promoted(waiting, past, masks, composer, min(cols, composer.config.min_tiles))
    page = _assembled(waiting, above, composer, rows, cols, made)
    if not page.rows:
        return None
    return Decided(
        tuple(page.slots),
        permitted_of(shared, request, titles),
        None,
        _context(past, made),
        rows=tuple(page.rows),
        unmet=tuple(page.unmet),
        more=len(above) + len(page.rows) < composer.config.rows,
        valid_until_us=valid_until(composer),
    )


def _size(request: Request) -> tuple[int, int]:
    rows, cols = size_of(request)
    return rows or MADE_ROWS + 1, cols or MADE_COLS + 1


def _context(past: Past, made: MadePage) -> Context:
    out: Context = {"made_at_us": made.at_us}
    return out if past.acted is None else out | {"acted": past.acted}


def _masks(audience: Audience, past: Past, unit: Index, changed: bool) -> Masks:
    if not changed:
        return Masks(audience, audience.shown)
    n = len(audience.shown)
    watched, disliked = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
    for some in (past.history, past.marks.in_progress):
        watched[some] = True
        watched[unit[some]] = True
    disliked[past.marks.disliked] = True
    liked = ~disliked
    fresh = audience.shown & liked & ~watched
    if len(past.marks.disliked):
        liked &= liked[unit]
    begun = past.marks.in_progress
    resumable = np.zeros(n, np.bool_)
    resumable[unit[begun[(audience.allowed & liked)[begun]]]] = True
    kept = kept_for_list(past.marks.my_list, fresh, audience)
    return Masks(audience, fresh, kept, liked, resumable, watched)


def _waiting(made: MadePage, masks: Masks, composer: Composer, table: TitleTable) -> list[Waiting] | None:
    """The rows of the page with the titles that may still stand there; None if too few are left."""
    positions = made.positions()
    fresh = masks.fresh if masks.kept is None else masks.fresh & ~masks.kept
    fresh = fresh[positions]
    rows: list[Waiting] = []
    start = left = 0
    for number, row in enumerate(made.rows, start=1):
        stop = start + row.size
        kind = composer.kinds.get(row.kind)
        titles = positions[start:stop]
        admits = "fresh" if kind is None else kind.admits
        keep = fresh[start:stop] if admits == "fresh" else _admitted(masks, admits, titles)
        if row.pinned:  # whatever else the row admits
            keep = np.where(np.isin(titles, list(row.pinned)), masks.fresh[titles], keep)
        if not keep.all():
            titles = titles[keep]
        left += len(titles)
        start = stop
        if row.kind == BECAUSE and not _may_head(masks, table.position.get(row.key, -1)):
            continue
        rows.append(Waiting(row, titles, kind, number if row.fixed else None))
    return rows if left >= LEAST_LEFT * len(positions) else None


def _admitted(masks: Masks, admits: str, titles: Index) -> Mask:
    """Titles that a row of the member's own titles may show."""
    if admits == "listed":
        keep = masks.fresh[titles]
    elif admits == "begun":
        keep = masks.audience.allowed[titles]
        if masks.liked is not None:
            keep = keep & masks.liked[titles]
    else:
        keep = masks.audience.shown[titles]
        if masks.liked is not None and masks.resumable is not None and masks.watched is not None:
            keep = keep & masks.liked[titles] & ~masks.resumable[titles] & masks.watched[titles]
    return np.asarray(keep, np.bool_)


def _may_head(masks: Masks, title: int) -> bool:
    """Whether the profile may read the name of a title."""
    if title < 0 or not masks.audience.allowed[title]:
        return False
    return masks.liked is None or bool(masks.liked[title])


def _own_rows(waiting: list[Waiting], past: Past, masks: Masks, composer: Composer) -> list[Waiting]:
    """Continue watching and my list as the member's state has them now."""
    assert masks.liked is not None
    begun = past.marks.in_progress
    goes_on = masks.audience.allowed & masks.liked
    notes = {
        int(t): f"{round(100 * float(share))} % watched"
        for t, share in zip(begun, past.marks.in_progress_share, strict=True)
        if share > 0
    }
    listed = past.marks.my_list
    old = next((one.titles for one in waiting if one.row.kind == MY_LIST), listed[:0])
    listed = np.concatenate([listed[~np.isin(listed, old)], old[np.isin(old, listed)]])
    waiting = _put(waiting, CONTINUE, "Continue watching", begun[goes_on[begun]], notes, composer, 0)
    after = 1 if waiting and waiting[0].row.kind == CONTINUE else 0
    return _put(waiting, MY_LIST, "My list", listed[masks.fresh[listed]], {}, composer, after)


def _put(
    waiting: list[Waiting],
    name: str,
    reason: str,
    titles: Index,
    notes: dict[int, str],
    composer: Composer,
    place: int,
) -> list[Waiting]:
    """Give a row of the member's own titles new content; a new one stands at `place` of the queue."""
    kind = composer.kinds.get(name)
    if kind is None or composer.config.most_rows(name) == 0:
        return waiting
    titles = np.array(list(dict.fromkeys(titles.tolist())), np.int32)
    for one in waiting:
        if one.row.kind == name:
            pinned = np.array([t for t in one.titles if int(t) in one.row.pinned], np.int32)
            one.titles = np.concatenate([pinned, titles[~np.isin(titles, pinned)]])
            one.row.notes = notes | {t: n for t, n in one.row.notes.items() if t in one.row.pinned}
            return waiting
    if not len(titles):
        return waiting
    row = MadeRow(name, "", reason, len(titles), notes=notes)
    return [*waiting[:place], Waiting(row, titles, kind), *waiting[place:]]


def _promoted(
    waiting: list[Waiting], past: Past, masks: Masks, composer: Composer, least: int
) -> list[Waiting]:
    """What is like the latest liked play, near the top: behind the member's own rows."""
    kind, most = composer.kinds.get(BECAUSE), composer.config.most_rows(BECAUSE)
    liked = past.history[past.history_weight >= LIKED]
    if kind is None or most == 0 or not len(liked):
        return waiting
    title = int(composer.unit[liked[-1]])
    if not _may_head(masks, title):
        return waiting
    catalogue, near = masks.audience.catalogue, composer.titles.neighbours[title]
    key = str(catalogue.title_ids[title])
    own = [i for i, one in enumerate(waiting) if one.row.kind == BECAUSE and one.row.key == key]
    if own:
        row = waiting[own[0]]
        if row.number is not None or own[0] < composer.config.viewport_rows:
            return waiting
        waiting = [one for one in waiting if one is not row]
    else:
        near = near[near >= 0]
        near = near[masks.fresh[near]]
        if masks.kept is not None:
            near = near[~masks.kept[near]]
        if len(near) < max(1, least):
            return waiting
        reason = f"Because you watched {catalogue.names[title]}"
        row = Waiting(MadeRow(BECAUSE, key, reason, len(near)), near.astype(np.int32), kind)
        because = [one for one in waiting if one.row.kind == BECAUSE]
        if len(because) >= most:
            gone = next((one for one in reversed(because) if one.number is None), None)
            if gone is None:
                return waiting
            waiting = [one for one in waiting if one is not gone]
    lead = next((i for i, one in enumerate(waiting) if one.row.kind not in {CONTINUE, MY_LIST}), len(waiting))
    place = lead if lead else min(1, len(waiting))
    return [*waiting[:place], row, *waiting[place:]]


def _assembled(
    waiting: list[Waiting], above: Sequence[Row], composer: Composer, rows: int, cols: int, made: MadePage
) -> Standing:
    """Rows one after the other, each with the titles that do not stand near it already."""
    page = Standing(np.zeros(len(composer.unit), np.int32), unmet=list(made.unmet))
    shown = {(row.kind, row.reason) for row in above}
    for row in above:
        stands = [tile.title for tile in row.tiles if tile.title >= 0]
        page.last_row[stands] = row.row
        page.counts[row.kind] += 1
        page.head.append(row.kind)
    queue = [one for one in waiting if (one.row.kind, one.row.reason) not in shown]
    held = np.array([t for one in queue for t in one.row.pinned], np.int32)
    ids = composer.titles.catalogue.title_ids
    number = len(above)
    while queue and number < len(above) + rows:
        number += 1
        placed = False
        for one in _candidates(queue, number):
            if not _fits(one, page, composer, number):
                continue
            chosen = _choose(one, page.last_row, number, cols, composer, held)
            queue.remove(one)
            if chosen:
                _place(one.row, one.kind, chosen, number, page, ids)
                placed = True
                break
        if not placed:
            break
    _say_what_is_missing(page, composer, made.territory, len(above) + rows, cols)
    return page


def _candidates(queue: list[Waiting], number: int) -> list[Waiting]:
    """Rows that may come next, in order: one that is ordered for this number, else those without an order."""
    ordered = [one for one in queue if one.number == number]
    return ordered + [one for one in queue if one.number is None]


def _fits(one: Waiting, page: Standing, composer: Composer, number: int) -> bool:
    name = one.row.kind
    if composer.config.quotas and page.counts[name] >= composer.config.most_rows(name):
        return False
    several = one.kind is not None and one.kind.several
    return several or number > composer.config.head_rows or name not in page.head


def _choose(
    one: Waiting, last_row: Index, number: int, cols: int, composer: Composer, held: Index
) -> list[int]:
    """Titles of a row; none if too few are left for a row of its kind."""
    config, titles, pinned = composer.config, one.titles, one.row.pinned
    least = config.min_tiles if one.kind is None or one.kind.min_tiles is None else one.kind.min_tiles
    least = 1 if pinned else min(least, cols)
    if len(held):
        mine = np.isin(titles, list(pinned)) if pinned else np.zeros(len(titles), np.bool_)
        titles = titles[mine | ~np.isin(titles, held)]
    stands = last_row[titles]
    free = titles[stands == 0]
    if len(free) < least and number > config.viewport_rows:
        free = titles[(stands == 0) | (stands <= number - config.viewport_rows)]
    if len(free) < least:
        return []
    if not pinned:
        out: list[int] = free[:cols].tolist()
        return out
    return _with_pins(free.tolist(), pinned, cols)


def _with_pins(titles: list[int], pinned: dict[int, int], cols: int) -> list[int]:
    """Pinned titles in their columns, the others around them; places that stay free are closed."""
    at = {pinned[t]: t for t in titles if t in pinned and pinned[t] <= cols}
    others = iter([t for t in titles if t not in pinned])
    row = [at[col] if col in at else next(others, -1) for col in range(1, cols + 1)]
    return [t for t in row if t >= 0]


def _place(
    row: MadeRow, kind: RowKind | None, chosen: list[int], number: int, page: Standing, ids: Ids
) -> None:
    usual = row.reason if kind is None else kind.tile_reason
    page.last_row[chosen] = number
    page.counts[row.kind] += 1
    page.head.append(row.kind)
    page.rows.append(RowNote(number, row.kind, row.reason))
    name, notes, drawn = row.kind, row.notes, row.drawn
    names = ids[chosen].tolist()
    if not notes and not drawn:
        page.slots += [
            Slot(title_id, 1.0, number, col, name, usual) for col, title_id in enumerate(names, start=1)
        ]
        return
    for col, (title, title_id) in enumerate(zip(chosen, names, strict=True), start=1):
        p, n = drawn.get(title, (1.0, None))
        reason = notes.get(title, usual)
        page.slots.append(Slot(title_id, p, number, col, name, reason, n, n is not None))


def _say_what_is_missing(
    page: Standing, composer: Composer, territory: str | None, bottom: int, cols: int
) -> None:
    """Orders of editors and wishes for variety that the corrected page does not keep."""
    config, said = composer.config, set(page.unmet)
    stands = {(slot.row, slot.action): slot.col for slot in page.slots}
    kinds = {note.row: note.kind for note in page.rows}
    first = page.rows[0].row if page.rows else 1
    for pin in composer.titles.catalogue.pins:
        if not pin.from_us <= composer.at_us < pin.until_us or pin.territory not in {None, territory}:
            continue
        if not first <= pin.row <= bottom or (pin.col or 1) > cols:
            continue
        if pin.title_id is None:
            kept, name = kinds.get(pin.row) == pin.row_kind, f'pin row {pin.row} kind "{pin.row_kind}"'
        else:
            col = stands.get((pin.row, pin.title_id))
            kept, name = col is not None and pin.col in {None, col}, name_pin(pin)
        if not kept and not any(line.startswith(name) for line in said):
            page.unmet.append(f"{name}: it does not fit the page any more")
    for quota in config.quotas:
        if page.counts[quota.kind] < quota.min_rows:
            page.unmet.append(
                f'quota "{quota.kind}" min_rows {quota.min_rows}: {page.counts[quota.kind]} placed, no more '
                "has enough titles that may be shown"
            )
    head = page.head[: config.head_rows]
    wanted = min(config.head_kinds, config.head_rows, bottom)
    if len(set(head)) < wanted:
        page.unmet.append(
            f"first {config.head_rows} rows: {len(set(head))} kinds of row, expected {wanted}; no other kind "
            "has enough titles that may be shown"
        )
