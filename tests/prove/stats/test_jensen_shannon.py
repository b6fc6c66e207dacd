from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from matinee.errors import InputError
from matinee.prove.stats.jensen_shannon import jensen_shannon, jensen_shannon_by_chance


def test_it_equals_scipys_distance_in_base_2() -> None:
    rng = np.random.default_rng(1)
    for _ in range(50):
        a, b = rng.integers(0, 20, 8), rng.integers(0, 20, 8)
        a[0] = b[0] = 3  # neither is empty
        assert jensen_shannon(a, b) == pytest.approx(jensenshannon(a, b, base=2), abs=1e-7)


def test_it_is_a_metric_between_0_and_1() -> None:
    a, b, c = [5, 1, 0], [1, 5, 2], [0, 1, 9]
    assert jensen_shannon(a, c) <= jensen_shannon(a, b) + jensen_shannon(b, c)
    assert jensen_shannon(a, b) == jensen_shannon(b, a)
    assert jensen_shannon([1, 0], [0, 1]) == 1.0


def test_the_bound_by_chance_is_exceeded_as_often_as_it_says() -> None:
    rng = np.random.default_rng(2)
    p = rng.dirichlet(np.full(6, 20.0))
    draws = [jensen_shannon(rng.multinomial(500, p), rng.multinomial(800, p)) for _ in range(2_000)]
    share = float((np.array(draws) > jensen_shannon_by_chance(500, 800, 6, p=0.05)).mean())
    assert 0.035 < share < 0.065


def test_an_empty_histogram_or_sample_is_refused() -> None:
    with pytest.raises(InputError, match="jensen_shannon: the counts are"):
        jensen_shannon([0], [3])
    with pytest.raises(InputError, match="n is 3 and 0"):
        jensen_shannon_by_chance(3, 0, 2, p=0.1)
