from __future__ import annotations

import pytest

from matinee.errors import ConfigError
from matinee.platform.config import PlatformConfig
from matinee.platform.watch.config import WatchConfig


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("period_days", 0), ("reference_days", 0), ("fewest", 1), ("drift", 0.0), ("silence_h", -1.0),
        ("calibration", 0.0), ("volume_factor", 1.0), ("mix_drift", 1.0), ("more_missing", 0.0),
        ("more_unseen", 1.5), ("fallbacks", 0.0), ("skew", 1.0), ("reward_drop", 0.0), ("chance", 0.1),
        ("chance", 0.0),
    ],
)  # fmt: skip
def test_each_setting_out_of_range_is_named(key: str, value: float) -> None:
    with pytest.raises(ConfigError, match=f"watch: {key} is {value}, expected"):
        WatchConfig(**{key: value})  # type: ignore[arg-type]


def test_an_address_that_is_no_web_address_is_refused() -> None:
    PlatformConfig(webhook="https://hooks.example/x")
    with pytest.raises(ConfigError, match=r'webhook is "hooks\.example", expected https://'):
        PlatformConfig(webhook="hooks.example")
