"""Slates of three slots whose value is known: rewards that depend on the slots before, or on all of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from matinee.prove.offpolicy.distributions import Distributions, Floats
from matinee.prove.offpolicy.slates.log import SlateLog
from matinee.prove.offpolicy.slates.problem import SlateProblem

K, ACTIONS = 3, 4
OLD, NEW = np.array([4.0, 3.0, 2.0, 1.0]), np.array([1.5, 3.0, 2.5, 2.0])
Reward = Callable[[tuple[int, ...], int], float]


def independent(slate: tuple[int, ...], k: int) -> float:
    """A slot's reward depends on its own action."""
    return 0.1 + 0.15 * slate[k]


def cascade(slate: tuple[int, ...], k: int) -> float:
    """A good title before leaves less for those after it."""
    return (0.1 + 0.2 * slate[k]) * 0.6 ** sum(slate[:k])


def competing(slate: tuple[int, ...], k: int) -> float:
    """One choice among all slots."""
    worth = np.exp(0.8 * np.array(slate))
    return float(worth[k] / (worth.sum() + 1.0))


def chance(weights: Floats, slate: tuple[int, ...], k: int, *, again: bool = False) -> Floats:
    """Plackett-Luce: probability of each action for a slot given those before; or each slot alike."""
    left = weights.copy()
    if not again:
        left[list(slate[:k])] = 0.0
    found: Floats = left / left.sum()
    return found


@dataclass(frozen=True)
class SmallSlates:
    """A log, and the truth."""

    problem: SlateProblem
    truth: float


def slates(
    n: int, reward: Reward, *, seed: int = 0, units: int | None = None, again: bool = False
) -> SmallSlates:
    """Draw `n` slates from the old policy, and ask about the new one; `again`: actions may stand twice."""
    rng = np.random.default_rng(seed)
    every = list(itertools.permutations(range(ACTIONS), K))
    if again:
        every = list(itertools.product(range(ACTIONS), repeat=K))
    p_old = np.array([np.prod([chance(OLD, s, k, again=again)[s[k]] for k in range(K)]) for s in every])
    p_new = np.array([np.prod([chance(NEW, s, k, again=again)[s[k]] for k in range(K)]) for s in every])
    mean = np.array([[reward(s, k) for k in range(K)] for s in every])
    drawn = rng.choice(len(every), n, p=p_old)
    table = np.array([[chance(NEW, s, k, again=again) for k in range(K)] for s in every])
    old = np.array([[chance(OLD, s, k, again=again)[s[k]] for k in range(K)] for s in every])
    shown = np.array(every)[drawn]
    target = Distributions.of_table(table[drawn].reshape(n * K, ACTIONS))
    log = SlateLog(
        page=np.repeat(np.arange(n), K),
        position=np.tile(np.arange(K), n),
        action=shown.ravel(),
        propensity=old[drawn].ravel(),
        reward=(rng.random((n, K)) < mean[drawn]).astype(np.float64).ravel(),
        unit=np.arange(n) % (units or n),
        names=tuple("abcd"),
        decision_id=np.array([f"d{i}" for i in range(n)]),
        n_actions=np.tile(np.full(K, 4.0) if again else np.arange(ACTIONS, ACTIONS - K, -1.0), n),
    )
    return SmallSlates(SlateProblem(log, target.at(log.action), target), float(p_new @ mean.sum(axis=1)))
