"""Benjamini and Hochberg's correction: of many findings only a small share may be false."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from matinee.errors import InputError


def benjamini_hochberg(p: Sequence[float], *, any_dependence: bool = False) -> list[float]:
    """Corrected p-values, in the order given; those at most q have an expected share of false ones below q.

    For secondary metrics and segments, where a false one among many is bearable. Where a single false
    alarm is not, use `holm`.

    Parameters
    ----------
    any_dependence : bool, default False
        Valid for any dependence (Benjamini, Yekutieli), at the price of a factor 1 + 1/2 + ... + 1/m. The
        plain one holds for independent and positively dependent tests, as are most metrics of one experiment.

    Raises
    ------
    InputError
        A value is not between 0 and 1.

    References
    ----------
    Benjamini, Hochberg (1995), Controlling the false discovery rate, JRSS B 57(1), 289. Benjamini, Yekutieli
    (2001), The control of the false discovery rate under dependency, Annals of Statistics 29(4), 1165.

    Examples
    --------
    >>> benjamini_hochberg([0.01, 0.04, 0.03, 0.5])
    [0.04, 0.05333333333333334, 0.05333333333333334, 0.5]
    """
    for value in p:
        if not 0.0 <= value <= 1.0:
            raise InputError(
                f"benjamini_hochberg: p is {value}, expected between 0 and 1. "
                "Leave out tests without a result."
            )
    m = len(p)
    factor = float((1.0 / np.arange(1, m + 1)).sum()) if any_dependence else 1.0
    order = np.argsort(p, kind="stable")[::-1]
    steps = np.array([p[i] * factor * m / (m - place) for place, i in enumerate(order)])
    out = np.empty(m)
    out[order] = np.minimum(np.minimum.accumulate(steps), 1.0) if m else steps
    return [float(x) for x in out]
