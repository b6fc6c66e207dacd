from __future__ import annotations

import numpy as np

from matinee.decide.policies.fixed import FixedPolicy
from matinee.testing.policies import PolicyContract


class TestFixedPolicy(PolicyContract):
    def policy(self) -> FixedPolicy:
        return FixedPolicy()


def test_takes_the_best_permitted_action_and_the_first_of_equals() -> None:
    scores = np.float32([1, 7, 5, 5])
    permitted = np.array([True, False, True, True])
    choice = FixedPolicy().choose(scores, permitted, np.random.default_rng(0))
    assert (choice.action, choice.propensity) == (2, 1.0)


def test_permitted_actions_with_the_lowest_possible_score_are_taken() -> None:
    scores = np.float32([9, -np.inf])
    choice = FixedPolicy().choose(scores, np.array([False, True]), np.random.default_rng(0))
    assert choice.action == 1
