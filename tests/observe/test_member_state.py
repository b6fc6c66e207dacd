"""What members left open or said, on a home small enough to see through."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from matinee.observe.catalogue.catalogue import Catalogue
from matinee.observe.clock import Clock
from matinee.observe.events.schema import Event, Play, Signal
from matinee.observe.home import Home
from matinee.observe.lake.compaction import compact
from matinee.observe.lake.reader import Moment
from matinee.observe.log import LogWriter
from matinee.observe.member_state import MemberMarks, TitleTable, next_episodes, read_marks
from matinee.types import DAY_US

NOW_DAY = 100
TITLES = [
    *({"title_id": f"f{i}", "runtime_s": 1_000} for i in range(4)),
    {"title_id": "bare"},  # a film of unknown runtime
    {"title_id": "s", "kind": "series"},
    *(
        {"title_id": f"s{x}e{y}", "series_id": "s", "season": x, "episode": y, "runtime_s": 1_000}
        for x, y in ((2, 1), (1, 2), (1, 1))  # not in order
    ),
]
CATALOGUE = Catalogue.from_rows(TITLES)
Told = tuple[str, float, dict[str, float] | str]
"""Title, day, and either the times of a play or a signal."""


def append(home: Home, *told: Told, member: str = "m1", seen_us: int = 0) -> None:
    """Write events to a segment of their own, in this order of arrival."""
    out: list[tuple[Event, int]] = []
    for i, (title, day, what) in enumerate(told):
        at_us = round(day * DAY_US)
        common = {"event_id": f"{member} {seen_us} {i}", "member_id": member, "title_id": title, "at": day}
        out.append(
            (Signal(signal=what, **common) if isinstance(what, str) else Play(**what, **common), at_us)
        )
    log = LogWriter(home.log, Clock("fixed", seen_us))
    log.append(out)
    log.close()


def home_of(folder: Path, told: Sequence[Told]) -> Home:
    """A home with the first half of the events in the lake and the others in the log."""
    home = Home.create(folder)
    half = len(told) // 2
    append(home, *told[:half], seen_us=1)
    compact(home)
    append(home, *told[half:], seen_us=1_000)
    return home


def marks(folder: Path, *told: Told, day: float = NOW_DAY) -> MemberMarks:
    at_us = round(day * DAY_US)
    return read_marks(home_of(folder, told), CATALOGUE, Moment(at_us, at_us)).get("m1", MemberMarks())


def resumed(found: MemberMarks) -> list[tuple[str, float]]:
    names = CATALOGUE.title_ids[found.in_progress]
    return [(str(t), round(float(x), 3)) for t, x in zip(names, found.in_progress_share, strict=True)]


def ids(titles: np.ndarray) -> list[str]:
    return [str(t) for t in CATALOGUE.title_ids[titles]]


@pytest.mark.parametrize(
    ("times", "share"),
    [
        ({"watch_s": 49.0}, None),
        ({"watch_s": 50.0}, 0.05),
        ({"watch_s": 899.0}, 0.899),
        ({"watch_s": 900.0}, None),
        ({"watch_s": 60.0, "position_s": 400.0}, 0.4),
        ({"watch_s": 700.0, "position_s": 10.0}, 0.7),
        ({"position_s": 300.0}, 0.3),
        ({"position_s": 5_000.0}, None),
        ({"rating": 4.0}, None),
        ({}, None),
    ],
)
def test_a_film_is_in_progress_from_a_twentieth_to_nine_tenths(
    times: dict[str, float], share: float | None, tmp_path: Path
) -> None:
    found = marks(tmp_path, ("f0", 99, times))
    assert resumed(found) == ([] if share is None else [("f0", share)])
    assert found.in_progress.dtype == np.int32
    assert found.in_progress_share.dtype == np.float32


def test_a_title_without_a_runtime_or_outside_the_catalogue_is_not_in_progress(tmp_path: Path) -> None:
    half = {"watch_s": 500.0}
    assert resumed(marks(tmp_path, ("bare", 99, half), ("nobody knows", 99, half))) == []


def test_the_last_play_counts_and_the_latest_title_stands_first(tmp_path: Path) -> None:
    found = marks(
        tmp_path,
        ("f0", 90, {"watch_s": 300.0}),
        ("f1", 91, {"watch_s": 300.0}),
        ("f2", 92, {"watch_s": 1_000.0}),
        ("f1", 93, {"watch_s": 950.0}),  # finished
        ("f2", 94, {"watch_s": 100.0}),  # begun again
        ("f0", 95, {"watch_s": 5.0}),  # only looked at
        ("f3", 94, {"watch_s": 200.0}),  # at the same time as f2, but arrived later
        ("f3", 120, {"watch_s": 990.0}),  # not yet
    )
    assert resumed(found) == [("f3", 0.2), ("f2", 0.1), ("f0", 0.3)]


def test_what_was_left_two_months_ago_is_forgotten(tmp_path: Path) -> None:
    half = {"watch_s": 500.0}
    assert resumed(marks(tmp_path, ("f0", 40, half), ("f1", 39.9, half))) == [("f0", 0.5)]


@pytest.mark.parametrize(
    ("watched", "expected"),
    [
        ([("s1e1", 0.4)], [("s1e1", 0.4)]),
        ([("s1e1", 1.0)], [("s1e2", 0.0)]),
        ([("s1e1", 1.0), ("s1e2", 0.03)], [("s1e2", 0.0)]),
        ([("s1e1", 0.5), ("s1e2", 0.95)], [("s2e1", 0.0)]),
        ([("s2e1", 1.0), ("s1e2", 0.5)], [("s1e2", 0.5)]),
        ([("s1e1", 1.0), ("s2e1", 1.0)], []),
    ],
)
def test_a_series_goes_on_with_the_unfinished_or_the_next_episode(
    watched: list[tuple[str, float]], expected: list[tuple[str, float]], tmp_path: Path
) -> None:
    told: list[Told] = [(t, 90 + i, {"watch_s": 1_000 * x}) for i, (t, x) in enumerate(watched)]
    assert resumed(marks(tmp_path, *told)) == expected


def test_the_list_holds_what_was_added_and_not_removed(tmp_path: Path) -> None:
    found = marks(
        tmp_path,
        ("f0", 1, "list_add"),
        ("f1", 2, "list_add"),
        ("s1e2", 3, "list_add"),  # an episode puts its series on the list
        ("f0", 4, "list_remove"),
        ("f2", 5, "list_add"),
        ("f1", 6, "list_remove"),
        ("f1", 6, "list_add"),  # at the same time: what arrived last
        ("f1", 7, "thumb_down"),  # says nothing about the list
    )
    assert ids(found.my_list) == ["f1", "f2", "s"]


def test_a_thumb_up_takes_a_thumb_down_back(tmp_path: Path) -> None:
    found = marks(
        tmp_path,
        ("f0", 1, "thumb_down"),
        ("f1", 2, "thumb_down"),
        ("f0", 3, "thumb_up"),
        ("f2", 4, "thumb_up"),
        ("f2", 5, "thumb_down"),
        ("s1e1", 6, "thumb_down"),  # the episode, not the series
    )
    assert ids(found.disliked) == ["s1e1", "f2", "f1"]


def test_a_moment_hides_what_had_not_happened_and_what_had_not_arrived(tmp_path: Path) -> None:
    home = Home.create(tmp_path)
    append(home, ("f0", 9, "thumb_down"), seen_us=10 * DAY_US)
    append(home, ("f0", 11, "thumb_up"), seen_us=50 * DAY_US)

    def disliked(at_day: int, seen_day: int) -> list[str]:
        found = read_marks(home, CATALOGUE, Moment(at_day * DAY_US, seen_day * DAY_US))
        return ids(found["m1"].disliked) if "m1" in found else []

    assert disliked(8, 60) == []
    assert disliked(10, 60) == ["f0"]
    assert disliked(12, 20) == ["f0"]
    assert disliked(12, 60) == []


def test_some_members_are_read_or_all(tmp_path: Path) -> None:
    home = Home.create(tmp_path)
    for member in ("z", "a", "b"):
        append(home, ("f0", 99, {"watch_s": 500.0}), ("f1", 99, "list_add"), member=member)
    at = Moment(NOW_DAY * DAY_US, NOW_DAY * DAY_US)
    assert list(read_marks(home, CATALOGUE, at)) == ["a", "b", "z"]
    assert list(read_marks(home, CATALOGUE, at, member_ids=["z", "nobody", "a"])) == ["a", "z"]
    assert read_marks(home, CATALOGUE, at, member_ids=[]) == {}
    assert read_marks(home, Catalogue.from_rows([]), at) == {}


def test_a_home_without_events_has_no_marks(tmp_path: Path) -> None:
    assert read_marks(Home.create(tmp_path), CATALOGUE, Moment(NOW_DAY * DAY_US)) == {}


def test_two_copies_of_an_episode_have_the_same_next_one() -> None:
    numbers = [(1, 1), (1, 1), (1, 2), (-1, 3), (2, -1)]
    rows = [
        {"title_id": f"e{i}", "series_id": "s", "season": season, "episode": episode}
        for i, (season, episode) in enumerate(numbers)
    ]
    rows += [{"title_id": "s"}, {"title_id": "o"}, {"title_id": "o1", "series_id": "o", "episode": 1}]
    assert next_episodes(Catalogue.from_rows(rows)).tolist() == [2, 2, -1, 0, -1, -1, -1, -1]


def test_catalogues_that_say_the_same_have_one_table() -> None:
    table = TitleTable.of(CATALOGUE)
    assert TitleTable.of(Catalogue.from_rows(TITLES)) is table
    other = TitleTable.of(Catalogue.from_rows(TITLES[:-1]))
    assert other is not table
    assert len(other.position) == len(table.position) - 1
