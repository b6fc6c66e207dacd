from __future__ import annotations

import pytest

from matinee.errors import InputError
from matinee.observe.clock import Clock, wall_us
from matinee.types import DAY_US, SECOND_US


def test_a_fixed_clock_stands_still() -> None:
    clock = Clock.fixed("1998-04-23T00:00:00Z")
    assert clock.now_us == clock.now_us == 893_289_600 * SECOND_US
    assert clock.latest_us == clock.now_us + DAY_US


def test_the_last_event_clock_stands_until_a_server_starts_it() -> None:
    assert Clock.last_event(5).now_us == 5
    started = wall_us() - 3 * SECOND_US
    assert 5 + 3 * SECOND_US <= Clock.last_event(5, started_us=started).now_us < 5 + 60 * SECOND_US


def test_the_option_goes_before_the_setting_and_an_empty_home_has_wall_time() -> None:
    assert Clock.choose("last_event", at="12", last_at_us=7).now_us == 12 * SECOND_US
    assert Clock.choose("last_event", last_at_us=7).now_us == 7
    assert abs(Clock.choose("last_event").now_us - wall_us()) < 60 * SECOND_US


def test_an_unknown_mode_is_named() -> None:
    with pytest.raises(InputError, match=r'now is "lunar", expected wall or last_event\. Set it'):
        Clock.choose("lunar")
