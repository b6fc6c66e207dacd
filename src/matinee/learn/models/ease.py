"""EASE: a linear model from watched titles to titles, in closed form; EDLAE with a dropout penalty.

Steck (2019), "Embarrassingly Shallow Autoencoders for Sparse Data", WWW, arXiv 1905.03375, equation 8.
Steck (2020), "Autoencoders that don't overfit towards the Identity", NeurIPS, for `dropout` > 0 (EDLAE).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import scipy.linalg
from numba import njit
from numpy.typing import NDArray

from matinee.errors import ConfigError, NotFittedError
from matinee.learn.interactions import Histories, Interactions
from matinee.learn.models.base import Scorer
from matinee.learn.models.head import most_watched
from matinee.learn.models.storage import load_arrays, save_arrays
from matinee.learn.models.symmetric import mirror
from matinee.learn.play_matrix import fading, play_matrix
from matinee.types import Index, Scores

Matrix = NDArray[np.float32]
FEW = 8
"""So many members are scored row by row; more are worth a matrix product."""


@dataclass(frozen=True, slots=True)
class EaseConfig:
    """Settings of EASE.

    Attributes
    ----------
    reg : float, above 0
        Ridge weight, in members.
    dropout : float, 0 to below 1
        Above 0: EDLAE, the penalty of dropping that share of the input (Steck 2020, section 3).
    input_decay : float, above 0 to 1
        Weight of a watched title when scoring: this to the power of its rank of recency. 1: all equal.
    max_titles : int
        Only the most watched titles take part; cost grows with their cube. The rest scores 0.
    min_plays : int
        Beyond the 500 most watched titles, a title needs so many plays to take part.
    """

    reg: float = 200.0
    dropout: float = 0.0
    input_decay: float = 1.0
    max_titles: int = 10_000
    min_plays: int = 1

    def __post_init__(self) -> None:
        if not self.reg > 0:
            raise ConfigError(
                f"EaseScorer: reg is {self.reg}, expected a number above 0. Pass reg=200, or leave it out."
            )
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"EaseScorer: dropout is {self.dropout}, expected 0 to below 1.")
        if not 0 < self.input_decay <= 1:
            raise ConfigError(
                f"EaseScorer: input_decay is {self.input_decay}, expected above 0 and at most 1."
            )


class EaseScorer(Scorer):
    """Taste scores for the coming weeks, from everything a member watched; order does not matter.

    Not for the next title inside a session: there `DecayedRidgeScorer` is twice as good.

    Parameters
    ----------
    config : EaseConfig, optional

    Attributes
    ----------
    titles_ : ndarray of int32, shape (n_head,)
        Titles that take part, most watched first.
    weights_ : ndarray of float32, shape (n_head, n_head)
        Row: title watched. Column: title scored. The diagonal is 0.

    Notes
    -----
    Cost: time O(n_head ** 3) once, memory 8 * n_head ** 2 bytes. Departs from the paper: repeated plays
    count once.
    """

    def __init__(self, config: EaseConfig | None = None) -> None:
        self.config = config or EaseConfig()
        self.titles_: Index | None = None
        self.weights_: Matrix | None = None
        self.n_titles_: int | None = None
        self._head_: Index | None = None

    def fit(self, train: Interactions) -> Self:
        """Learn from all members of `train`."""
        titles = most_watched(train, self.config.max_titles, self.config.min_plays)
        return self.solve(cooccurrence(train.histories, titles, train.n_titles), titles, train.n_titles)

    def solve(self, gram: Matrix, titles: Index, n_titles: int) -> Self:
        """Weights from the co-occurrence counts of `titles`; destroys `gram`."""
        self.titles_, self.n_titles_, self._head_ = titles, n_titles, None
        n = len(titles)
        diagonal = np.arange(n)
        count = gram[diagonal, diagonal].copy()
        penalty = self.config.reg + (self.config.dropout / (1 - self.config.dropout)) * count
        gram[diagonal, diagonal] += penalty.astype(np.float32)
        weights = _inverse(gram)
        weights /= -weights.diagonal()[None, :]
        weights[diagonal, diagonal] = 0.0
        self.weights_ = weights
        return self

    def score(self, histories: Histories) -> Scores:
        """Expected watching, float32, shape (n_members, n_titles)."""
        titles, weights, n_titles = self._fitted()
        out = np.zeros((len(histories), n_titles), np.float32)
        if len(histories) <= FEW and self.config.input_decay == 1.0:
            known_scores = np.zeros((len(histories), len(titles)), np.float32)
            _sum_rows(histories.indptr, histories.title, self._head(), weights, known_scores)
            out[:, titles] = known_scores
            return out
        column = self._head()[histories.title]
        known = column >= 0
        value = fading(histories, self.config.input_decay)
        inside = Histories(histories.indptr, column.astype(np.int32), histories.at_us).keep(known)
        x = play_matrix(inside, len(titles), None if self.config.input_decay == 1.0 else value[known])
        out[:, titles] = x @ weights
        return out

    def _head(self) -> Index:
        """Row in `weights_` of each title; -1 for those that take no part."""
        if self._head_ is None:
            titles, _, n_titles = self._fitted()
            head = np.full(n_titles, -1, np.int32)
            head[titles] = np.arange(len(titles), dtype=np.int32)
            self._head_ = head
        return self._head_

    def save(self, folder: Path) -> None:
        """Write titles and weights."""
        titles, weights, n_titles = self._fitted()
        save_arrays(folder, self.config, titles=titles, weights=weights, n_titles=np.array(n_titles))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        config, arrays = load_arrays(folder, EaseConfig)
        scorer = cls(config)
        scorer.titles_, scorer.weights_ = arrays["titles"], arrays["weights"]
        scorer.n_titles_ = int(arrays["n_titles"])
        return scorer

    def _fitted(self) -> tuple[Index, Matrix, int]:
        if self.titles_ is None or self.weights_ is None or self.n_titles_ is None:
            raise NotFittedError("EaseScorer: score was called before fit. Call fit(train) first.")
        return self.titles_, self.weights_, self.n_titles_


def cooccurrence(histories: Histories, titles: Index, n_titles: int) -> Matrix:
    """Number of members who watched both titles of each pair, float32, shape (n_head, n_head)."""
    out = np.zeros((len(titles), len(titles)), np.float32)
    add_cooccurrence(out, histories, titles, n_titles)
    return out


def add_cooccurrence(
    counts: Matrix, histories: Histories, titles: Index, n_titles: int, sign: float = 1.0
) -> None:
    """Add the co-occurrence counts of some members, or take them away with `sign` -1; in place."""
    head = np.full(n_titles, -1, np.int32)
    head[titles] = np.arange(len(titles), dtype=np.int32)
    _add_pairs(histories.indptr, histories.title, head, np.float32(sign), counts)
    mirror(counts)


@njit(cache=True, fastmath=True)
def _sum_rows(indptr, title, head, weights, out):  # type: ignore[no-untyped-def]
    """Sum of the rows of what each member watched; a title counts once. Four rows are read side by side."""
    seen = np.full(len(weights), -1, np.int32)
    rows = np.empty(len(weights), np.uint32)
    for m in range(len(indptr) - 1):
        total = out[m]
        n = 0
        for k in range(indptr[m], indptr[m + 1]):
            h = head[title[k]]
            if h >= 0 and seen[h] != m:
                seen[h] = m
                rows[n] = h
                n += 1
        whole = n - n % 4
        for k in range(0, whole, 4):
            a, b, c, d = weights[rows[k]], weights[rows[k + 1]], weights[rows[k + 2]], weights[rows[k + 3]]
            for t in range(len(total)):
                total[t] = total[t] + a[t] + b[t] + c[t] + d[t]
        for k in range(whole, n):
            a = weights[rows[k]]
            for t in range(len(total)):
                total[t] += a[t]


@njit(cache=True)
def _add_pairs(indptr, title, head, sign, counts):  # type: ignore[no-untyped-def]
    """Lower triangle; a title counts once per member."""
    for m in range(len(indptr) - 1):
        own = head[title[indptr[m] : indptr[m + 1]]]
        own.sort()
        n = 0
        for k in range(len(own)):
            if own[k] >= 0 and (n == 0 or own[k] != own[n - 1]):
                own[n] = own[k]
                n += 1
        for i in range(n):
            row = counts[own[i]]
            for j in range(i + 1):
                row[own[j]] += sign


def _inverse(matrix: Matrix) -> Matrix:
    """Inverse of a symmetric positive definite matrix, in place."""
    factor, info = scipy.linalg.lapack.spotrf(matrix.T, lower=True, clean=False, overwrite_a=True)
    if info != 0:
        raise ConfigError(
            f"EaseScorer: the Gram matrix is not positive definite (LAPACK says {info}). Raise reg."
        )
    inverse, _ = scipy.linalg.lapack.spotri(factor, lower=True, overwrite_c=True)
    mirror(inverse)
    return np.asarray(inverse.T, np.float32)
