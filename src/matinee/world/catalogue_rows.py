"""Facts of a world as columns of the lake: titles with their episodes, members, availability windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from matinee.types import DAY_US
from matinee.world.draws import Ints
from matinee.world.people import MATURITY_CLASSES
from matinee.world.titles import GENRES, LANGUAGES, NEVER_DAY, TAGS, TERRITORIES, TERRITORY_LANGUAGES
from matinee.world.world import World

Rows = list[tuple[Any, ...]]
FIRST = (
    "Silent", "Golden", "Broken", "Distant", "Crimson", "Hidden", "Winter", "Paper", "Electric", "Last",
    "Hollow", "Velvet", "Northern", "Borrowed", "Salt", "Second", "Wild", "Glass", "Quiet", "Burning",
)  # fmt: skip
SECOND = (
    "Harbour", "Orchard", "Signal", "Letters", "Kingdom", "Station", "Tide", "Witness", "Garden", "Engine",
    "Bridge", "Summer", "Lantern", "Road", "Archive", "Island", "Choir", "Map", "Window", "Heist", "Mountain",
    "Sisters", "Clock",
)  # fmt: skip


def title_name(title: int) -> str:
    """Name of a title; different for each.

    Examples
    --------
    >>> title_name(0), title_name(461)
    ('Silent Harbour', 'Golden Orchard 2')
    """
    part = title // (len(FIRST) * len(SECOND)) + 1
    name = f"{FIRST[title % len(FIRST)]} {SECOND[(title + title // len(FIRST)) % len(SECOND)]}"
    return name if part == 1 else f"{name} {part}"


def title_rows(world: World) -> Rows:
    """Films, series and episodes: title_id, name, kind, series_id, season, episode, ... as in the lake."""
    titles = world.titles
    rows: Rows = []
    for t in range(len(titles)):
        series, title_id = titles.n_episodes[t] > 0, f"t{t:05d}"
        genres = [GENRES[g] for g in titles.genres[t] if g >= 0]
        languages = [LANGUAGES[i] for i in np.flatnonzero(titles.languages[t])]
        rest = (int(titles.maturity[t]), genres, languages)
        release = world.day_us(int(titles.release_day[t]))
        runtime = None if series else float(titles.runtime_s[t])
        kind = "series" if series else "film"
        rows.append((title_id, title_name(t), kind, None, None, None, release, runtime, *rest))
        for e in range(1, int(titles.n_episodes[t]) + 1):
            name = f"{title_name(t)}: episode {e}"
            length = float(titles.runtime_s[t])
            rows.append((f"{title_id}-e{e:02d}", name, "episode", title_id, 1, e, release, length, *rest))
    return rows


TITLE_COLUMNS = (
    "title_id", "name", "kind", "series_id", "season", "episode", "release_us", "runtime_s", "maturity",
    "genres", "languages",
)  # fmt: skip


def member_rows(world: World) -> Rows:
    """member_id, account_id, territory, maturity_max, kids, languages."""
    people = world.people
    return [
        (
            f"m{m:06d}",
            f"a{people.account[m]:06d}",
            TERRITORIES[people.territory[m]],
            int(MATURITY_CLASSES[people.maturity_class[m]]),
            bool(people.kids[m]),
            [LANGUAGES[i] for i in TERRITORY_LANGUAGES[people.territory[m]]],
        )
        for m in range(people.n_members)
    ]


MEMBER_COLUMNS = ("member_id", "account_id", "territory", "maturity_max", "kids", "languages")


def availability_rows(world: World) -> Rows:
    """title_id, territory, start_us, end_us of each window; episodes have those of their series."""
    titles = world.titles
    rows: Rows = []
    for t in np.flatnonzero(titles.windowed):
        ids = [f"t{t:05d}", *(f"t{t:05d}-e{e:02d}" for e in range(1, int(titles.n_episodes[t]) + 1))]
        for place, territory in enumerate(TERRITORIES):
            start = _moment(world, titles.from_day[t, place])
            end = _moment(world, titles.until_day[t, place])
            rows += [(title_id, territory, start, end) for title_id in ids]
    return rows


AVAILABILITY_COLUMNS = ("title_id", "territory", "start_us", "end_us")


def _moment(world: World, day: Ints) -> int | None:
    return None if abs(int(day)) >= NEVER_DAY else world.config.start_us + int(day) * DAY_US


SHOWS = {
    "face": "people:1", "group": "people:3+", "action": "genre:action", "landscape": "setting:nature",
    "dark": "colour:dark", "bright": "colour:bright",
}  # fmt: skip
"""What an artwork shows, in the vocabulary of the catalogue."""


def artwork_rows(world: World) -> Rows:
    """artwork_id, title_id, file, ... of each image; all are cleared everywhere from the first day on.

    The files do not exist: nobody looks at this service.
    """
    titles, since = world.titles, world.config.start_us
    return [
        (
            f"t{t:05d}-i{k + 1}",
            f"t{t:05d}",
            f"t{t:05d}-i{k + 1}.svg",
            "svg",
            "2:3",
            [SHOWS[TAGS[titles.artwork_tag[t, k]]]],
            k == 0,
            "simulated",
            since,
        )
        for t in range(len(titles))
        for k in range(int(titles.n_artworks[t]))
    ]


ARTWORK_COLUMNS = (
    "artwork_id", "title_id", "file", "format", "aspect", "tags", "is_default", "approved_by", "approved_us",
)  # fmt: skip


def columns_of(rows: Rows, names: Sequence[str]) -> dict[str, list[Any]]:
    """Rows turned into columns."""
    return {name: [row[i] for row in rows] for i, name in enumerate(names)}
