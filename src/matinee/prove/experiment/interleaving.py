"""Interleaving: two answers made one, so that every unit compares both arms at the same moment.

Team draft, as two captains pick players: whoever has picked less picks next, a coin decides between equals,
and the pick is the best that one's own answer still has. What is watched then counts for the arm that picked
it (`interleaving_preference.py`). Use it to find the better of two rankers with few units. It cannot show
what one arm alone would do to retention or to all that is watched: confirm a winner in an A/B.

References
----------
Radlinski, Kurup, Joachims (2008), How does clickthrough data reflect retrieval quality?, algorithm 2,
doi 10.1145/1458082.1458092. Departs from it: rows are picked as players too; a place that both answers fill
alike belongs to nobody, since it says nothing about the difference.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Literal

import msgspec

from matinee.errors import InputError
from matinee.observe.decisions import RowNote, Slot
from matinee.types import derive_seed

Team = Literal["A", "B", "-"]
SHARED: Team = "-"
TEAMS: tuple[Team, Team] = ("A", "B")
CONTEXT_KEY = "teams"
"""Under which the context of a merged decision names the team of each slot; off-policy data leaves it out."""


@dataclass(frozen=True, slots=True)
class Draft:
    """One arm's answer.

    Attributes
    ----------
    slots : sequence of Slot
        Row by row and in each row from left to right; slots without rows are one list.
    rows : sequence of RowNote
        What stands above each row; may be empty.
    """

    slots: Sequence[Slot]
    rows: Sequence[RowNote] = ()


@dataclass(frozen=True, slots=True)
class Merged:
    """Both answers as one.

    Attributes
    ----------
    slots : tuple of Slot
        Rows and columns are numbered without gaps. The propensity of a slot is that of its own arm, given
        that arm's own answer: not the probability of standing here.
    rows : tuple of RowNote
    teams : str
        One letter for each slot: "A" for the first answer, "B" for the second, "-" for both. It goes into the
        context of the decision under `CONTEXT_KEY`, by which off-policy evaluation leaves the decision out.
    """

    slots: tuple[Slot, ...]
    rows: tuple[RowNote, ...]
    teams: str


@dataclass(slots=True)
class _Shelf:
    """A row of one answer. `place` is where it stood there, 0 in a plain list."""

    place: int
    kind: str
    reason: str
    note: RowNote | None
    slots: list[Slot] = field(default_factory=list)

    @property
    def heading(self) -> tuple[str, str]:
        return self.kind, self.reason


def interleave(
    first: Draft,
    second: Draft,
    *,
    seed: int,
    above: Sequence[Slot] = (),
    pinned: Collection[str] = (),
    min_tiles: int = 1,
) -> Merged:
    """Merge the answers of two arms into one page or list.

    Parameters
    ----------
    first, second : Draft
        Of the same unit, moment, limits and size.
    seed : int
        Of the coin: of the decision, so that the same request gives the same page.
    above : sequence of Slot
        What the unit has been shown of this page already (`Request.after`). Both answers then are further
        rows that follow from it. None of its titles is repeated, and the coin begins anew.
    pinned : collection of str
        Titles that editors pinned. One that both pages have in the same place stays there, whatever row comes
        to stand there.
    min_tiles : int, 1 or more
        A picked row that has fewer titles left, and had as many, is passed over.

    Returns
    -------
    Merged
        With as many rows as the longer answer, as long as titles last.

    Raises
    ------
    InputError
        `min_tiles` is below 1, or a row of an answer does not stand below `above`.

    Notes
    -----
    - A row that both answers have in the same place (same kind and sentence) stays there. Titles that both
      have in the same column of it belong to nobody; the others are drafted inside the row.
    - All other rows are drafted. A row that the other answer has too, elsewhere, serves both: its titles are
      drafted inside it, but those on which both agree belong to the arm that picked the row.
    - Where both have a row of the same kind in the same place, a row of that kind is picked for it, and there
      are no more rows of a kind than on one of the two pages: orders and quotas of kinds are kept.
    - A title never stands twice: its later copy is left out and the row closes up. An empty row is left out.
    - Every slot comes from one of the two answers, so what both may not show is not shown.
    - Exchanging both answers and the faces of the coin gives the same page with the letters exchanged, so no
      arm has an advantage by its place.

    Examples
    --------
    >>> a, b = ([Slot(t, 1.0) for t in titles] for titles in ("xyz", "xuv"))
    >>> merged = interleave(Draft(a), Draft(b), seed=1)
    >>> len(merged.slots), merged.slots[0].action, merged.teams[0]
    (3, 'x', '-')
    """
    if min_tiles < 1:
        raise InputError(f"interleave: min_tiles is {min_tiles}, expected 1 or more.")
    n_above = max((slot.row or 0 for slot in above), default=0)
    pages = _shelves("first", first, n_above), _shelves("second", second, n_above)
    draft = _PageDraft(
        pages,
        Random(derive_seed(seed, "interleaving", n_above)),
        taken={slot.action for slot in above},
        pinned=pinned,
        min_tiles=min_tiles,
    )
    return draft.merged(n_above)


def team_draft(
    first: Sequence[str], second: Sequence[str], coin: Callable[[], float]
) -> Iterator[tuple[int, int]]:
    """Draft two lists of different actions until both are used up.

    Parameters
    ----------
    coin : function without arguments
        Returns a number in [0, 1).

    Yields
    ------
    (int, int)
        Team, 0 or 1, and the position of its pick in its own list.

    Examples
    --------
    >>> list(team_draft(["a", "b"], ["b", "a"], lambda: 0.0))
    [(0, 0), (1, 0)]
    """
    lists, at, picks = (first, second), [0, 0], [0, 0]
    used: set[str] = set()
    while True:
        for team in (0, 1):
            while at[team] < len(lists[team]) and lists[team][at[team]] in used:
                at[team] += 1
        have = [team for team in (0, 1) if at[team] < len(lists[team])]
        if not have:
            return
        team = have[0] if len(have) == 1 else _next(picks, coin)
        used.add(lists[team][at[team]])
        picks[team] += 1
        yield team, at[team]


def _next(picks: Sequence[int], coin: Callable[[], float]) -> int:
    """Who picks: the team with fewer picks, by the coin between equals."""
    if picks[0] != picks[1]:
        return int(picks[0] > picks[1])
    return int(coin() >= 0.5)


class _PageDraft:
    """Two pages while they become one."""

    def __init__(
        self,
        pages: tuple[list[_Shelf], list[_Shelf]],
        coin: Random,
        *,
        taken: set[str],
        pinned: Collection[str],
        min_tiles: int,
    ) -> None:
        self.pages, self.coin, self.taken, self.min_tiles = pages, coin.random, taken, min_tiles
        self.at = tuple({shelf.place: shelf for shelf in page} for page in pages)
        self.by_heading = tuple({shelf.heading: shelf for shelf in reversed(page)} for page in pages)
        self.places = sorted({*self.at[0], *self.at[1]})
        counts = [Counter(shelf.kind for shelf in page) for page in pages]
        self.room = counts[0] | counts[1]
        self.picks = [0, 0]
        self.agreed: set[int] = set()
        self.done: set[tuple[str, str]] = set()
        self.pins: dict[tuple[int, int], Slot] = {}
        self.kept: set[str] = set()
        for place in self.at[0].keys() & self.at[1].keys():
            self._agree(place, pinned)

    def merged(self, n_above: int) -> Merged:
        """Fill one place after the other."""
        slots: list[Slot] = []
        notes: list[RowNote] = []
        teams: list[str] = []
        row = n_above
        for place in self.places:
            shelf, tiles = self._agreed_row(place) if place in self.agreed else self._picked_row(place)
            tiles = self._with_pins(place, tiles)
            if not tiles:
                continue
            row += 1
            if shelf.note is not None:
                notes.append(msgspec.structs.replace(shelf.note, row=row))
            for col, (slot, team) in enumerate(tiles, start=1):
                self.taken.add(slot.action)
                teams.append(team)
                slots.append(
                    msgspec.structs.replace(
                        slot,
                        row=None if slot.row is None else row,
                        col=None if slot.col is None else col,
                    )
                )
        return Merged(tuple(slots), tuple(notes), "".join(teams))

    def _agree(self, place: int, pinned: Collection[str]) -> None:
        """Note what both pages have in the same place: it is taken by nobody and from nobody."""
        a, b = self.at[0][place], self.at[1][place]
        same_row = a.heading == b.heading
        if same_row:
            self.agreed.add(place)
            self.room[a.kind] -= 1
            self.done.add(a.heading)
        for col, (x, y) in enumerate(zip(a.slots, b.slots, strict=False), start=1):
            if x.action == y.action and (same_row or x.action in pinned) and x.action not in self.taken:
                self.kept.add(x.action)
                if not same_row:
                    self.pins[place, col] = x

    def _agreed_row(self, place: int) -> tuple[_Shelf, list[tuple[Slot, Team]]]:
        a, b = self.at[0][place], self.at[1][place]
        return a, self._inside(a, b, SHARED)

    def _picked_row(self, place: int) -> tuple[_Shelf, list[tuple[Slot, Team]]]:
        """The row that the next team picks; what has too few titles left is passed over."""
        kinds = {page[place].kind for page in self.at if place in page}
        both = all(place in page for page in self.at)
        only = kinds.pop() if both and len(kinds) == 1 else None
        while True:
            left = [self._left(team, only) for team in (0, 1)]
            if not any(left) and only is not None:
                only = None
                continue
            have = [team for team in (0, 1) if left[team]]
            if not have:
                shelf = self.at[0].get(place) or self.at[1][place]
                return shelf, []
            team = have[0] if len(have) == 1 else _next(self.picks, self.coin)
            shelf = left[team][0]
            self.done.add(shelf.heading)
            other = self.by_heading[1 - team].get(shelf.heading)
            tiles = self._pick(team, shelf, other)
            if len(tiles) < min(self.min_tiles, len(shelf.slots)) or not tiles:
                continue
            self.picks[team] += 1
            self.room[shelf.kind] -= 1
            return shelf, tiles

    def _left(self, team: int, kind: str | None) -> list[_Shelf]:
        return [
            shelf
            for shelf in self.pages[team]
            if shelf.heading not in self.done
            and self.room[shelf.kind] > 0
            and (kind is None or shelf.kind == kind)
        ]

    def _pick(self, team: int, shelf: _Shelf, other: _Shelf | None) -> list[tuple[Slot, Team]]:
        if other is None:
            return [(slot, TEAMS[team]) for slot in shelf.slots if self._free(slot)]
        pair = (shelf, other) if team == 0 else (other, shelf)
        return self._inside(*pair, TEAMS[team])

    def _free(self, slot: Slot) -> bool:
        return slot.action not in self.taken and slot.action not in self.kept

    def _inside(self, a: _Shelf, b: _Shelf, owner: Team) -> list[tuple[Slot, Team]]:
        """Titles of a row that both pages have; those in the same column of both are the owner's."""
        alike = {
            col: (x, owner)
            for col, (x, y) in enumerate(zip(a.slots, b.slots, strict=False))
            if x.action == y.action
            and x.action not in self.taken
            and (owner == SHARED or x.action not in self.kept)
        }
        same = {slot.action for slot, _ in alike.values()}
        rest = [[s for s in shelf.slots if self._free(s) and s.action not in same] for shelf in (a, b)]
        mine, theirs = ([slot.action for slot in slots] for slots in rest)
        drafted = ((rest[team][at], TEAMS[team]) for team, at in team_draft(mine, theirs, self.coin))
        return _lined_up(alike, drafted, max(len(a.slots), len(b.slots)))

    def _with_pins(self, place: int, tiles: list[tuple[Slot, Team]]) -> list[tuple[Slot, Team]]:
        pins = {col - 1: (slot, SHARED) for (row, col), slot in self.pins.items() if row == place}
        if not pins:
            return tiles
        most = max(len(page[place].slots) for page in self.at)
        return _lined_up(pins, iter(tiles), max(most, len(tiles)))


def _lined_up(
    fixed: dict[int, tuple[Slot, Team]], others: Iterator[tuple[Slot, Team]], width: int
) -> list[tuple[Slot, Team]]:
    """Tiles with a place of their own, the others around them; places that stay free are closed."""
    out = []
    for col in range(width):
        tile = fixed.get(col) or next(others, None)
        if tile is not None:
            out.append(tile)
    return out


def _shelves(name: str, draft: Draft, n_above: int) -> list[_Shelf]:
    """The rows of an answer, from the top; a plain list is one row without a number."""
    notes = {note.row: note for note in draft.rows}
    shelves: dict[int, _Shelf] = {}
    for slot in draft.slots:
        place = slot.row or 0
        if slot.row is not None and place <= n_above:
            raise InputError(
                f"interleave: {name} has a slot in row {place}, expected rows below row {n_above}, which was "
                "given already. Ask both arms for the rows after it."
            )
        if place not in shelves:
            note = notes.get(place)
            kind = slot.row_kind or "" if note is None else note.kind
            shelves[place] = _Shelf(place, kind, "" if note is None else note.reason, note)
        shelves[place].slots.append(slot)
    return [shelves[place] for place in sorted(shelves)]
