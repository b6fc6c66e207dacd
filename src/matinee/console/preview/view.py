"""What the templates of a preview are given: sides with their tiles, forms with their fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl
from zlib import crc32

from matinee.console.preview.changes import KINDS
from matinee.console.preview.desk import Result
from matinee.console.preview.differences import Differences, Mark
from matinee.console.preview.figures import figures
from matinee.console.preview.links import Links
from matinee.console.preview.openings import Release
from matinee.console.preview.question import CONDITIONS, OTHER, Asked, Question, values_of
from matinee.console.preview.seen import Page, Tile, Title

GROUNDS = 6
"""Colours of tiles without an image."""
DEVICES = ("phone", "laptop", "tv")
"""Devices that can be chosen; an address may name others."""
WIDTH = 160
"""Pixels of a tile's image."""
MEASURES = (
    ("n_titles", "of_tiles"),
    ("new", "of_tiles"),
    ("explored", "of_tiles"),
    ("effective_titles", "number"),
    ("diversity_of_screen", "number"),
    ("diversity_of_page", "number"),
    ("calibration_error", "number"),
    ("head_kinds", "count"),
    ("expected_plays", "number"),
)
"""Figures of a page, and how each is written."""


@dataclass(frozen=True, slots=True)
class Side:
    """One page of the two, or the only one.

    Attributes
    ----------
    key : str
        "a" or "b": what the ids of its elements begin with.
    heading : str
        Key of a text.
    marks : dict of (row, col) to Mark
    found : tuple of Title
        Titles that may be meant by the one that is asked about.
    elsewhere : dict of str to (row, col)
        Title -> its first place on the other page.
    """

    key: str
    heading: str
    page: Page
    marks: Mapping[tuple[int, int], Mark]
    found: tuple[Title, ...] = ()
    elsewhere: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def spot(self, tile: Tile) -> str:
        """Id of what is said about a tile."""
        return f"{self.key}-{tile.row}-{tile.col}"

    def mark(self, tile: Tile) -> str:
        """What is marked on a tile: "only", "moved", "image" or nothing."""
        return self.marks.get((tile.row, tile.col), "")

    @property
    def short(self) -> str:
        """Key of a text: the heading of a column."""
        return self.heading.replace("preview.", "preview.short_")

    def other_spot(self, tile: Tile) -> str:
        """Where the title stands on the other page: "2.4"."""
        row, col = self.elsewhere.get(tile.title_id, (0, 0))
        return f"{row}.{col}"


def view(
    asked: Asked,
    result: Result,
    releases: tuple[Sequence[Release], Sequence[Release]],
    choose: Sequence[Title],
    members: Sequence[str],
    parameters: Mapping[str, Sequence[str]],
) -> dict[str, Any]:
    """Values of the templates.

    Parameters
    ----------
    releases : (sequence of Release, sequence of Release)
        Of pages, and of what chooses images.
    choose : sequence of Title
        Titles that may be meant by the one of a "what if".
    """
    sides = _sides(result)
    links = _links(asked, result)
    wrong = {**asked.wrong, **(result.wrong or {})}
    first = links.first if links is not None else None
    return {
        "sides": sides,
        "leads": links,
        "differences": result.differences,
        "logged": result.logged,
        "trouble": result.trouble,
        "wrong": wrong,
        "wrong_elsewhere": [
            text for name, text in wrong.items() if name.removeprefix(OTHER) not in CONDITIONS
        ],
        "given": _given(asked, first),
        "changes": [str(one) for one in first.changes] if first else [],
        "other_changes": [str(one) for one in links.second.changes] if links and links.second else [],
        "beside": bool(links and links.second),
        "title": asked.title,
        "releases": releases[0],
        "artworks": releases[1],
        "devices": DEVICES,
        "members": members,
        "choose": choose,
        "what": next(iter(parameters.get("what", ())), "play"),
        "about": next(iter(parameters.get("about", ())), ""),
        "tried": bool(next(iter(parameters.get("about", ())), "").strip()),
        "figures": figures,
        "ground": ground,
        "width": WIDTH,
        "permanent": _permanent(links, sides),
        "state": _state(links),
        "kinds": KINDS,
        "beside_given": any(asked.given.get(OTHER + name) for name in CONDITIONS)
        or any(name.startswith(OTHER) for name in wrong),
        "measures": MEASURES,
        "genres": _genres(sides),
    }


def ground(title_id: str) -> int:
    """Colour of a title without an image, 1 to 6: always the same for a title."""
    return 1 + crc32(title_id.encode()) % GROUNDS


def _sides(result: Result) -> list[Side]:
    before, after = _marks(result.differences)
    sides: list[Side] = []
    if result.logged is not None:
        told = result.logged
        sides.append(Side("a", "preview.logged", told.page, before))
        if told.again is not None:
            sides.append(Side("b", "preview.again", told.again, after))
    if result.first is not None:
        heading = "preview.page" if result.second is None else "preview.first"
        sides.append(Side("a", heading, result.first.page, before, result.first.found))
    if result.second is not None:
        sides.append(Side("b", "preview.second", result.second.page, after, result.second.found))
    if len(sides) == 1:
        return sides
    places = [_places(one.page) for one in sides]
    return [replace(one, elsewhere=there) for one, there in zip(sides, reversed(places), strict=True)]


def _places(page: Page) -> dict[str, tuple[int, int]]:
    """Title -> its first place."""
    return {tile.title_id: (tile.row, tile.col) for tile in reversed(page.tiles)}


def _marks(
    differences: Differences | None,
) -> tuple[Mapping[tuple[int, int], Mark], Mapping[tuple[int, int], Mark]]:
    if differences is None:
        return {}, {}
    return differences.marks_first, differences.marks_second


def _links(asked: Asked, result: Result) -> Links | None:
    if result.logged is not None:
        return Links(result.logged.page.question)
    return None if asked.first is None else Links(asked.first, asked.second, asked.title)


def _given(asked: Asked, first: Question | None) -> dict[str, str]:
    """What stands in the fields: as it was written; of a logged page, what it was computed for."""
    from_log = {} if first is None or asked.first is not None else values_of(first)
    out = dict.fromkeys((*CONDITIONS, *(OTHER + name for name in CONDITIONS)), "")
    return {**out, **from_log, **asked.given}


def _permanent(links: Links | None, sides: Sequence[Side]) -> str:
    if links is None or not sides:
        return ""
    return links.pinned(sides[0].page.at_us, sides[1].page.at_us if len(sides) > 1 else None)


def _state(links: Links | None) -> list[tuple[str, str]]:
    """What a form besides the first has to send along."""
    return [] if links is None else parse_qsl(links.here.partition("?")[2])


def _genres(sides: Sequence[Side]) -> list[tuple[str, list[float | None]]]:
    """Shares of genres: in the history of the first page, then on each page; None: not among its largest."""
    if not sides:
        return []
    found = [{one.genre: one for one in side.page.measures.genres} for side in sides]
    names = dict.fromkeys(name for some in found for name in some)
    return [
        (
            name,
            [
                next((some[name].watched for some in found if name in some), None),
                *(some[name].shown if name in some else None for some in found),
            ],
        )
        for name in names
    ]
