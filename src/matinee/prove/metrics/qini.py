"""Qini: the area between the uplift curve and the line of treating units at random."""

from __future__ import annotations

from matinee.prove.metrics.auuc import auuc
from matinee.prove.metrics.uplift_curve import Values


def qini(score: Values, effect: Values) -> Values:
    """What each unit adds to the Qini coefficient; their mean is the coefficient. 0: no better than chance.

    Parameters
    ----------
    score, effect : ndarray of float64, shape (n,)
        As in `uplift_curve`.

    Returns
    -------
    ndarray of float64, shape (n,)

    Notes
    -----
    In units of the effect, per unit; not divided by that of a perfect score, which is not known outside a
    simulation.

    References
    ----------
    Radcliffe (2007), Using control groups to target on predicted lift, Direct Marketing Analytics Journal.

    Examples
    --------
    >>> import numpy as np
    >>> float(qini(np.array([2.0, 1.0]), np.array([1.0, 0.0])).mean())
    0.125
    """
    out: Values = auuc(score, effect) - effect / 2
    return out
