from __future__ import annotations

import numpy as np

from matinee.world.draws import Draws
from matinee.world.watching import WatchingConfig, p_quality, watched_share


def test_closeness_and_quality_raise_and_a_false_promise_lowers_the_probability() -> None:
    config, zero = WatchingConfig(), np.zeros(3)
    assert (np.diff(p_quality(config, np.array([-1.0, 0.0, 1.0]), zero, zero)) > 0).all()
    assert (np.diff(p_quality(config, zero, np.array([-1.0, 0.0, 1.0]), zero)) > 0).all()
    fair, over = p_quality(config, zero[:2], zero[:2], np.array([-1.0, 1.0]))
    assert over < fair


def test_a_quality_play_is_one_of_at_least_70_per_cent_and_no_other_is() -> None:
    luck = Draws(0).uniform("l", np.arange(10_000))
    config = WatchingConfig()
    good = watched_share(config, np.ones(10_000, bool), luck)
    bad = watched_share(config, np.zeros(10_000, bool), luck)
    assert good.min() >= 0.7
    assert good.max() <= 1.0
    assert bad.max() < 0.7
    assert bad.min() > 0.0
