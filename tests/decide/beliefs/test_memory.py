from __future__ import annotations

import numpy as np
import pytest

from matinee.decide.batch import Batch
from matinee.decide.beliefs.beta import BetaBelief
from matinee.decide.beliefs.memory import MemoryConfig
from matinee.decide.question import Space
from matinee.errors import ConfigError
from matinee.types import DAY_US

SPACE = Space(("a", "b"))


def successes(days: list[int]) -> Batch:
    n = len(days)
    return Batch(("a",) * n, np.ones(n), np.ones(n), np.array(days, np.int64) * DAY_US + 5)


def test_an_outcome_counts_half_after_its_half_life_whatever_came_in_between():
    belief = BetaBelief(SPACE, memory=MemoryConfig(half_life_days=2.0))
    belief.learn(successes([10, 8]))
    assert belief.a_[0] - 1 == pytest.approx(1.5)
    belief.learn(successes([14]))
    assert belief.a_[0] - 1 == pytest.approx(1.0 + 1 / 4 + 1 / 8)
    belief.learn(successes([10]))  # late
    assert belief.a_[0] - 1 == pytest.approx(1.0 + 2 / 4 + 1 / 8)
    assert belief.n_seen == 4


def test_an_outcome_falls_out_of_the_window_as_a_whole():
    belief = BetaBelief(SPACE, memory=MemoryConfig(window_days=3))
    belief.learn(successes([10, 11, 12]))
    assert belief.a_[0] - 1 == 3
    belief.learn(successes([13, 9]))  # the 10th leaves, the 9th is not taken in
    assert belief.a_[0] - 1 == 3
    belief.learn(successes([40]))
    assert (belief.a_[0] - 1, belief.n_seen) == (1, 6)


def test_settings_out_of_range_are_refused():
    with pytest.raises(ConfigError, match=r"half_life_days is 0, expected a number above 0"):
        MemoryConfig(half_life_days=0)
    with pytest.raises(ConfigError, match=r"window_days is 0, expected at least 1"):
        MemoryConfig(window_days=0)
    with pytest.raises(ConfigError, match=r"expected one of them"):
        MemoryConfig(half_life_days=1.0, window_days=1)
