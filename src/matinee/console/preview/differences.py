"""Two pages side by side: which titles stand on one only, which have moved, which have another image."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from matinee.console.preview.question import values_of
from matinee.console.preview.seen import Page, Tile

Mark = Literal["only", "moved", "image"]
Spot = tuple[int, int]
"""Row and column, from 1."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A title that stands elsewhere on the second page; its first place on each."""

    tile: Tile
    before: Spot
    after: Spot


@dataclass(frozen=True, slots=True)
class Differences:
    """What differs between a first and a second page.

    Attributes
    ----------
    n_places, n_differ : int
        Places that either page has; those among them that hold another title.
    only_first, only_second : tuple of Tile
        Titles that stand on one page only, at their first place.
    moved : tuple of Moved
    images : tuple of (Tile, Tile)
        Titles at the same place with another image.
    rows : tuple of int
        Numbers of rows that are of another kind, or have another reason.
    marks_first, marks_second : dict of (row, col) to Mark
    asked : tuple of (name, first value, second value)
        Parameters that differ.
    """

    n_places: int
    n_differ: int
    only_first: tuple[Tile, ...]
    only_second: tuple[Tile, ...]
    moved: tuple[Moved, ...]
    images: tuple[tuple[Tile, Tile], ...]
    rows: tuple[int, ...]
    marks_first: dict[Spot, Mark]
    marks_second: dict[Spot, Mark]
    asked: tuple[tuple[str, str, str], ...] = ()

    @property
    def same(self) -> bool:
        """Nothing that a member would see differs."""
        return not (self.n_differ or self.images or self.rows)


def compare(first: Page, second: Page) -> Differences:
    """Compare two pages, tile by tile."""
    before, after = _places(first.tiles), _places(second.tiles)
    ones, others = {_spot(t): t for t in first.tiles}, {_spot(t): t for t in second.tiles}
    spots = ones.keys() | others.keys()
    differ = [s for s in spots if _title(ones.get(s)) != _title(others.get(s))]
    same_place = [(t, others[s]) for s, t in ones.items() if _title(t) == _title(others.get(s))]
    images = [(a, b) for a, b in same_place if _image(a) != _image(b)]
    marks = {_spot(a): "image" for a, _ in images}
    return Differences(
        len(spots),
        len(differ),
        tuple(_first_of(first.tiles, before.keys() - after.keys())),
        tuple(_first_of(second.tiles, after.keys() - before.keys())),
        tuple(
            Moved(tile, before[tile.title_id][0], after[tile.title_id][0])
            for tile in _first_of(first.tiles, before.keys() & after.keys())
            if before[tile.title_id] != after[tile.title_id]
        ),
        tuple(images),
        tuple(_other_rows(first, second)),
        {**marks, **_marks(first.tiles, after)},  # type: ignore[dict-item]
        {**marks, **_marks(second.tiles, before)},  # type: ignore[dict-item]
        _asked(first, second),
    )


def _marks(tiles: Iterable[Tile], elsewhere: dict[str, list[Spot]]) -> dict[Spot, Mark]:
    found: dict[Spot, Mark] = {}
    for tile in tiles:
        places = elsewhere.get(tile.title_id)
        if places is None:
            found[_spot(tile)] = "only"
        elif _spot(tile) not in places:
            found[_spot(tile)] = "moved"
    return found


def _asked(first: Page, second: Page) -> tuple[tuple[str, str, str], ...]:
    ones, others = values_of(first.question), values_of(second.question)
    found = [(name, value, others[name]) for name, value in ones.items() if value != others[name]]
    changes = [", ".join(map(str, page.question.changes)) for page in (first, second)]
    if changes[0] != changes[1]:
        found.append(("change", changes[0], changes[1]))
    return tuple(found)


def _other_rows(first: Page, second: Page) -> list[int]:
    ones = {row.row: (row.kind, row.reason) for row in first.rows}
    others = {row.row: (row.kind, row.reason) for row in second.rows}
    return sorted(n for n in ones.keys() | others.keys() if ones.get(n) != others.get(n))


def _places(tiles: Iterable[Tile]) -> dict[str, list[Spot]]:
    found: dict[str, list[Spot]] = {}
    for tile in tiles:
        found.setdefault(tile.title_id, []).append(_spot(tile))
    return found


def _first_of(tiles: Iterable[Tile], title_ids: Iterable[str]) -> list[Tile]:
    wanted, out = set(title_ids), []
    for tile in tiles:
        if tile.title_id in wanted:
            wanted.discard(tile.title_id)
            out.append(tile)
    return out


def _spot(tile: Tile) -> Spot:
    return tile.row, tile.col


def _title(tile: Tile | None) -> str | None:
    return None if tile is None else tile.title_id


def _image(tile: Tile) -> str | None:
    return None if tile.image is None else tile.image.artwork_id
