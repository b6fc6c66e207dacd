"""Statistical bounds where the truth is known: a small version of `benchmarks/offpolicy.py`."""

from __future__ import annotations

import pytest
from benchmarks.offpolicy import SIZES, broken, simulate, world


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
