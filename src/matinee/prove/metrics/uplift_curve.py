"""Uplift curve: what would be gained by treating the share of units that a score puts first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matinee.errors import InputError

Values = NDArray[np.float64]


def uplift_curve(score: Values, effect: Values) -> tuple[Values, Values]:
    """Gain per unit when the first 0, 1, 2, ... units by score are treated.

    Parameters
    ----------
    score : ndarray of float64, shape (n,)
        Higher is treated first; ties share their places.
    effect : ndarray of float64, shape (n,)
        An unbiased figure of the effect on each unit: the truth in a simulation, else `transformed_outcome`
        or a difference of doubly robust scores.

    Returns
    -------
    share : ndarray of float64, shape (n + 1,)
        0 to 1.
    gain : ndarray of float64, shape (n + 1,)
        Sum of the effects on the treated, divided by all n.

    Raises
    ------
    InputError
        The two have different lengths, or none has a unit.

    References
    ----------
    Radcliffe (2007), Using control groups to target on predicted lift, Direct Marketing Analytics Journal.
    Gutierrez, Gérardy (2017), Causal inference and uplift modelling: a review, PMLR 67, section 4.

    Examples
    --------
    >>> uplift_curve(np.array([1.0, 2.0]), np.array([0.0, 1.0]))[1].tolist()
    [0.0, 0.5, 0.5]
    """
    place = places(score, effect)
    order = np.argsort(place, kind="stable")
    _, tied = np.unique(place, return_inverse=True)
    smooth = (np.bincount(tied, effect) / np.bincount(tied))[tied]  # within a tie no order is known
    n = len(score)
    return np.arange(n + 1) / n, np.concatenate([[0.0], np.cumsum(smooth[order])]) / n


def places(score: Values, effect: Values) -> Values:
    """Place of each unit from 0.5 (treated first) to n - 0.5; tied units get the middle of theirs."""
    if score.shape != effect.shape or not len(score):
        raise InputError(
            f"uplift curve: score is {score.shape} and effect {effect.shape}, expected one value of each for "
            "at least one unit."
        )
    _, group, size = np.unique(-score, return_inverse=True, return_counts=True)
    middle = np.cumsum(size) - size / 2
    out: Values = middle[group]
    return out


def transformed_outcome(treated: NDArray[np.bool_], outcome: Values, propensity: Values) -> Values:
    """A figure for each unit whose mean is the effect of the treatment, from a randomised log.

    Parameters
    ----------
    treated : ndarray of bool, shape (n,)
    outcome : ndarray of float64, shape (n,)
    propensity : ndarray of float64, shape (n,)
        Probability of being treated, above 0 and below 1.

    References
    ----------
    Jaskowski, Jaroszewicz (2012), Uplift modeling for clinical trial data, ICML workshop.

    Examples
    --------
    >>> transformed_outcome(np.array([True, False]), np.array([1.0, 1.0]), np.array([0.5, 0.5])).tolist()
    [2.0, -2.0]
    """
    if len(propensity) and not (propensity.min() > 0 and propensity.max() < 1):
        raise InputError(
            f"transformed_outcome: propensities are from {propensity.min()} to {propensity.max()}, expected "
            "above 0 and below 1. Leave out units whose treatment was certain."
        )
    out: Values = outcome * np.where(treated, 1 / propensity, -1 / (1 - propensity))
    return out
