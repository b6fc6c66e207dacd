"""Small worlds in which the value of a policy is known by a sum."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from matinee.prove.offpolicy.distributions import Distributions, Floats
from matinee.prove.offpolicy.log import Log
from matinee.prove.offpolicy.problem import Problem

OLD = np.array([[0.5, 0.3, 0.2], [0.2, 0.5, 0.3], [0.1, 0.2, 0.7]])
NEW = np.array([[0.2, 0.3, 0.5], [0.1, 0.1, 0.8], [0.6, 0.2, 0.2]])
REWARD = np.array([[0.1, 0.2, 0.3], [0.3, 0.2, 0.1], [0.5, 0.1, 0.1]])
"""By context and action: the old policy, the new one, and the mean reward."""


@dataclass(frozen=True, slots=True)
class Small:
    problem: Problem
    row: np.ndarray[Any, np.dtype[np.int64]]
    truth: float


def small(n: int = 3000, *, seed: int = 0, units: int | None = None, **changes: Any) -> Small:
    """A log of `n` decisions; `changes` replaces columns of the log."""
    rng = np.random.default_rng(seed)
    row = rng.integers(0, 3, n)
    action = (rng.random(n)[:, None] > np.cumsum(OLD[row], axis=1)).sum(axis=1)
    given: dict[str, Any] = {
        "action": action,
        "propensity": OLD[row, action],
        "reward": (rng.random(n) < REWARD[row, action]).astype(np.float64),
        "unit": np.arange(n) % (units or n),
        "names": ("a", "b", "c"),
        "decision_id": np.array([f"d{i}" for i in range(n)]),
        "n_actions": np.full(n, 3.0),
        "logging": Distributions.of_table(OLD, row),
        "p_sum": np.ones(n),
        "context": np.eye(3)[row],
    }
    log = Log(**given | changes)
    problem = Problem(log, Distributions.of_table(NEW, row), reward_low=0.0, reward_high=1.0)
    return Small(problem, row, float((NEW * REWARD).sum(axis=1)[row].mean()))


def changed(problem: Problem, **changes: Any) -> Problem:
    """The same problem with other columns in its log."""
    return replace(problem, log=replace(problem.log, **changes))


def dense(distributions: Distributions, n_actions: int) -> Floats:
    """Full table, shape (n_decisions, n_actions), filled entry by entry."""
    table = np.zeros((distributions.n_rows, n_actions))
    for row in range(distributions.n_rows):
        for place in range(distributions.start[row], distributions.start[row + 1]):
            table[row, distributions.action[place]] = distributions.p[place]
    return table[distributions.row]
