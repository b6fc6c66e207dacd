"""A withdrawal is seen within a fraction of a second, and what cannot be known is not shown."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from tests.observe.catalogue.test_artwork import image

from matinee.observe.catalogue.clearance_watch import PATIENCE_S, ClearanceWatch
from matinee.observe.home import Home
from matinee.observe.importers.run import run_import
from matinee.observe.lake import facts
from matinee.observe.lake.connection import connect
from matinee.observe.lake.tables import FACTS
from matinee.observe.lake.writer import writing


class Time:
    """Seconds that pass when they are told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def put(home: Home, *rows: dict[str, Any], from_us: int) -> None:
    columns = [c for c in FACTS["artwork"] if c not in ("from_us", "batch")]
    with writing(home.lake) as write, connect(threads=1) as con:
        types = ", ".join(f"{c} {FACTS['artwork'][c]}" for c in columns)
        con.execute(f"CREATE TABLE images ({types})")
        con.executemany(
            f"INSERT INTO images VALUES ({', '.join('?' * len(columns))})",
            [[row.get(c) for c in columns] for row in rows],
        )
        facts.store_facts(write, con, "artwork", "images", from_us=from_us)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home.create(tmp_path)
    put(home, image("a1", "t1"), image("a2", "t1", end_us=50, territories=["NL"]), from_us=1)
    return home


def test_a_change_is_seen_at_the_next_look(home: Home) -> None:
    time = Time()
    watch = ClearanceWatch(home, monotonic=time)
    first = watch.current()
    assert first.uncleared(["a1", "a2", None, "unknown"], 20, "NL") == [3]
    assert first.uncleared(["a1", "a2"], 50, "NL") == [1]
    assert first.uncleared(["a1", "a2"], 20, None) == [1]
    assert [first.cleared_somewhere(one, 20) for one in ("a1", "a2", "unknown")] == [True, True, False]
    assert not first.cleared_somewhere("a2", 50)
    put(home, image("a1", "t1", withdrawn_us=20), from_us=20)
    time.now = 0.2
    assert watch.current() is first
    time.now = 0.25
    second = watch.current()
    assert second.withdrawn == {"a1"}
    assert second.version > first.version
    assert not second.cleared("a1", 20, "NL")
    assert second.cleared("a2", 20, "NL")


def test_the_newest_facts_count_whatever_the_clock_says(home: Home) -> None:
    put(home, image("a1", "t1", withdrawn_us=9_000), from_us=9_000)
    assert not ClearanceWatch(home).current().cleared("a1", 20, "NL")


def test_other_writes_do_not_read_the_images_again(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    time = Time()
    watch = ClearanceWatch(home, monotonic=time)
    first = watch.current()
    monkeypatch.setattr("matinee.observe.catalogue.clearance_watch.connect", None)
    manifest = home.lake / "manifest.json"
    os.utime(manifest, ns=(1, 1))
    time.now = 1
    assert watch.current() is first


def test_without_a_readable_lake_no_image_is_shown_after_a_while(home: Home) -> None:
    time = Time()
    watch = ClearanceWatch(home, monotonic=time)
    assert watch.current().cleared("a1", 20, "NL")
    manifest = home.lake / "manifest.json"
    text = manifest.read_bytes()
    manifest.write_bytes(b"{")
    time.now = PATIENCE_S / 2
    assert watch.current().cleared("a1", 20, "NL")
    time.now = PATIENCE_S * 2
    assert not watch.current().cleared("a1", 20, "NL")
    manifest.write_bytes(text)
    time.now = PATIENCE_S * 3
    assert watch.current().cleared("a1", 20, "NL")


def test_a_home_without_images_clears_none(tmp_path: Path) -> None:
    watch = ClearanceWatch(Home.create(tmp_path))
    assert watch.look().withdrawn == frozenset()
    assert watch.current().uncleared(["a1", None], 20, None) == [0]


def test_titles_that_changed_are_a_new_version_of_the_same_clearance(home: Home, tmp_path: Path) -> None:
    watch = ClearanceWatch(home)
    first = watch.look()
    (tmp_path / "titles.csv").write_text("title_id,series_id\ne1,t1\n", encoding="utf-8")
    run_import(home, "titles", tmp_path / "titles.csv")
    second = watch.look()
    assert second.version > first.version
    assert (second.place, second.clearances) == (first.place, first.clearances)
    assert watch.look() is second
