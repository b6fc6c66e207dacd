"""Holm's correction: several comparisons at once without more false alarms than one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from matinee.errors import InputError


def holm(p: Sequence[float]) -> list[float]:
    """Corrected p-values, in the order given; compare each with the level of a single test (0.05).

    The smallest p is multiplied by the number of tests, the next by one fewer, and so on; a corrected
    value is never below that of a smaller p, nor above 1. Valid for any dependence between the tests.

    Raises
    ------
    InputError
        A value is not between 0 and 1.

    References
    ----------
    Holm (1979), A simple sequentially rejective multiple test procedure, Scandinavian Journal of
    Statistics 6(2).

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    for value in p:
        if not 0.0 <= value <= 1.0:
            raise InputError(
                f"holm: p is {value}, expected between 0 and 1. Leave out tests without a result."
            )
    order = np.argsort(p, kind="stable")
    steps = np.array([p[i] * (len(p) - place) for place, i in enumerate(order)])
    out = np.empty(len(p))
    out[order] = np.minimum(np.maximum.accumulate(steps), 1.0) if len(p) else steps
    return [float(x) for x in out]
