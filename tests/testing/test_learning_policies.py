"""The contract suite finds what is wrong with a policy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from matinee.decide.beliefs.arms import ArmsBelief
from matinee.decide.policies.learned import LearnedPolicy
from matinee.decide.question import Space
from matinee.testing.learning_policies import LearningPolicyContract

SPACE = Space(("face", "title", "scene"), context=("tv",))


def tried(policy_class: type[LearnedPolicy]) -> LearningPolicyContract:
    suite = type(
        "Suite", (LearningPolicyContract,), {"learning_policy": lambda _: policy_class(ArmsBelief(SPACE))}
    )
    return suite()


class Curious(LearnedPolicy):
    """Learns from being asked."""

    def answer(self, stack):
        self.belief.coef_ = self.belief.coef_ + 0.3 * np.arange(3)[::-1, None]
        return super().answer(stack)


class Boastful(LearnedPolicy):
    """Logs another propensity than it draws with."""

    def choose(self, asked, rng):
        return replace(super().choose(asked, rng), propensity=0.5)


class Lax(LearnedPolicy):
    """Takes what is not permitted."""

    def answer(self, stack):
        return [np.full(len(one.names), 1 / len(one.names)) for one in stack.asked]


class Forgetful(LearnedPolicy):
    """Learns only from the latest batch."""

    def update(self, batch):
        if len(batch):
            self.refit(batch)


class Stubborn(LearnedPolicy):
    """Never learns."""

    def update(self, batch):
        pass


class Early(LearnedPolicy):
    """Thinks only about the first of those it is asked about together."""

    def answer(self, stack):
        first, *others = super().answer(stack)
        return [first, *(np.where(p > 0, 1.0, 0.0) / (p > 0).sum() for p in others)]


@pytest.mark.parametrize(
    ("policy", "promise", "said"),
    [
        (Curious, "asking_changes_nothing", "asking changed the answers"),
        (Boastful, "the_propensity_is_the_probability_of_the_action", "propensity is 0.5, expected"),
        (Lax, "probabilities_sum_to_one_and_are_zero_where_not_permitted", "not eligible has a probability"),
        (Forgetful, "learning_in_portions_is_learning_at_once_and_refitting", "n_seen is"),
        (Stubborn, "it_learns_the_best_action", "expected 0.6"),
        (Early, "many_questions_are_answered_as_each_by_itself", "company changed an answer"),
    ],
)
def test_a_broken_promise_is_found(policy, promise, said, tmp_path):
    check = getattr(tried(policy), f"test_{promise}")
    with pytest.raises(AssertionError, match=said):
        check(tmp_path) if "tmp_path" in check.__code__.co_varnames else check()
