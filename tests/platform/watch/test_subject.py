from __future__ import annotations

from typing import Any

import pytest

from matinee.errors import ConfigError
from matinee.observe.lake.connection import spilling
from matinee.observe.lake.reader import open_events
from matinee.platform.watch.periods import Period, Periods
from matinee.types import DAY_US

START_US = 20_000 * DAY_US


def test_monitors_read_what_the_initiative_declares_and_its_decisions(
    service: Any, look: Any, make_initiative: Any
) -> None:
    service.event("play", START_US, member_id="m1", title_id="t1")
    service.event("play", START_US + 9, member_id="m1", title_id="t1")
    service.event("signal", START_US, member_id="m1", title_id="t1", signal="thumb_up")
    for name in ("winback", "other"):
        fields = {"decision_id": name, "unit_id": "m1", "initiative": name}
        service.event("decision", START_US, **fields)
    with look.at(service.home(), make_initiative("plays", "titles"), at_us=START_US + 5) as subject:
        assert subject.rows == {"plays": 1, "decisions": 1, "rewards": 0, "outcomes": 0}
        assert subject.inputs == ("plays",)
        assert subject.one("SELECT count(*) FROM titles") == (0,)
        with spilling() as con, pytest.raises(ConfigError, match='"signals" is read and not declared'):
            open_events(con, subject.around.home, "signals")


def test_the_model_is_compared_with_what_it_learned_from_and_decisions_with_the_days_before() -> None:
    at_us = 100 * DAY_US
    found = Periods.of(at_us, learned_us=80 * DAY_US, period_days=7, reference_days=28)
    assert found.now == Period(93 * DAY_US, at_us)
    assert found.learned == Period(52 * DAY_US, 80 * DAY_US)
    assert found.before == Period(65 * DAY_US, 93 * DAY_US)
    fresh = Periods.of(at_us, learned_us=at_us, period_days=7, reference_days=28)
    assert fresh.learned == fresh.before
