"""Who saw an image; and no image is served that is not cleared, or it is found."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.observe.catalogue.test_artwork import image
from tests.observe.catalogue.test_clearance_watch import put

from matinee.errors import InputError
from matinee.observe.catalogue.artwork_acts import withdraw
from matinee.observe.catalogue.artwork_audit import SERVES, audit, check
from matinee.observe.decision_log import decision_line
from matinee.observe.decisions import DecisionRecord, Slot
from matinee.observe.home import Home
from matinee.observe.lake.compaction import compact
from matinee.types import SECOND_US

START = 1_730_000_000_000_000


def page(decision_id: str, member: str, at_us: int, *art: str | None, **changes: Any) -> bytes:
    slots = [
        Slot(f"t{col}", 0.5, 1, col, artwork_id=one, artwork_propensity=one and 0.25, artwork_n=one and 4)
        for col, one in enumerate(art, 1)
    ]
    context = {"territory": "NL", "artwork_policy": "pooled@2", "artwork_model": "v7"} | changes.pop(
        "context", {}
    )
    record = DecisionRecord(
        decision_id, "page", member, at_us, "page@1", "v1", slots, context=context, **changes
    )
    return decision_line(record, at_us, int(decision_id[1:]), member)


def seen(decision_id: str, member: str, at_us: int, seq: int, **place: Any) -> bytes:
    event = {
        "type": "impression",
        "event_id": f"i{seq}",
        "member_id": member,
        "title_id": "t1",
        "at_us": at_us,
    }
    return (
        json.dumps(event | {"seen_us": at_us, "seq": seq, "decision_id": decision_id} | place).encode()
        + b"\n"
    )


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home.create(tmp_path / "home")
    home.settings.write_text("", encoding="utf-8")
    put(home, image("a1", "t1"), image('a"2', "t2"), image("a", "t1"), from_us=1)
    lines = [
        page("d1", "m1", START, "a1", 'a"2'),
        seen("d1", "m1", START + 5, 11, row=1, col=1, dwell_ms=700.0),
        seen("d1", "m1", START + 9, 12, row=1, col=1, dwell_ms=300.0),
        page("d2", "m2", START + SECOND_US, "a1", None),
        page("d3", "m2", START + 2 * SECOND_US, None, "a1", sticky_of="d2"),
        page("d4", "m3", START + 3 * SECOND_US, "a1", context={"shadow": True}),
        page("d5", "m3", START + 4 * SECOND_US, None, None),
        page("d6", "m4", START + 5 * SECOND_US, "a1"),
        seen("d6", "m4", START + 6 * SECOND_US, 13),
    ]
    (home.log / "1-a-0001.ndjson").write_bytes(b"".join(lines))
    return home


@pytest.mark.parametrize("in_lake", [False, True])
def test_every_serve_of_an_image_is_told_with_what_led_to_it(home: Home, in_lake: bool) -> None:
    if in_lake:
        compact(home)
    found = audit(home, "a1")
    assert (found.serves, found.in_view, found.members) == (4, 2, 3)
    assert [(row["decision_id"], row["member_id"], row["in_view"]) for row in found.rows] == [
        ("d1", "m1", True), ("d2", "m2", False), ("d3", "m2", False), ("d6", "m4", True),
    ]  # fmt: skip
    first = found.rows[0]
    assert set(first) == set(SERVES)
    assert (first["row"], first["col"], first["propensity"], first["n"]) == (1, 1, 0.25, 4)
    assert (first["artwork_policy"], first["artwork_model"], first["dwell_ms"]) == ("pooled@2", "v7", 1000.0)
    assert audit(home, 'a"2').serves == 1
    assert audit(home, "a").serves == audit(home, "%").serves == 0


def test_a_stretch_of_time_and_a_file(home: Home, tmp_path: Path) -> None:
    found = audit(home, "a1", from_us=START + SECOND_US, until_us=START + 5 * SECOND_US, limit=1)
    assert (found.serves, len(found.rows)) == (2, 1)
    audit(home, "a1", out=tmp_path / "seen.csv")
    with (tmp_path / "seen.csv").open(encoding="utf-8") as file:
        assert [row["member_id"] for row in csv.DictReader(file)] == ["m1", "m2", "m2", "m4"]
    audit(home, "a1", out=tmp_path / "seen.parquet")
    with duckdb.connect() as con:
        assert con.read_parquet(str(tmp_path / "seen.parquet")).columns == list(SERVES)
    with pytest.raises(InputError, match=r'ends in "\.xls", expected one of \.csv, \.parquet, \.ndjson'):
        audit(home, "a1", out=tmp_path / "seen.xls")


def test_nothing_uncleared_was_served(home: Home) -> None:
    found = check(home)
    assert (found.serves, found.within_s, found.uncleared, found.rows) == (5, 0, 0, [])


def test_a_serve_after_the_second_of_a_withdrawal_is_found(home: Home) -> None:
    withdraw(home, ["a1"], why="x", by="Ada", now_us=START + SECOND_US)
    found = check(home)
    assert (found.within_s, found.uncleared, found.reasons) == (2, 1, {"withdrawn": 1})
    assert [(row["decision_id"], row["why_not"]) for row in found.rows] == [("d6", "withdrawn")]
    assert check(home, until_us=START + 5 * SECOND_US).uncleared == 0


def test_every_other_reason_is_found_and_later_facts_change_no_past(tmp_path: Path) -> None:
    home = Home.create(tmp_path)
    put(
        home,
        image("late", "t1", approved_us=START + 1),
        image("over", "t1", end_us=START),
        image("soon", "t1", start_us=START + 1),
        image("there", "t1", territories=["BE"]),
        image("fine", "t1"),
        from_us=1,
    )
    put(home, image("fine", "t1", territories=["BE"]), image("there", "t1"), from_us=START + 1)
    line = page("d1", "m1", START, "late", "over", "soon", "there", "unknown", "fine")
    (home.log / "1-a-0001.ndjson").write_bytes(line)
    assert check(home).reasons == {
        "after its time": 1, "before its time": 1, "not approved": 1, "not in this territory": 1,
        "not registered": 1,
    }  # fmt: skip


def test_a_home_without_images_or_pages(tmp_path: Path) -> None:
    home = Home.create(tmp_path)
    assert (check(home).serves, audit(home, "a1").serves) == (0, 0)
    (home.log / "1-a-0001.ndjson").write_bytes(page("d1", "m1", START, "a1"))
    assert check(home).reasons == {"not registered": 1}


def test_the_territory_that_held_counts_and_not_the_one_that_was_asked_for(tmp_path: Path) -> None:
    home = Home.create(tmp_path)
    put(home, image("there", "t1", territories=["BE"]), from_us=1)
    line = page("d1", "m1", START, "there", context={"artwork_territory": "BE"})
    (home.log / "1-a-0001.ndjson").write_bytes(line)
    assert check(home).uncleared == 0
    assert audit(home, "there").rows[0]["territory"] == "BE"


def test_a_page_that_is_given_out_again_is_a_serve_of_its_own(tmp_path: Path) -> None:
    home = Home.create(tmp_path)
    put(home, image("a1", "t1"), from_us=1)
    lines = [
        page("d1", "m1", START, "a1"),
        page("d2", "m1", START + 60 * SECOND_US, sticky_of="d1"),
        seen("d2", "m1", START + 61 * SECOND_US, 11, row=1, col=1),
    ]
    (home.log / "1-a-0001.ndjson").write_bytes(b"".join(lines))
    found = audit(home, "a1")
    assert [(row["decision_id"], row["sticky_of"], row["in_view"]) for row in found.rows] == [
        ("d1", None, False), ("d2", "d1", True),
    ]  # fmt: skip
    assert audit(home, "a1", from_us=START + SECOND_US).serves == 1
    assert audit(home, "a1", until_us=START + SECOND_US).serves == 1


def test_rows_that_were_given_out_again_are_serves_of_these_rows(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "home")
    put(home, image("a1", "t1"), image("b1", "t2"), from_us=1)

    def again(decision_id: str, at_us: int, **context: int) -> bytes:
        record = DecisionRecord(
            decision_id, "page", "m1", at_us, "page@1", "v1", [], context=dict(context), sticky_of="d1"
        )
        return decision_line(record, at_us, int(decision_id[1:]), "m1")

    below = DecisionRecord(
        "d2", "page", "m1", START + 1, "page@1", "v1",
        [Slot("t2", 1.0, 5, 1, artwork_id="b1", artwork_propensity=1.0, artwork_n=1)],
        context={"continues": "d1"},
    )  # fmt: skip
    lines = [
        page("d1", "m1", START, "a1"),
        decision_line(below, below.at_us, 2, "m1"),
        again("d3", START + 2, again_from_row=1, again_to_row=4),
        again("d4", START + 3, again_from_row=5, again_to_row=8),
        again("d5", START + 4),
        again("d6", START + 5, again_from_row=1, again_to_row=0),
    ]
    (home.log / "1-a-0001.ndjson").write_bytes(b"".join(lines))
    assert [row["decision_id"] for row in audit(home, "a1").rows] == ["d1", "d3", "d5"]
    assert [(row["decision_id"], row["sticky_of"]) for row in audit(home, "b1").rows] == [
        ("d2", None), ("d4", "d2"),
    ]  # fmt: skip


def test_a_decision_about_an_image_alone_is_a_serve_too(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "home")
    put(home, image("a1", "t1"), image("b1", "t1", territories=["NL"]), from_us=1)
    lines = []
    for n, (one, territory) in enumerate((("a1", "BE"), ("b1", "BE"), ("b1", "NL")), 1):
        record = DecisionRecord(
            f"d{n}", "artwork", "m1", START + n, "pooled@2", "v7", [Slot(one, 0.4, n_permitted=3)],
            context={"territory": territory, "title_id": "t1"},
        )  # fmt: skip
        lines.append(decision_line(record, record.at_us, n, "m1"))
    (home.log / "1-a-0001.ndjson").write_bytes(b"".join(lines))
    (row,) = audit(home, "a1").rows
    assert (row["title_id"], row["propensity"], row["n"], row["territory"]) == ("t1", 0.4, 3, "BE")
    found = check(home)
    assert (found.serves, [(row["decision_id"], row["why_not"]) for row in found.rows]) == (
        3, [("d2", "not in this territory")],
    )  # fmt: skip
