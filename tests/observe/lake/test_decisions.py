"""Decisions and rewards go through the open log and compaction like events, but do not move the clock."""

from __future__ import annotations

import json
from pathlib import Path

from matinee.observe.home import Home
from matinee.observe.lake.compaction import compact
from matinee.observe.lake.connection import connect
from matinee.observe.lake.reader import last_event_us, open_events
from matinee.observe.lake.tables import EVENTS, LOGGED, TABLE_OF

PLAY = {
    "type": "play",
    "event_id": "e1",
    "member_id": "m1",
    "title_id": "t1",
    "at_us": 5,
    "seen_us": 6,
    "seq": 1,
}
DECISION = {
    "type": "decision", "event_id": "d1", "decision_id": "d1", "member_id": "m1", "unit_id": "m1",
    "initiative": "any", "action": "a", "propensity": 0.25, "at_us": 9, "seen_us": 9, "seq": 2,
    "context": {"plays": 3}, "slots": [{"action": "t1", "propensity": 0.5}],
}  # fmt: skip
REWARD = {
    "type": "reward", "event_id": "d1:net", "decision_id": "d1", "initiative": "any", "unit_id": "m1",
    "reward": "net", "value": 1.5, "at_us": 11, "seen_us": 11, "seq": 3,
}  # fmt: skip


def rows(home: Home) -> tuple[list, list]:
    with connect(threads=1) as con:
        open_events(con, home, "decisions", "rewards")
        decisions = con.execute(
            "SELECT event_id, action, propensity, context->>'plays', slots->0->>'action' FROM decisions"
        ).fetchall()
        return decisions, con.execute("SELECT decision_id, reward, value FROM rewards").fetchall()


def test_decisions_and_rewards_are_read_before_and_after_compaction(tmp_path: Path) -> None:
    home = Home.create(tmp_path)
    lines = [PLAY, DECISION, REWARD, DECISION]
    (home.log / "1-a-0001.ndjson").write_text("".join(json.dumps(line) + "\n" for line in lines))
    expected = [("d1", "a", 0.25, "3", "t1")], [("d1", "net", 1.5)]
    assert rows(home) == expected
    assert compact(home).added == 3
    assert rows(home) == expected


def test_only_events_of_members_move_the_clock(tmp_path: Path) -> None:
    home = Home.create(tmp_path)
    path = home.log / "1-a-0001.ndjson"
    path.write_text("".join(json.dumps(line) + "\n" for line in (PLAY, DECISION, REWARD)))
    assert last_event_us(home) == 5
    compact(home)
    assert last_event_us(home) == 5


def test_clients_send_no_decisions() -> None:
    assert set(LOGGED.values()) == set(EVENTS) - {"outcomes"}
    assert set(LOGGED) - set(TABLE_OF) == {"decision", "reward", "action_set"}
