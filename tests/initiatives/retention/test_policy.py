from dataclasses import replace

import numpy as np
import pytest

from matinee.initiatives.retention.config import RetentionConfig
from matinee.initiatives.retention.policy import (
    at_random,
    holdout,
    in_holdout,
    permitted_actions,
    probabilities,
    settle,
    to_the_first,
)
from matinee.initiatives.retention.value import Worth

IDS = np.array([f"a{i}" for i in range(20_000)])


def crowd(n=4_000, seed=0):
    rng = np.random.default_rng(seed)
    cost = np.column_stack([np.zeros(n), rng.uniform(100, 300, n), rng.uniform(200, 500, n), np.full(n, 5.0)])
    value = np.column_stack([np.zeros(n), rng.normal(-50, 200, (n, 3))])
    return Worth(value, cost), permitted_actions(np.zeros(n, bool), 4)


def test_the_holdout_is_a_share_that_stands_still():
    config = RetentionConfig()
    held = holdout(IDS, config)
    assert held.mean() == pytest.approx(0.05, abs=0.006)
    assert np.array_equal(held, holdout(IDS, config))
    larger = holdout(IDS, replace(config, holdout=0.1))
    assert larger[held].all(), "raising the share lets nobody out"
    assert not np.array_equal(held, holdout(IDS, replace(config, holdout_salt="again")))
    assert in_holdout("a1", config) == held[1]


def test_all_accounts_together_keep_to_the_budget():
    money, permitted = crowd()
    for budget in (0.0, 5.0, 15.0, 60.0):
        config = replace(RetentionConfig(), budget_minor=budget)
        p = probabilities(money, permitted, settle(money, permitted, config))
        assert np.allclose(p.sum(1), 1)
        spent = (p * money.cost).sum(1).mean()
        assert spent <= budget + 1e-9
        assert spent >= 0.98 * min(budget, 25.0), "with more than 25 there is nothing left to buy"


def test_every_permitted_action_has_a_floor_and_a_blocked_account_gets_nothing():
    money, _ = crowd()
    permitted = permitted_actions(np.arange(4_000) < 100, 4)
    terms = settle(money, permitted, RetentionConfig())
    p = probabilities(money, permitted, terms)
    assert (p[:100] == [1, 0, 0, 0]).all()
    assert p[100:].min() == pytest.approx(terms.explore / 4)


def test_exploring_never_costs_more_than_half_of_the_budget():
    money, permitted = crowd()
    config = replace(RetentionConfig(), explore=0.5, budget_minor=10.0)
    terms = settle(money, permitted, config)
    assert terms.explore * money.cost.mean() == pytest.approx(5.0)
    assert settle(money, permitted, replace(config, budget_minor=1_000.0)).explore == 0.5


def test_more_budget_is_worth_more():
    money, permitted = crowd()
    worth = []
    for budget in (2.0, 8.0, 20.0, 50.0):
        config = replace(RetentionConfig(), budget_minor=budget, explore=0.0)
        p = probabilities(money, permitted, settle(money, permitted, config))
        worth.append((p * money.value).sum())
    assert worth == sorted(worth)
    assert worth[0] < worth[-1]


def test_one_offer_to_the_first_until_the_money_is_gone():
    cost = np.array([[0.0, 10.0]] * 4)
    permitted = permitted_actions(np.array([True, False, False, False]), 2)
    p = to_the_first(np.array([0.9, 0.8, 0.1, 0.5]), 1, cost, permitted, 20.0)
    assert p[:, 1].tolist() == [0, 1, 0, 1]


def test_at_random_spends_the_budget():
    money, permitted = crowd()
    p = at_random(money.cost, permitted, 15.0 * 4_000)
    assert np.allclose(p.sum(1), 1)
    assert (p * money.cost).sum(1).mean() == pytest.approx(15.0)
