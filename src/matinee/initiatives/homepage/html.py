"""Pages as one self-contained HTML file: choose a member, see the page. No network, no other file.

The catalogue is stored once and every tile is a few characters, so a thousand members fit in a few megabytes;
so are the images, packed together.
"""

from __future__ import annotations

import json
import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import jinja2
import numpy as np

from matinee.errors import InputError
from matinee.initiatives.homepage.packing import Picture, Uses, packed
from matinee.initiatives.homepage.page import Page, Row
from matinee.observe.catalogue.catalogue import Catalogue
from matinee.observe.whole_file import write_whole
from matinee.types import ALWAYS_US, SECOND_US, format_at

TEMPLATE = "viewer.html.jinja"
ALPHABET = "".join(c for c in string.printable[:94] if c not in "\"\\<>&'")
"""Digits of the numbers in tiles: printable characters that neither JSON nor HTML needs to escape."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What stands above a page: how much the member watched, and the latest titles, newest first."""

    n_plays: int
    latest: Sequence[int] = ()


@dataclass(slots=True)
class _Book:
    """Numbers for values in the order of their first use."""

    number: dict[object, int] = field(default_factory=dict)

    def of(self, value: object) -> int:
        return self.number.setdefault(value, len(self.number))


def write_html(
    path: Path,
    pages: Iterable[Page],
    catalogue: Catalogue,
    *,
    watched: Mapping[str, Watched] | None = None,
    heading: str = "Matinee",
    notes: Sequence[str] = (),
    rows: int = 20,
    cols: int = 20,
    picture: Callable[[str], Picture | None] | None = None,
) -> int:
    """Write the pages of many members into one file, and return its size in bytes.

    Parameters
    ----------
    pages : iterable of Page
    watched : mapping of member id to Watched, optional
    heading : str
        Name of the service.
    notes : sequence of str
        Lines at the foot of the page, such as the licence of the data.
    rows, cols : int, above 0
        Longest page and row that are kept.
    picture : callable, optional
        The file of an image; None: it may not be shown (any more). Asked when all pages have passed. Titles
        without one have a poster that the viewer draws.

    Raises
    ------
    InputError
        There is no page.
    StorageError
        The file cannot be written; one that was there before is untouched.
    """
    # `watched` may still be filled while the pages pass by, so an empty one is kept, not replaced.
    uses = Uses()
    data = encode(
        pages, catalogue, watched={} if watched is None else watched, rows=rows, cols=cols, uses=uses
    )
    if not data["members"]:
        raise InputError(f"{path}: 0 pages were given, expected at least 1. Import events and train first.")
    data["images"] = packed(uses, {} if picture is None else picture)
    source = files("matinee.initiatives.homepage").joinpath(TEMPLATE).read_text(encoding="utf-8")
    template = jinja2.Environment(autoescape=True).from_string(source)
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    safe = text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return write_whole(path, template.render(heading=heading, notes=list(notes), data=safe).encode())


def encode(
    pages: Iterable[Page],
    catalogue: Catalogue,
    *,
    watched: Mapping[str, Watched],
    rows: int = 20,
    cols: int = 20,
    uses: Uses | None = None,
) -> dict[str, object]:
    """Pages as the compact tables that the script in the template reads.

    Parameters
    ----------
    uses : Uses, optional
        Counts the images of the tiles. None: tiles have none.
    """
    titles, texts, kinds = _Book(), _Book(), _Book()
    members = []
    at_us = 0
    for page in pages:
        at_us = max(at_us, page.at_us)
        seen = watched.get(page.member_id, Watched(0))
        members.append(
            [
                page.member_id,
                seen.n_plays,
                _digits([titles.of(int(t)) for t in seen.latest], 3),
                [_row(row, cols, titles, texts, kinds, uses) for row in page.rows[:rows]],
                page.reason or "",
            ]
        )
    usual = {} if uses is None else uses.usual()
    return {
        "digits": ALPHABET,
        "at": format_at(at_us),
        "genres": catalogue.genres.names,
        "titles": [[*_title(catalogue, int(str(t))), usual.get(n, 0)] for t, n in titles.number.items()],
        "texts": list(texts.number),
        "kinds": list(kinds.number),
        "members": members,
    }


def _row(row: Row, cols: int, titles: _Book, texts: _Book, kinds: _Book, uses: Uses | None) -> list[object]:
    tiles = row.tiles[:cols]
    images = [0 if uses is None else uses.of(titles.of(tile.title), tile.artwork_id) for tile in tiles]
    explored = {str(i): round(tile.propensity, 4) for i, tile in enumerate(tiles) if tile.explored}
    return [
        kinds.of((row.kind, row.intent)),
        texts.of(row.reason),
        _digits([titles.of(tile.title) for tile in tiles], 3),
        _digits([texts.of(tile.reason) for tile in tiles], 3),
        _digits(images, 3) if any(images) else "",
        *([explored] if explored else []),
    ]


def _title(catalogue: Catalogue, title: int) -> list[object]:
    release_us, runtime_s = int(catalogue.release_us[title]), float(catalogue.runtime_s[title])
    indptr = catalogue.genres.indptr
    return [
        str(catalogue.names[title]),
        0 if release_us == ALWAYS_US else datetime.fromtimestamp(release_us / SECOND_US, UTC).year,
        catalogue.genres.tag[indptr[title] : indptr[title + 1]].tolist(),
        0 if np.isnan(runtime_s) else round(runtime_s / 60),
        int(catalogue.maturity[title]),
    ]


def _digits(numbers: Sequence[int], width: int) -> str:
    """Numbers as `width` digits each, the highest first.

    Examples
    --------
    >>> _digits([0, 1, 90], 2)
    '000112'
    """
    base = len(ALPHABET)
    if numbers and max(numbers) >= base**width:
        raise InputError(
            f"write_html: {max(numbers)} different titles or reasons, expected at most {base**width - 1} "
            "in one file. Give fewer members."
        )
    return "".join(ALPHABET[n // base**k % base] for n in numbers for k in range(width - 1, -1, -1))
