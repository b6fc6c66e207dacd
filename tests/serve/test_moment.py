"""A server's clock: it begins at the last event, goes on over restarts, and is one for all processes."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from tests.platform.toys import home_with_plays

from matinee.errors import InputError, StorageError
from matinee.observe.clock import wall_us
from matinee.observe.home import Home
from matinee.observe.importers.run import run_import
from matinee.observe.lake.reader import last_event_us
from matinee.serve.moment import Moment, move_clock
from matinee.types import DAY_US, SECOND_US, parse_at

LAST = parse_at("2024-11-06T20:15:00Z")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return home_with_plays(tmp_path)


def test_it_begins_at_the_last_event_and_goes_on_over_a_restart(home: Home) -> None:
    assert last_event_us(home) == LAST
    hour_ago = wall_us() - 3_600 * SECOND_US
    first = Moment.open(home, wall=hour_ago)
    second = Moment.open(home)
    for one in (first, second):
        assert 3_600 * SECOND_US <= one.now_us - LAST < 3_700 * SECOND_US
    assert second.latest_us - second.now_us == pytest.approx(DAY_US, abs=SECOND_US)


def plays(home: Home, at: str) -> None:
    path = home.root / "more.csv"
    path.write_text(f"member_id,title_id,at,watch_s\nm9,t1,{at},5200\n", encoding="utf-8")
    run_import(home, "events", path)


def test_an_import_from_far_ahead_moves_it_forward_and_nothing_back(home: Home) -> None:
    started = wall_us() - 10 * DAY_US
    running = Moment.open(home, wall=started)
    plays(home, "2024-11-12T00:00:00Z")
    assert Moment.open(home).now_us - LAST >= 10 * DAY_US
    plays(home, "2025-03-01T00:00:00Z")
    later = Moment.open(home)
    assert 0 <= later.now_us - parse_at("2025-03-01T00:00:00Z") < 60 * SECOND_US
    assert running.now_us < later.now_us
    running.follow()
    assert abs(running.now_us - later.now_us) < SECOND_US


def test_several_processes_share_one_beginning(home: Home) -> None:
    found: list[Moment] = []
    threads = [threading.Thread(target=lambda: found.append(Moment.open(home))) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len({(one.clock.anchor_us, one.clock.started_us) for one in found}) == 1


def test_a_wall_clock_keeps_nothing_and_an_empty_home_begins_now(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "home")
    home.settings.write_text("", encoding="utf-8")
    assert abs(Moment.open(home).now_us - wall_us()) < SECOND_US
    assert not (home.work / "serve" / "clock.json").exists()
    home.settings.write_text('[clock]\nnow = "last_event"\n', encoding="utf-8")
    assert abs(Moment.open(home).now_us - wall_us()) < SECOND_US


def test_what_is_damaged_is_told(home: Home) -> None:
    running = Moment.open(home)
    path = home.work / "serve" / "clock.json"
    path.write_bytes(b"{")
    with pytest.raises(
        StorageError, match=r"clock\.json: the beginning of the clock cannot be read .* Delete"
    ):
        Moment.open(home)
    before = running.clock
    running.follow()
    assert running.clock is before


def test_it_is_moved_forward_for_all_processes_and_never_back(home: Home) -> None:
    running = Moment.open(home)
    move_clock(home, LAST + 3 * DAY_US)
    running.follow()
    assert 0 <= running.now_us - LAST - 3 * DAY_US < 60 * SECOND_US
    move_clock(home, LAST + 5 * DAY_US, wall=wall_us() - 2 * 3_600 * SECOND_US)
    later = Moment.open(home)
    assert 0 <= later.now_us - LAST - 5 * DAY_US - 2 * 3_600 * SECOND_US < 60 * SECOND_US
    with pytest.raises(
        InputError, match=r"clock\.json: the clock says .* was asked for, expected a later moment"
    ):
        move_clock(home, LAST + 5 * DAY_US)
    running.follow()
    assert abs(running.now_us - later.now_us) < SECOND_US


def test_real_time_is_not_moved(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "home")
    home.settings.write_text("", encoding="utf-8")
    with pytest.raises(
        InputError, match=r'\[clock\] now is "wall", expected "last_event": real time is not moved'
    ):
        move_clock(home, wall_us() + DAY_US)
    assert not (home.work / "serve" / "clock.json").exists()
