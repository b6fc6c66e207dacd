"""Contract suite for policies: subclass it for your own policy, and pytest checks its probabilities."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

import numpy as np

from matinee.decide.policy import Policy
from matinee.errors import InputError
from matinee.types import Mask, Scores


class PolicyContract(ABC):
    """What every `Policy` promises, as tests.

    Attributes
    ----------
    draws : int
        Draws of the frequency test.

    Examples
    --------
    In a test file of your own::

        class TestMyPolicy(PolicyContract):
            def policy(self):
                return MyPolicy(temperature=0.5)
    """

    draws: int = 4_000

    @abstractmethod
    def policy(self) -> Policy:
        """Give the policy to test."""

    def cases(self) -> Iterator[tuple[Scores, Mask]]:
        """Scores and what is permitted: everyday, tied, huge and tiny scores; one action and many."""
        rng = np.random.default_rng(0)
        for n in (1, 2, 7, 100):
            permitted = rng.random(n) < 0.6
            permitted[rng.integers(n)] = True
            for scale in (0.0, 1e-6, 1.0, 1e6, 1e30):
                yield (scale * rng.standard_normal(n)).astype(np.float32), permitted
        yield np.array([5.0, -np.inf, 1.0], np.float32), np.array([False, False, True])

    def test_probabilities_sum_to_one_and_are_zero_where_not_permitted(self) -> None:
        for scores, permitted in self.cases():
            p = self.policy().probabilities(scores, permitted)
            assert p.shape == scores.shape, f"shape is {p.shape}, expected {scores.shape}"
            assert p.dtype == np.float64, f"dtype is {p.dtype}, expected float64"
            assert np.isfinite(p).all(), f"probabilities are {p}, expected finite numbers"
            assert (p >= 0).all(), f"probabilities are {p}, expected 0 or more"
            assert abs(p.sum() - 1.0) < 1e-9, f"probabilities sum to {p.sum()}, expected 1"
            assert (p[~permitted] == 0).all(), "an action that is not permitted has a probability"

    def test_probabilities_leave_their_inputs_alone_and_repeat(self) -> None:
        for scores, permitted in self.cases():
            given = scores.copy(), permitted.copy()
            first = self.policy().probabilities(scores, permitted)
            again = self.policy().probabilities(scores, permitted)
            assert np.array_equal(first, again), "the same question got two answers"
            assert np.array_equal(given[0], scores), "the scores were changed"
            assert np.array_equal(given[1], permitted), "the mask was changed"

    def test_propensity_is_the_probability_of_the_action(self) -> None:
        rng = np.random.default_rng(1)
        for scores, permitted in self.cases():
            p = self.policy().probabilities(scores, permitted)
            for _ in range(5):
                choice = self.policy().choose(scores, permitted, rng)
                assert permitted[choice.action], f"action {choice.action} is not permitted"
                assert choice.propensity == p[choice.action], (
                    f"propensity is {choice.propensity}, expected {p[choice.action]}"
                )
                assert 0 < choice.propensity <= 1, f"propensity is {choice.propensity}, expected 0 to 1"

    def test_actions_come_as_often_as_the_probabilities_say(self) -> None:
        rng = np.random.default_rng(2)
        scores = np.array([0.3, -0.4, 1.2, 0.0, 0.9, 0.1], np.float32)
        permitted = np.array([True, True, True, False, True, True])
        policy = self.policy()
        p = policy.probabilities(scores, permitted)
        actions = [policy.choose(scores, permitted, rng).action for _ in range(self.draws)]
        share = np.bincount(actions, minlength=len(p)) / self.draws
        error = 4.5 * np.sqrt(p * (1 - p) / self.draws)  # a right policy fails once in 30,000 seeds
        assert (np.abs(share - p) <= error + 1e-12).all(), f"shares are {share}, expected about {p}"

    def test_same_draws_same_actions(self) -> None:
        for scores, permitted in self.cases():
            policy = self.policy()
            first = [policy.choose(scores, permitted, np.random.default_rng(s)) for s in range(5)]
            again = [policy.choose(scores, permitted, np.random.default_rng(s)) for s in range(5)]
            assert first == again, "the same random stream led to other choices"

    def test_the_only_permitted_action_is_taken_without_a_draw(self) -> None:
        rng = np.random.default_rng(3)
        state = rng.bit_generator.state
        scores = np.array([9.0, 0.0, 5.0], np.float32)
        choice = self.policy().choose(scores, np.array([False, True, False]), rng)
        assert (choice.action, choice.propensity) == (1, 1.0), f"{choice}, expected action 1 for certain"
        assert rng.bit_generator.state == state, "a certain choice used up randomness"

    def test_nothing_permitted_is_refused(self) -> None:
        rng = np.random.default_rng(4)
        for n in (0, 1, 3):
            said = ""
            try:
                self.policy().choose(np.zeros(n, np.float32), np.zeros(n, np.bool_), rng)
            except InputError as error:
                said = str(error)
            assert "permitted" in said, f"{n} actions, none permitted: expected an InputError that says so"
