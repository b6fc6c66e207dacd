from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from matinee.errors import InputError
from matinee.prove.stats.difference import Estimate, difference
from matinee.prove.stats.moments import Moments
from matinee.prove.stats.non_inferiority import non_inferiority

ONE_SIDED = float(norm.isf(0.05))


def seen(lift: float, n: int = 20_000, seed: int = 0) -> Estimate:
    rng = np.random.default_rng(seed)
    control, treated = rng.gamma(4.0, 1.0, n), rng.gamma(4.0, 1.0, n) * (1 + lift)
    return difference(Moments.of(treated), Moments.of(control), relative=True)


def test_three_verdicts() -> None:
    assert non_inferiority(seen(0.0), margin=0.02, multiplier=ONE_SIDED).verdict == "holds"
    assert non_inferiority(seen(-0.05), margin=0.02, multiplier=ONE_SIDED).verdict == "broken"
    assert non_inferiority(seen(-0.02), margin=0.02, multiplier=ONE_SIDED).verdict == "open"
    assert non_inferiority(seen(0.0, n=50), margin=0.02, multiplier=ONE_SIDED).verdict == "open"


def test_down_is_better_mirrors_it() -> None:
    assert non_inferiority(seen(0.05), margin=0.02, multiplier=ONE_SIDED, better="down").verdict == "broken"
    assert non_inferiority(seen(-0.05), margin=0.02, multiplier=ONE_SIDED, better="down").verdict == "holds"


@pytest.mark.parametrize("lift", [-0.06, -0.03, -0.02, -0.01, 0.01])
def test_the_verdict_is_that_of_the_interval(lift: float) -> None:
    found = non_inferiority(seen(lift), margin=0.02, multiplier=ONE_SIDED)
    by_interval = "holds" if found.low > -0.02 else "broken" if found.high < -0.02 else "open"
    assert found.verdict == by_interval


def test_on_the_border_it_breaks_as_seldom_as_promised() -> None:
    found = [
        non_inferiority(seen(-0.02, n=400, seed=s), margin=0.02, multiplier=ONE_SIDED).verdict
        for s in range(600)
    ]
    error = 3 * np.sqrt(0.05 * 0.95 / 600)
    assert abs(found.count("broken") / 600 - 0.05) < error
    assert abs(found.count("holds") / 600 - 0.05) < error


def test_an_absolute_difference_and_a_negative_margin_are_refused() -> None:
    arm = Moments.of([1.0, 2.0, 3.0])
    with pytest.raises(InputError, match="the difference is absolute"):
        non_inferiority(difference(arm, arm), margin=0.1, multiplier=2.0)
    with pytest.raises(InputError, match=r"margin is -0.1"):
        non_inferiority(seen(0.0), margin=-0.1, multiplier=2.0)
