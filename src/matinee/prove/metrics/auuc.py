"""AUUC: the area under the uplift curve."""

from __future__ import annotations

from matinee.prove.metrics.uplift_curve import Values, places


def auuc(score: Values, effect: Values) -> Values:
    """What each unit adds to the area under the uplift curve; their mean is the area, more is better.

    A unit that is treated first counts its effect for the whole width, one that is treated last for none. As
    a mean over units it can be drawn again in a bootstrap, and two scores can be compared in pairs.

    Parameters
    ----------
    score, effect : ndarray of float64, shape (n,)
        As in `uplift_curve`.

    Returns
    -------
    ndarray of float64, shape (n,)

    Examples
    --------
    >>> import numpy as np
    >>> float(auuc(np.array([2.0, 1.0]), np.array([1.0, 0.0])).mean())
    0.375
    """
    out: Values = effect * (1.0 - places(score, effect) / len(score))
    return out
