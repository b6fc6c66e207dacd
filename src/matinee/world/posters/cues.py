"""From a title's genres to what may be drawn for it: what the title is, and no fright for children."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matinee.observe.importers.film_facts import TitleFacts
from matinee.world.posters import scenes_city as city
from matinee.world.posters import scenes_nature as nature
from matinee.world.posters import scenes_stage as stage
from matinee.world.posters.canvas import Canvas

KIDS_AGE = 6
"""Titles for children of up to this age get no dark picture, in years."""
Scene = Callable[[Canvas], None]


@dataclass(frozen=True, slots=True)
class Cue:
    """How a genre looks.

    Attributes
    ----------
    genre : str or None
        Value of the tag "genre".
    scenes : tuple of (Scene, str)
        What can be drawn, and the value of its tag "setting".
    palettes : tuple of str
        Names in `colour.PALETTES`; the first is the most usual.
    emotion : str
        What the bearing of people in it says.
    voices : tuple of str
        Names in `lettering.VOICES`: of the plain poster, and of the quiet ones.
    wear : tuple of str
        What people have on their heads (`figures.HAIR`).
    kids : bool
        Whether it may stand for a children's title.
    """

    genre: str | None
    scenes: tuple[tuple[Scene, str], ...]
    palettes: tuple[str, ...]
    emotion: str
    voices: tuple[str, str]
    wear: tuple[str, ...] = ("short", "long", "bun", "curls")
    kids: bool = False


CUES: dict[str, Cue] = {
    "action": Cue(
        "action",
        ((city.road, "road"), (city.skyline, "city")),
        ("ember", "teal", "crimson"),
        "anger",
        ("poster", "wide"),
    ),
    "adventure": Cue(
        "adventure",
        ((nature.peaks, "nature"),),
        ("dawn", "steel", "dusk"),
        "calm",
        ("inscription", "wide"),
        ("short", "long", "hat"),
        True,
    ),
    "animation": Cue(
        "animation",
        ((nature.hills, "nature"),),
        ("meadow", "sky", "candy"),
        "joy",
        ("friendly", "friendly"),
        kids=True,
    ),
    "children": Cue(
        "children",
        ((nature.balloons, "nature"), (nature.home, "home")),
        ("sky", "candy", "meadow"),
        "joy",
        ("friendly", "friendly"),
        kids=True,
    ),
    "comedy": Cue(
        "comedy",
        ((stage.curtain, "stage"), (city.street, "village")),
        ("candy", "sky", "sand"),
        "joy",
        ("friendly", "roman"),
        ("short", "long", "bun", "curls", "hat"),
        True,
    ),
    "crime": Cue(
        "crime",
        ((city.skyline, "city"),),
        ("steel", "night", "crimson"),
        "fear",
        ("poster", "typewriter"),
        ("short", "hat", "long"),
    ),
    "noir": Cue(
        "crime",
        ((city.blinds, "indoor"), (city.skyline, "city")),
        ("noir", "moss", "ember"),
        "fear",
        ("poster", "typewriter"),
        ("hat", "long", "hat"),
    ),
    "documentary": Cue(
        "documentary",
        ((stage.film, "abstract"),),
        ("sepia", "ice", "teal"),
        "calm",
        ("typewriter", "typewriter"),
        kids=True,
    ),
    "drama": Cue(
        "drama",
        ((nature.tree, "nature"), (city.window, "indoor"), (nature.sea, "water")),
        ("dusk", "ice", "moss", "sepia", "plum"),
        "sad",
        ("roman", "inscription"),
    ),
    "family": Cue(
        "children",
        ((nature.home, "home"),),
        ("meadow", "dawn", "sky"),
        "joy",
        ("friendly", "roman"),
        kids=True,
    ),
    "fantasy": Cue(
        "fantasy",
        ((nature.castle, "village"),),
        ("violet", "dusk", "teal"),
        "calm",
        ("inscription", "italic"),
        ("hood", "long", "short"),
    ),
    "history": Cue(
        "history",
        ((stage.arcade, "indoor"),),
        ("sepia", "sand", "moss"),
        "calm",
        ("inscription", "inscription"),
        ("short", "bun", "hat"),
    ),
    "biography": Cue(
        "history", ((city.study, "indoor"),), ("ember", "night", "moss"), "calm", ("roman", "inscription")
    ),
    "horror": Cue(
        "horror",
        ((nature.manor, "nature"),),
        ("night", "moss", "crimson"),
        "fear",
        ("poster", "inscription"),
        ("hood", "long", "hood"),
    ),
    "music": Cue(
        "music", ((stage.staff, "stage"),), ("plum", "sand", "sky"), "joy", ("italic", "roman"), kids=True
    ),
    "mystery": Cue(
        "mystery",
        ((city.door, "indoor"),),
        ("teal", "violet", "noir"),
        "fear",
        ("inscription", "typewriter"),
        ("hat", "short", "long"),
    ),
    "reality": Cue("reality", ((stage.curtain, "stage"),), ("plum", "sky"), "joy", ("friendly", "wide")),
    "romance": Cue(
        "romance",
        ((nature.sea, "water"), (city.street, "village")),
        ("plum", "dusk", "candy"),
        "joy",
        ("italic", "italic"),
        ("short", "long", "bun"),
    ),
    "science-fiction": Cue(
        "science-fiction",
        ((nature.planet, "space"),),
        ("violet", "teal", "night"),
        "calm",
        ("wide", "wide"),
        ("short", "bun", "hood"),
    ),
    "sport": Cue(
        "sport", ((stage.track, "stage"),), ("ember", "steel", "sky"), "joy", ("poster", "wide"), kids=True
    ),
    "thriller": Cue(
        "thriller",
        ((city.spiral, "abstract"), (city.door, "indoor")),
        ("crimson", "noir", "steel"),
        "fear",
        ("poster", "wide"),
    ),
    "war": Cue(
        "war",
        ((nature.wire, "nature"),),
        ("olive", "steel", "ember"),
        "sad",
        ("poster", "inscription"),
        ("short",),
    ),
    "western": Cue(
        "western",
        ((nature.mesa, "nature"),),
        ("sand", "ember", "dusk"),
        "calm",
        ("roman", "inscription"),
        ("hat",),
    ),
    "plain": Cue(
        None,
        ((stage.shapes, "abstract"),),
        ("steel", "dawn", "meadow"),
        "calm",
        ("friendly", "wide"),
        kids=True,
    ),
}
"""Name -> how it looks. "plain" is for titles without a genre that we can draw."""

SPELLINGS = {
    "sci-fi": "science-fiction", "science fiction": "science-fiction", "scifi": "science-fiction",
    "film-noir": "noir", "film noir": "noir", "children's": "children", "kids": "children",
    "musical": "music", "biopic": "biography", "historical": "history", "romantic": "romance",
    "suspense": "thriller", "reality-tv": "reality", "sports": "sport",
}  # fmt: skip
BRIGHT = ("sky", "meadow", "candy", "dawn", "sand", "ice")
"""Palettes of children's titles."""
SPECIFIC = (
    "noir",
    "western",
    "science-fiction",
    "horror",
    "war",
    "music",
    "animation",
    "children",
    "documentary",
    "fantasy",
    "sport",
    "mystery",
    "biography",
    "history",
    "family",
)
"""Genres that say most about a title come first, since lists begin with the most frequent ones."""


def for_kids(title: TitleFacts) -> bool:
    """Whether a title may be shown to small children; one of unknown age counts if its genres say so."""
    if title.maturity is not None:
        return title.maturity <= KIDS_AGE
    return bool({"children", "family"} & set(_names(title.genres)))


def cues_of(title: TitleFacts) -> tuple[Cue, ...]:
    """How a title may look, the most telling first; at least one.

    Examples
    --------
    >>> [cue.genre for cue in cues_of(TitleFacts("t", "Alien", None, genres=("Action", "Horror", "Sci-Fi")))]
    ['science-fiction', 'horror', 'action']
    """
    names = _names(title.genres)
    ordered = [name for name in SPECIFIC if name in names] + [name for name in names if name not in SPECIFIC]
    kids = for_kids(title)
    return tuple(CUES[name] for name in ordered if CUES[name].kids or not kids) or (CUES["plain"],)


def palettes_of(cue: Cue, *, kids: bool) -> tuple[str, ...]:
    """Palettes of a cue; those of children's titles are bright."""
    if not kids:
        return cue.palettes
    bright = tuple(name for name in cue.palettes if name in BRIGHT)
    return bright + tuple(name for name in BRIGHT[:3] if name not in bright)


def _names(genres: Sequence[str]) -> list[str]:
    lower = [genre.strip().lower() for genre in genres]
    known = [SPELLINGS.get(name, name) for name in lower]
    return list(dict.fromkeys(name for name in known if name in CUES and name != "plain"))
