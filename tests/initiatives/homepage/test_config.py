from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from small_services import plain_catalogue, titles_of

from matinee.errors import ConfigError
from matinee.initiatives.homepage.compose import Composer
from matinee.initiatives.homepage.config import PageConfig, Quota


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"rows": 0}, r"rows is 0, expected 1 or more. Set \[homepage\] rows"),
        ({"diversity": 1.5}, r"diversity is 1.5, expected 0 to 1"),
        ({"row_decay": 0.0}, r"row_decay is 0.0, expected 0.01 to 1"),
        ({"calibration": float("nan")}, r"calibration is nan, expected 0 or more"),
        ({"quotas": (Quota("new"), Quota("new"))}, r'quotas name "new" 2 times, expected once'),
    ],
)
def test_a_setting_out_of_range_is_refused(values, message) -> None:
    with pytest.raises(ConfigError, match=message):
        PageConfig(**values)


def test_a_quota_must_make_sense() -> None:
    with pytest.raises(ConfigError, match=r'Quota "new": min_rows is -1'):
        Quota("new", -1)
    with pytest.raises(ConfigError, match=r'Quota "new": max_rows is 1, expected at least min_rows \(2\)'):
        Quota("new", 2, 1)


def test_a_quota_of_an_unknown_kind_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r'unknown row kind "trendng"\. Did you mean "trending"'):
        Composer(titles_of(plain_catalogue(2)), at_us=0, config=PageConfig(quotas=(Quota("trendng"),)))
