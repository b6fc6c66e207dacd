"""A previewed page: rows of tiles, each with all that is known about why it is there."""

from __future__ import annotations

from dataclasses import dataclass, field

from matinee.console.preview.measures import Measures
from matinee.console.preview.question import Question
from matinee.observe.catalogue.catalogue import Limits
from matinee.platform.deciding import Stage
from matinee.platform.whereabouts import Located


@dataclass(frozen=True, slots=True)
class Title:
    """What people read about a title.

    Attributes
    ----------
    year, maturity : int or None
        None where unknown.
    """

    title_id: str
    name: str
    kind: str
    genres: tuple[str, ...] = ()
    year: int | None = None
    maturity: int | None = None


@dataclass(frozen=True, slots=True)
class Image:
    """The image of a tile.

    Attributes
    ----------
    url : str or None
        None: it may not be given out any more.
    propensity : float or None
        Probability with which it was chosen; None where that is not known.
    n : int or None
        Images that could have been chosen.
    """

    artwork_id: str
    url: str | None
    propensity: float | None
    n: int | None
    why: str


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile.

    Attributes
    ----------
    n_permitted : int or None
        Of an explored slot: titles it was drawn from.
    new : bool
        The member has not played the title.
    scores : dict of str to float
        `Explained.scores`.
    """

    row: int
    col: int
    title: Title
    reason: str
    propensity: float
    n_permitted: int | None
    explored: bool
    new: bool
    image: Image | None
    scores: dict[str, float] = field(default_factory=dict)

    @property
    def title_id(self) -> str:
        """Id of the title."""
        return self.title.title_id


@dataclass(frozen=True, slots=True)
class Row:
    """A row. `stage` is None where nothing is known about how it came about."""

    row: int
    kind: str
    reason: str
    tiles: tuple[Tile, ...]
    stage: Stage | None = None


@dataclass(frozen=True, slots=True)
class Play:
    """One play of the member, as the page rests on it.

    Attributes
    ----------
    share : float or None
        Of the rating scale, else of the runtime; None where neither is known.
    imagined : bool
        It is one of the changes of a "what if".
    """

    title: Title
    at_us: int
    share: float | None
    imagined: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """A previewed page.

    Attributes
    ----------
    question : Question
    version, policy : str
        What answered.
    at_us : int
        Moment of the page.
    opened_us : int
        Moment that popularity was counted for.
    limits : Limits
        What the member may be shown, the request's limits included.
    rows : tuple of Row
    eligible : Stage or None
        What each rule takes from the whole catalogue.
    absent : dict of str to str
        Kind of row -> why it is not there.
    unmet : tuple of str
    reason : str or None
        Why there are no rows.
    plays : tuple of Play
        The latest ones, newest first.
    n_plays : int
        All that the page rests on.
    signals : tuple of (str, Title)
        Last words of the member: thumbs and list.
    located : Located or None
        What became of the title that is asked about.
    known : bool
        Something is stored about the member, or they did something; else this is the page of somebody new.
    names : dict of str to str
        Names of the titles of the changes.
    """

    question: Question
    version: str
    policy: str
    at_us: int
    opened_us: int
    limits: Limits
    rows: tuple[Row, ...]
    measures: Measures
    eligible: Stage | None = None
    absent: dict[str, str] = field(default_factory=dict)
    unmet: tuple[str, ...] = ()
    reason: str | None = None
    plays: tuple[Play, ...] = ()
    n_plays: int = 0
    signals: tuple[tuple[str, Title], ...] = ()
    located: Located | None = None
    known: bool = True
    names: dict[str, str] = field(default_factory=dict)

    @property
    def tiles(self) -> list[Tile]:
        """All tiles, row by row."""
        return [tile for row in self.rows for tile in row.tiles]
