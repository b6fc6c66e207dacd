from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import rel_entr

from matinee.errors import InputError
from matinee.prove.stats.population_stability import population_stability, psi_by_chance


def test_it_equals_its_definition_and_scipys_two_divergences() -> None:
    before, now = [30, 50, 20, 0, 0], [10, 40, 45, 5, 0]
    p = [(a + 0.5) / 102 for a in before[:4]]
    q = [(b + 0.5) / 102 for b in now[:4]]
    by_hand = sum((b - a) * math.log(b / a) for a, b in zip(p, q, strict=True))
    assert population_stability(before, now) == pytest.approx(by_hand)
    both = rel_entr(p, q).sum() + rel_entr(q, p).sum()
    assert population_stability(before, now) == pytest.approx(both)


def test_it_is_symmetric_and_0_for_equal_shares_of_large_counts() -> None:
    assert population_stability([10, 30], [30, 10]) == population_stability([30, 10], [10, 30])
    assert population_stability([1_000, 3_000], [10_000, 30_000]) == pytest.approx(0, abs=1e-6)


def test_the_bound_by_chance_is_exceeded_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.full(10, 20.0))
    draws = [population_stability(rng.multinomial(400, p), rng.multinomial(1_000, p)) for _ in range(2_000)]
    share = float((np.array(draws) > psi_by_chance(400, 1_000, 10, p=0.05)).mean())
    assert 0.035 < share < 0.065


def test_what_is_no_pair_of_histograms_is_refused() -> None:
    with pytest.raises(InputError, match=r"shapes \(2,\) and \(3,\)"):
        population_stability([1, 2], [1, 2, 3])
    with pytest.raises(InputError, match="at least one row"):
        population_stability([0, 0], [1, 2])
    with pytest.raises(InputError, match="expected 0 or more"):
        population_stability([-1, 2], [1, 2])
    with pytest.raises(InputError, match="n is 0 and 5"):
        psi_by_chance(0, 5, 3, p=0.1)
