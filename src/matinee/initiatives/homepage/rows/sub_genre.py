"""Sub-genre rows: two genres together, a genre of one decade, or a genre from one country."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from matinee.initiatives.homepage.rows.base import Audience, RowKind, Shelf
from matinee.initiatives.homepage.rows.genre import UNNAMED
from matinee.types import ALWAYS_US

MIN_TITLES = 8
"""Smallest sub-genre that is worth a shelf, in titles that the audience may see."""
MAX_SHELVES = 200
"""The sub-genres with the most watching are kept."""
MAX_SHARE = 0.8
"""A sub-genre that holds more of its genre than this says nothing new."""


class SubGenre(RowKind):
    """Titles that share a genre and one more fact."""

    name = "sub_genre"
    tile_reason = "From a corner of a genre you may like"
    several = False

    def shared(self, audience: Audience) -> Sequence[Shelf]:
        """The most watched sub-genres, at most `MAX_SHELVES`."""
        catalogue = audience.catalogue
        genres = catalogue.genres.dense() * audience.shown[:, None]
        named = [g for g, x in enumerate(catalogue.genres.names) if x.strip().lower() not in UNNAMED]
        size = genres.sum(axis=0)
        found: list[tuple[float, str, NDArray[np.int64]]] = []
        weight = audience.titles.popularity.astype(np.float64) + 1e-9
        for labels, facts, ordered in (
            (catalogue.genres.names, genres, False),
            _decades(catalogue.release_us),
            (
                [f"from {with_article(x)}" for x in catalogue.countries.names],
                catalogue.countries.dense(),
                True,
            ),
        ):
            both = genres.T @ facts
            for g in named:
                for f in np.flatnonzero((both[g] >= MIN_TITLES) & (both[g] <= MAX_SHARE * size[g])):
                    if not ordered and (f <= g or f not in named):
                        continue
                    titles = np.flatnonzero(genres[:, g] * facts[:, f])
                    name = catalogue.genres.names[g]
                    label = f"{name} {labels[f]}" if ordered else f"{name} and {labels[f]}"
                    found.append((float(weight[titles].sum()), label, titles))
        found.sort(key=lambda x: (-x[0], x[1]))
        return [
            Shelf(self.name, label, label, titles.astype(np.int32))
            for _, label, titles in found[:MAX_SHELVES]
        ]


def _decades(release_us: NDArray[np.int64]) -> tuple[list[str], NDArray[np.float32], bool]:
    """Labels ("from the 1990s") and 0/1 matrix of shape (n_titles, n_decades)."""
    known = release_us != ALWAYS_US
    year = release_us[known].astype("datetime64[us]").astype("datetime64[Y]").astype(np.int64) + 1970
    starts = np.unique(year // 10 * 10)
    out = np.zeros((len(release_us), len(starts)), np.float32)
    out[np.flatnonzero(known), np.searchsorted(starts, year // 10 * 10)] = 1.0
    return [f"from the {start}s" for start in starts], out, True


ROW_KIND = SubGenre()


def with_article(country: str) -> str:
    """Name of a country as it stands after "from".

    Examples
    --------
    >>> with_article("United States"), with_article("France")
    ('the United States', 'France')
    """
    takes_the = country.startswith("United ") or country in {
        "Netherlands",
        "Philippines",
        "Czech Republic",
        "USSR",
    }
    return f"the {country}" if takes_the else country
