from __future__ import annotations

import pytest

from matinee.errors import InputError
from matinee.world.config import WorldConfig, small
from matinee.world.leaving import LeavingConfig


def test_a_bad_value_is_named() -> None:
    with pytest.raises(InputError, match=r"WorldConfig: n_titles is 3, expected a whole number, 20 or more"):
        WorldConfig(n_titles=3)
    with pytest.raises(InputError, match=r"WorldConfig: drift is 1.5, expected a share, 0 to 1"):
        WorldConfig(drift=1.5)
    with pytest.raises(InputError, match=r'time is "soon"'):
        WorldConfig(start="soon")
    with pytest.raises(InputError, match=r"notice_days is 25 and the last of retry_days 7"):
        WorldConfig(leaving=LeavingConfig(notice_days=25))


def test_the_horizon_is_history_and_future() -> None:
    config = small(seed=4)
    assert config.horizon_days == config.n_days + config.future_days
    assert config.seed == 4
