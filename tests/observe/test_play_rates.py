"""How often visits resume, come from the list, or repeat: known answers from logs made for the purpose."""

from __future__ import annotations

from pathlib import Path

import pytest

from matinee.observe.catalogue.catalogue import Catalogue
from matinee.observe.home import Home
from matinee.observe.importers.run import run_import
from matinee.observe.lake.reader import Moment
from matinee.observe.play_rates import AGAIN, FROM_LIST, PRIOR_VISITS, RESUME, PlayRates, read_play_rates
from matinee.types import format_at, parse_at

START_US = parse_at("2024-01-01T20:00:00Z")
HOUR_US = 3_600 * 1_000_000
DAY = 24
RUNTIME_S = 6_000
FILMS = [{"title_id": f"t{i}", "runtime_s": RUNTIME_S} for i in range(8)]
SERIES = [{"title_id": "s", "kind": "series"}] + [
    {"title_id": f"e{n}", "series_id": "s", "season": 1, "episode": n, "runtime_s": RUNTIME_S} for n in (1, 2)
]
Event = tuple[str, str, float, str, float | None]
"""Member, title, hours after the start, "play" or a signal, share of the runtime."""


def rates(folder: Path, events: list[Event], *, at_h: float = 60 * DAY) -> PlayRates:
    home = Home.create(folder / "home")
    lines = ["member_id,title_id,at,event,watch_s,signal"]
    for member, title, hours, what, share in events:
        at = format_at(START_US + round(hours * HOUR_US))
        watch_s = "" if share is None else share * RUNTIME_S
        kind, signal = ("play", "") if what == "play" else ("signal", what)
        lines.append(f"{member},{title},{at},{kind},{watch_s},{signal}")
    (folder / "events.csv").write_text("\n".join(lines) + "\n")
    run_import(home, "events", folder / "events.csv")
    at_us = START_US + round(at_h * HOUR_US)
    return read_play_rates(home, Catalogue.from_rows([*FILMS, *SERIES]), Moment(at_us, at_us))


def shrunk(prior: float, hits: float, chances: float) -> float:
    return pytest.approx((hits + prior * PRIOR_VISITS) / (chances + PRIOR_VISITS))


def test_a_log_that_says_nothing_leaves_the_priors(tmp_path: Path) -> None:
    plays: list[Event] = [("m", f"t{i}", i * DAY, "play", None) for i in range(4)]
    assert rates(tmp_path, plays) == PlayRates(RESUME, FROM_LIST, AGAIN)


def test_resuming_counts_visits_after_an_unfinished_title_by_the_time_away(tmp_path: Path) -> None:
    plays: list[Event] = []
    for i in range(10):  # begun, and taken up by 6 of 10 after 14 days
        plays += [(f"m{i}", "t1", 0, "play", 0.5), (f"m{i}", "t1" if i < 6 else "t2", 14 * DAY, "play", 1.0)]
    assert rates(tmp_path, plays).resume == shrunk(RESUME, 6, 10 * 0.5)


def test_the_next_episode_resumes_a_series_but_not_when_it_follows_by_itself(tmp_path: Path) -> None:
    plays: list[Event] = [
        ("later", "e1", 0, "play", 1.0),
        ("later", "e2", 14 * DAY, "play", 1.0),
        ("at once", "e1", 0, "play", 1.0),
        ("at once", "e2", 0.5, "play", 1.0),
    ]
    assert rates(tmp_path, plays).resume == shrunk(RESUME, 1, 0.5)


def test_the_list_counts_visits_until_its_latest_title_is_played_or_removed(tmp_path: Path) -> None:
    events: list[Event] = [("m", "t0", 0, "play", 1.0), ("m", "t3", 1, "list_add", None)]
    events += [("m", f"t{i}", i * DAY, "play", 1.0) for i in (1, 2, 3, 4)]  # the third visit plays it
    events += [("n", "t0", 0, "play", 1.0), ("n", "t5", 1, "list_add", None), ("n", "t1", DAY, "play", 1.0)]
    events += [("n", "t5", DAY + 2, "list_remove", None), ("n", "t5", 2 * DAY, "play", 1.0)]
    assert rates(tmp_path, events).from_list == shrunk(FROM_LIST, 1, 3 + 1)


def test_watching_again_counts_each_finished_title_as_far_as_it_is_rested(tmp_path: Path) -> None:
    plays: list[Event] = [("m", "t1", 0, "play", 1.0), ("m", "t1", 60 * DAY, "play", 1.0)]
    plays += [("n", "t1", 0, "play", 1.0), ("n", "t2", 0.5, "play", 1.0), ("n", "t3", 60 * DAY, "play", 1.0)]
    tired = 0.5 ** ((60 - 0.5 / DAY) / 60)
    found = rates(tmp_path, plays, at_h=61 * DAY).again
    assert found == shrunk(AGAIN, 1, 0.5 + (2 - 0.5 - tired))


def test_what_had_not_happened_by_the_moment_does_not_count(tmp_path: Path) -> None:
    plays: list[Event] = [("m", "t1", 0, "play", 0.5), ("m", "t1", 14 * DAY, "play", 1.0)]
    assert rates(tmp_path, plays, at_h=10 * DAY) == PlayRates()
