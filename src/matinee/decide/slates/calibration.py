"""Calibrated slate: its mix of tags follows the member's own mix."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matinee.decide.slates.dpp import QUALITY_FLOOR
from matinee.decide.slates.greedy import TagMix, Wish, greedy_slate
from matinee.errors import ConfigError
from matinee.observe.catalogue.catalogue import Tags
from matinee.types import Index, Scores

Mix = NDArray[np.float64]
"""Share of each tag; sums to 1, or all zero when there are no tags."""

ALPHA = 0.01
"""Smoothing of the slate's mix (Steck's value)."""


def tag_mix(tags: Tags, titles: Index, weight: NDArray[np.floating] | None = None) -> Mix:
    """Mix of tags of some titles; the weight of a title is shared equally by its tags.

    Examples
    --------
    >>> tags = Tags.from_lists([["Crime", "Drama"], ["Drama"]])
    >>> tag_mix(tags, np.array([0, 1])).tolist()
    [0.25, 0.75]
    """
    mass = tag_mass(tags, titles, weight)
    total = mass.sum()
    return mass / total if total > 0 else mass


def tag_mass(tags: Tags, titles: Index, weight: NDArray[np.floating] | None = None) -> Mix:
    """Like `tag_mix`, in units of weight instead of shares."""
    titles = np.asarray(titles, np.int64)
    w = np.ones(len(titles)) if weight is None else np.asarray(weight, np.float64)
    count = tags.indptr[titles + 1] - tags.indptr[titles]
    first = np.repeat(tags.indptr[titles], count)
    within = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
    labels = tags.tag[first + within]
    shares = np.repeat(w / np.maximum(count, 1), count)
    return np.asarray(np.bincount(labels, weights=shares, minlength=len(tags.names)), np.float64)


def calibration_kl(target: Mix, mix: Mix, *, alpha: float = ALPHA) -> float:
    """Kullback-Leibler divergence of the target from the smoothed mix, in nats; 0 is perfect.

    References
    ----------
    Steck (2018), equations 6 and 7, doi 10.1145/3240323.3240372.

    Examples
    --------
    >>> calibration_kl(np.array([0.7, 0.3]), np.array([0.7, 0.3]))
    0.0
    >>> round(calibration_kl(np.array([0.7, 0.3]), np.array([1.0, 0.0])), 3)
    1.134
    """
    seen = target > 0
    smooth = (1 - alpha) * mix[seen] + alpha * target[seen]
    return float(np.sum(target[seen] * np.log(target[seen] / smooth)))


def calibrated_slate(
    quality: Scores,
    tags: Tags,
    target: Mix,
    k: int,
    *,
    strength: float = 1.0,
    alpha: float = ALPHA,
) -> Index:
    """Choose k actions that are good and whose mix of tags is near the target.

    Parameters
    ----------
    quality : ndarray of float, shape (n,), 0 or more
    tags : Tags
        Of the same n actions.
    target : ndarray of float64, shape (n_tags,)
        Wanted mix, as from `tag_mix` over a member's history; all zero means no wish.
    strength : float, 0 or more
        Log quality that one nat of divergence is worth. 0: the k best.

    Returns
    -------
    ndarray of int32
        Positions, in the order of choice.

    Raises
    ------
    ConfigError
        `strength` is negative or `alpha` not between 0 and 1.

    Notes
    -----
    Departs from the paper: the greedy objective is the sum of log quality - strength * KL, so that it does
    not depend on the scale of the scores.

    References
    ----------
    Steck (2018), Calibrated recommendations, section 5.1, doi 10.1145/3240323.3240372.

    Examples
    --------
    >>> tags = Tags.from_lists([["Romance"], ["Romance"], ["Action"]])
    >>> half = np.array([0.5, 0.5])
    >>> calibrated_slate(np.float32([0.5, 0.4, 0.1]), tags, half, 2, strength=5.0).tolist()
    [0, 2]
    """
    if not strength >= 0:
        raise ConfigError(f"calibrated_slate: strength is {strength}, expected 0 or more.")
    if not 0 < alpha < 1:
        raise ConfigError(f"calibrated_slate: alpha is {alpha}, expected between 0 and 1.")
    n = len(quality)
    nothing = np.zeros(len(tags.names), np.float64)
    chosen = greedy_slate(
        np.arange(n, dtype=np.int32),
        np.log(np.maximum(quality.astype(np.float64), QUALITY_FLOOR)),
        np.zeros(0, np.int32),
        k,
        0,
        np.zeros((n, 1), np.float32),
        Wish(0.0, float(strength), 0.0),
        TagMix(tags.indptr, tags.tag, target.astype(np.float64), nothing, nothing.copy(), alpha),
        np.ones(k, np.float64),
    )
    return np.asarray(chosen, np.int32)
