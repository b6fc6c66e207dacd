"""DR-learner: the effect of each of several actions on an outcome, for each unit, from a randomised log."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from matinee.errors import ConfigError, InputError, NotFittedError
from matinee.learn.models.hinge_basis import HingeBasis, HingeConfig
from matinee.learn.models.penalised_logistic import fit_logistic
from matinee.learn.models.storage import load_arrays, save_arrays

Matrix = NDArray[np.float64]
Actions = NDArray[np.int64]
FREE = 0.01
"""Penalty on the intercepts of the first stage: means are hardly shrunk."""


@dataclass(frozen=True, slots=True)
class DrLearnerConfig:
    """Settings of the learner.

    Attributes
    ----------
    spread : float, above 0
        How much the effect of an action is expected to differ between units: a standard deviation, on the
        scale of the outcome. Smaller: nearer to the mean effect. It sets the penalty, together with the
        noise.
    mean : float, above 0
        How far from 0 the mean effect of an action is expected to be: a standard deviation. It matters for
        short logs, in which a mean is little more than chance.
    outcome_penalty, difference_penalty : float, above 0
        Of the first stage: on what holds for every action, and on what differs between actions.
    folds : int, 2 or more
        Parts of the units; the outcome of each is predicted by a model of the others.
    knots : int, 0 or more
        See `HingeBasis`.
    """

    spread: float = 0.06
    mean: float = 0.03
    outcome_penalty: float = 3.0
    difference_penalty: float = 30.0
    folds: int = 5
    knots: int = 3

    def __post_init__(self) -> None:
        for name in ("spread", "mean", "outcome_penalty", "difference_penalty"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"DrLearner: {name} is {getattr(self, name)}, expected a number above 0.")
        if self.folds < 2:
            raise ConfigError(f"DrLearner: folds is {self.folds}, expected 2 or more. Give 5.")


class DrLearner:
    """Effects of actions 1, 2, ... against action 0, doubly robust; an effect may be below 0.

    First, a logistic model of the outcome under each action, cross-fitted over units. From it and the logged
    propensities each row gets a pseudo-outcome whose mean is the effect (`doubly_robust`). Then a ridge
    regression of these on a basis of hinges: the effect. Since the propensities are known, a wrong outcome
    model costs precision and never makes the effect wrong on average. Not for logs without randomness: an
    action that a unit could not have got has no effect to learn.

    Parameters
    ----------
    n_actions : int, 2 or more
        The first one is the one to compare with.
    config : DrLearnerConfig, optional

    Attributes
    ----------
    basis_ : HingeBasis
    outcome_ : ndarray of float64, shape (n_actions, n_basis)
        Coefficients of the first stage; those of action 0, then differences from it.
    effect_ : ndarray of float64, shape (n_actions, n_basis)
        Coefficients of the second stage; the first row is 0.
    mean_effect_ : ndarray of float64, shape (n_actions,)
        Mean of the pseudo-outcomes.

    Notes
    -----
    The penalty of the second stage is noise * n_basis / spread**2, and noise / mean**2 for the intercept,
    which is what normal priors give; choosing it by cross-validation was worse, because the pseudo-outcomes
    are so noisy that the folds hardly tell one penalty from another. Cost: O(folds * n * (n_actions *
    n_basis)**2).

    References
    ----------
    Kennedy (2023), Towards optimal doubly robust estimation of heterogeneous causal effects, Electronic
    Journal of Statistics 17(2), algorithm 1. Künzel et al. (2019), Metalearners for estimating heterogeneous
    treatment effects, PNAS 116(10), and Nie, Wager (2021), Quasi-oracle estimation of heterogeneous
    treatment effects, Biometrika 108(2), for the family. Departs from Kennedy: propensities are logged, not
    estimated, and the outcome is cross-fitted over all folds.
    """

    def __init__(self, n_actions: int, config: DrLearnerConfig | None = None) -> None:
        self.n_actions = n_actions
        self.config = config or DrLearnerConfig()

    def fit(
        self, x: Matrix, action: Actions, outcome: Matrix, propensity: Matrix, group: NDArray[np.int64]
    ) -> Self:
        """Learn from logged decisions.

        Parameters
        ----------
        x : ndarray of float64, shape (n, n_columns)
            What was known at the decision; NaN where missing.
        action : ndarray of int64, shape (n,)
        outcome : ndarray of float64, shape (n,)
            0 to 1.
        propensity : ndarray of float64, shape (n,)
            Probability with which the logged action was chosen, above 0 and below 1.
        group : ndarray of int64, shape (n,)
            Unit of each row; the rows of one are in one fold.

        Raises
        ------
        InputError
            Shapes that differ, a propensity out of range, or an action that nobody got.
        """
        self._check(x, action, outcome, propensity, group)
        self.basis_ = HingeBasis(HingeConfig(self.config.knots)).fit(x)
        z = self.basis_.transform(x)
        fold = np.unique(group, return_inverse=True)[1] % self.config.folds
        expected = np.zeros((len(x), self.n_actions))
        for one in range(self.config.folds):
            inside = fold == one
            if inside.any():
                found = self._outcome(z[~inside], action[~inside], outcome[~inside])
                expected[inside] = _expected(z[inside], found)
        self.outcome_ = self._outcome(z, action, outcome)
        scores = doubly_robust(expected, action, outcome, propensity)
        self.effect_ = np.zeros((self.n_actions, z.shape[1]))
        self.mean_effect_ = (scores - scores[:, :1]).mean(0)
        for a in range(1, self.n_actions):
            self.effect_[a] = self._ridge(z, scores[:, a] - scores[:, 0])
        return self

    def expected(self, x: Matrix) -> Matrix:
        """Expected outcome under each action by the first stage, shape (n, n_actions)."""
        return _expected(self._basis(x), self.outcome_)

    def effect(self, x: Matrix) -> Matrix:
        """What each action adds to the outcome, shape (n, n_actions); the first column is 0.

        Raises
        ------
        NotFittedError
            `fit` was not called.
        """
        out: Matrix = self._basis(x) @ self.effect_.T
        return out

    def save(self, folder: Path) -> None:
        """Write the coefficients."""
        arrays = {"outcome": self.outcome_, "effect": self.effect_, "mean_effect": self.mean_effect_}
        save_arrays(folder, self.config, **arrays)
        self.basis_.save(folder / "basis")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        config, arrays = load_arrays(folder, DrLearnerConfig)
        out = cls(len(arrays["effect"]), config)
        out.outcome_, out.effect_, out.mean_effect_ = (
            arrays[n] for n in ("outcome", "effect", "mean_effect")
        )
        out.basis_ = HingeBasis.load(folder / "basis")
        return out

    def _basis(self, x: Matrix) -> Matrix:
        if not hasattr(self, "basis_"):
            raise NotFittedError("DrLearner: asked before fit. Call fit(x, action, outcome, ...) first.")
        return self.basis_.transform(x)

    def _outcome(self, z: Matrix, action: Actions, outcome: Matrix) -> Matrix:
        """One logistic model: a common part, and a difference for each action."""
        k, width = self.n_actions, z.shape[1]
        both = np.concatenate([z, *[z * (action == a)[:, None] for a in range(1, k)]], axis=1)
        penalty = np.full((k, width), self.config.difference_penalty)
        penalty[0] = self.config.outcome_penalty
        penalty[:, 0] = FREE
        return fit_logistic(both, outcome, penalty.ravel()).reshape(k, width)

    def _ridge(self, z: Matrix, target: Matrix) -> Matrix:
        noise = float(target.var())
        penalty = np.full(z.shape[1], noise * z.shape[1] / self.config.spread**2)
        penalty[0] = noise / self.config.mean**2
        return np.asarray(np.linalg.solve(z.T @ z + np.diag(penalty), z.T @ target), np.float64)

    def _check(
        self, x: Matrix, action: Actions, outcome: Matrix, propensity: Matrix, group: NDArray[np.int64]
    ) -> None:
        lengths = {len(x), len(action), len(outcome), len(propensity), len(group)}
        if len(lengths) != 1 or not len(x):
            raise InputError(f"DrLearner: columns have {sorted(lengths)} rows, expected one number above 0.")
        if not (propensity.min() > 0 and propensity.max() < 1):
            raise InputError(
                f"DrLearner: propensities are from {propensity.min()} to {propensity.max()}, expected "
                "above 0 and below 1. Leave out decisions that were certain."
            )
        got = np.bincount(action, minlength=self.n_actions)
        if len(got) > self.n_actions or (got < 2).any():
            raise InputError(
                f"DrLearner: actions were taken {got.tolist()} times, expected each of {self.n_actions} at "
                "least twice. Log more decisions, or leave the action out."
            )


def doubly_robust(expected: Matrix, action: Actions, outcome: Matrix, propensity: Matrix) -> Matrix:
    """For each row and action a number whose mean is the mean outcome under that action.

    Parameters
    ----------
    expected : ndarray of float64, shape (n, n_actions)
        By a model that has not seen the row.
    action, outcome, propensity : ndarray, shape (n,)
        As they were logged.

    References
    ----------
    Robins, Rotnitzky, Zhao (1994), JASA 89(427). Dudík, Langford, Li (2011), Doubly robust policy evaluation
    and learning, ICML, equation 5.

    Examples
    --------
    >>> one = np.array([1]), np.array([1.0]), np.array([0.5])
    >>> doubly_robust(np.array([[0.2, 0.6]]), *one).tolist()
    [[0.2, 1.4]]
    """
    out = expected.copy()
    rows = np.arange(len(action))
    out[rows, action] += (outcome - expected[rows, action]) / propensity
    return out


def _expected(z: Matrix, found: Matrix) -> Matrix:
    shift = z @ found.T
    shift[:, 1:] += shift[:, :1]
    out: Matrix = np.exp(-np.logaddexp(0, -shift))
    return out
