"""Propensities of a slate: of each slot given those before it, of the whole, of each position by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matinee.decide.policy import Policy, Probabilities, drawn
from matinee.errors import InputError
from matinee.types import Index, Mask, Scores

Floats = NDArray[np.float64]
NextSlot = Callable[[tuple[int, ...]], Probabilities]
"""From the actions that stand already, in order, to the probability of each action in the next slot."""

EXACT_STATES = 20_000
"""Up to so many different beginnings of a slate are enumerated; beyond, beginnings are drawn."""
TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class SlatePropensities:
    """Probability of each action at each position, whatever stands at the others.

    Attributes
    ----------
    p : ndarray of float64, shape (n_slots, n_actions)
        Each row sums to 1.
    error : ndarray of float64, shape (n_slots, n_actions)
        Standard error of each; all 0 where `p` is exact.
    """

    p: Floats
    error: Floats

    @property
    def exact(self) -> bool:
        """Whether nothing was estimated."""
        return not self.error.any()


def slot_by_slot(policy: Policy, scores: Scores, permitted: Mask) -> NextSlot:
    """A slate that a policy fills from the top, each action once (with softmax: Plackett-Luce).

    References
    ----------
    Plackett (1975), The analysis of permutations, Applied Statistics 24(2), doi 10.2307/2346567.

    Examples
    --------
    >>> from matinee.decide.policies.uniform import UniformPolicy
    >>> next_slot = slot_by_slot(UniformPolicy(), np.float32([0, 0, 0]), np.ones(3, np.bool_))
    >>> next_slot((1,)).tolist()
    [0.5, 0.0, 0.5]
    """

    def next_slot(placed: tuple[int, ...]) -> Probabilities:
        left = permitted.copy()
        left[list(placed)] = False
        return policy.probabilities(scores, left)

    return next_slot


def draw_slate(next_slot: NextSlot, n_slots: int, rng: np.random.Generator) -> tuple[Index, Floats]:
    """A slate and the propensity of each slot given those before it, as the decision log wants them.

    Examples
    --------
    >>> from matinee.decide.policies.fixed import FixedPolicy
    >>> best = slot_by_slot(FixedPolicy(), np.float32([1, 3, 2]), np.ones(3, np.bool_))
    >>> draw_slate(best, 2, np.random.default_rng(0))
    (array([1, 2], dtype=int32), array([1., 1.]))
    """
    placed: tuple[int, ...] = ()
    p = np.empty(n_slots)
    for slot in range(n_slots):
        choice = drawn(_checked(next_slot, placed), rng)
        placed, p[slot] = (*placed, choice.action), choice.propensity
    return np.array(placed, np.int32), p


def conditional_propensities(next_slot: NextSlot, slate: Sequence[int] | Index) -> Floats:
    """Probability of each slot of a given slate, given those before it; their product is the slate's.

    Examples
    --------
    >>> from matinee.decide.policies.uniform import UniformPolicy
    >>> next_slot = slot_by_slot(UniformPolicy(), np.float32([0, 0, 0]), np.ones(3, np.bool_))
    >>> conditional_propensities(next_slot, [2, 0]).round(3).tolist()
    [0.333, 0.5]
    """
    actions = tuple(int(one) for one in slate)
    return np.array([_checked(next_slot, actions[:slot])[one] for slot, one in enumerate(actions)])


def joint_propensity(next_slot: NextSlot, slate: Sequence[int] | Index) -> float:
    """Probability of a whole slate in this order."""
    return float(np.prod(conditional_propensities(next_slot, slate)))


def position_propensities(
    next_slot: NextSlot,
    n_slots: int,
    *,
    by_set: bool = True,
    draws: int = 2_000,
    rng: np.random.Generator | None = None,
) -> SlatePropensities:
    """Probability of each action at each position, over all that could stand before it.

    Parameters
    ----------
    by_set : bool
        Whether the next slot depends on which actions stand already only, not on their order, as it does
        with `slot_by_slot`. Then far fewer beginnings are different.
    draws : int, at least 2
        Slates that are drawn where there are too many to enumerate.
    rng : numpy Generator, optional
        Of these draws; by default one of seed 0, so that the same question has the same answer.

    Notes
    -----
    Exact by adding up over all beginnings, level by level, while at most `EXACT_STATES` differ. Beyond, the
    probabilities of a slot are averaged over drawn beginnings (a Rao-Blackwell estimate: better than counting
    the drawn actions), and the standard error of that mean is given.

    References
    ----------
    McInerney, Brost, Chandar, Mehrotra, Carterette (2020), Counterfactual evaluation of slate recommendations
    with sequential reward interactions, KDD, arXiv 2007.12986 (independent and sequential weights). Kiyohara
    et al. (2022), Doubly robust off-policy evaluation for ranking policies under the cascade behavior model,
    WSDM, arXiv 2202.01562.

    Examples
    --------
    >>> from matinee.decide.policies.softmax import SoftmaxConfig, SoftmaxPolicy
    >>> policy = SoftmaxPolicy(SoftmaxConfig(floor=0.0))
    >>> next_slot = slot_by_slot(policy, np.log(np.float32([2, 1, 1])), np.ones(3, np.bool_))
    >>> position_propensities(next_slot, 2).p.round(3).tolist()
    [[0.5, 0.25, 0.25], [0.333, 0.333, 0.333]]
    """
    if n_slots < 1 or draws < 2:
        raise InputError(
            f"position_propensities: n_slots is {n_slots} and draws {draws}, expected at least 1 and 2."
        )
    rows: list[Floats] = []
    level: dict[tuple[int, ...], float] | None = {(): 1.0}
    for slot in range(n_slots):
        assert level is not None
        rows.append(np.zeros(0))
        following: dict[tuple[int, ...], float] | None = {}
        for placed, chance in level.items():
            p = _checked(next_slot, placed)
            rows[-1] = chance * p + (rows[-1] if len(rows[-1]) else 0.0)
            if following is not None and slot + 1 < n_slots:
                for action in np.flatnonzero(p).tolist():
                    key = tuple(sorted((*placed, action))) if by_set else (*placed, action)
                    following[key] = following.get(key, 0.0) + chance * float(p[action])
                if len(following) > EXACT_STATES:
                    following = None
        level = following
        if level is None:
            return _estimated(next_slot, rows, n_slots, draws, rng or np.random.default_rng(0))
    found = np.stack(rows)
    return SlatePropensities(found, np.zeros_like(found))


def _estimated(
    next_slot: NextSlot, exact: list[Floats], n_slots: int, draws: int, rng: np.random.Generator
) -> SlatePropensities:
    """Exact rows first, averages over drawn beginnings after them."""
    p, error = np.zeros((2, n_slots, len(exact[0])))
    p[: len(exact)] = np.stack(exact)
    total, squares = np.zeros((2, n_slots - len(exact), len(exact[0])))
    for _ in range(draws):
        placed: tuple[int, ...] = ()
        for slot in range(n_slots):
            own = _checked(next_slot, placed)
            if slot >= len(exact):
                total[slot - len(exact)] += own
                squares[slot - len(exact)] += own**2
            placed = (*placed, drawn(own, rng).action)
    mean = total / draws
    p[len(exact) :] = mean
    error[len(exact) :] = np.sqrt(np.maximum(squares / draws - mean**2, 0.0) / (draws - 1))
    return SlatePropensities(p, error)


def _checked(next_slot: NextSlot, placed: tuple[int, ...]) -> Probabilities:
    p = next_slot(placed)
    if not (np.all(p >= 0) and abs(float(p.sum()) - 1.0) <= TOLERANCE):
        raise InputError(
            f"slate, slot {len(placed) + 1}: its probabilities sum to {p.sum():.6g}, expected 1, each 0 "
            "or more."
        )
    return p
