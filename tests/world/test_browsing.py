from __future__ import annotations

import numpy as np

from matinee.world.browsing import BrowsingConfig, choose, examination, examined
from matinee.world.draws import Draws


def test_places_are_looked_at_as_often_as_the_truth_says() -> None:
    config, n = BrowsingConfig(), 40_000
    device = np.full(n, 3)
    looked = examined(config, Draws(0), np.arange(n), 5, device, (4, 6))
    truth = examination(config, 4, 6, 3)
    error = np.sqrt(truth * (1 - truth) / n)
    assert (np.abs(looked.mean(0) - truth) <= 4.5 * error + 1e-12).all()
    assert truth[0, 0] == 1.0
    assert (np.diff(truth, axis=0) < 0).all()
    assert (np.diff(truth, axis=1) < 0).all()


def test_choice_follows_the_logit() -> None:
    draws, n = Draws(0), 60_000
    u = np.tile([1.0, 0.0, -np.inf], (n, 1))
    chosen = choose(
        u, draws.gumbel("c", np.arange(n)[:, None], np.arange(3)), draws.gumbel("o", np.arange(n))
    )
    share = np.bincount(chosen + 1, minlength=4) / n
    weight = np.array([1.0, np.e, 1.0, 0.0])
    assert np.abs(share - weight / weight.sum()).max() < 0.01


def test_nothing_to_choose_from_is_no_choice() -> None:
    assert choose(np.zeros((2, 0)), np.zeros((2, 0)), np.zeros(2)).tolist() == [-1, -1]
    assert choose(np.full((1, 2), -np.inf), np.zeros((1, 2)), np.zeros(1)).tolist() == [-1]
