"""Explanations: what was logged, what came of it, and whether the decision comes out the same again."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from tests.platform.toys import TOY, home_with_plays, in_home

from matinee.cli.main import main
from matinee.errors import NotFoundError
from matinee.observe.decision_log import (
    RewardRow,
    action_set_line,
    decision_line,
    new_decision_id,
    reward_id,
    reward_line,
)
from matinee.observe.decisions import DecisionRecord, RowNote, Slot
from matinee.observe.home import Home
from matinee.platform.answering import Answering
from matinee.platform.deciding import Decided, Explained, Request, Stage, Surroundings
from matinee.platform.initiative import Fallback, Initiative
from matinee.platform.lifecycle.project import open_project
from matinee.platform.outcomes.join import join
from matinee.serve.explaining import explanation
from matinee.types import HOUR_US, derive_seed

AT = 1_731_000_000_000_000


@dataclass(frozen=True, slots=True)
class Pager:
    """Lists what a member has played, last first, as rows of one; needs no model."""

    around: Surroundings
    policy: str = "toy/pager"

    def decide(self, request: Request) -> Decided:
        assert self.around.members is not None
        past = self.around.members.record(request.unit_id)
        done = {slot.action for slot in request.after}
        titles = [play.title_id for play in reversed(past.plays) if play.title_id not in done]
        first = len(request.after_rows) + 1
        slots = [Slot(title, 1.0, first + n, 1) for n, title in enumerate(titles[:1])]
        return Decided(tuple(slots), ("mask:1",), context={"acted": past.acted})

    def explain(self, request: Request) -> Explained:
        stage = Stage("played", 3, {"shown above": len(request.after)}, 3 - len(request.after), "last first")
        return Explained(self.decide(request), (stage,), {"row": "nothing played"})


PAGER = replace(TOY, fallback=Fallback("toy/pager", Pager))


def log(home: Home, *lines: bytes) -> None:
    with (home.log / "1-z-0001.ndjson").open("ab") as file:
        file.write(b"".join(lines))


def page(unit_id: str, at_us: int = AT, **changes: Any) -> DecisionRecord:
    given = {"initiative": "toy", "policy": "toy/pager", "model": "none", "fallback": True}
    slots = [Slot("t2", 1.0, 1, 1)]
    given |= {"slots": slots, "rows": [RowNote(1, "row", "Again")], "actions": ["mask:1"]}
    return DecisionRecord(decision_id=new_decision_id(at_us), unit_id=unit_id, at_us=at_us, **given | changes)


def told(home: Home, record: DecisionRecord, initiative: Initiative = PAGER) -> dict[str, Any]:
    found = explanation(home, {"toy": initiative}, record.decision_id)
    json.dumps(found)
    return found


def test_a_page_comes_out_the_same_with_its_stages_rewards_and_outcomes(tmp_path: Path) -> None:
    home = home_with_plays(tmp_path)
    record = page("m1", context={"fallback_reason": "no model"}, latency_ms=2.5)
    row = RewardRow(
        reward_id(record.decision_id, "worth"), record.decision_id, "toy", "m1", "worth", 2.0, AT, AT
    )
    sets = action_set_line("mask:1", "toy", ["t1", "t2", "t3"], AT, AT, 3)
    log(home, decision_line(record, AT, 1, "m1"), reward_line(row, 2), sets)
    join(home, PAGER, now_us=AT + 48 * HOUR_US)
    found = told(home, record)
    assert found["reproduced"] is True
    assert (found["differences"], found["note"]) == ([], "")
    assert found["stages"] == [
        {"name": "played", "candidates": 3, "removed": {"shown above": 0}, "left": 3, "note": "last first"}
    ]
    assert found["absent"] == {"row": "nothing played"}
    assert (found["unit_id"], found["fallback_reason"], found["latency_ms"]) == ("m1", "no model", 2.5)
    assert (found["permitted"], found["n_permitted"]) == ("mask:1", 3)
    assert found["rewards"][0]["value"] == 2.0
    assert (found["outcomes"][0]["action"], found["outcomes"][0]["value"]) == ("t2", 2.0)
    assert found["rows"] == [{"row": 1, "kind": "row", "reason": "Again"}]


def test_further_rows_are_made_again_below_those_above(tmp_path: Path) -> None:
    home = home_with_plays(tmp_path)
    first = page("m1")
    further = page(
        "m1", AT + 5, slots=[Slot("t1", 1.0, 2, 1)], rows=[RowNote(2, "row", "More")],
        context={"continues": first.decision_id},
    )  # fmt: skip
    log(home, decision_line(first, AT, 1, "m1"), decision_line(further, AT + 5, 2, "m1"))
    found = told(home, further)
    assert found["reproduced"] is True
    assert found["stages"][0]["removed"] == {"shown above": 1}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"context": {"acted": 7}}, "events arrived later than they happened"),
        ({"actions": ["mask:2"]}, "Another set of actions was permitted"),
        ({"policy": "toy/old"}, "The policy is toy/pager now, it was toy/old"),
        ({}, "popularity had been read at another moment"),
        ({"context": {"made": "ahead"}}, "made ahead and corrected"),
    ],
)
def test_what_comes_out_otherwise_is_said_with_the_likely_reason(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    home = home_with_plays(tmp_path)
    record = page("m1", slots=[Slot("t9", 1.0, 1, 1)], **changes)
    log(home, decision_line(record, AT, 1, "m1"))
    found = told(home, record)
    assert found["reproduced"] is False
    assert words in found["note"]
    assert found["differences"] == [
        {
            "slot": 1,
            "logged": {"action": "t9", "row": 1, "col": 1, "propensity": 1.0},
            "now": {"action": "t2", "row": 1, "col": 1, "propensity": 1.0},
        }
    ]


def test_a_decision_served_again_is_told_by_the_first(tmp_path: Path) -> None:
    home = home_with_plays(tmp_path)
    first = page("m1")
    again = page("m1", AT + 5, slots=[], rows=[], sticky_of=first.decision_id)
    log(home, decision_line(first, AT, 1, "m1"), decision_line(again, AT + 5, 2, "m1"))
    found = told(home, again)
    assert (found["decision_id"], found["sticky_of"]) == (again.decision_id, first.decision_id)
    assert found["slots"][0]["action"] == "t2"
    assert (found["reproduced"], first.decision_id in found["note"]) == (True, True)
    lost = page("m1", AT + 6, slots=[], sticky_of="gone")
    log(home, decision_line(lost, AT, 3, "m1"))
    assert "repeats the decision gone, which is not in the log" in told(home, lost)["note"]


def test_draws_of_a_model_are_made_again_and_a_model_that_is_gone_leaves_the_record(tmp_path: Path) -> None:
    home = home_with_plays(tmp_path)
    in_home(home)
    assert main(["train", "toy", "--home", str(home.root), "--json"]) == 0
    decision_id = new_decision_id(AT)
    with open_project(home, "toy") as project:
        answering = project.answering("newest")
        assert isinstance(answering, Answering)
        request = Request("m1", AT, seed=derive_seed(0, decision_id))
        record = answering.answer(request, decision_id=decision_id)
        toy = project.initiative
    log(home, decision_line(record, AT, 1, "m1"))
    assert not record.fallback
    assert told(home, record, toy)["reproduced"] is True
    gone = replace_model(record)
    log(home, decision_line(gone, AT, 2, "m1"))
    found = told(home, gone, toy)
    assert (found["reproduced"], found["stages"]) == (None, [])
    assert "The model v-gone cannot be opened any more" in found["note"]
    assert found["slots"][0]["action"] == record.slots[0].action


def replace_model(record: DecisionRecord) -> DecisionRecord:
    return DecisionRecord(
        decision_id=new_decision_id(AT), initiative="toy", unit_id="m1", at_us=AT, policy=record.policy,
        model="v-gone", slots=record.slots,
    )  # fmt: skip


def test_an_initiative_that_is_not_known_here_leaves_the_record(tmp_path: Path) -> None:
    home = home_with_plays(tmp_path)
    record = page("m1", initiative="other")
    log(home, decision_line(record, AT, 1, "m1"))
    found = told(home, record)
    assert "The initiative other is not known here" in found["note"]
    assert found["final_at"] is None


def test_an_unknown_decision_is_not_found(tmp_path: Path) -> None:
    home = home_with_plays(tmp_path)
    with pytest.raises(NotFoundError, match="is not in the log, expected the decision_id"):
        explanation(home, {"toy": TOY}, new_decision_id(AT))
