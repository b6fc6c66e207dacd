"""A small made-up bandit on which the contract suite tries out a policy that learns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matinee.decide.batch import Batch
from matinee.decide.learning import LearningPolicy
from matinee.decide.question import Floats, Question, Space
from matinee.types import HOUR_US, stream

START_US = 20_000 * 24 * HOUR_US
NAMES = ("anna", "bert", "cleo", "dora", "emil")
"""Of the actions, where the space has none of its own."""


@dataclass(frozen=True, slots=True)
class Bandit:
    """Actions of which the third is the best for everybody, with rewards of 0 or 1.

    Attributes
    ----------
    space : Space
    best, others : float
        Probability of a reward.
    seed : int

    Examples
    --------
    >>> bandit = Bandit(Space(("a", "b", "c"), context=("tv",)))
    >>> bandit.question(7).names, bandit.question(7).context.shape
    (('a', 'b', 'c'), (1,))
    """

    space: Space
    best: float = 0.6
    others: float = 0.2
    seed: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """The actions."""
        return self.space.actions or NAMES

    @property
    def good(self) -> int:
        """Place of the best action."""
        return min(2, len(self.names) - 1)

    def features(self) -> Floats:
        """Of the actions, shape (n_actions, n_features)."""
        rng = stream(self.seed, "features")
        return rng.normal(size=(len(self.names), len(self.space.features)))

    def question(
        self, turn: int, permitted: np.ndarray[tuple[int], np.dtype[np.bool_]] | None = None
    ) -> Question:
        """Question number `turn`: a unit of its own, a little later than the one before."""
        rng = stream(self.seed, "question", turn)
        return Question(
            self.names,
            rng.normal(size=len(self.space.context)),
            self.features(),
            np.ones(len(self.names), np.bool_) if permitted is None else permitted,
            f"u{turn}",
            START_US + turn * HOUR_US // 10,
        )

    def reward(self, turn: int, action: int) -> float:
        """What action brings at a turn; the same whenever it is asked."""
        level = self.best if action == self.good else self.others
        return float(stream(self.seed, "reward", turn, action).random() < level)

    def batch(self, n: int, *, first: int = 0) -> Batch:
        """Decisions of a uniform policy."""
        asked = [self.question(turn) for turn in range(first, first + n)]
        chosen = [
            int(stream(self.seed, "action", t).integers(len(self.names))) for t in range(first, first + n)
        ]
        return self.outcome(asked, chosen, np.full(n, 1.0 / len(self.names)), first)

    def outcome(self, asked: list[Question], chosen: list[int], propensity: Floats, first: int) -> Batch:
        """What came of choices, for learning."""
        features = self.features()
        return Batch(
            tuple(self.names[a] for a in chosen),
            np.array([self.reward(first + i, a) for i, a in enumerate(chosen)]),
            propensity,
            np.array([one.at_us for one in asked], np.int64),
            np.array([one.context for one in asked]).reshape(len(asked), len(self.space.context)),
            features[chosen],
        )

    def play(self, policy: LearningPolicy, n: int, *, portion: int = 50) -> Floats:
        """Serve n questions and learn after each portion; returns the probability of the best action."""
        given = np.empty(n)
        for first in range(0, n, portion):
            turns = range(first, min(first + portion, n))
            asked = [self.question(turn) for turn in turns]
            chosen, propensity = [], []
            for one in asked:
                choice = policy.choose(one, stream(self.seed, one.unit_id, one.at_us))
                policy.note(one, choice, f"d-{one.unit_id}")
                chosen.append(choice.action)
                propensity.append(choice.propensity)
            given[turns.start : turns.stop] = [p[self.good] for p in policy.probabilities_many(asked)]
            policy.update(self.outcome(asked, chosen, np.array(propensity), first))
        return given
