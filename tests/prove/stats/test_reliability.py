from __future__ import annotations

import numpy as np
import pytest

from matinee.errors import InputError
from matinee.prove.stats.reliability import Bin, Reliability, reliability


def judged(predicted: np.ndarray, observed: np.ndarray, *, p: float = 0.05) -> Reliability:
    edges = np.quantile(predicted, np.linspace(0, 1, 11)[1:-1])
    bins = []
    for b in range(10):
        here = np.searchsorted(edges, predicted, side="left") == b
        gap = observed[here] - predicted[here]
        bins.append(Bin(int(here.sum()), predicted[here].mean(), observed[here].mean(), gap.var(ddof=1)))
    return reliability(bins, p=p)


def test_known_answer() -> None:
    found = reliability([Bin(3, 0.5, 0.2, 0.0), Bin(1, 0.9, 1.0, 0.0), Bin(0, 0.0, 0.0, 0.0)])
    assert found.error == pytest.approx(0.75 * 0.3 + 0.25 * 0.1)
    assert found.bias == pytest.approx(0.75 * 0.3 - 0.25 * 0.1)
    assert found.observed == pytest.approx(0.4)
    assert (found.by_chance, found.n) == (0.0, 4)


def test_faultless_predictions_exceed_the_bound_as_often_as_it_says() -> None:
    rng = np.random.default_rng(4)
    over = 0
    for _ in range(400):
        p = rng.beta(2, 5, 1_000)
        found = judged(p, (rng.random(1_000) < p).astype(float))
        over += found.error > found.by_chance
    assert 0.02 < over / 400 < 0.08


def test_predictions_that_are_too_sure_exceed_it() -> None:
    rng = np.random.default_rng(5)
    p = rng.random(2_000)
    observed = (rng.random(2_000) < 0.5 + 0.5 * (p - 0.5)).astype(float)
    found = judged(p, observed, p=0.001)
    assert found.error > found.by_chance
    assert abs(found.bias) < 0.05


def test_no_observations_are_refused() -> None:
    with pytest.raises(InputError, match="no bin has an observation"):
        reliability([])
