"""Section [experiments]."""

from __future__ import annotations

import pytest

from matinee.errors import ConfigError
from matinee.prove.experiment.config import ExperimentsConfig


def test_a_holdout_is_a_share() -> None:
    assert ExperimentsConfig().holdout == 0.0
    for wrong in (-0.1, 1.0, float("nan")):
        with pytest.raises(ConfigError, match=f"holdout is {wrong}, expected a share from 0 to below 1"):
            ExperimentsConfig(holdout=wrong)
