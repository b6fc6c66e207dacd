"""Regret where the truth is known: a small version of `benchmarks/bandits.py`."""

from __future__ import annotations

import pytest
from benchmarks.bandits import broken, made, simulate


@pytest.mark.slow
@pytest.mark.parametrize("name", ["arms", "linear", "images"])
def test_every_policy_learns_and_the_best_has_under_half_of_the_uniform_regret(name: str) -> None:
    found = simulate(name, 4_000, 2, vw=None)
    assert broken(found) == []
    regret = {label: one["regret"] for label, one in found["policies"].items()}
    assert min(regret.values()) < 0.5
    assert regret["thompson"] < 0.65
    assert regret["squarecb"] < 0.65


@pytest.mark.slow
def test_forgetting_pays_where_the_world_changes() -> None:
    found = simulate("drift", 8_000, 2, vw=None)
    regret = {label: one["regret"] for label, one in found["policies"].items()}
    assert regret["regcb optimistic, half-life 7 d"] < regret["regcb optimistic"]


def test_a_stream_is_the_same_for_the_same_seed_and_has_rare_rewards() -> None:
    one, again = made("images", 500, 3), made("images", 500, 3)
    assert (one.reward == again.reward).all()
    assert one.mean.mean() == pytest.approx(0.05)
    assert all(len(set(row)) == 10 for row in one.action.tolist())
