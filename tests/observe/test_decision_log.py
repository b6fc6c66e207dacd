"""Decisions survive the way through log, compaction and lake, and are found again by their id."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from matinee.observe import decision_log
from matinee.observe.decision_log import (
    RewardRow,
    action_set_line,
    actions_of,
    decision_line,
    decision_time,
    decisions_about,
    find_decision,
    new_decision_id,
    plausible,
    reward_id,
    reward_line,
    rewards_of,
    to_record,
)
from matinee.observe.decisions import DecisionRecord, RowNote, Slot
from matinee.observe.home import Home
from matinee.observe.lake.compaction import compact
from matinee.observe.lake.connection import connect
from matinee.observe.lake.reader import open_events
from matinee.types import DAY_US, HOUR_US

NOW = 893_286_638_000_000


def page(at_us: int = NOW, **changes: object) -> DecisionRecord:
    given = {
        "decision_id": new_decision_id(at_us),
        "initiative": "any",
        "unit_id": "m1",
        "at_us": at_us,
        "policy": "any/1",
        "model": "v1",
        "slots": [
            Slot(
                't"1', 0.25, row=1, col=1, row_kind="genre", reason="für dich", n_permitted=9, explored=True
            ),
            Slot("t2", 1.0, row=1, col=2),
        ],
        "actions": ["mask:1f"],
        "context": {"rows": 6, "device": "tv", "share": 0.5, "kids": False, "none": None},
        "rows": [RowNote(1, "genre", "Drama\nund mehr")],
        "unmet": ["pin 2,1"],
        "latency_ms": 1.5,
    }
    return DecisionRecord(**given | changes)


def simple(at_us: int = NOW, **changes: object) -> DecisionRecord:
    given = {
        "slots": [Slot("mail", 0.5)],
        "rows": [],
        "unmet": [],
        "actions": ["mail", "call"],
        "context": {},
    }
    return page(at_us, **given | changes)


def write(home: Home, *lines: bytes, name: str = "1-a-0001.ndjson") -> None:
    with (home.log / name).open("ab") as file:
        file.write(b"".join(lines))


def test_a_decision_is_the_same_in_the_open_log_and_in_the_lake(tmp_path: Path) -> None:
    home = Home.create(tmp_path)
    records = [
        page(),
        simple(NOW + 1),
        page(NOW + 2, slots=[], sticky_of="d0"),
        simple(NOW + 3, fallback=True),
    ]
    lines = [decision_line(one, NOW + 9, seq, "m1") for seq, one in enumerate(records)]
    write(home, *lines, lines[0], b'{"type":"decision","event_id":"')
    assert [find_decision(home, one.decision_id) for one in records] == records
    assert compact(home).added == 4
    assert [find_decision(home, one.decision_id) for one in records] == records
    assert decisions_about(home, "m1", NOW, NOW + 2) == records[:3]


def test_a_segment_that_a_process_still_writes_to_is_searched(tmp_path: Path) -> None:
    home = Home.create(tmp_path)
    record = page()
    write(home, decision_line(record, NOW, 1), name="7-b-0001.open.ndjson")
    assert find_decision(home, record.decision_id) == record


def test_an_unknown_id_is_none_and_an_event_that_bears_the_id_is_no_decision(tmp_path: Path) -> None:
    home = Home.create(tmp_path)
    record = page()
    liar = b'{"type":"play","event_id":"%s","member_id":"m1","title_id":"t1","at_us":1,"seen_us":1,"seq":1}\n'
    write(home, liar % record.decision_id.encode())
    assert find_decision(home, record.decision_id) is None
    write(home, decision_line(record, NOW, 2))
    assert find_decision(home, record.decision_id) == record
    assert find_decision(home, new_decision_id(NOW)) is None
    assert find_decision(home, "p0001") is None


def test_ids_of_other_systems_are_found_too(tmp_path: Path) -> None:
    home = Home.create(tmp_path)
    record = simple(decision_id="offer/7")
    write(home, decision_line(record, NOW, 1))
    assert find_decision(home, "offer/7") == record
    compact(home)
    assert find_decision(home, "offer/7") == record


def test_nested_json_of_an_imported_log_is_read(tmp_path: Path) -> None:
    home = Home.create(tmp_path)
    write(
        home,
        b'{"type":"decision","event_id":"d1","decision_id":"d1","initiative":"any","unit_id":"m1","at_us":5,'
        b'"seen_us":5,"seq":1,"context":{"plays":3},"slots":[{"action":"t1","propensity":0.5,"other":1}]}\n',
    )
    for _ in range(2):
        found = find_decision(home, "d1")
        assert found is not None
        assert found.context == {"plays": 3}
        assert found.slots == [Slot("t1", 0.5)]
        compact(home)


@pytest.mark.parametrize("at_us", [NOW, 0, -86_400_000_000, 4_102_444_800_000_000])
def test_an_id_tells_its_time(at_us: int) -> None:
    assert decision_time(new_decision_id(at_us)) == at_us


def test_ids_sort_by_time_and_do_not_repeat() -> None:
    made = [new_decision_id(at) for at in range(-5, 500)]
    assert made == sorted(made)
    assert len({new_decision_id(7) for _ in range(1_000)}) == 1_000
    assert all(one.isalnum() and one.isascii() for one in made)


@pytest.mark.parametrize("text", ["", "d", "d1", "o000000000001", "d" + "w" * 28, "d" + "A" * 28])
def test_other_ids_tell_no_time(text: str) -> None:
    assert decision_time(text) is None


def test_rewards_are_read_once_in_the_order_of_time(tmp_path: Path) -> None:
    home = Home.create(tmp_path)
    decision_id = new_decision_id(NOW)
    rows = [
        RewardRow(
            reward_id(decision_id, "net", report=str(n)), decision_id, "any", "a1", "net", n, NOW + n, NOW
        )
        for n in (2, 1)
    ]
    write(home, reward_line(rows[0], 1), reward_line(rows[1], 2))
    assert rewards_of(home, decision_id) == rows[::-1]
    compact(home)
    write(home, reward_line(rows[0], 3))
    assert rewards_of(home, decision_id) == rows[::-1]
    assert rewards_of(home, decision_id, until_us=NOW + 1) == [rows[1]]
    assert rewards_of(home, new_decision_id(NOW)) == []


def test_a_set_of_actions_is_kept_once(tmp_path: Path) -> None:
    home = Home.create(tmp_path)
    line = action_set_line("mask:1f", "any", ["t1", "t2"], NOW, NOW, 1)
    write(home, line, line)
    assert actions_of(home, "mask:1f") == ["t1", "t2"]
    assert compact(home).added == 1
    write(home, line, name="1-a-0002.ndjson")
    assert compact(home).duplicate == 1
    assert actions_of(home, "mask:1f") == ["t1", "t2"]
    assert actions_of(home, "mask:2e") is None


def test_monitors_find_action_propensity_context_and_the_first_row(tmp_path: Path) -> None:
    home = Home.create(tmp_path)
    write(home, decision_line(page(), NOW, 1), decision_line(simple(), NOW, 2))
    for _ in range(2):
        with connect(threads=1) as con:
            open_events(con, home, "decisions")
            found = con.execute(
                "SELECT action, propensity, json_extract_string(context, '$.rows'), device, "
                "json_extract_string(slots, '$[0].row_kind') FROM decisions ORDER BY action"
            ).fetchall()
        assert found == [("mail", 0.5, None, None, None), (None, None, "6", "tv", "genre")]
        compact(home)


def test_decisions_of_the_lake_are_sorted_by_time(tmp_path: Path) -> None:
    home = Home.create(tmp_path)
    records = [page(NOW + (7 * n % 5) * 1_000, unit_id=f"m{n}") for n in range(5)]
    write(home, *(decision_line(one, NOW, n, one.unit_id) for n, one in enumerate(records)))
    compact(home)
    (file,) = home.lake.glob("decisions/*/*.parquet")
    with connect(threads=1) as con:
        times = [row[0] for row in con.execute(f"SELECT at_us FROM '{file}'").fetchall()]
    assert times == sorted(times)
    assert decisions_about(home, "m3", NOW - DAY_US, NOW + DAY_US) == [records[3]]


def test_only_ids_that_this_service_can_have_made_are_plausible() -> None:
    now_us = 1_731_000_000_000_000
    good = new_decision_id(now_us)
    assert plausible(good, now_us)
    assert plausible(good, now_us - HOUR_US)
    assert not plausible(good, now_us - HOUR_US - 1)
    for text in ("", "d", good[:-1], good + "0", good[:-1] + "z", good[:-1] + "é", "m" + good[1:], "d1"):
        assert not plausible(text, now_us)


def test_a_slot_keeps_its_image_and_old_slots_have_none() -> None:
    slot = Slot("t1", 0.5, 1, 2, artwork_id="a1", artwork_propensity=0.25, artwork_n=3)
    record = DecisionRecord("d1", "toy", "m1", 1, "p", "v", [slot])
    line = msgspec.json.decode(decision_line(record, 1, 1))
    assert to_record(line).slots == [slot]
    old = line | {"slots": '[{"action":"t1","propensity":0.5,"row":1,"col":2}]'}
    assert to_record(old).slots == [Slot("t1", 0.5, 1, 2)]


def test_a_segment_is_read_in_parts_also_while_it_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decision_log, "BLOCK", 1_000)
    path = tmp_path / "1-aa-0001.open.ndjson"
    lines = [decision_line(page(NOW, unit_id="m1" if n % 3 else "m2"), NOW, n) for n in range(60)]
    path.write_bytes(b"".join(lines) + lines[1][:50])
    assert len(list(decision_log.lines_of(path, "decisions", "unit_id", "m1"))) == 40
    assert [row["seq"] for row in decision_log.lines_of(path, "decisions", "unit_id", "m2")] == list(
        range(0, 60, 3)
    )
    rows = decision_log.lines_of(path, "decisions", "unit_id", "m1")
    assert next(rows)["seq"] == 1
    os.truncate(path, len(lines[0]))  # a group that could not be written is taken back
    assert len(list(rows)) < 39
