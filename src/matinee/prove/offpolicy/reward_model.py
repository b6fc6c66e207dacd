"""A model of the reward by action and context, fitted on other units than it speaks about."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matinee.errors import InputError
from matinee.prove.offpolicy.distributions import Distributions, Floats, Places
from matinee.prove.offpolicy.log import Log

FOLDS = 5
PRIOR_DECISIONS = 20.0
"""An action with so many decisions is believed half way between its own mean and its cluster's."""
RIDGE = 10.0
"""Weight on the squares of the coefficients of standardised features, in decisions."""


@dataclass(frozen=True, slots=True)
class Predicted:
    """What the model expects in each decision.

    Attributes
    ----------
    chosen : ndarray of float64, shape (n,)
        Reward of the logged action.
    target : ndarray of float64, shape (n,)
        Mean reward of the actions of the policy that is asked about.
    """

    chosen: Floats
    target: Floats


def cross_fitted(
    log: Log,
    target: Distributions,
    *,
    cluster: Places | None = None,
    folds: int = FOLDS,
    seed: int = 0,
) -> Predicted:
    """Predict every decision from the decisions of other units.

    The reward is a mean, plus a linear effect of the context (ridge), plus an effect of the action that is
    drawn towards its cluster's, and this towards 0. Choose it where rewards are rare: it has few parameters.
    It does not know that an action suits one context more than another; a doubly robust estimate stays right
    then, and a direct one does not.

    Parameters
    ----------
    cluster : ndarray of int64, shape (n_actions,), optional
        Default: all actions are one cluster.
    folds : int, at least 2, default 5
        Parts of the units; with one unit nothing can be fitted on others, and 0 is predicted.

    Raises
    ------
    InputError
        `folds` is below 2.

    Notes
    -----
    Cost: time O(folds * (n * n_features**2 + entries of the target)).

    References
    ----------
    Cross-fitting: Chernozhukov et al. (2018), Double/debiased machine learning, doi:10.1111/ectj.12097.
    Shrinkage of means by their number: Efron, Morris (1975), doi:10.1080/01621459.1975.10479864; here with a
    fixed prior weight instead of an estimated one.
    """
    if folds < 2:
        raise InputError(f"reward model: folds is {folds}, expected at least 2. Give 5.")
    group = np.zeros(len(log.names), np.int64) if cluster is None else cluster
    fold = _folds(log.unit, folds, seed)
    chosen, expected = np.zeros(len(log)), np.zeros(len(log))
    x = _standardised(log.context)
    for one in range(folds):
        held = fold == one
        if held.all() or not held.any():
            continue
        base, slope, effect = _fit(log, x, ~held, group)
        known = base + x[held] @ slope
        chosen[held] = known + effect[log.action[held]]
        expected[held] = known + target.kept(held).expected(effect)
    return Predicted(chosen, expected)


def _fit(
    log: Log, x: Floats, used: np.ndarray[tuple[int], np.dtype[np.bool_]], group: Places
) -> tuple[float, Floats, Floats]:
    """Mean, coefficients of the features, and effect of each action."""
    reward, action, features = log.reward[used], log.action[used], x[used]
    base = float(reward.mean())
    gram = features.T @ features + RIDGE * np.eye(x.shape[1])
    slope: Floats = np.linalg.solve(gram, features.T @ (reward - base)).astype(np.float64)
    rest = reward - base - features @ slope
    n_groups = int(group.max()) + 1
    of_group = _drawn(rest, group[action], n_groups, np.zeros(n_groups))
    return base, slope, _drawn(rest, action, len(group), of_group[group])


def _drawn(rest: Floats, key: Places, n: int, towards: Floats) -> Floats:
    """Mean of `rest` by key, drawn towards a prior mean."""
    found: Floats = (np.bincount(key, rest, minlength=n) + PRIOR_DECISIONS * towards) / (
        np.bincount(key, minlength=n) + PRIOR_DECISIONS
    )
    return found


def _folds(unit: Places, folds: int, seed: int) -> Places:
    """Fold of each decision; all decisions of a unit are in one, and folds have alike numbers of units."""
    _, which = np.unique(unit, return_inverse=True)
    n = int(which.max()) + 1
    return (np.random.default_rng(seed).permutation(n) % folds)[which]


def _standardised(x: Floats) -> Floats:
    spread = x.std(axis=0) if len(x) else np.ones(x.shape[1])
    found: Floats = (x - x.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    return found
