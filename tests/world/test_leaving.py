from __future__ import annotations

from dataclasses import replace

import numpy as np

from matinee.world.draws import Draws
from matinee.world.leaving import LeavingConfig, Standing, cost_minor, hazard_logit, offer_shift
from matinee.world.people import People

N = 300
PEOPLE = People.make(1_000, 8, 280, drift=0.06, draws=Draws(0))
USUAL = Standing(
    np.arange(N), np.full(N, 120), np.full(N, 6), np.full(N, 4), np.full(N, 3), np.zeros(N, np.int64)
)
CONFIG = LeavingConfig()


def hazard(**changes: int) -> np.ndarray:
    filled = {name: np.full(N, value) for name, value in changes.items()}
    return hazard_logit(CONFIG, PEOPLE, replace(USUAL, **filled))


def test_the_hazard_falls_with_quality_plays_and_tenure_and_rises_with_disappointment() -> None:
    assert (hazard(quality_plays_28d=6) < hazard(quality_plays_28d=2)).all()
    assert (hazard(tenure_days=700) < hazard(tenure_days=30)).all()
    assert (hazard(plays_28d=14) > hazard()).all()
    assert (hazard(days_since_play=60) < hazard()).all()  # who forgets the service forgets to leave


def test_offers_help_who_they_suit_leave_lost_causes_and_wake_sleeping_dogs() -> None:
    shift = offer_shift(CONFIG, PEOPLE, USUAL)
    assert (shift[:, 0] == 0).all()
    assert (shift[:, 1:] < 0).mean() > 0.99
    account = USUAL.account
    dear, cheap = np.argsort(PEOPLE.sensitivity[account])[[-1, 0]]
    assert shift[dear, 1] < shift[cheap, 1]
    fed_up = offer_shift(CONFIG, PEOPLE, replace(USUAL, plays_28d=np.full(N, 15)))
    assert np.abs(fed_up).max() < 0.1 * np.abs(shift).max()
    asleep = offer_shift(CONFIG, PEOPLE, replace(USUAL, days_since_play=np.full(N, 60)))
    assert (asleep[:, 1:] > 0).all()


def test_costs_are_paid_when_the_account_stays_except_the_reminders() -> None:
    stays, leaves = cost_minor(CONFIG, np.array([1000]))
    assert stays.tolist() == [[0.0, 300.0, 500.0, 5.0]]
    assert leaves.tolist() == [[0.0, 0.0, 0.0, 5.0]]
