"""Statistical bounds where the truth is known: a small version of `benchmarks/offpolicy.py`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from benchmarks.offpolicy import SIZES, broken, simulate, world
from tests.prove.offpolicy.worlds import small

from matinee.prove.offpolicy.distributions import Distributions
from matinee.prove.offpolicy.evaluating import anytime_gain


@pytest.mark.slow
@pytest.mark.parametrize("n_actions", SIZES)
def test_error_and_coverage_hold_their_bounds(n_actions: int) -> None:
    found = simulate(n_actions, 150)
    # Three standard errors of a coverage of 95 % in 150 logs are 5.3 points.
    assert broken(found, slack=0.053) == []
    one = found["estimators"]
    assert one["dm"]["coverage"] < 0.5 and one["tuned"]["coverage"] < 0.5  # noqa: PT018 - why they are no default
    assert found["refused"] <= 0.03
    if n_actions == 500:
        assert one["offcem"]["rmse_to_ips"] <= 0.6


def test_the_truth_of_a_world_is_the_mean_of_many_rewards() -> None:
    place = world(10)
    problem = place.problem(0, 200_000)
    weighted = (problem.weight * problem.log.reward).mean()
    assert weighted == pytest.approx(place.truth, rel=0.06)
    assert problem.log.reward.mean() == pytest.approx((place.logging * place.reward).sum(1).mean(), rel=0.06)


def test_the_gain_is_bounded_at_every_look() -> None:
    """Looked at while the log grows, a policy without a gain is seldom called better or worse."""
    called = 0
    for seed in range(60):
        problem = small(600, seed=seed).problem
        rng = np.random.default_rng(seed)
        drawn = rng.permutation(len(problem.log))  # no order of time in the small world but this one
        log = problem.log.kept(drawn)
        assert log.logging is not None
        mixed = Distributions(
            log.logging.row, log.logging.start, log.logging.action, 0.5 * log.logging.p + 0.5 / 3
        )
        flat = replace(problem, log=replace(log, reward=rng.permutation(log.reward)), target=mixed)
        for n in (100, 200, 400, 600):
            part = replace(flat, log=flat.log.kept(np.arange(n)), target=mixed.kept(np.arange(n)))
            low, high = anytime_gain(part)
            if low > 0 or high < 0:
                called += 1
                break
    assert called <= 6  # two ends of 5 % each, of 60
