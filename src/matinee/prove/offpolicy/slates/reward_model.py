"""A model of the rewards from a slot on, by position and action, fitted on other units than it predicts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matinee.prove.offpolicy.distributions import Floats
from matinee.prove.offpolicy.reward_model import FOLDS, PRIOR_DECISIONS
from matinee.prove.offpolicy.slates.problem import SlateProblem


@dataclass(frozen=True, slots=True)
class Modelled:
    """What the model expects from each slot on: its own reward, and those of the slots after it.

    Attributes
    ----------
    chosen : ndarray of float64, shape (n_pages, n_positions)
        After the logged action.
    expected : ndarray of float64, shape (n_pages, n_positions)
        After an action of the policy that is asked about.
    """

    chosen: Floats
    expected: Floats


def cross_fitted(problem: SlateProblem, *, folds: int = FOLDS) -> Modelled:
    """Predict every decision from those of other units.

    A slot's reward is the mean of its position, plus an effect of its action that is drawn towards 0; what
    comes after it is the mean of the later positions under the policy, whatever was chosen. Simple on
    purpose: rewards of slots are rare, and the estimate is right without the model being so.

    Notes
    -----
    With one unit nothing can be fitted on others, and 0 is predicted. Cost: time O(folds * entries).
    """
    assert problem.target is not None
    log, shape = problem.log, problem.reward.shape
    _, which = np.unique(log.unit, return_inverse=True)
    n_units = int(which.max()) + 1
    fold = (np.random.default_rng(problem.seed).permutation(n_units) % folds)[which]
    chosen, expected = np.zeros(shape), np.zeros(shape)
    for one in range(folds):
        held = fold == one
        if held.any() and not held.all():
            _predict(problem, held, chosen, expected)
    return Modelled(chosen, expected)


def _predict(problem: SlateProblem, held: NDArray[np.bool_], chosen: Floats, expected: Floats) -> None:
    """Fill in the decisions of one fold."""
    log, target = problem.log, problem.target
    assert target is not None
    slot_held = held[log.page]
    seen = ~slot_held
    n = np.bincount(log.position[seen], minlength=log.n_positions)
    total = np.bincount(log.position[seen], log.reward[seen], minlength=log.n_positions)
    base = total / np.maximum(n, 1)
    rest = log.reward[seen] - base[log.position[seen]]
    n_names = len(log.names)
    effect = np.bincount(log.action[seen], rest, minlength=n_names) / (
        np.bincount(log.action[seen], minlength=n_names) + PRIOR_DECISIONS
    )
    ours = base[log.position] + target.expected(effect)
    brings = np.bincount(log.position[seen], ours[seen], minlength=log.n_positions) / max(
        int((~held).sum()), 1
    )
    after = np.concatenate([np.cumsum(brings[::-1])[::-1][1:], [0.0]])
    place = log.page[slot_held], log.position[slot_held]
    chosen[place] = (base[log.position] + effect[log.action] + after[log.position])[slot_held]
    expected[place] = (ours + after[log.position])[slot_held]
