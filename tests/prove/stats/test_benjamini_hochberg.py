from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from matinee.errors import InputError
from matinee.prove.stats.benjamini_hochberg import benjamini_hochberg


@pytest.mark.parametrize(("any_dependence", "method"), [(False, "bh"), (True, "by")])
def test_it_equals_scipy_in_the_order_given(any_dependence: bool, method: str) -> None:
    p = np.random.default_rng(2).random(40) ** 3
    p[5] = p[6]
    theirs = false_discovery_control(p, method=method)
    assert benjamini_hochberg(list(p), any_dependence=any_dependence) == pytest.approx(
        list(theirs), rel=1e-12
    )


def test_one_test_needs_no_correction_and_none_gives_none() -> None:
    assert benjamini_hochberg([0.03]) == [0.03]
    assert benjamini_hochberg([]) == []


def test_the_share_of_false_findings_stays_below_the_level() -> None:
    rng, shares = np.random.default_rng(0), []
    for _ in range(300):
        p = np.concatenate([rng.random(40), rng.random(10) * 1e-3])
        found = np.array(benjamini_hochberg(list(p))) <= 0.1
        shares.append(found[:40].sum() / max(found.sum(), 1))
    assert np.mean(shares) < 0.1


def test_what_is_no_p_value_is_refused() -> None:
    with pytest.raises(InputError, match=r"p is 1.5, expected between 0 and 1"):
        benjamini_hochberg([0.1, 1.5])
