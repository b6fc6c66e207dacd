from __future__ import annotations

import numpy as np
from scipy.stats import kstest

from matinee.world.draws import Draws


def test_a_draw_depends_on_its_address_only() -> None:
    draws = Draws(3)
    alone = draws.uniform("visit", 7, 11)
    among = draws.uniform("visit", np.arange(10)[::-1], 11)
    assert among[2] == alone
    assert draws.uniform("visit", np.arange(10)[:, None], np.arange(20))[7, 11] == alone
    assert draws.uniform("watch", 7, 11) != alone
    assert draws.uniform("visit", 11, 7) != alone
    assert Draws(4).uniform("visit", 7, 11) != alone


def test_numbers_are_uniform_and_independent_of_neighbouring_keys() -> None:
    u = Draws(0).uniform("x", np.arange(20_000))
    assert kstest(u, "uniform").pvalue > 0.01
    assert abs(np.corrcoef(u[1:], u[:-1])[0, 1]) < 0.03
    assert ((u > 0) & (u < 1)).all()


def test_normal_gumbel_and_category_have_their_shapes() -> None:
    draws, i = Draws(0), np.arange(50_000)
    z, g = draws.normal("z", i), draws.gumbel("g", i)
    assert abs(z.mean()) < 0.02
    assert abs(z.std() - 1) < 0.02
    assert abs(g.mean() - 0.5772) < 0.02
    shares = np.bincount(draws.category([0.5, 0.3, 0.2], "c", i), minlength=3) / len(i)
    assert np.abs(shares - [0.5, 0.3, 0.2]).max() < 0.01
