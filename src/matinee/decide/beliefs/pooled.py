"""Belief shared by all actions: what their features say, and a term of each one's own, shrunk towards it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
import scipy.linalg
from scipy.optimize import minimize_scalar
from scipy.special import ndtri

from matinee.decide.batch import Batch
from matinee.decide.beliefs.base import Belief
from matinee.decide.beliefs.memory import MemoryConfig, Sums
from matinee.decide.question import Floats, Space, Stack
from matinee.errors import ConfigError
from matinee.types import GOLDEN, derive_seed, mixed

CONSTANT = 0.01
"""Ridge of the constant, in decisions; its prior is around the mean reward."""
LEAST, MOST = 1.0, 1e7
"""Bounds of `trials_`."""
WIDE = 2.0
"""Standard deviation of the prior of log `trials_`."""


@dataclass(frozen=True, slots=True)
class PooledBeliefConfig:
    """Settings of the pooled belief.

    Attributes
    ----------
    trials : float, 1 to 1e7
        After so many decisions an action's own data weigh as much as what its features say: the first guess,
        before the spread between actions is estimated.
    ridge : float, above 0
        Decisions that the prior is worth, for each coefficient of features scaled to about 1.
    noise : float, above 0
        Variance of a single reward before any was seen; a success of 5 % has 0.05. Then it is estimated.
    noise_trials : float, above 0
        Decisions that this is worth.
    interactions : bool
        Whether the worth of a feature depends on the context. Without, the same actions are good for all.
    n_draws : int, even, at least 2
        Draws of what is believed that answer for Thompson's policy.
    seed : int
        Of the draws.
    """

    trials: float = 300.0
    ridge: float = 1.0
    noise: float = 0.05
    noise_trials: float = 10.0
    interactions: bool = True
    n_draws: int = 64
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("ridge", "noise", "noise_trials"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"PooledBelief: {name} is {getattr(self, name)}, expected above 0.")
        if not LEAST <= self.trials <= MOST:
            raise ConfigError(f"PooledBelief: trials is {self.trials}, expected {LEAST:g} to {MOST:g}.")
        if self.n_draws < 2 or self.n_draws % 2:
            raise ConfigError(f"PooledBelief: n_draws is {self.n_draws}, expected an even number from 2.")


class PooledBelief(Belief):
    """reward = phi(context, features) . theta + u[action] + noise, with u normal around 0.

    For many actions, new ones, and those that have features: an action that was never seen is believed to
    bring what its features say, give or take the spread between actions; that is estimated (empirical
    Bayes).
    Without features and context it is the plain hierarchical model: arms around a pool. With few actions
    that have nothing in common, `ArmsBelief` is sharper.

    Parameters
    ----------
    space : Space
    config : PooledBeliefConfig, optional
    memory : MemoryConfig, optional

    Attributes
    ----------
    theta_ : ndarray of float64, shape (n_columns,)
        Constant; then context, features, and each context times each feature.
    trials_ : float
        Variance of the noise over that of u, estimated.
    noise_ : float
        Variance of the noise, estimated.
    draws_ : ndarray of float64, shape (n_columns, n_draws)
        Of theta, renewed by every update.

    Notes
    -----
    Everything is exact given the two variances, which maximise the marginal likelihood with a weak prior on
    `trials_`. For Thompson's policy the belief is represented by `n_draws` draws (half of them mirrored),
    the same for all questions until the next update; the draw of an action's own term follows from its name.
    So P(best) is a share of draws: a function of what was learned, not an estimate of one, and the propensity
    of a policy that follows it is exact. It differs from the ideal Thompson policy's by at most
    sqrt(p (1 - p) / n_draws) (standard error); an action with no winning draw waits for later draws or has
    the policy's floor. Cost of an answer: O(n_actions * n_columns * n_draws). Of an update:
    O(n_known * n_columns**2) for each of about 15 steps. Memory: 8 * n_known * n_columns bytes.

    References
    ----------
    Gelman et al. (2013), Bayesian data analysis, chapters 5 and 15 (hierarchical linear models). Lu, Van Roy
    (2017), Ensemble sampling, NeurIPS 30, arXiv 1705.07347 (a set of models stands for the posterior).
    Henderson (1975), Best linear unbiased estimation and prediction under a selection model, Biometrics 31.

    Examples
    --------
    >>> belief = PooledBelief(Space(features=("face",)))
    >>> belief.learn(Batch(("a", "b"), np.array([1.0, 0.0]), np.ones(2), features=np.array([[1.0], [0.0]])))
    >>> belief.names_
    ['a', 'b']
    """

    kind: ClassVar[str] = "pooled"

    def __init__(
        self, space: Space, config: PooledBeliefConfig | None = None, memory: MemoryConfig | None = None
    ) -> None:
        self.config = config or PooledBeliefConfig()
        super().__init__(space, memory)

    def settings(self) -> dict[str, Any]:
        """All of them: they shape the columns, the prior or the draws."""
        return {"config": asdict(self.config)}

    def sums(self, batch: Batch, weight: Floats, place: dict[str, int]) -> Sums:
        """Products of the columns and the reward; `own_x` and `own_y` are those of each action."""
        x = self._columns(batch.context, batch.features)
        at = np.array([place[name] for name in batch.names], np.int64)
        weighted = x * weight[:, None]
        own_x = np.zeros((len(place), x.shape[1]))
        np.add.at(own_x, at, weighted)
        return {
            "xx": weighted.T @ x,
            "xy": weighted.T @ batch.reward,
            "yy": np.array([float(weight @ batch.reward**2)]),
            "own_x": own_x,
            "own_y": np.bincount(at, weight * batch.reward, len(place)).astype(np.float64),
        }

    def solve(self, sums: Sums, n_seen: int) -> None:
        """The variances, theta, and the draws."""
        d = self._n_columns
        self._n = float(sums["xx"][0, 0]) if sums else 0.0
        if sums:
            self._own_x, self._own_y = _all(sums["own_x"], self.names_), _all(sums["own_y"], self.names_)
            pool = float(sums["xy"][0]) / self._n if self._n > 0 else 0.0
        else:
            self._own_x, self._own_y, pool = np.zeros((len(self.names_), d)), np.zeros(len(self.names_)), 0.0
        self._own_y = self._own_y - pool * self._own_x[:, 0]  # everything is relative to the mean reward
        xx, xy, yy = np.zeros((d, d)), np.zeros(d), 0.0
        if sums:
            xx, xy = sums["xx"], sums["xy"] - pool * sums["xx"][0]
            yy = max(float(sums["yy"][0]) - self._n * pool**2, 0.0)
        ridge = np.full(d, self.config.ridge)
        ridge[0] = CONSTANT
        problem = _Mixed(xx + np.diag(ridge), xy, yy, self._n, self._own_x, self._own_y, self.config)
        self.trials_ = problem.best_trials() if self._n > 0 else self.config.trials
        factor, rest, squares, _ = problem.at(self.trials_)
        self.noise_ = squares / (self._n + self.config.noise_trials)
        off = scipy.linalg.cho_solve((factor, True), rest)
        self._off, self._factor, self._pool = off, factor, pool
        self.theta_ = off.copy()
        self.theta_[0] += pool
        half = np.random.default_rng(derive_seed(self.config.seed, "theta", n_seen)).standard_normal(
            (d, self.config.n_draws // 2)
        )
        step = np.sqrt(self.noise_) * scipy.linalg.solve_triangular(factor.T, half, lower=False)
        self._off_draws = off[:, None] + np.concatenate([step, -step], axis=1)
        self.draws_ = self._off_draws.copy()
        self.draws_[0] += pool
        self._key = derive_seed(self.config.seed, "own", n_seen)

    @property
    def n_counting(self) -> float:
        """Decisions that count now."""
        return self._n

    def mean(self, stack: Stack) -> Floats:
        """What the features say and the action's own term."""
        x, own_x, own_y, share = self._own(stack)
        found: Floats = self._pool + (x - share[:, None] * own_x) @ self._off + share * own_y
        return found

    def sd(self, stack: Stack) -> Floats:
        """Of both together."""
        x, own_x, _, share = self._own(stack)
        part = scipy.linalg.solve_triangular(self._factor, (x - share[:, None] * own_x).T, lower=True)
        found: Floats = np.sqrt(self.noise_ * ((part**2).sum(axis=0) + share))
        return found

    def p_best(self, stack: Stack) -> Floats:
        """Share of the draws in which an action is the best of its question."""
        x, own_x, own_y, share = self._own(stack)
        worth = (x - share[:, None] * own_x) @ self._off_draws
        worth += (share * own_y)[:, None]
        half = np.sqrt(self.noise_ * share)[:, None] * _normals(stack.names, self._key, worth.shape[1] // 2)
        worth += np.concatenate([half, -half], axis=1)
        best = np.repeat(np.maximum.reduceat(worth, stack.start, axis=0), stack.count, axis=0)
        won = worth == best
        if np.count_nonzero(won) == len(stack.start) * won.shape[1]:
            found: Floats = won.sum(axis=1) / won.shape[1]
            return found
        ties = np.repeat(np.add.reduceat(won.astype(np.float64), stack.start, axis=0), stack.count, axis=0)
        found = (won / ties).mean(axis=1)
        return found

    def _own(self, stack: Stack) -> tuple[Floats, Floats, Floats, Floats]:
        """Columns, the action's own sums, and 1 / (its decisions + trials)."""
        x, at = self._columns(stack.context, stack.features), self.places(stack)
        if len(self._own_y) == 0:
            own_x, own_y = np.zeros(x.shape), np.zeros(len(x))
        else:
            cold = at < 0
            own_x, own_y = self._own_x[at], self._own_y[at]
            own_x[cold], own_y[cold] = 0.0, 0.0
        return x, own_x, own_y, 1.0 / (own_x[:, 0] + self.trials_)

    @property
    def _n_columns(self) -> int:
        x, f = len(self.space.context), len(self.space.features)
        return (1 + x) * (1 + f) if self.config.interactions else 1 + x + f

    def _columns(self, context: Floats, features: Floats) -> Floats:
        parts = [np.ones((len(context), 1)), context, features]
        if self.config.interactions:
            parts.append((context[:, :, None] * features[:, None, :]).reshape(len(context), -1))
        return np.concatenate(parts, axis=1)


@dataclass(frozen=True, slots=True)
class _Mixed:
    """The normal equations of the mixed model, the terms of the actions being solved for beforehand."""

    xx: Floats
    xy: Floats
    yy: float
    n: float
    own_x: Floats
    own_y: Floats
    config: PooledBeliefConfig

    def at(self, trials: float) -> tuple[Floats, Floats, float, float]:
        """Cholesky factor, right side, sum of squares, and -2 log likelihood for one ratio of variances."""
        count = self.own_x[:, 0]
        share = 1.0 / (count + trials)
        own: Floats = self.xx - (self.own_x * share[:, None]).T @ self.own_x
        factor: Floats = np.asarray(np.linalg.cholesky(own), np.float64)
        rest = self.xy - self.own_x.T @ (self.own_y * share)
        half = scipy.linalg.solve_triangular(factor, rest, lower=True)
        squares = max(self.yy - float(self.own_y**2 @ share) - float(half @ half), 0.0)
        squares += self.config.noise * self.config.noise_trials
        volume = np.log1p(count / trials).sum() + 2.0 * np.log(np.diag(factor)).sum()
        doubt = (np.log(trials / self.config.trials) / WIDE) ** 2
        return (
            factor,
            rest,
            squares,
            float((self.n + self.config.noise_trials) * np.log(squares) + volume + doubt),
        )

    def best_trials(self) -> float:
        """The likeliest ratio of the variances."""
        found = minimize_scalar(
            lambda log: self.at(float(np.exp(log)))[3],
            bounds=(np.log(LEAST), np.log(MOST)),
            method="bounded",
            options={"xatol": 0.02},
        )
        return float(np.exp(found.x))


def _all(part: Floats, names: list[str]) -> Floats:
    """Filled up with 0 for the actions that came later."""
    out = np.zeros((len(names), *part.shape[1:]))
    out[: len(part)] = part
    return out


@lru_cache(maxsize=1 << 17)
def _hashed(name: str) -> int:
    """64 bits that follow from a name."""
    return derive_seed(0, "own", name)


def _normals(names: list[str], key: int, n: int) -> Floats:
    """Standard normal numbers that follow from the name and the key, shape (n_names, n).

    Notes
    -----
    A hash of each name starts a SplitMix64 sequence.
    """
    seeds = np.array([_hashed(name) for name in names], np.uint64) ^ np.uint64(key)
    x = mixed(seeds[:, None] + GOLDEN * np.arange(1, n + 1, dtype=np.uint64)[None, :])
    found: Floats = ndtri(((x >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53)
    return found
