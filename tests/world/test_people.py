from __future__ import annotations

import numpy as np

from matinee.world.draws import Draws
from matinee.world.people import DRIFT_DAYS, MAX_PROFILES, People


def made(n: int = 500, drift: float = 0.06) -> People:
    return People.make(n, 8, 280, drift=drift, draws=Draws(0))


def test_accounts_own_one_to_four_members_and_the_first_is_an_adult() -> None:
    people = made()
    size = np.bincount(people.account)
    assert size.min() >= 1
    assert size.max() <= MAX_PROFILES
    first = np.searchsorted(people.account, np.arange(people.n_accounts))
    assert not people.kids[first].any()
    assert people.kids.any()
    assert (people.maturity_class[people.kids] < 2).all()


def test_a_member_is_the_same_among_more_members() -> None:
    few, many = made(100), made(500)
    assert np.array_equal(few.tastes, many.tastes[:, :100])
    assert np.array_equal(few.activity, many.activity[:100])


def test_tastes_drift_at_the_given_rate_and_stay_unit_vectors() -> None:
    people = made(2_000, drift=0.1)
    now = people.taste(0).astype(np.float64)
    assert np.allclose(np.linalg.norm(people.taste(140), axis=1), 1.0, atol=1e-5)
    kept = [(now * people.taste(week * DRIFT_DAYS)).sum(1).mean() for week in (0, 4, 12, 30)]
    assert kept == sorted(kept, reverse=True)
    assert abs(kept[1] - 0.9**2) < 0.05  # each week keeps sqrt(1 - drift) of the direction
    still = made(50, drift=0.0)
    assert np.allclose(still.taste(0), still.taste(280), atol=1e-6)
