"""What an impression would bring whatever the image: its place, its title, the member's taste."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matinee.initiatives.artwork.lift import Floats, Ints

CELL_PLAYS, TITLE_PLAYS = 20.0, 5.0
"""Plays of the average that a place and a title begin with."""
ROUNDS = 12


@dataclass(frozen=True, slots=True)
class Expected:
    """Expected quality plays of an impression: examination of its place, rate of its title, taste of the
    member.

    Attributes
    ----------
    examined : ndarray of float64, shape (n_rows, n_cols)
        How probably a place is looked at, relative to the most looked at one (1.0).
    rate : ndarray of float64, shape (n_titles,)
        Quality plays per impression that is looked at.
    near : ndarray of float64, shape (n_levels,)
        How much more than usual a title is played by members who are so near to it (`features.nearness`):
        without it, images that are shown to those who like the title anyway would seem good.
    common : float
        Rate of a title that nobody has seen.

    Notes
    -----
    Identified is the product only; the best place is set to 1. That a place differs from another is seen
    where titles stand in both, so it rests on pages that put titles into several places (a shuffled part of
    the pages, or simply members for whom the order differs). If good titles always stand at the top *and
    never elsewhere*, examination is overestimated there and their rate underestimated; the product, which is
    all that the lifts of images need, stays right. For images the place is a nuisance, not the question: an
    image is drawn after its tile is placed.

    References
    ----------
    Richardson, Dominowska, Ragno (2007), Predicting clicks: estimating the click-through rate for new ads,
    WWW, doi 10.1145/1242572.1242643 (examination times relevance). Joachims, Swaminathan, Schnabel (2017),
    Unbiased learning-to-rank with biased feedback, WSDM. Fitted as a Poisson model of two factors by
    iterative proportional fitting: Deming, Stephan (1940).
    """

    examined: Floats
    rate: Floats
    near: Floats
    common: float

    def of(self, title: Ints, row: Ints, col: Ints, near: Ints) -> Floats:
        """Expected plays; rows and columns from 1, those beyond the fitted page count as the last ones.

        `row` 0: the place is not known, and counts as the average one.
        """
        rows, cols = self.examined.shape
        place = self.examined[np.clip(row - 1, 0, rows - 1), np.clip(col - 1, 0, cols - 1)]
        place = np.where(row > 0, place, self.examined.mean())
        known = (title >= 0) & (title < len(self.rate))
        rate = np.where(known, self.rate[np.where(known, title, 0)] if len(self.rate) else 0.0, self.common)
        found: Floats = np.maximum(place * rate * self.near[np.clip(near, 0, len(self.near) - 1)], 1e-6)
        return found


def fit_expected(
    title: Ints, row: Ints, col: Ints, near: Ints, *, plays: Floats, weight: Floats, n_titles: int
) -> Expected:
    """Fit places, titles and nearness to a log; all are shrunk towards the average.

    Parameters
    ----------
    title, row, col, near : ndarray of int64, shape (n,)
        `row` and `col` from 1; 0 where it is not known. `near` from 0.
    plays, weight : ndarray of float64, shape (n,)

    Examples
    --------
    >>> title, row, one, came = (np.array(x) for x in ([0, 0], [1, 2], [1, 1], [1.0, 0.0]))
    >>> top = fit_expected(title, row, one, title, plays=came, weight=np.ones(2), n_titles=1)
    >>> bool(top.examined[0, 0] > top.examined[1, 0])
    True
    """
    if not len(title):
        return Expected(np.ones((1, 1)), np.full(n_titles, 0.05), np.ones(1), 0.05)
    rows, cols, levels = max(int(row.max()), 1), max(int(col.max()), 1), int(near.max()) + 1
    cell = np.maximum(row - 1, 0) * cols + np.maximum(col - 1, 0)
    shape = (n_titles, rows * cols, levels)
    key = (title * shape[1] + cell) * levels + near
    seen = np.bincount(key, weight, int(np.prod(shape))).reshape(shape)
    came = np.bincount(key, weight * plays, int(np.prod(shape))).reshape(shape)
    common = max(float(came.sum()), 1.0) / max(float(seen.sum()), 1.0)
    place, liked, rate = np.ones(shape[1]), np.ones(levels), np.full(n_titles, common)
    for _ in range(ROUNDS):
        rate = (came.sum((1, 2)) + TITLE_PLAYS) / (seen @ liked @ place + TITLE_PLAYS / common)
        place = (came.sum((0, 2)) + CELL_PLAYS) / (np.einsum("tcn,t->cn", seen, rate) @ liked + CELL_PLAYS)
        place /= float(place @ seen.sum((0, 2))) / float(seen.sum())
        liked = (came.sum((0, 1)) + CELL_PLAYS) / (
            np.einsum("tcn,t,c->n", seen, rate, place, optimize=True) + CELL_PLAYS
        )
        liked /= float(liked @ seen.sum((0, 1))) / float(seen.sum())
    top = float(place.max())
    return Expected((place / top).reshape(rows, cols), rate * top, liked, common * top)
