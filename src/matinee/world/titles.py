"""The catalogue of the simulated service: genres, series, maturity, languages, windows, artwork."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matinee.world.draws import Bools, Draws, Floats, Ints

GENRES = (
    "Drama", "Comedy", "Crime", "Science fiction", "Romance",
    "Documentary", "Horror", "Adventure", "Animation", "Family",
)  # fmt: skip
GENRE_MATURITY = np.array([12, 6, 16, 12, 12, 6, 16, 6, 0, 0])
"""Age from which most titles of a genre are suitable, in years."""
AGES = (0, 6, 12, 16, 18)
TERRITORIES = ("DE", "ES", "FR", "NL")
LANGUAGES = ("en", "de", "es", "fr", "nl")
TERRITORY_LANGUAGES = ((0, 1), (0, 2), (0, 3), (0, 4))
"""Languages that members of each territory read, as positions in `LANGUAGES`."""
TAGS = ("face", "group", "action", "landscape", "dark", "bright")
"""What an artwork shows."""
MAX_ARTWORKS = 4
SERIES_SHARE, FRESH_SHARE, WINDOW_SHARE = 0.25, 0.35, 0.25
NEVER_DAY = 10**6


@dataclass(frozen=True, slots=True)
class Titles:
    """Films and series by position; what is latent is marked so and is part of the truth.

    Attributes
    ----------
    n_episodes : ndarray of int64, shape (n_titles,)
        0: a film.
    genres : ndarray of int64, shape (n_titles, 2)
        Positions in `GENRES`; the second is -1 where there is one only.
    runtime_s : ndarray of float64, shape (n_titles,)
        Of the film, or of one episode.
    maturity : ndarray of int64, shape (n_titles,)
        Age in years.
    languages : ndarray of bool, shape (n_titles, n_languages)
    release_day : ndarray of int64, shape (n_titles,)
        Negative: before the world began.
    from_day, until_day : ndarray of int64, shape (n_titles, n_territories)
        Where and when it may be watched; `until_day` is exclusive.
    windowed : ndarray of bool, shape (n_titles,)
        Whether it has windows at all; the others are available everywhere, always.
    n_artworks : ndarray of int64, shape (n_titles,)
    artwork_tag : ndarray of int64, shape (n_titles, MAX_ARTWORKS)
        Position in `TAGS`.
    vector : ndarray of float64, shape (n_titles, n_tastes)
        Latent: unit vector in the space of tastes.
    quality, appeal : ndarray of float64, shape (n_titles,)
        Latent: what makes it watched to the end, and what makes it chosen; about standard normal.
    artwork_pull : ndarray of float64, shape (n_titles, MAX_ARTWORKS)
        Latent: what an artwork adds to the choice for everybody; pull above 0 promises too much.
    """

    n_episodes: Ints
    genres: Ints
    runtime_s: Floats
    maturity: Ints
    languages: Bools
    release_day: Ints
    from_day: Ints
    until_day: Ints
    windowed: Bools
    n_artworks: Ints
    artwork_tag: Ints
    vector: Floats
    quality: Floats
    appeal: Floats
    artwork_pull: Floats

    def __len__(self) -> int:
        return len(self.n_episodes)

    @staticmethod
    def make(n_titles: int, n_tastes: int, horizon_days: int, draws: Draws) -> Titles:
        """Draw a catalogue; title i is the same whatever the number of titles."""
        i = np.arange(n_titles)
        first = draws.category([0.18, 0.16, 0.13, 0.1, 0.1, 0.08, 0.07, 0.08, 0.06, 0.04], "genre", i)
        other = (first + 1 + draws.category([1 / 9] * 9, "second genre", i)) % len(GENRES)
        second = np.where(draws.uniform("two genres", i) < 0.45, other, -1)
        age = np.searchsorted(AGES, GENRE_MATURITY[first]) + draws.category([0.2, 0.6, 0.2], "age", i) - 1
        series = draws.uniform("series", i) < SERIES_SHARE
        length = draws.uniform("length", i)
        release = _release_days(draws, i, horizon_days)
        start, end, windowed = _windows(draws, i, release, horizon_days)
        quality = draws.normal("quality", i)
        return Titles(
            n_episodes=np.where(series, 6 + draws.category([0.25] * 4, "episodes", i) * 2, 0),
            genres=np.stack([first, second], 1),
            runtime_s=np.where(series, 1500 + 1800 * length, 5100 + 3600 * length).round(),
            maturity=np.array(AGES)[np.clip(age, 0, len(AGES) - 1)],
            languages=_languages(draws, i),
            release_day=release,
            from_day=start,
            until_day=end,
            windowed=windowed,
            n_artworks=2 + draws.category([0.4, 0.35, 0.25], "artworks", i),
            artwork_tag=draws.category(
                [1 / len(TAGS)] * len(TAGS), "tag", i[:, None], np.arange(MAX_ARTWORKS)
            ),
            vector=_vectors(draws, i, first, second, n_tastes),
            quality=quality,
            appeal=0.6 * quality + 0.8 * draws.normal("appeal", i),
            artwork_pull=0.35 * draws.normal("pull", i[:, None], np.arange(MAX_ARTWORKS)),
        )

    def eligible(self, day: int, maturity_max: Ints) -> Bools:
        """What may be shown on a day, shape (n_territories, len(maturity_max), n_titles)."""
        here = (self.from_day <= day) & (day < self.until_day)
        read = np.stack([self.languages[:, list(known)].any(1) for known in TERRITORY_LANGUAGES], 1)
        return (here & read).T[:, None, :] & (self.maturity[None, :] <= maturity_max[:, None])[None]


def _release_days(draws: Draws, i: Ints, horizon_days: int) -> Ints:
    """Some come out while the world runs, some in the year before, most earlier."""
    kind = draws.category([1 - FRESH_SHARE - 0.2, 0.2, FRESH_SHARE], "release kind", i)
    at = draws.uniform("release", i)
    days = np.select([kind == 0, kind == 1], [-400 - 6000 * at, -1 - 399 * at], at * horizon_days)
    out: Ints = np.floor(days).astype(np.int64)
    return out


def _windows(draws: Draws, i: Ints, release: Ints, horizon_days: int) -> tuple[Ints, Ints, Bools]:
    """First and last day (exclusive) of each title in each territory."""
    territory = np.arange(len(TERRITORIES))
    licensed = draws.uniform("licensed", i) < WINDOW_SHARE
    windowed = licensed | (release >= 0)
    own = licensed[:, None] & (draws.uniform("window", i[:, None], territory) < 0.7)
    begin = np.floor(draws.uniform("window start", i[:, None], territory) * 1.2 * horizon_days)
    begin = (begin - 0.6 * horizon_days).astype(np.int64)
    length = 60 + np.floor(draws.uniform("window length", i[:, None], territory) * 240).astype(np.int64)
    always = np.where(release >= 0, release, -NEVER_DAY)[:, None]
    start = np.maximum(np.where(own, begin, -NEVER_DAY), always)
    return start, np.where(own, start + length, NEVER_DAY), windowed


def _languages(draws: Draws, i: Ints) -> Bools:
    """Each title has its original language and some dubs; English is common."""
    original = draws.category([0.5, 0.14, 0.13, 0.13, 0.1], "original", i)
    chance = np.array([0.75, 0.6, 0.6, 0.6, 0.5])
    out: Bools = draws.uniform("dub", i[:, None], np.arange(len(LANGUAGES))) < chance
    out[i, original] = True
    return out


def _vectors(draws: Draws, i: Ints, first: Ints, second: Ints, n_tastes: int) -> Floats:
    """Titles lie near their genres in the space of tastes."""
    axis = np.arange(n_tastes)
    genre = draws.normal("genre vector", np.arange(len(GENRES))[:, None], axis)
    genre /= np.linalg.norm(genre, axis=1, keepdims=True)
    mean = genre[first] + np.where(second[:, None] >= 0, 0.6 * genre[second], 0.0)
    out = mean + 0.7 / np.sqrt(n_tastes) * draws.normal("title vector", i[:, None], axis)
    normed: Floats = out / np.linalg.norm(out, axis=1, keepdims=True)
    return normed
