"""The greedy slate: one kernel for relevance, diversity (DPP), spread and calibration, alone or together.

At each step it takes the candidate with the highest

    (1 - diversity) * log quality + diversity * log d2
        - spread * likeness + calibration * (KL before - KL after)

where d2 is the part of the candidate's vector that the slate does not hold yet (the squared Cholesky
diagonal of the determinantal point process), likeness is the mean cosine between the candidate's tags and
those of everything placed so far (on a page: in all rows above too), and KL measures how far the mix of tags
is from the target. `dpp.py` and `calibration.py` are its public faces; a page composer calls it directly.

References
----------
Chen, Zhang, Zhou (2018), Fast greedy MAP inference for determinantal point process, algorithm 1,
NeurIPS, arXiv 1709.05135. Steck (2018), Calibrated recommendations, equations 6-8, RecSys,
doi 10.1145/3240323.3240372. Borodin, Lee, Ye (2012), Max-sum diversification, monotone submodular
functions and dynamic updates, section 4 (the greedy step for pairwise distances), PODS,
doi 10.1145/2213556.2213580.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

D2_FLOOR = 1e-4
"""Least part of a candidate that still counts as new; below it only quality decides."""


class Wish(NamedTuple):
    """What a slate pays for besides quality.

    Attributes
    ----------
    diversity : float, 0 to 1
        Weight of unlikeness inside the slate.
    calibration, spread : float, 0 or more
        Log quality that one nat of divergence from the target, and a likeness of 1 to what was placed
        before, are worth.
    """

    diversity: float
    calibration: float
    spread: float


class TagMix(NamedTuple):
    """Tags of the titles, what mix is wanted, and what was placed so far.

    Attributes
    ----------
    ptr, tag : ndarrays of int64 and int32
        As in `Tags.indptr` and `Tags.tag`; each tag of a title has an equal share.
    target : ndarray of float64, shape (n_tags,)
        Wanted mix; sums to 1, or is all zero for none.
    mass : ndarray of float64, shape (n_tags,)
        Weight of what was placed, shared equally by the tags of each title. Grows with the slate.
    length : ndarray of float64, shape (n_tags,)
        Weighted sum of the placed titles' unit vectors of tags. Grows with the slate.
    alpha : float, above 0
        Smoothing: share of the target that is mixed into the slate's mix.
    """

    ptr: NDArray[np.int64]
    tag: NDArray[np.int32]
    target: NDArray[np.float64]
    mass: NDArray[np.float64]
    length: NDArray[np.float64]
    alpha: float


@njit(cache=True)  # type: ignore[untyped-decorator,unused-ignore]
def add_to_mix(mix: TagMix, title: int, weight: float) -> None:
    """Count a placed title."""
    n_tags = mix.ptr[title + 1] - mix.ptr[title]
    for j in range(mix.ptr[title], mix.ptr[title + 1]):
        mix.mass[mix.tag[j]] += weight / n_tags
        mix.length[mix.tag[j]] += weight / np.sqrt(n_tags)


@njit(cache=True)  # type: ignore[untyped-decorator,unused-ignore]
def likeness(mix: TagMix, title: int, total: float, usual: float) -> Any:
    """Mean cosine of a title's tags with those of what was placed; `usual` for a title without tags."""
    n_tags = mix.ptr[title + 1] - mix.ptr[title]
    if n_tags == 0 or total <= 0.0:
        return usual
    found = 0.0
    for j in range(mix.ptr[title], mix.ptr[title + 1]):
        found += mix.length[mix.tag[j]]
    return found / (np.sqrt(n_tags) * total)


@njit(cache=True)  # type: ignore[untyped-decorator,unused-ignore]
def divergence_spared(mix: TagMix, title: int, total: float, weight: float) -> Any:
    """How much nearer to the target the mix is with the title, up to a constant common to all titles."""
    n_tags = mix.ptr[title + 1] - mix.ptr[title]
    spared = 0.0
    for j in range(mix.ptr[title], mix.ptr[title + 1]):
        p = mix.target[mix.tag[j]]
        if p > 0.0:
            base = (1.0 - mix.alpha) * mix.mass[mix.tag[j]] / (total + weight) + mix.alpha * p
            spared += p * np.log(1.0 + (1.0 - mix.alpha) * weight / (n_tags * (total + weight) * base))
    return spared


@njit(cache=True)  # type: ignore[untyped-decorator,unused-ignore]
def greedy_slate(  # noqa: PLR0915 - one loop; numba compiles no objects
    titles: NDArray[np.int32],
    log_quality: NDArray[np.float64],
    given: NDArray[np.int32],
    k: int,
    k_diverse: int,
    vectors: NDArray[np.float32],
    wish: Wish,
    mix: TagMix,
    weight: NDArray[np.float64],
) -> Any:
    """Positions in `titles` of the chosen ones, best first, dtype int32, at most k.

    Parameters
    ----------
    titles : ndarray of int32, shape (n,)
        Candidates: rows of `vectors` and of the tags.
    log_quality : ndarray of float64, shape (n,)
    given : ndarray of int32
        Titles that are in the slate already; the diversity is measured against them too.
    k, k_diverse : int
        Tiles to choose; only the first `k_diverse` of slate and `given` together pay for diversity.
    vectors : ndarray of float32, shape (n_titles, d)
        Rows of length at most 1. Two titles are alike by (1 + inner product) / 2, so that opposites are
        unlike (the paper's choice); every title is like itself by 1.
    wish : Wish
    mix : TagMix
        Changed: the chosen titles are added with their weight.
    weight : ndarray of float64, shape (k,)
        How much each position counts in the mix.

    Notes
    -----
    Cost: time O(k_diverse * n * (d + k_diverse) + k * n), memory O(k_diverse * n). The divergence is exact
    up to a constant that is common to all candidates, so only the tags of a candidate are visited.
    """
    m = len(given)
    n = len(titles)
    total = m + n
    item = np.empty(total, np.int32)
    item[:m] = given
    item[m:] = titles
    use_dpp = wish.diversity > 0.0
    steps = min(k_diverse, total) if use_dpp else 0
    factor = np.zeros((max(steps, 1), total), np.float64)
    d2 = np.ones(total, np.float64)
    taken = np.zeros(total, np.bool_)
    out = np.empty(min(k, n), np.int32)
    d = vectors.shape[1]
    n_out = 0
    placed = mix.mass.sum()
    use_mix = wish.calibration > 0.0 and mix.target.sum() > 0.0
    for step in range(m + len(out)):
        if step < m:
            best = step
        else:
            w = weight[n_out]
            usual = (mix.length**2).sum() / placed**2 if placed > 0.0 else 0.0
            best = -1
            best_value = -np.inf
            for i in range(m, total):
                if taken[i]:
                    continue
                value = log_quality[i - m]
                if use_dpp:
                    value *= 1.0 - wish.diversity
                    if step < k_diverse:
                        value += wish.diversity * np.log(max(d2[i], D2_FLOOR))
                if wish.spread > 0.0:
                    value -= wish.spread * likeness(mix, item[i], placed, usual)
                if use_mix:
                    value += wish.calibration * divergence_spared(mix, item[i], placed, w)
                if value > best_value:
                    best = i
                    best_value = value
            if best < 0:
                break
            out[n_out] = best - m
            n_out += 1
            t = item[best]
            add_to_mix(mix, t, w)
            placed += w if mix.ptr[t + 1] > mix.ptr[t] else 0.0
        taken[best] = True
        if step < steps:
            root = np.sqrt(max(d2[best], D2_FLOOR))
            v = item[best]
            for i in range(total):
                if taken[i]:
                    continue
                dot = np.float32(0.0)
                for x in range(d):
                    dot += vectors[v, x] * vectors[item[i], x]
                inner = 0.5 * (1.0 + dot)
                for x in range(step):
                    inner -= factor[x, best] * factor[x, i]
                factor[step, i] = inner / root
                d2[i] -= factor[step, i] ** 2
    return out[:n_out]
