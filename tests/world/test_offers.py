from __future__ import annotations

import numpy as np
import pytest

from matinee.errors import InputError
from matinee.world.draws import Draws
from matinee.world.leaving import Standing
from matinee.world.offers import FLOOR, Notices, draw_offers, logging_offers, no_offers


def notices(quality: list[int]) -> Notices:
    n = len(quality)
    some = np.full(n, 9)
    standing = Standing(np.arange(n), some, some, np.array(quality), some, some)
    return Notices(3, standing, np.full(n, 799), np.zeros(n, np.int64), np.zeros(n, np.int64))


def test_the_logging_policy_draws_every_offer_and_more_where_the_risk_is_higher() -> None:
    p = logging_offers(notices([0, 20]))
    assert np.allclose(p.sum(1), 1.0)
    assert p.min() >= FLOOR
    assert p[0, 0] < p[1, 0]
    assert no_offers(notices([1, 2])).tolist() == [[1, 0, 0, 0]] * 2


def test_offers_are_drawn_with_their_probabilities() -> None:
    n = 20_000
    p = np.tile([0.4, 0.3, 0.2, 0.1], (n, 1))
    drawn = draw_offers(Draws(0), np.arange(n), np.full(n, 30), p)
    assert np.abs(np.bincount(drawn, minlength=4) / n - p[0]).max() < 0.015
    sure = np.eye(4)[drawn]
    assert np.array_equal(draw_offers(Draws(0), np.arange(n), np.full(n, 30), sure), drawn)


def test_what_is_no_table_of_probabilities_is_refused() -> None:
    one = np.zeros(1, np.int64)
    with pytest.raises(InputError, match=r"the shape is \(1, 2\), expected \(1, 4\)"):
        draw_offers(Draws(0), one, one, np.ones((1, 2)))
    with pytest.raises(InputError, match=r"row 0 is \[0.5, 0.0, 0.0, 0.0\], expected probabilities that sum"):
        draw_offers(Draws(0), one, one, np.array([[0.5, 0, 0, 0]]))
