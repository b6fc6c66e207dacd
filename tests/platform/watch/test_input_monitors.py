"""Faults planted in a log of plays are found, named, and only they."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from matinee.learn.features.aggregates import Count, Sum
from matinee.learn.features.declaration import Feature, FeatureView
from matinee.learn.features.sources import lake_source
from matinee.observe.outages import declare
from matinee.platform.watch.config import WatchConfig
from matinee.platform.watch.discovery import monitors
from matinee.platform.watch.monitors.data_freshness import DataFreshness
from matinee.platform.watch.monitors.feature_drift import FeatureDrift
from matinee.platform.watch.monitors.input_drift import InputDrift
from matinee.platform.watch.monitors.missing_values import MissingValues
from matinee.platform.watch.monitors.model_age import ModelAge
from matinee.platform.watch.monitors.unseen_values import UnseenValues
from matinee.platform.watch.monitors.volume import Volume, usual_volume
from matinee.types import DAY_US, HOUR_US

DAYS, LAST_WEEK = 70, 63
START_US = 20_000 * DAY_US
NOW_US = START_US + DAYS * DAY_US
Fields = dict[str, Any]
PLAYS = lake_source("plays")
VIEW = FeatureView(
    "taste",
    "member",
    (Feature("plays_7d", PLAYS, Count(), "7d"), Feature("watched_s_7d", PLAYS, Sum("watch_s"), "7d")),
)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_log_without_fault_raises_no_alarm(
    service: Any, look: Any, make_initiative: Any, seed: int
) -> None:
    home = service.plays(seed=seed).decisions(seed=seed + 10).home()
    with look.at(home, make_initiative("plays", features=VIEW), learned_us=NOW_US - 6 * DAY_US) as subject:
        found = {one.name: one.check(subject) for one in monitors()}
    assert [f.text for findings in found.values() for f in findings if f.verdict == "alert"] == []
    silent = {name for name, findings in found.items() if findings[0].verdict == "not_measured"}
    assert silent == {"calibration", "serving_skew"}, "nothing about predictions and features was logged"


def test_a_table_that_stopped_is_found_and_a_slow_one_is_given_time(service: Any, look: Any) -> None:
    home = service.plays().home()
    assert look.one(DataFreshness(), home).verdict == "ok"
    late = look.one(DataFreshness(), home, at_us=NOW_US + 30 * HOUR_US)
    assert (late.verdict, late.key, late.bound) == ("alert", "plays", 24.0)
    assert "30 h old" in late.text


def test_when_nothing_arrives_any_more_there_is_one_alarm(
    service: Any, look: Any, make_initiative: Any
) -> None:
    service.plays()
    for line in list(service.lines):
        service.event("signal", line["at_us"], member_id=line["member_id"], signal="thumb_up")
    initiative, at_us = make_initiative("signals", "plays"), NOW_US + 2 * DAY_US
    home = service.home()
    first, second = look.by(DataFreshness(), home, initiative, at_us=at_us)
    assert (first.verdict, first.key, second.verdict) == ("alert", "signals", "not_measured")
    assert "none of signals, plays gets events" in first.text
    volumes = look.by(Volume(), home, initiative, at_us=at_us)
    assert {one.verdict for one in volumes} == {"not_measured"}


def test_pauses_that_a_table_is_used_to_are_no_fault(service: Any, look: Any) -> None:
    for day in range(0, DAYS, 5):
        service.event("play", START_US + day * DAY_US, member_id="m1", title_id="t1")
    found = look.one(DataFreshness(), service.home(), at_us=START_US + 73 * DAY_US)
    assert (found.verdict, found.bound) == ("ok", 240.0)


def test_half_a_day_of_missing_events_is_found_on_its_weekday(service: Any, look: Any) -> None:
    def dropped(day: int, m: int, fields: Fields) -> Fields | None:
        return None if day == DAYS - 1 and m % 3 else fields

    found = look.one(Volume(), service.plays(dropped).home())
    assert found.verdict == "alert"
    assert found.figure == pytest.approx(1 / 3, abs=0.1)
    assert "See which source sends less." in found.text


def test_a_quiet_weekday_is_compared_with_its_like(service: Any, look: Any) -> None:
    quiet = (DAYS - 1) % 7  # always two thirds fewer on this weekday

    def weekly(day: int, m: int, fields: Fields) -> Fields | None:
        return None if day % 7 == quiet and m % 3 else fields

    for seed in range(3):
        service.plays(weekly, seed=seed)
    found = look.one(Volume(), service.home())
    assert found.verdict == "ok"
    assert "the latest 24 h" in found.text
    assert found.figure == pytest.approx(1, abs=0.3)


def test_events_that_are_sent_twice_are_found(service: Any, look: Any) -> None:
    home_lines = service.plays().lines
    for line in [one for one in home_lines if one["at_us"] > NOW_US - DAY_US]:
        for _ in range(2):
            service.event("play", line["at_us"], member_id=line["member_id"], title_id=line["title_id"])
    found = look.one(Volume(), service.home())
    assert found.verdict == "alert"
    assert "sent twice" in found.text


def test_a_short_log_has_no_usual_volume(service: Any, look: Any) -> None:
    found = look.one(Volume(), service.plays().home(), at_us=START_US + 16 * DAY_US)
    assert found.verdict == "not_measured"
    assert "2 earlier weeks" in found.text


def test_a_declared_outage_is_not_judged(service: Any, look: Any) -> None:
    def down(day: int, m: int, fields: Fields) -> Fields | None:
        return None if day == DAYS - 1 and m % 3 else fields

    home = service.plays(down).home()
    assert look.one(Volume(), home).verdict == "alert"
    at_us = NOW_US + 25 * HOUR_US
    assert look.one(DataFreshness(), home, at_us=at_us).verdict == "alert"
    declare(home, NOW_US - DAY_US, None, note="down", from_us=NOW_US)
    assert look.one(Volume(), home).verdict == "not_measured"
    assert look.one(DataFreshness(), home, at_us=at_us).verdict == "not_measured"


def test_odd_days_among_the_earlier_weeks_do_not_hide_a_loss(service: Any, look: Any) -> None:
    empty = (DAYS - 8, DAYS - 15)

    def down(day: int, m: int, fields: Fields) -> Fields | None:
        return None if day in empty or (day == DAYS - 1 and m % 4) else fields

    home = service.plays(down).home()
    found = look.one(Volume(), home)
    assert (found.verdict, "(0 to " in found.text) == ("alert", True)
    for day in empty:
        start_us = START_US + day * DAY_US
        declare(home, start_us, start_us + DAY_US - 1, note="down", from_us=NOW_US)
    assert "(0 to " not in look.one(Volume(), home).text


def test_a_log_that_always_comes_in_lumps_is_given_more_room() -> None:
    steady, lumpy = [100, 103, 97, 101, 99, 100, 98, 102], [30, 400, 90, 1_200, 60, 250, 40, 500]
    assert usual_volume(lumpy, p=0.001)[2] > 10 * usual_volume(steady, p=0.001)[2]
    assert usual_volume(steady, p=0.001)[2] < 2


def test_a_column_that_is_no_longer_filled_is_found(service: Any, look: Any) -> None:
    def broken(day: int, m: int, fields: Fields) -> Fields:
        return fields | ({"device": None} if day >= LAST_WEEK and m % 3 == 1 else {})

    found = look.one(MissingValues(), service.plays(broken).home())
    assert (found.verdict, found.key) == ("alert", "plays")
    assert "device is missing in 3" in found.text
    assert "0.0% before" in found.text


def test_one_member_with_a_broken_client_is_no_alarm(service: Any, look: Any) -> None:
    service.plays()
    for i in range(500):
        service.event("play", NOW_US - DAY_US + i, member_id="m1", title_id="t1")
    found = look.one(MissingValues(), service.home())
    assert found.verdict == "alert", "half of all rows"
    fewer = look.one(MissingValues(), service.home(), config=WatchConfig(fewest=81))
    assert (fewer.verdict, "fewer than 81" in fewer.text) == ("not_measured", True)


def test_values_that_the_model_never_saw_are_found(service: Any, look: Any) -> None:
    def renamed(day: int, m: int, fields: Fields) -> Fields:
        return fields | ({"device": "smart-tv"} if day >= LAST_WEEK and m % 3 == 0 else {})

    found = look.one(UnseenValues(), service.plays(renamed).home())
    assert found.verdict == "alert"
    assert "device are new, such as 'smart-tv'" in found.text


def test_a_column_that_is_new_as_a_whole_is_no_unseen_value(service: Any, look: Any) -> None:
    def late(day: int, m: int, fields: Fields) -> Fields:
        return fields | ({} if day >= LAST_WEEK else {"device": None})

    assert look.one(UnseenValues(), service.plays(late).home()).verdict == "ok"


def test_a_number_that_moved_and_a_mix_that_changed_are_one_finding(service: Any, look: Any) -> None:
    def moved(day: int, m: int, fields: Fields) -> Fields:
        if day < LAST_WEEK:
            return fields
        return fields | {"watch_s": fields["watch_s"] / 3, "device": "mobile"}

    found = look.one(InputDrift(), service.plays(moved).home())
    assert (found.verdict, found.key) == ("alert", "plays")
    assert "watch_s (PSI" in found.text
    assert "device (Jensen-Shannon" in found.text


def test_small_samples_are_not_measured(service: Any, look: Any) -> None:
    found = look.one(InputDrift(), service.plays().home(), config=WatchConfig(fewest=1_000))
    assert found.verdict == "not_measured"


def test_declared_features_that_moved_are_found(
    service: Any, look: Any, make_initiative: Callable[..., Any]
) -> None:
    def halved(day: int, m: int, fields: Fields) -> Fields | None:
        return None if day >= LAST_WEEK and day % 2 else fields

    initiative = make_initiative("plays", features=VIEW)
    found = look.one(FeatureDrift(), service.plays(halved).home(), initiative)
    assert (found.verdict, found.key) == ("alert", "features")
    assert "plays_7d (PSI" in found.text


def test_an_old_model_is_found(service: Any, look: Any) -> None:
    home = service.plays().home()
    assert look.one(ModelAge(), home).verdict == "not_measured"
    assert look.one(ModelAge(), home, learned_us=NOW_US - DAY_US).verdict == "ok"
    old = look.one(ModelAge(), home, learned_us=NOW_US - 8 * DAY_US)
    assert (old.verdict, old.figure, old.bound) == ("alert", 192.0, 168.0)
