import math

import numpy as np
import pytest

from matinee.errors import InputError
from matinee.prove.stats.bootstrap import bootstrap


def test_standard_error_is_that_of_the_mean():
    values = np.random.default_rng(0).normal(3.0, 2.0, 400)
    estimate = bootstrap(values)
    expected = values.std() / math.sqrt(len(values))
    assert estimate.mean == pytest.approx(values.mean())
    assert estimate.standard_error == pytest.approx(expected, rel=0.06)
    assert estimate.high - estimate.low == pytest.approx(2 * 1.96 * expected, rel=0.08)
    assert estimate.n == 400


def test_the_interval_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(1)
    covered = 0
    for trial in range(200):
        estimate = bootstrap(rng.binomial(1, 0.3, 150).astype(float), n_draws=400, seed=trial)
        covered += estimate.low <= 0.3 <= estimate.high
    assert 0.90 <= covered / 200 <= 0.99


def test_queries_of_a_member_are_drawn_together():
    """Ten copies of each member's value hold no more information than one."""
    values = np.random.default_rng(2).normal(size=100)
    once = bootstrap(values)
    copies = bootstrap(np.repeat(values, 10), member=np.repeat(np.arange(100), 10))
    assert copies.n == 100
    assert copies.standard_error == pytest.approx(once.standard_error, rel=1e-9)
    assert bootstrap(np.repeat(values, 10)).standard_error < 0.5 * once.standard_error


def test_members_with_more_queries_weigh_more():
    assert bootstrap(np.array([1.0, 1.0, 1.0, 0.0]), member=np.array([7, 7, 7, 9])).mean == 0.75


def test_same_seed_same_interval_and_chunks_agree(monkeypatch):
    values = np.random.default_rng(3).normal(size=50)
    first = bootstrap(values, seed=5)
    assert first == bootstrap(values, seed=5)
    assert first != bootstrap(values, seed=6)
    monkeypatch.setattr("matinee.prove.stats.bootstrap.CHUNK_DRAWS", 100)
    assert bootstrap(values, seed=5) == first


def test_undefined_values_are_left_out():
    assert bootstrap(np.array([1.0, np.nan, 3.0])).mean == 2.0
    nothing = bootstrap(np.array([np.nan]))
    assert nothing.n == 0
    assert math.isnan(nothing.mean)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"confidence": 95}, "confidence is 95, expected between 0 and 1"), ({"n_draws": 0}, "n_draws is 0")],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(InputError, match=message):
        bootstrap(np.ones(3), **arguments)
