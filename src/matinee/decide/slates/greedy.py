"""The greedy slate: one kernel for relevance, diversity (DPP) and calibration, alone or together.

At each step it takes the candidate with the highest

    (1 - diversity) * log quality + diversity * log d2 + calibration * (KL before - KL after)

where d2 is the part of the candidate's vector that the slate does not hold yet (the squared Cholesky
diagonal of the determinantal point process), and KL measures how far the slate's mix of tags is from the
target. `dpp.py` and `calibration.py` are its public faces; a page composer calls it directly.

References
----------
Chen, Zhang, Zhou (2018), Fast greedy MAP inference for determinantal point process, algorithm 1,
NeurIPS, arXiv 1709.05135. Steck (2018), Calibrated recommendations, equations 6-8, RecSys,
doi 10.1145/3240323.3240372.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

D2_FLOOR = 1e-4
"""Least part of a candidate that still counts as new; below it only quality decides."""


@njit(cache=True)  # type: ignore[untyped-decorator,unused-ignore]
def greedy_slate(  # noqa: PLR0915 - one loop; numba compiles no objects
    titles: NDArray[np.int32],
    log_quality: NDArray[np.float64],
    given: NDArray[np.int32],
    k: int,
    k_diverse: int,
    vectors: NDArray[np.float32],
    diversity: float,
    calibration: float,
    tag_ptr: NDArray[np.int64],
    tag: NDArray[np.int32],
    target: NDArray[np.float64],
    mass: NDArray[np.float64],
    alpha: float,
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
    diversity : float, 0 to 1
    calibration : float, 0 or more
        In units of log quality per nat of divergence.
    tag_ptr, tag : ndarrays
        Tags of each title, as in `Tags.indptr` and `Tags.tag`; each tag of a title has an equal share.
    target : ndarray of float64, shape (n_tags,)
        Wanted mix; sums to 1, or is all zero for none.
    mass : ndarray of float64, shape (n_tags,)
        Tag mass of what was placed before. Changed: the chosen titles are added with their weight.
    alpha : float, above 0
        Smoothing: share of the target that is mixed into the slate's mix.
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
    use_dpp = diversity > 0.0
    steps = min(k_diverse, total) if use_dpp else 0
    factor = np.zeros((max(steps, 1), total), np.float64)
    d2 = np.ones(total, np.float64)
    taken = np.zeros(total, np.bool_)
    out = np.empty(min(k, n), np.int32)
    d = vectors.shape[1]
    n_out = 0
    mass_sum = mass.sum()
    use_mix = calibration > 0.0 and target.sum() > 0.0
    for step in range(m + len(out)):
        if step < m:
            best = step
        else:
            w = weight[n_out]
            best = -1
            best_value = -np.inf
            for i in range(m, total):
                if taken[i]:
                    continue
                value = log_quality[i - m]
                if use_dpp:
                    value *= 1.0 - diversity
                    if step < k_diverse:
                        value += diversity * np.log(max(d2[i], D2_FLOOR))
                if use_mix:
                    t = item[i]
                    n_tags = tag_ptr[t + 1] - tag_ptr[t]
                    bonus = 0.0
                    for j in range(tag_ptr[t], tag_ptr[t + 1]):
                        p = target[tag[j]]
                        if p > 0.0:
                            base = (1.0 - alpha) * mass[tag[j]] / (mass_sum + w) + alpha * p
                            bonus += p * np.log(1.0 + (1.0 - alpha) * w / (n_tags * (mass_sum + w) * base))
                    value += calibration * bonus
                if value > best_value:
                    best = i
                    best_value = value
            if best < 0:
                break
            out[n_out] = best - m
            n_out += 1
            t = item[best]
            if tag_ptr[t + 1] > tag_ptr[t]:
                share = w / (tag_ptr[t + 1] - tag_ptr[t])
                for j in range(tag_ptr[t], tag_ptr[t + 1]):
                    mass[tag[j]] += share
                mass_sum += w
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
