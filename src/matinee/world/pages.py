"""Pages: what a policy is told about a visit, what it answers, and the policy that filled the log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from matinee.errors import InputError
from matinee.world.draws import Bools, Draws, Floats, Ints
from matinee.world.titles import GENRES, Titles
from matinee.world.world import World

POPULAR, NEW, FIRST_GENRE = 0, 1, 2
SHELVES = ("popular", "new", *(f"genre:{name}" for name in GENRES))
NEW_DAYS = 365
SHUFFLED_SHARE = 0.2
"""Share of pages whose rows stand in random order, so that the effect of the row can be learned."""
NO_ARTWORK = -1
"""In `Slates.artwork`: none was chosen, so one is drawn evenly."""
CANDIDATES = 3
"""Draws for each tile; what is still empty after them is drawn exactly, which is slower."""


@dataclass(frozen=True, slots=True)
class Visits:
    """Members who open a page today, and what a service knows of them.

    Attributes
    ----------
    day : int
    member : ndarray of int64, shape (n,)
    device, territory, segment : ndarray of int64, shape (n,)
        `segment` is territory and maturity limit in one number: a row of `eligible`.
    eligible : ndarray of bool, shape (n_segments, n_titles)
    watched : ndarray of bool, shape (n, n_titles)
    genre_plays : ndarray of float32, shape (n, n_genres)
        Quality plays of each genre, older ones counted less.
    rows, cols : int
        Largest page.
    """

    day: int
    member: Ints
    device: Ints
    territory: Ints
    segment: Ints
    eligible: Bools
    watched: Bools
    genre_plays: NDArray[np.float32]
    rows: int
    cols: int

    def __len__(self) -> int:
        return len(self.member)

    @property
    def permitted(self) -> Bools:
        """Titles that each visitor may be shown, shape (n, n_titles)."""
        out: Bools = self.eligible[self.segment]
        return out


@dataclass(frozen=True, slots=True)
class Slates:
    """Pages of one day.

    Attributes
    ----------
    title : ndarray of int64, shape (n, rows, cols)
        -1 for an empty place.
    propensity : ndarray of float64, shape (n, rows, cols), or None
        Probability of the tile given those placed before it. None: 1.
    artwork : ndarray of int64, shape (n, rows, cols), or None
        Which of the title's artworks, from 0. None, or `NO_ARTWORK` at a place: drawn evenly.
    shelf : ndarray of int64, shape (n, rows), or None
        Position in `SHELVES`; -1 or None: unnamed.
    shuffled : ndarray of bool, shape (n,), or None
        Pages whose rows stand in random order.
    resumes : ndarray of bool, shape (n, rows, cols), or None
        Tiles that go on with what is in progress: who chooses one sees the next episode. None: no tile does.
    """

    title: Ints
    propensity: Floats | None = None
    artwork: Ints | None = None
    shelf: Ints | None = None
    shuffled: Bools | None = None
    resumes: Bools | None = None


PagePolicy = Callable[[Visits], Slates]


@dataclass(slots=True)
class ShelfPages:
    """The service's first pages: genres one liked, what is popular, what is new; titles drawn by buzz.

    Inside a row titles are drawn one after the other without replacement (Plackett-Luce), in proportion to
    how much they are talked about, so every tile has an exact propensity given what stands before it. No
    title stands on a page twice. A part of the pages has its rows in random order.

    Parameters
    ----------
    world : World

    Notes
    -----
    Drawing with replacement and leaving out repetitions is the same as drawing without replacement; it costs
    one search in a table of cumulated weights per draw, whatever the size of the catalogue.

    References
    ----------
    Plackett (1975), The analysis of permutations, doi 10.2307/2346567.
    """

    world: World
    _day: int = field(default=-1, init=False)
    _weight: Floats = field(default_factory=lambda: np.zeros((0, 0, 0)), init=False)
    _edges: Floats = field(default_factory=lambda: np.zeros(0), init=False)

    def __call__(self, visits: Visits) -> Slates:
        """Compose one page for each visit."""
        if visits.day != self._day:
            self._weight = shelf_weights(self.world.titles, self.world.buzz(visits.day), visits)
            self._edges = np.concatenate([[0.0], np.cumsum(self._weight.ravel())])
            self._day = visits.day
        n, rows, cols = len(visits), visits.rows, visits.cols
        shelf, shuffled = self._rows(visits)
        title = np.full((n, rows, cols), -1, np.int64)
        propensity = np.ones((n, rows, cols))
        for row in range(rows):
            title[:, row], propensity[:, row] = self._fill(visits, shelf[:, row], title[:, :row], row)
        return Slates(title, propensity, shelf=shelf, shuffled=shuffled)

    def _rows(self, visits: Visits) -> tuple[Ints, Bools]:
        """Which shelf stands in which row: liked genre, popular, liked genre, new, then more genres."""
        draws, n = self.world.draws, len(visits)
        tie = draws.uniform("genre order", visits.member[:, None], np.arange(len(GENRES)))
        filled = self._weight[:, FIRST_GENRE:].sum(2)[visits.segment] > 0
        order = np.argsort(-(visits.genre_plays + 0.01 * tie + 1e6 * filled), axis=1, kind="stable")
        genre = order + FIRST_GENRE
        parts = [genre[:, :1], np.full((n, 1), POPULAR), genre[:, 1:2], np.full((n, 1), NEW), genre[:, 2:]]
        shelf = np.concatenate(parts, 1)[:, : visits.rows].astype(np.int64)
        shuffled = draws.uniform("shuffle", visits.member, visits.day) < SHUFFLED_SHARE
        place = draws.uniform("row order", visits.member[:, None], visits.day, np.arange(shelf.shape[1]))
        place = np.where(shuffled[:, None], place, np.arange(shelf.shape[1]))
        shelf = np.take_along_axis(shelf, np.argsort(place, axis=1), 1)
        pad = np.full((n, visits.rows - shelf.shape[1]), -1)
        return np.concatenate([shelf, pad], 1).astype(np.int64), shuffled

    def _fill(self, visits: Visits, shelf: Ints, above: Ints, row: int) -> tuple[Ints, Floats]:
        """Titles and propensities of one row of each page, shape (n, cols) each."""
        n, cols, n_titles = len(visits), visits.cols, self._weight.shape[2]
        flat = (visits.segment * len(SHELVES) + np.maximum(shelf, 0)) * n_titles
        low, high = self._edges[flat], self._edges[flat + n_titles]
        total = np.where(shelf >= 0, high - low, 0.0)
        taken = above.reshape(n, -1)
        keys = visits.member[:, None], visits.day, row, np.arange(CANDIDATES * cols)
        u = self.world.draws.uniform("tile", *keys)
        found = np.searchsorted(self._edges, low[:, None] + u * total[:, None], side="right") - 1
        found = np.clip(found - flat[:, None], 0, n_titles - 1)
        seg = visits.segment[:, None]
        fresh = (total[:, None] > 0) & (self._weight[seg, np.maximum(shelf, 0)[:, None], found] > 0)
        fresh &= ~(found[:, :, None] == taken[:, None, :]).any(2)
        fresh &= ~np.tril(found[:, :, None] == found[:, None, :], -1).any(2)
        rank = np.cumsum(fresh, 1) - 1
        out = np.full((n, cols), -1, np.int64)
        put = fresh & (rank < cols)
        out[np.nonzero(put)[0], rank[put]] = found[put]
        short = np.flatnonzero((out[:, -1] < 0) & (total > 0))
        if len(short):
            out[short] = self._finish(visits, short, shelf, taken, out[short], row)
        weight = self._weight[seg, np.maximum(shelf, 0)[:, None], np.maximum(out, 0)] * (out >= 0)
        used = self._weight[seg, np.maximum(shelf, 0)[:, None], np.maximum(taken, 0)] * (taken >= 0)
        left = total[:, None] - used.sum(1, keepdims=True) - np.cumsum(weight, 1) + weight
        p = np.where(out >= 0, weight / np.maximum(left, weight + 1e-300), 1.0)
        return out, np.minimum(p, 1.0)

    def _finish(self, visits: Visits, short: Ints, shelf: Ints, taken: Ints, out: Ints, row: int) -> Ints:
        """Fill the rest of rows in which too many draws were repetitions, from the weights that are left."""
        weight = self._weight[visits.segment[short], shelf[short]].copy()
        i = np.arange(len(short))
        for column in taken[short].T:
            weight[i, np.maximum(column, 0)] *= column < 0
        for col in range(visits.cols):
            here = out[:, col]
            empty = here < 0
            edges = np.cumsum(weight, 1)
            u = self.world.draws.uniform("rest", visits.member[short], visits.day, row, col) * edges[:, -1]
            pick = np.minimum((edges <= u[:, None]).sum(1), weight.shape[1] - 1)
            pick = np.where(weight[i, pick] > 0, pick, weight.argmax(1))
            out[:, col] = np.where(empty & (edges[:, -1] > 0), pick, here)
            weight[i, np.maximum(out[:, col], 0)] *= out[:, col] < 0
        return out


def shelf_weights(titles: Titles, buzz: Floats, visits: Visits) -> Floats:
    """Weight of each title on each shelf for each segment, shape (n_segments, n_shelves, n_titles)."""
    age = visits.day - titles.release_day
    genre = np.zeros((len(GENRES), len(titles)))
    genre[titles.genres[:, 0], np.arange(len(titles))] = 1.0
    two = np.flatnonzero(titles.genres[:, 1] >= 0)
    genre[titles.genres[two, 1], two] = 0.5
    new = np.where(age < NEW_DAYS, 2.0 ** (-age / 60.0), 0.0)
    base = np.concatenate([np.exp(buzz)[None], (new * np.exp(0.4 * buzz))[None], genre * np.exp(0.7 * buzz)])
    weights: Floats = base[None] * visits.eligible[:, None, :]
    return weights


def checked(slates: Slates, visits: Visits, titles: Titles, draws: Draws) -> Slates:
    """Fill in what a policy left out and refuse pages that may not be shown.

    Raises
    ------
    InputError
        The shape is wrong, or a title, an artwork or a propensity is not permitted.
    """
    n = len(visits)
    title = np.asarray(slates.title, np.int64)
    if title.ndim != 3 or len(title) != n or title.shape[1] > visits.rows or title.shape[2] > visits.cols:
        raise InputError(
            f"page policy: title has the shape {title.shape}, expected ({n}, rows, cols) with at most "
            f"{visits.rows} rows and {visits.cols} columns. Return one page for each visit."
        )
    known = (title >= -1) & (title < len(titles))
    fine = known & ((title < 0) | visits.eligible[visits.segment[:, None, None], np.where(known, title, 0)])
    if not fine.all():
        v, r, c = (int(x[0]) for x in np.nonzero(~fine))
        raise InputError(
            f"page policy: title {title[v, r, c]} at row {r + 1}, column {c + 1} for member "
            f"{visits.member[v]} is not permitted on day {visits.day}. Choose from visits.permitted."
        )
    artworks = titles.n_artworks[np.maximum(title, 0)]
    artwork = np.full(title.shape, NO_ARTWORK) if slates.artwork is None else slates.artwork
    wrong = (artwork < NO_ARTWORK) | (artwork >= artworks) if artwork.shape == title.shape else None
    if wrong is None or wrong[title >= 0].any():
        raise InputError(
            f"page policy: artwork has the shape {artwork.shape} or a number outside 0 to n_artworks - 1, "
            f"expected the shape {title.shape}. Choose among titles.n_artworks."
        )
    u = draws.uniform("artwork", visits.member[:, None, None], visits.day, np.maximum(title, 0))
    artwork = np.where(artwork == NO_ARTWORK, np.floor(u * artworks), artwork)
    p = np.ones(title.shape) if slates.propensity is None else np.asarray(slates.propensity, np.float64)
    if p.shape != title.shape or not ((p > 0) & (p <= 1)).all():
        raise InputError(
            f"page policy: propensity has the shape {p.shape} or a value outside (0, 1], expected the shape "
            f"{title.shape}. Leave it out for a deterministic policy."
        )
    shelf = np.full(title.shape[:2], -1, np.int64) if slates.shelf is None else slates.shelf
    shuffled = np.zeros(n, np.bool_) if slates.shuffled is None else slates.shuffled
    resumes = np.zeros(title.shape, np.bool_) if slates.resumes is None else slates.resumes
    return Slates(title, p, np.asarray(artwork, np.int64), shelf, shuffled, resumes)
