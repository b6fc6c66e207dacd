"""Outcomes: which slot gets which reward, once, whenever it is joined."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.platform.toys import TOY

from matinee.observe.decision_log import RewardRow, decision_line, reward_id, reward_line
from matinee.observe.decisions import DecisionRecord, Slot
from matinee.observe.erasure.erased import mark
from matinee.observe.home import Home
from matinee.observe.importers.run import run_import
from matinee.observe.lake.compaction import compact
from matinee.observe.lake.connection import connect
from matinee.observe.lake.manifest import read_manifest
from matinee.observe.lake.reader import open_events
from matinee.platform.initiative import Reward
from matinee.platform.outcomes import join as joining
from matinee.platform.outcomes.join import Joined, join
from matinee.platform.outcomes.rule import FromPlays
from matinee.types import DAY_US, HOUR_US, SECOND_US

START = 1_730_000_000_000_000
WINDOW = 24 * HOUR_US
FINAL = START + 48 * HOUR_US
PLAYED = replace(TOY, reward=Reward("quality plays", "plays", "as tested", 24, FromPlays()))
REPORTED = TOY
TITLES = "title_id,name,kind,series_id,season,episode,runtime_s\n" + "\n".join(
    [
        "t1,One,film,,,,6000",
        "t2,Two,film,,,,6000",
        "t3,Three,film,,,,",
        "s1,Series,series,,,,",
        "e1,E,episode,s1,1,1,1500",
    ]
)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home.create(tmp_path / "home")
    home.settings.write_text("", encoding="utf-8")
    (tmp_path / "titles.csv").write_text(TITLES, encoding="utf-8")
    run_import(home, "titles", tmp_path / "titles.csv")
    return home


def page(decision_id: str, at_us: int = START, **changes: Any) -> DecisionRecord:
    slots = [Slot(t, 0.5, 1, col, "genre", n_permitted=7) for col, t in enumerate(("t1", "t2", "s1"), 1)]
    slots.append(Slot("t1", 1.0, 2, 1, "trending"))
    given = {"initiative": "toy", "unit_id": "m1", "policy": "toy/1", "model": "v1", "slots": slots}
    return DecisionRecord(decision_id=decision_id, at_us=at_us, **given | {"context": {"rows": 2}} | changes)


class Log:
    """Writes a closed segment; `seq` counts on."""

    def __init__(self, home: Home) -> None:
        self.home, self.seq, self.lines = home, 0, []

    def decide(self, *records: DecisionRecord) -> Log:
        for record in records:
            self.seq += 1
            self.lines.append(decision_line(record, record.at_us, self.seq, record.unit_id))
        return self

    def event(self, kind: str, title_id: str, at_us: int, seen_us: int | None = None, **more: Any) -> Log:
        self.seq += 1
        line = {
            "type": kind,
            "event_id": f"e{self.seq}",
            "member_id": "m1",
            "title_id": title_id,
            "at_us": at_us,
        }
        line |= {"seen_us": at_us if seen_us is None else seen_us, "seq": self.seq} | more
        self.lines.append(json.dumps(line).encode() + b"\n")
        return self

    def play(self, title_id: str, at_us: int, watch_s: float = 5_000, **more: Any) -> Log:
        return self.event("play", title_id, at_us, watch_s=watch_s, **more)

    def reward(self, decision_id: str, name: str, value: float, at_us: int, **more: Any) -> Log:
        self.seq += 1
        row = RewardRow(
            reward_id(decision_id, name, more.get("action"), str(self.seq)), decision_id, "toy", "m1", name,
            value, at_us, more.pop("seen_us", at_us), **more,
        )  # fmt: skip
        self.lines.append(reward_line(row, self.seq))
        return self

    def close(self) -> None:
        (self.home.log / f"1-a-{self.seq:04d}.ndjson").write_bytes(b"".join(self.lines))
        self.lines = []


def rows(home: Home, columns: str = "decision_id, slot, value") -> list[tuple]:
    with connect(threads=1) as con:
        open_events(con, home, "outcomes")
        return con.execute(f"SELECT {columns} FROM outcomes ORDER BY decision_id, slot").fetchall()


def values(home: Home) -> dict[str, list[float | None]]:
    found: dict[str, list[float | None]] = {}
    for decision_id, _, value in rows(home):
        found.setdefault(decision_id, []).append(value)
    return found


def test_a_good_play_of_a_slot_that_it_names_is_one_and_the_others_are_zero(home: Home) -> None:
    log = Log(home).decide(page("d1"))
    log.play("t1", START + HOUR_US, decision_id="d1", row=2, col=1)
    log.play("t2", START + HOUR_US, watch_s=4_199, decision_id="d1")
    log.event("impression", "t2", START + 5, decision_id="d1", row=1, col=2, dwell_ms=700)
    log.event("impression", "t2", START + 6, decision_id="d1", row=1, col=2, dwell_ms=300).close()
    done = join(home, PLAYED, now_us=FINAL)
    assert done == Joined(decisions=1, slots=4, rewarded=1)
    columns = 'slot, action, "row", col, propensity, n_permitted, explored, impressed, dwell_ms, value'
    assert rows(home, f"{columns}, reward_at_us") == [
        (1, "t1", 1, 1, 0.5, 7, False, False, None, 0.0, None),
        (2, "t2", 1, 2, 0.5, 7, False, True, 1_000.0, 0.0, None),
        (3, "s1", 1, 3, 0.5, 7, False, False, None, 0.0, None),
        (4, "t1", 2, 1, 1.0, None, False, False, None, 1.0, START + HOUR_US),
    ]
    facts = "member_id, unit_id, at_us, seen_us, policy, model, fallback, sticky_of, shadow, row_kind"
    assert rows(home, f"{facts}, reward, context")[0] == (
        "m1", "m1", START, FINAL, "toy/1", "v1", False, None, False, "genre", "quality plays", '{"rows":2}',
    )  # fmt: skip


def test_the_rule_looks_at_runtime_at_ratings_and_at_episodes(home: Home) -> None:
    slots = [Slot(t, 1.0, 1, col) for col, t in enumerate(("t1", "t2", "t3", "s1"), 1)]
    log = Log(home).decide(page("d1", slots=slots), page("d2", START + 1, unit_id="m2", slots=slots))
    log.play("t1", START + 9, watch_s=4_200, decision_id="d1")
    log.play("t3", START + 9, watch_s=120, decision_id="d1")
    log.play("e1", START + 9, watch_s=1_050, decision_id="d1")
    log.play("t1", START + 9, None, member_id="m2", rating=3.5, rating_scale=5.0)
    log.play("t2", START + 9, None, member_id="m2", rating=3.0, rating_scale=5.0)
    log.play("t3", START + 9, 119, member_id="m2")
    log.close()
    join(home, PLAYED, now_us=FINAL + 1)
    assert values(home) == {"d1": [1, 0, 1, 1], "d2": [1, 0, 0, 0]}


def test_a_play_that_names_no_decision_goes_to_the_latest_that_held_the_title(home: Home) -> None:
    only = [Slot("t2", 1.0)]
    log = Log(home).decide(
        page("d1"), page("d2", START + HOUR_US, slots=only), page("d3", START + 2 * HOUR_US)
    )
    log.play("t2", START + HOUR_US + 1).play("s1", START + HOUR_US + 2, watch_s=200).close()
    join(home, PLAYED, now_us=FINAL + 2 * HOUR_US)
    assert values(home) == {"d1": [0, 0, 1, 0], "d2": [1], "d3": [0, 0, 0, 0]}


def test_the_latest_decision_takes_an_unnamed_play_before_it_is_final_itself(home: Home) -> None:
    log = Log(home).decide(page("d1"), page("d2", START + 10 * HOUR_US))
    log.play("t2", START + 11 * HOUR_US).close()
    assert join(home, PLAYED, now_us=FINAL).decisions == 1
    assert values(home) == {"d1": [0, 0, 0, 0]}
    join(home, PLAYED, now_us=FINAL + 10 * HOUR_US)
    assert values(home) == {"d1": [0, 0, 0, 0], "d2": [0, 1, 0, 0]}


def test_what_is_outside_the_window_or_of_somebody_else_does_not_count(home: Home) -> None:
    log = Log(home).decide(page("d1"))
    log.play("t1", START - 1, decision_id="d1").play("t2", START + WINDOW + 1, decision_id="d1")
    log.play("s1", START + 5, decision_id="d1", member_id="m2").play(
        "t9", START + 5, decision_id="d1"
    ).close()
    assert join(home, PLAYED, now_us=FINAL).rewarded == 0
    assert values(home) == {"d1": [0, 0, 0, 0]}


def test_a_page_served_again_shares_the_outcome_of_the_first(home: Home) -> None:
    log = Log(home).decide(
        page("d1"), page("d2", START + 5, sticky_of="d1"), page("d3", START + 6, sticky_of="d1", slots=[])
    )
    log.play("t2", START + HOUR_US, decision_id="d2")
    log.event("impression", "s1", START + HOUR_US, decision_id="d3").close()
    assert join(home, PLAYED, now_us=FINAL + 9) == Joined(2, 8, 1)
    found = rows(home, "decision_id, sticky_of, impressed, value")
    assert found == [
        *(
            ("d1", None, impressed, value)
            for impressed, value in ((False, 0), (False, 1), (True, 0), (False, 0))
        ),
        *(("d2", "d1", None, None) for _ in range(4)),
    ]


def test_further_rows_of_a_page_have_their_own_outcome_whatever_id_the_event_names(home: Home) -> None:
    further = page("d2", START + 5, slots=[Slot("t3", 1.0, 3, 1)], context={"continues": "d1"})
    log = Log(home).decide(page("d1"), further, page("d3", START + 6, sticky_of="d1", slots=[]))
    log.play("t3", START + 9, decision_id="d3").play("t1", START + 9, decision_id="d3").close()
    join(home, PLAYED, now_us=FINAL + 9)
    assert values(home) == {"d1": [1, 0, 0, 0], "d2": [1]}


def test_a_decision_in_the_shadow_has_no_outcome_and_takes_no_play(home: Home) -> None:
    log = Log(home).decide(page("d1"), page("d2", START + 5, context={"shadow": True}))
    log.play("t1", START + 9).play("t2", START + 9, decision_id="d2").close()
    join(home, PLAYED, now_us=FINAL + 9)
    assert rows(home, "decision_id, shadow, value, impressed")[3:6] == [
        ("d1", False, 0, False), ("d2", True, None, None), ("d2", True, None, None),
    ]  # fmt: skip
    assert values(home)["d1"] == [1, 0, 0, 0]


def test_reported_rewards_stand_by_name_and_none_is_not_zero(home: Home) -> None:
    one = [Slot("mail", 0.25)]
    log = Log(home).decide(*(page(f"d{n}", START + n, slots=one) for n in (1, 2, 3)), page("d4", START + 4))
    log.reward("d1", "worth", 2.5, START + 9).reward("d1", "worth", 0.5, START + 10).reward(
        "d1", "cost", 1, START + 10
    )
    log.reward("d2", "worth", 0, START + 9).reward("d4", "worth", 3, START + 9, action="t2")
    log.reward("d4", "worth", 7, START + 9).close()
    assert join(home, REPORTED, now_us=FINAL + 9) == Joined(4, 7, 3)
    assert values(home) == {"d1": [3], "d2": [0], "d3": [None], "d4": [None, 3, None, None]}
    assert rows(home, "rewards, reward_at_us, impressed")[0] == ('{"cost":1.0,"worth":3.0}', START + 9, None)


def test_a_reported_reward_says_more_than_the_plays(home: Home) -> None:
    log = Log(home).decide(page("d1", slots=[Slot("t1", 1.0)])).play("t1", START + 5, decision_id="d1")
    log.reward("d1", "quality plays", 0, START + 9).close()
    join(home, PLAYED, now_us=FINAL)
    assert values(home) == {"d1": [0]}


def test_late_and_unknown_ones_are_counted_and_change_nothing(home: Home) -> None:
    log = Log(home).decide(page("d1"))
    log.play("t1", START + HOUR_US, seen_us=FINAL + 1, decision_id="d1")
    log.reward("d1", "quality plays", 5, START + WINDOW + 1, seen_us=FINAL, action="t1")
    log.play("t1", START + 5, decision_id="lost").reward("lost", "quality plays", 1, START).close()
    done = join(home, PLAYED, now_us=FINAL + 2)
    assert done == Joined(1, 4, 0, late=2, unknown=2)
    assert values(home) == {"d1": [0, 0, 0, 0]}
    again = join(home, PLAYED, now_us=FINAL + 3, since_us=FINAL + 2)
    assert again == Joined()


def test_nothing_is_joined_before_it_is_final_nor_twice(home: Home) -> None:
    Log(home).decide(page("d1"), page("d2", START + HOUR_US)).play("t1", START + 5).close()
    assert join(home, PLAYED, now_us=FINAL - 1) == Joined()
    assert join(home, PLAYED, now_us=FINAL).decisions == 1
    assert join(home, PLAYED, now_us=FINAL).decisions == 0
    compact(home)
    assert join(home, PLAYED, now_us=FINAL + HOUR_US, since_us=FINAL).decisions == 1
    assert join(home, PLAYED, now_us=FINAL + DAY_US).decisions == 0
    assert [row[:2] for row in rows(home)] == [(d, slot) for d in ("d1", "d2") for slot in (1, 2, 3, 4)]


def test_one_join_and_many_small_ones_give_the_same_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for portions in (1, 7):
        home = Home.create(tmp_path / f"home{portions}")
        log = Log(home)
        for n in range(60):
            at = START + n * HOUR_US
            log.decide(page(f"d{n:03d}", at, unit_id=f"m{n % 3}"))
            log.play(("t1", "t2", "s1")[n % 3], at + 40 * SECOND_US * n, member_id=f"m{n % 3}")
            log.event("impression", "t2", at + 5, member_id=f"m{n % 3}", decision_id=f"d{n:03d}", dwell_ms=n)
        log.close()
        monkeypatch.setattr(joining, "PART", 100 // portions)
        if portions > 1:
            compact(home)
            for hours in range(40, 120, 11):
                join(home, PLAYED, now_us=START + hours * HOUR_US)
        join(home, PLAYED, now_us=START + 200 * HOUR_US)
        found.append(rows(home, "*"))
        assert len(found[-1]) == 240
    assert found[0] == found[1]


def test_a_kill_between_two_parts_loses_and_repeats_nothing(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Log(home)
    for n in range(5):
        log.decide(page(f"d{n}", START + n))
    log.play("t1", START + 50).close()
    monkeypatch.setattr(joining, "PART", 2)
    add, calls = joining._add, []

    def dies(*args: Any) -> None:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        add(*args)

    with monkeypatch.context() as patch:
        patch.setattr(joining, "_add", dies)
        with pytest.raises(KeyboardInterrupt):
            join(home, PLAYED, now_us=FINAL + 60)
    assert join(home, PLAYED, now_us=FINAL + 60).decisions == 3
    assert values(home) == {f"d{n}": [float(n == 4), 0, 0, 0] for n in range(5)}


def test_small_files_of_outcomes_are_merged(home: Home) -> None:
    log = Log(home)
    for n in range(4):
        log.decide(page(f"d{n}", START + n * SECOND_US))
    log.close()
    for n in range(4):
        join(home, PLAYED, now_us=FINAL + n * SECOND_US)
    assert [file.rows for file in read_manifest(home.lake).of("outcomes")] == [16]


def test_who_is_erased_while_outcomes_are_joined_does_not_come_back(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    Log(home).decide(page("d1"), page("d2", unit_id="m2")).close()
    compact(home)
    writing = joining.writing

    def erased_meanwhile(lake: Path) -> Any:
        mark(home, "m1")
        return writing(lake)

    monkeypatch.setattr(joining, "writing", erased_meanwhile)
    assert join(home, REPORTED, now_us=FINAL).decisions == 1
    assert {row[0] for row in rows(home, "decision_id, slot")} == {"d2"}


def test_a_slot_carries_its_image_and_old_records_none(home: Home) -> None:
    record = page("d1")
    art = Slot("t3", 0.5, 3, 1, artwork_id="a1", artwork_propensity=0.25, artwork_n=4)
    log = Log(home).decide(replace_slots(record, art), page("d2", START + 1))
    log.play("t3", START + HOUR_US, decision_id="d1").close()
    join(home, PLAYED, now_us=FINAL + 1)
    found = rows(home, "decision_id, action, artwork_id, artwork_propensity, value")
    assert [row for row in found if row[2] is not None] == [("d1", "t3", "a1", 0.25, 1.0)]
    assert len(found) == 9


def replace_slots(record: DecisionRecord, *more: Slot) -> DecisionRecord:
    return DecisionRecord(
        record.decision_id, record.initiative, record.unit_id, record.at_us, record.policy, record.model,
        [*record.slots, *more], context=record.context,
    )  # fmt: skip
