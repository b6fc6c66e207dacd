"""What every policy around a belief does, and the plain one: expected rewards as scores of a policy."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from matinee.decide.batch import Batch
from matinee.decide.beliefs.base import Belief
from matinee.decide.learning import LearningPolicy
from matinee.decide.policies.epsilon_greedy import EpsilonGreedyPolicy
from matinee.decide.policy import Policy, Probabilities
from matinee.decide.question import Floats, Question, Space, Stack


class BeliefPolicy(LearningPolicy):
    """A policy whose whole memory is a belief: it only says how to explore.

    Parameters
    ----------
    belief : Belief
        What is learned. Policies may not share one.
    """

    def __init__(self, belief: Belief) -> None:
        self.belief = belief

    @abstractmethod
    def answer(self, stack: Stack) -> list[Probabilities]:
        """Probabilities of each question, given those of its permitted actions."""

    @property
    def space(self) -> Space:
        """That of the belief."""
        return self.belief.space

    @property
    def n_seen(self) -> int:
        """Decisions that the belief has learned from."""
        return self.belief.n_seen

    def probabilities_many(self, asked: Sequence[Question]) -> list[Probabilities]:
        """Answers all questions by one piece of arithmetic."""
        if not asked:
            return []
        for one in asked:
            self.belief.check(one)
        return self.answer(Stack.of(asked))

    def update(self, batch: Batch) -> None:
        """Learn from a batch too."""
        self.belief.learn(batch)

    def refit(self, batch: Batch) -> None:
        """Forget all and learn from a log."""
        self.belief.relearn(batch)

    def save(self, folder: Path) -> None:
        """Write the belief."""
        self.belief.save(folder)

    def load(self, folder: Path) -> None:
        """Read a belief; how to explore is not in the file."""
        self.belief.load(folder)


class LearnedPolicy(BeliefPolicy):
    """A policy over scores (greedy, epsilon-greedy, softmax, uniform) whose scores are expected rewards.

    Parameters
    ----------
    belief : Belief
    policy : Policy, optional
        Epsilon-greedy with 5 % by default. `FixedPolicy()` never explores; `UniformPolicy()` only collects.

    References
    ----------
    Sutton, Barto (2018), Reinforcement Learning, sections 2.2 and 2.8.
    """

    def __init__(self, belief: Belief, policy: Policy | None = None) -> None:
        super().__init__(belief)
        self.policy = policy or EpsilonGreedyPolicy()

    def answer(self, stack: Stack) -> list[Probabilities]:
        """That of the policy, for the expected rewards as float32."""
        return over_scores(self.policy, self.belief.mean(stack), stack)


def over_scores(policy: Policy, scores: Floats, stack: Stack) -> list[Probabilities]:
    """Ask a policy over scores about each question of a stack."""
    out = []
    for one, part in zip(stack.asked, stack.parts(), strict=True):
        full = np.full(len(one.names), -np.inf, np.float32)
        full[one.permitted] = scores[part]
        out.append(policy.probabilities(full, one.permitted))
    return out
