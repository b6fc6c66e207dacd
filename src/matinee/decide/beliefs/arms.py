"""Belief about a reward linear in the context, each action by itself: Bayesian ridge regressions."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from matinee.decide.batch import Batch
from matinee.decide.beliefs.base import Belief, check_fixed
from matinee.decide.beliefs.memory import MemoryConfig, Sums
from matinee.decide.best_arm import best_gaussian
from matinee.decide.question import Floats, Space, Stack
from matinee.errors import ConfigError


@dataclass(frozen=True, slots=True)
class ArmsBeliefConfig:
    """Settings of the linear belief.

    Attributes
    ----------
    ridge : float, above 0
        Decisions that the prior is worth, for each coefficient of a context scaled to about 1.
    noise : float, above 0
        Variance of a single reward before any was seen; a success of 5 % has 0.05. Then it is estimated.
    noise_trials : float, above 0
        Decisions that this is worth.
    """

    ridge: float = 1.0
    noise: float = 0.05
    noise_trials: float = 10.0

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not value > 0:
                raise ConfigError(f"ArmsBelief: {name} is {value}, expected a number above 0.")


class ArmsBelief(Belief):
    """Each action has coefficients of its own for the context.

    For few actions with much data each. Where actions resemble each other, or new ones come, `PooledBelief`
    learns from all of them together.

    Parameters
    ----------
    space : Space
        Actions are given, and there are no features.
    config : ArmsBeliefConfig, optional
    memory : MemoryConfig, optional

    Attributes
    ----------
    coef_ : ndarray of float64, shape (n_actions, 1 + n_context)
        The first is the constant.
    cov_ : ndarray of float64, shape (n_actions, 1 + n_context, 1 + n_context)
        Covariance of the coefficients.
    noise_ : float
        Variance of a reward around its expectation, the same for all actions.

    Raises
    ------
    ConfigError
        The space has no fixed actions, or has features.

    Notes
    -----
    The prior of the constant is around the mean reward of all actions, so that an action without data is
    expected to bring what the others do. Cost of an update: O(n d**2 + n_actions d**3); of an answer:
    O(n_actions d**2), and the quadrature of `best_gaussian` where asked for.

    References
    ----------
    Agrawal, Goyal (2013), Thompson sampling for contextual bandits with linear payoffs, ICML,
    arXiv 1209.3352. Li, Chu, Langford, Schapire (2010), A contextual-bandit approach to personalized news
    article recommendation, section 3.1 (disjoint models), WWW, arXiv 1003.0146.
    """

    kind: ClassVar[str] = "arms"

    def __init__(
        self, space: Space, config: ArmsBeliefConfig | None = None, memory: MemoryConfig | None = None
    ) -> None:
        check_fixed(ArmsBelief, space)
        self.config = config or ArmsBeliefConfig()
        super().__init__(space, memory)

    def settings(self) -> dict[str, Any]:
        """The prior."""
        return {"config": self.config}

    def sums(self, batch: Batch, weight: Floats, place: dict[str, int]) -> Sums:
        """Products of context and reward, by action."""
        x, k = _with_constant(batch.context), len(place)
        at = np.array([place[name] for name in batch.names], np.int64)
        d = x.shape[1]
        xx, xy = np.zeros((k, d, d)), np.zeros((k, d))
        for action in np.unique(at).tolist():
            own = at == action
            weighted = x[own] * weight[own, None]
            xx[action], xy[action] = weighted.T @ x[own], weighted.T @ batch.reward[own]
        yy = np.bincount(at, weight * batch.reward**2, k).astype(np.float64)
        return {"xx": xx, "xy": xy, "yy": yy}

    def solve(self, sums: Sums, n_seen: int) -> None:  # noqa: ARG002 - nothing is drawn
        """Ridge regression of each action, and the noise of all."""
        k, d, config = len(self.names_), 1 + len(self.space.context), self.config
        xx, xy = sums.get("xx", np.zeros((k, d, d))), sums.get("xy", np.zeros((k, d)))
        yy = sums.get("yy", np.zeros(k))
        n, prior = float(xx[:, 0, 0].sum()), np.zeros(d)
        prior[0] = float(xy[:, 0].sum()) / n if n > 0 else 0.0
        inverse = np.linalg.inv(xx + config.ridge * np.eye(d))
        rest = xy - xx @ prior
        off = np.einsum("kij,kj->ki", inverse, rest)
        squares = yy - 2.0 * xy @ prior + prior @ xx @ prior - (rest * off).sum(axis=1)
        left = max(float(squares.sum()), 0.0)
        self.noise_ = (left + config.noise * config.noise_trials) / (n + config.noise_trials)
        self.coef_, self.cov_, self._n = prior + off, self.noise_ * inverse, n

    @property
    def n_counting(self) -> float:
        """Decisions that count now."""
        return self._n

    def mean(self, stack: Stack) -> Floats:
        """Linear in the context."""
        found: Floats = np.einsum("nd,nd->n", _with_constant(stack.context), self.coef_[self.places(stack)])
        return found

    def sd(self, stack: Stack) -> Floats:
        """From the covariance of the coefficients."""
        x = _with_constant(stack.context)
        found: Floats = np.sqrt(np.einsum("ni,nij,nj->n", x, self.cov_[self.places(stack)], x))
        return found

    def p_best(self, stack: Stack) -> Floats:
        """By quadrature, to within 1e-3: given the context, the worths are independent and normal."""
        mean, sd = self.mean(stack), self.sd(stack)
        return np.concatenate([best_gaussian(mean[part], sd[part]) for part in stack.parts()])


def _with_constant(context: Floats) -> Floats:
    return np.concatenate([np.ones((len(context), 1)), context], axis=1)
