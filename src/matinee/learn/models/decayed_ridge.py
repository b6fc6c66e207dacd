"""Decayed-history ridge: predicts the next title from the titles before it, faded by recency, in closed form.

For each event t of a member the features are, per time scale s, a vector over titles that holds
decay_s ** (rank of recency) for the last `depth_s` titles watched before t, plus a bias; the target is
the title watched at t. Ridge regression of targets on features has the closed form
W = (X'X + lambda I)^-1 X'Y. It belongs to the family of linear session models of Choi et al. (2021),
"Session-aware Linear Item-Item Models for Session-based Recommendation" (SLIST), arXiv 2103.16104; the
several time scales with their own weights, and the Gram matrix by shifts, are our own.
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
from matinee.types import Index, Scores

Matrix = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class DecayedRidgeConfig:
    """Settings of the decayed-history ridge.

    Attributes
    ----------
    decays : tuple of float, each between 0 and 1
        One time scale each: the weight of a title falls by this factor with every later title.
    depths : tuple of int, at least 1
        How many of the latest titles each scale looks at.
    reg : float, above 0
        Ridge weight, in events.
    max_titles : int
        Only the most watched titles become features; cost grows with their cube.
    min_plays : int
        Beyond the 500 most watched titles, a title needs so many plays to become a feature.
    max_targets : int, at least 1
        Only the most watched titles are scored, the others get 0; memory grows with it.
    """

    decays: tuple[float, ...] = (0.6, 0.93)
    depths: tuple[int, ...] = (8, 60)
    reg: float = 400.0
    max_titles: int = 4_000
    min_plays: int = 3
    max_targets: int = 10_000

    def __post_init__(self) -> None:
        if len(self.decays) != len(self.depths) or not self.decays:
            raise ConfigError(
                f"DecayedRidge: {len(self.decays)} decays and {len(self.depths)} depths, "
                "expected one depth for each decay."
            )
        if not all(0 < d < 1 for d in self.decays):
            raise ConfigError(f"DecayedRidge: decays are {self.decays}, expected numbers between 0 and 1.")
        if not all(d >= 1 for d in self.depths):
            raise ConfigError(
                f"DecayedRidge: depths are {self.depths}, expected whole numbers of at least 1."
            )
        if not self.max_targets >= 1:
            raise ConfigError(f"DecayedRidge: max_targets is {self.max_targets}, expected at least 1.")
        if not self.reg > 0:
            raise ConfigError(f"DecayedRidge: reg is {self.reg}, expected a number above 0.")


@dataclass(slots=True)
class Gram:
    """X'X and X'Y: sums over members, from which members can be taken away for cross-fitting.

    Attributes
    ----------
    xx : ndarray of float32, shape (n_features, n_features), Fortran order
        The lower triangle counts. The upper one is room for a copy, see `keep`.
    xy : ndarray of float32, shape (n_features, n_targets)
    diagonal : ndarray of float32, shape (n_features,), or None
        Kept beside the copy.
    """

    xx: Matrix
    xy: Matrix
    diagonal: NDArray[np.float32] | None = None

    def keep(self) -> None:
        """Copy the lower triangle of X'X into the upper one, where solving does not touch it."""
        self.diagonal = self.xx.diagonal().copy()
        mirror(self.xx)

    def restore(self) -> None:
        """Bring back X'X as it was at `keep`."""
        assert self.diagonal is not None
        mirror(self.xx.T)
        np.fill_diagonal(self.xx, self.diagonal)


class DecayedRidgeScorer(Scorer):
    """Next-title scores from a member's latest titles; a new event counts at once, without retraining.

    Choose it for rows that continue a session. For the coming weeks `EaseScorer` is better.

    Parameters
    ----------
    config : DecayedRidgeConfig, optional

    Attributes
    ----------
    features_ : ndarray of int32, shape (n_head,)
        Titles that are features, most watched first.
    targets_ : ndarray of int32, shape (n_titles,)
        Column of each title in `weights_`; -1 for titles beyond `max_targets`, whose score is 0.
    weights_ : ndarray of float32, shape (n_head * n_scales + 1, n_targets)
        Row `h * n_scales + s`: head title h at scale s. The last row is the bias.

    Notes
    -----
    Cost: time O(n_events * depth) for the Gram matrix and O((n_scales * n_head) ** 3) to solve. Memory:
    4 * n * (n + n_targets) bytes with n = n_scales * n_head features; a fit without some of the members
    (`without`) takes 4 * n * n_targets more, its weights.

    References
    ----------
    Choi, Kim, Lee, Shin, Lee (2021), WWW, arXiv 2103.16104.
    """

    def __init__(self, config: DecayedRidgeConfig | None = None) -> None:
        self.config = config or DecayedRidgeConfig()
        self.features_: Index | None = None
        self.targets_: Index | None = None
        self.weights_: Matrix | None = None
        self._head: Index | None = None

    def fit(self, train: Interactions) -> Self:
        """Learn from all members of `train`."""
        self.prepare(train)
        return self.solve(self.gram(train.histories))

    def prepare(self, train: Interactions) -> Self:
        """Choose the titles that become features and targets: those watched most."""
        self._head = None
        self.features_ = most_watched(train, self.config.max_titles, self.config.min_plays)
        if train.n_titles <= self.config.max_targets:
            self.targets_ = np.arange(train.n_titles, dtype=np.int32)
        else:
            scored = most_watched(train, self.config.max_targets, 1)
            self.targets_ = np.full(train.n_titles, -1, np.int32)
            self.targets_[scored] = np.arange(len(scored), dtype=np.int32)
        return self

    def gram(self, histories: Histories) -> Gram:
        """X'X and X'Y of some members, in the features and targets of `prepare`."""
        features, targets = self._prepared()
        n = len(features) * len(self.config.decays) + 1
        xy = np.zeros((n, int(targets.max(initial=-1)) + 1), np.float32)
        gram = Gram(np.zeros((n, n), np.float32, order="F"), xy)
        self._add(gram, histories, 1.0)
        return gram

    def solve(self, gram: Gram) -> Self:
        """Weights from X'X and X'Y; destroys `gram`."""
        self.weights_ = self._solved(gram, gram.xy)
        return self

    def without(self, gram: Gram, own: Histories) -> DecayedRidgeScorer:
        """A scorer that has not seen some of the members; `gram` of all is the same afterwards."""
        gram.keep()
        self._add(gram, own, -1.0)
        scorer = DecayedRidgeScorer(self.config)
        scorer.features_, scorer.targets_ = self._prepared()
        scorer.weights_ = self._solved(gram, np.empty_like(gram.xy))
        gram.restore()
        self._add(gram, own, 1.0, xx=False)
        return scorer

    def _add(self, gram: Gram, histories: Histories, sign: float, *, xx: bool = True) -> None:
        features, targets = self._prepared()
        decays = np.array(self.config.decays, np.float64)
        depths = np.array(self.config.depths, np.int64)
        head = np.full(len(targets), -1, np.int32)
        head[features] = np.arange(len(features), dtype=np.int32)
        indptr, title = histories.indptr, histories.title
        if xx:
            _scatter_xx(indptr, title, head, decays, sign * _overlap(decays, depths), depths, sign, gram.xx.T)
        _scatter_xy(indptr, title, head, targets, decays, depths, sign, gram.xy)

    def _solved(self, gram: Gram, out: Matrix) -> Matrix:
        """Weights into `out`, which may be `gram.xy` itself; destroys the lower triangle of X'X."""
        n = gram.xx.shape[0]
        gram.xx[np.arange(n), np.arange(n)] += np.float32(self.config.reg)
        factor = scipy.linalg.cho_factor(gram.xx, lower=True, overwrite_a=True, check_finite=False)
        step = 1024  # solves in slices: LAPACK wants Fortran order, and a whole copy would double the memory
        for start in range(0, out.shape[1], step):
            out[:, start : start + step] = scipy.linalg.cho_solve(
                factor,
                np.asfortranarray(gram.xy[:, start : start + step]),
                overwrite_b=True,
                check_finite=False,
            )
        return out

    def inputs(self, histories: Histories) -> tuple[NDArray[np.int64], Index, Matrix]:
        """Feature rows of the members as (indptr, column, value) of a sparse matrix, without the bias."""
        decays = np.array(self.config.decays, np.float64)
        depths = np.array(self.config.depths, np.int64)
        indptr, column, value = _inputs(histories.indptr, histories.title, self.head(), decays, depths)
        return indptr, column, value

    def head(self) -> Index:
        """Which feature each title is; -1 for those that are none."""
        features, targets, _ = self._fitted()
        if self._head is None:
            head = np.full(len(targets), -1, np.int32)
            head[features] = np.arange(len(features), dtype=np.int32)
            self._head = head
        return self._head

    def score(self, histories: Histories) -> Scores:
        """Expected share of each title among next titles, float32, shape (n_members, n_titles)."""
        _, targets, weights = self._fitted()
        indptr, column, value = self.inputs(histories)
        out: Scores = np.zeros((len(histories), len(targets)), np.float32)
        if weights.shape[1] == len(targets):
            _sparse_rows_times(indptr, column, value, weights, out)
            return out
        known = np.empty((len(histories), weights.shape[1]), np.float32)
        _sparse_rows_times(indptr, column, value, weights, known)
        out[:, targets >= 0] = known[:, targets[targets >= 0]]
        return out

    def save(self, folder: Path) -> None:
        """Write features, targets and weights."""
        features, targets, weights = self._fitted()
        save_arrays(folder, self.config, features=features, targets=targets, weights=weights)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        config, arrays = load_arrays(folder, DecayedRidgeConfig)
        scorer = cls(config)
        scorer.features_, scorer.targets_ = arrays["features"], arrays["targets"]
        scorer.weights_ = arrays["weights"]
        return scorer

    def _prepared(self) -> tuple[Index, Index]:
        if self.features_ is None or self.targets_ is None:
            raise NotFittedError("DecayedRidgeScorer: score was called before fit. Call fit(train) first.")
        return self.features_, self.targets_

    def _fitted(self) -> tuple[Index, Index, Matrix]:
        features, targets = self._prepared()
        if self.weights_ is None:
            raise NotFittedError("DecayedRidgeScorer: score was called before fit. Call fit(train) first.")
        return features, targets, self.weights_


def _overlap(decays: NDArray[np.float64], depths: NDArray[np.int64]) -> NDArray[np.float64]:
    """Table of sums over targets of the product of two faded events.

    Entry [s, r, lag, n]: older event at scale s, newer event at scale r, `lag` events between them, n
    targets after the newer one (clipped at the largest depth: no further target sees both).
    """
    d = int(depths.max())
    table = np.zeros((len(decays), len(decays), d, d + 1))
    u = np.arange(d)
    for s, (decay_s, depth_s) in enumerate(zip(decays, depths, strict=True)):
        for r, (decay_r, depth_r) in enumerate(zip(decays, depths, strict=True)):
            for lag in range(d):
                terms = decay_s ** (u + lag) * decay_r**u * ((u + lag < depth_s) & (u < depth_r))
                table[s, r, lag, 1:] = np.cumsum(terms)
    return table


@njit(cache=True, fastmath=True)
def _scatter_xx(indptr, title, head, decays, overlap, depths, sign, xx):  # type: ignore[no-untyped-def]
    """Add each member's block, times `sign` (also in `overlap`), to the upper triangle of C-ordered `xx`."""
    n_scales = len(decays)
    deepest = overlap.shape[2]
    bias = xx.shape[0] - 1
    single = np.zeros((n_scales, deepest + 1))
    for s in range(n_scales):
        for u in range(deepest):
            single[s, u + 1] = single[s, u] + (sign * decays[s] ** u if u < depths[s] else 0.0)
    for m in range(len(indptr) - 1):
        first, last = indptr[m], indptr[m + 1]
        xx[bias, bias] += sign * max(0, last - first - 1)
        for b in range(first, last):
            hb = head[title[b]]
            if hb < 0:
                continue
            n = min(last - 1 - b, deepest)  # targets after b that may see it
            for s in range(n_scales):
                xx[hb * n_scales + s, bias] += single[s, n]
            for a in range(max(first, b - deepest + 1), b + 1):
                ha = head[title[a]]
                if ha < 0:
                    continue
                lag = b - a
                for s in range(n_scales):
                    for r in range(n_scales):
                        i, j = ha * n_scales + s, hb * n_scales + r
                        value = overlap[s, r, lag, n]
                        if value == 0.0:
                            continue
                        if i < j:
                            xx[i, j] += value
                        elif i > j:
                            xx[j, i] += value
                        elif a == b:
                            xx[i, i] += value
                        else:
                            xx[i, i] += 2.0 * value
                if a == b:
                    # both orders (s, r) and (r, s) fell on the same upper entry; the pair counts once
                    for s in range(n_scales):
                        for r in range(s):
                            i, j = ha * n_scales + r, hb * n_scales + s
                            xx[i, j] -= overlap[s, r, 0, n]


@njit(cache=True, fastmath=True)
def _scatter_xy(indptr, title, head, target, decays, depths, sign, xy):  # type: ignore[no-untyped-def]
    """Add each member's features at their targets, times `sign`, to `xy`."""
    n_scales = len(decays)
    bias = xy.shape[0] - 1
    power = np.zeros((n_scales, depths.max()))
    for s in range(n_scales):
        for u in range(depths[s]):
            power[s, u] = sign * decays[s] ** u
    for m in range(len(indptr) - 1):
        first, last = indptr[m], indptr[m + 1]
        for b in range(first, last):
            column = target[title[b]]
            if b > first and column >= 0:
                xy[bias, column] += sign
            hb = head[title[b]]
            if hb < 0:
                continue
            for s in range(n_scales):
                row = xy[hb * n_scales + s]
                for t in range(min(last - 1 - b, depths[s])):
                    column = target[title[b + 1 + t]]
                    if column >= 0:
                        row[column] += power[s, t]


@njit(cache=True)
def _inputs(indptr, title, head, decays, depths):  # type: ignore[no-untyped-def]
    n_scales = len(decays)
    n_members = len(indptr) - 1
    out_indptr = np.zeros(n_members + 1, np.int64)
    for m in range(n_members):
        length = indptr[m + 1] - indptr[m]
        count = 0
        for s in range(n_scales):
            for k in range(min(length, depths[s])):
                if head[title[indptr[m + 1] - 1 - k]] >= 0:
                    count += 1
        out_indptr[m + 1] = out_indptr[m] + count
    column = np.zeros(out_indptr[-1], np.int32)
    value = np.zeros(out_indptr[-1], np.float32)
    for m in range(n_members):
        length = indptr[m + 1] - indptr[m]
        at = out_indptr[m]
        for s in range(n_scales):
            for k in range(min(length, depths[s])):
                h = head[title[indptr[m + 1] - 1 - k]]
                if h >= 0:
                    column[at] = h * n_scales + s
                    value[at] = decays[s] ** k
                    at += 1
    return out_indptr, column, value


@njit(cache=True, fastmath=True)
def _sparse_rows_times(indptr, column, value, weights, out):  # type: ignore[no-untyped-def]
    """Four rows are read side by side."""
    bias = weights.shape[0] - 1
    for m in range(len(indptr) - 1):
        total = out[m]
        total[:] = weights[bias]
        whole = indptr[m + 1] - (indptr[m + 1] - indptr[m]) % 4
        for k in range(indptr[m], whole, 4):
            u, v, w, x = value[k], value[k + 1], value[k + 2], value[k + 3]
            a, b = weights[column[k]], weights[column[k + 1]]
            c, d = weights[column[k + 2]], weights[column[k + 3]]
            for t in range(len(total)):
                total[t] = total[t] + u * a[t] + v * b[t] + w * c[t] + x * d[t]
        for k in range(whole, indptr[m + 1]):
            u, a = value[k], weights[column[k]]
            for t in range(len(total)):
                total[t] += u * a[t]
