"""The sentences that an initiative writes about rows and tiles, in the language of whoever reads the page.

An initiative says in English why a row or a tile is there, and logs it so. Here a sentence that is known
becomes a text of `texts/*.toml`; one that is not (of another initiative, or a kind of row that a team added)
stays as it is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Say = Callable[..., str]
"""`say(key, **values)`: a text in the reader's language."""
Day = Callable[[str], str]
"""`day("2024-11-09")`: a date as the reader writes it."""

GENRES = {
    "action": "action",
    "adventure": "adventure",
    "animation": "animation",
    "children": "children",
    "children's": "children",
    "comedy": "comedy",
    "crime": "crime",
    "documentary": "documentary",
    "drama": "drama",
    "family": "family",
    "fantasy": "fantasy",
    "film-noir": "film_noir",
    "history": "history",
    "horror": "horror",
    "music": "music",
    "musical": "musical",
    "mystery": "mystery",
    "romance": "romance",
    "sci-fi": "sci_fi",
    "sport": "sport",
    "thriller": "thriller",
    "war": "war",
    "western": "western",
}
"""Genre in lower case -> the rest of its key, `rows.genre_...`."""

ROWS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "because_you_watched": ((r"Because you watched (?P<name>.+)", "rows.because_you_watched"),),
    "continue_watching": ((r"Continue watching", "rows.continue_watching"),),
    "editorial": ((r"Chosen by the editors", "rows.editorial"),),
    "genre": ((r"(?P<genre>.+)", "rows.genre"),),
    "hidden_gems": ((r"Hidden gems for you", "rows.hidden_gems"),),
    "leaving": ((r"Leaving soon", "rows.leaving"),),
    "my_list": ((r"My list", "rows.my_list"),),
    "new": ((r"New on the service", "rows.new"),),
    "popular": (
        (r"Popular on the service", "rows.popular"),
        (r"Popular in (?P<territory>.+)", "rows.popular_in"),
    ),
    "sub_genre": (
        (r"(?P<genre>.+) from the (?P<decade>-?\d+)s", "rows.genre_of_decade"),
        (r"(?P<genre>.+) from (?P<country>.+)", "rows.genre_from"),
        (r"(?P<genre>.+) and (?P<other>.+)", "rows.two_genres"),
    ),
    "top_picks": ((r"Top picks for you", "rows.top_picks"),),
    "trending": ((r"Trending now", "rows.trending"),),
    "watch_again": ((r"Watch again", "rows.watch_again"),),
}
"""Kind of row -> its sentences and the texts that say the same."""

TILES: tuple[tuple[str, str], ...] = (
    (r"Like a title you watched", "rows.tile_like_watched"),
    (r"You have begun it", "rows.tile_begun"),
    (r"(?P<share>\d+) % watched", "rows.tile_share_watched"),
    (r"Chosen by the editors", "rows.tile_editors"),
    (r"From a genre you may like", "rows.tile_genre"),
    (r"Few know it, and it fits you", "rows.tile_hidden_gem"),
    (r"Leaves soon", "rows.tile_leaves_soon"),
    (r"Leaves on (?P<day>\d{4}-\d\d-\d\d)", "rows.tile_leaves_on"),
    (r"On your list", "rows.tile_on_list"),
    (r"New on the service", "rows.tile_new"),
    (r"New since (?P<day>\d{4}-\d\d-\d\d)", "rows.tile_new_since"),
    (r"Many members are watching it", "rows.tile_popular"),
    (r"From a corner of a genre you may like", "rows.tile_sub_genre"),
    (r"Fits what you have watched", "rows.tile_fits"),
    (r"Rising these days", "rows.tile_rising"),
    (r"You liked it", "rows.tile_liked"),
    (r"Something different: we would like to know whether it fits", "rows.tile_explored"),
)
"""Sentences about single tiles."""

Table = Sequence[tuple[re.Pattern[str], str]]
"""Sentences that code writes, and the texts that say the same."""


def table(patterns: Sequence[tuple[str, str]]) -> Table:
    """Patterns, ready to be looked through."""
    return [(re.compile(text, re.DOTALL), key) for text, key in patterns]


def said(say: Say, known: Table, text: str, value: Callable[[str, str], object]) -> str | None:
    """What a sentence is in the reader's language; None where none of `known` is it.

    Parameters
    ----------
    value : callable
        `value(name, text)`: what stands in the sentence under a name, as the reader writes it.
    """
    for pattern, key in known:
        found = pattern.fullmatch(text)
        if found is not None:
            return say(key, **{name: value(name, part) for name, part in found.groupdict().items()})
    return None


_ROWS = {kind: table(known) for kind, known in ROWS.items()}
_TILES = table(TILES)


@dataclass(frozen=True, slots=True)
class Sentences:
    """Says what stands above a row and why a tile is in it.

    Parameters
    ----------
    say : callable
        Texts in the reader's language.
    day : callable
        Dates in the reader's form.

    Examples
    --------
    >>> said = Sentences(lambda key, **values: f"{key} {values}", lambda day: day)
    >>> said.row("because_you_watched", "Because you watched Fargo")
    "rows.because_you_watched {'name': 'Fargo'}"
    >>> said.row("our_own_kind", "Made for you")
    'Made for you'
    """

    say: Say
    day: Day

    def row(self, kind: str, reason: str) -> str:
        """The sentence above a row."""
        return self._said(_ROWS.get(kind, ()), reason)

    def tile(self, reason: str | None) -> str:
        """Why a tile is there; empty where nothing is said."""
        return self._said(_TILES, reason or "")

    def genre(self, name: str) -> str:
        """A genre, where its name is one that is known."""
        key = GENRES.get(name.strip().lower())
        return name if key is None else self.say(f"rows.genre_{key}")

    def _said(self, known: Table, reason: str) -> str:
        return said(self.say, known, reason, self._value) or reason

    def _value(self, name: str, text: str) -> str:
        if name == "day":
            return self.day(text)
        if name in ("genre", "other"):
            return self.genre(text)
        return isolated(text)


def isolated(text: str) -> str:
    """A name that stands inside a sentence: one that is written from right to left is set apart.

    The marks (FIRST STRONG ISOLATE and POP DIRECTIONAL ISOLATE) are invisible; other names stay as they are.

    Examples
    --------
    >>> isolated("Fargo"), len(isolated("\u05e9\u05dc\u05d5\u05dd"))
    ('Fargo', 6)
    """
    if any(unicodedata.bidirectional(c) in ("R", "AL", "AN") for c in text):
        return f"\u2068{text}\u2069"
    return text
