import itertools

import numpy as np
import pytest

from matinee.decide.budget import budget_price
from matinee.errors import InputError


def choose(value, cost, price):
    return (value - price * cost).argmax(1)


def random_case(n=6, k=3, seed=0):
    rng = np.random.default_rng(seed)
    cost = np.concatenate([np.zeros((n, 1)), rng.uniform(1, 5, (n, k - 1))], 1)
    value = np.concatenate([np.zeros((n, 1)), rng.normal(2, 3, (n, k - 1))], 1)
    return value, cost


def test_a_budget_that_does_not_bind_costs_nothing():
    value, cost = random_case()
    assert budget_price(value, cost, 100.0) == 0.0


@pytest.mark.parametrize("seed", range(20))
def test_its_choice_is_the_best_one_for_what_it_spends(seed):
    value, cost = random_case(seed=seed)
    rows = np.arange(len(value))
    chosen = choose(value, cost, budget_price(value, cost, 6.0))
    spent, got = cost[rows, chosen].sum(), value[rows, chosen].sum()
    assert spent <= 6.0
    for other in itertools.product(range(3), repeat=len(value)):
        if cost[rows, other].sum() <= spent + 1e-12:
            assert value[rows, other].sum() <= got + 1e-6


def test_many_units_come_near_the_budget():
    value, cost = random_case(5_000)
    chosen = choose(value, cost, budget_price(value, cost, 2_000.0))
    spent = cost[np.arange(5_000), chosen].sum()
    assert 1_990 < spent <= 2_000


def test_a_budget_of_nothing_buys_nothing():
    value, cost = random_case()
    assert (choose(value, cost, budget_price(value, cost, 0.0)) == 0).all()


def test_what_is_not_permitted_is_not_bought():
    value, cost = random_case()
    value[:, 1] = -np.inf
    assert not (choose(value, cost, budget_price(value, cost, 5.0)) == 1).any()


def test_messages():
    value, cost = random_case()
    assert budget_price(value[:0], cost[:0], 1.0) == 0.0
    with pytest.raises(InputError, match="expected \\(units, actions\\)"):
        budget_price(value, cost[:-1], 1.0)
    with pytest.raises(InputError, match=r"budget is -1.0 .* expected 0 or more"):
        budget_price(value, cost, -1.0)
    with pytest.raises(InputError, match="Permit an action that is free"):
        budget_price(value + 1, cost + 1, 1.0)
