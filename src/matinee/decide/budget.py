"""A budget over many decisions: the price per unit of cost at which choosing for each alone keeps to it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matinee.errors import InputError

Matrix = NDArray[np.float64]
HALVINGS = 60


def budget_price(value: Matrix, cost: Matrix, budget: float) -> float:
    """Lowest price at which the best action of every unit, value - price * cost, keeps to the budget.

    Each unit takes one action (a multiple-choice knapsack). With the price each decision can be made alone,
    when it comes, and all of them together spend the budget: what the budget would buy elsewhere is in the
    price.

    Parameters
    ----------
    value : ndarray of float64, shape (n_units, n_actions)
        What each action brings, after its own cost; -inf where it is not permitted. One action of each unit,
        such as doing nothing, should be free.
    cost : ndarray of float64, shape (n_units, n_actions), 0 or more
    budget : float, 0 or more
        For all units together.

    Returns
    -------
    float
        0 where the budget does not bind.

    Raises
    ------
    InputError
        Shapes that differ, a cost or budget below 0, or a budget below the cheapest action of every unit.

    Notes
    -----
    The Lagrangian relaxation: its choice is the best one for what it spends, and spends at most the budget;
    what is left over is less than the dearest single step. Ties go to the lower position, so put the free
    action first. Cost: O(n_units * n_actions), 60 times.

    References
    ----------
    Sinha, Zoltners (1979), The multiple-choice knapsack problem, Operations Research 27(3).

    Examples
    --------
    >>> value, cost = np.array([[0.0, 6.0], [0.0, 2.0]]), np.array([[0.0, 2.0], [0.0, 2.0]])
    >>> price = budget_price(value, cost, 2.0)
    >>> (value - price * cost).argmax(axis=1).tolist()
    [1, 0]
    """
    if value.shape != cost.shape or value.ndim != 2:
        raise InputError(
            f"budget_price: value is {value.shape} and cost {cost.shape}, expected (units, actions)."
        )
    if not budget >= 0 or (cost < 0).any():
        raise InputError(
            f"budget_price: budget is {budget} and the least cost {cost.min(initial=0.0)}, expected 0 "
            "or more."
        )
    if not len(value):
        return 0.0
    rows = np.arange(len(value))

    def spent(price: float) -> float:
        return float(cost[rows, (value - price * cost).argmax(1)].sum())

    if spent(0.0) <= budget:
        return 0.0
    low, high = 0.0, 1.0
    while spent(high) > budget:
        low, high = high, high * 2
        if high > 1e12:
            raise InputError(
                f"budget_price: budget is {budget}, expected at least the cheapest permitted action of every "
                f"unit, {spent(high)}. Permit an action that is free."
            )
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if spent(middle) > budget else (low, middle)
    return high
