"""Answers: whatever a model does, the unit gets one, and the record says who gave it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import msgspec
import pytest
from tests.platform.toys import Nothing

from matinee.errors import InputError
from matinee.observe.decisions import DecisionRecord, Slot
from matinee.platform.answering import Answering, check
from matinee.platform.deciding import NO_ACTION, NO_MODEL, Decided, Request

REQUEST = Request("m1", at_us=5, context={"device": "tv"}, seed=3)


@dataclass
class Says:
    """A decider that gives what it was made with, or raises it."""

    answer: Decided | Exception
    policy: str = "says-1"

    def decide(self, request: Request) -> Decided:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def answering(answer: Decided | Exception | None, trouble: str | None = None) -> Answering:
    return Answering("toy", "v1", None if answer is None else Says(answer), Nothing(), trouble)


def one(action: str, p: float, *permitted: str) -> Decided:
    return Decided((Slot(action, p),), permitted)


def test_the_record_holds_what_was_asked_possible_and_chosen() -> None:
    record = answering(one("call", 0.5, "call", "mail")).answer(REQUEST, decision_id="d1")
    assert record == DecisionRecord(
        decision_id="d1",
        initiative="toy",
        unit_id="m1",
        at_us=5,
        policy="says-1",
        model="v1",
        slots=[Slot("call", 0.5)],
        actions=["call", "mail"],
        context={"device": "tv"},
        fallback=False,
    )
    assert msgspec.json.decode(msgspec.json.encode(record), type=DecisionRecord) == record


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (answering(None), NO_MODEL),
        (answering(None, "StorageError: weights.npy: is changed"), "StorageError: weights.npy: is changed"),
        (answering(ValueError("no weights")), "ValueError: no weights"),
        (answering(one("call", 1.5)), 'InputError: toy: propensity of "call" is 1.5, expected above 0'),
        (answering(one("call", 0.0)), 'propensity of "call" is 0.0'),
        (answering(one("call", float("nan"))), 'propensity of "call" is nan'),
        (answering(one("call", 0.5, "mail")), 'action "call" was chosen, expected one of the 1 permitted'),
    ],
)
def test_the_fallback_answers_and_the_record_says_why(given: Answering, why: str) -> None:
    record = given.answer(REQUEST, decision_id="d")
    assert record.fallback
    assert (record.policy, record.model, record.slots) == ("toy/nothing", "none", [Slot("nothing", 1.0)])
    assert why in str(record.context["fallback_reason"])
    assert record.context["device"] == "tv"
    assert "fallback_reason" not in REQUEST.context
    assert given.ask("m1", 5, 0)


def test_an_action_outside_the_request_is_refused_and_the_fallback_narrows() -> None:
    record = answering(one("call", 1.0, "call")).answer(replace(REQUEST, actions=("mail",)), decision_id="d")
    assert record.fallback
    assert record.slots[0].action == "mail"
    assert "expected one of the 1 in the request" in str(record.context["fallback_reason"])


def test_no_permitted_action_is_no_slot_and_a_reason() -> None:
    for given in (answering(one("call", 1.0)), answering(None)):
        record = given.answer(replace(REQUEST, actions=()), decision_id="d")
        assert (record.slots, record.context["reason"], record.fallback) == ([], NO_ACTION, False)
    record = answering(Decided((), (), "nothing_left")).answer(REQUEST, decision_id="d")
    assert (record.slots, record.context["reason"]) == ([], "nothing_left")


def test_a_reference_to_a_mask_stands_for_its_actions() -> None:
    check("toy", REQUEST, one("call", 1.0, "mask:ab12"))
    with pytest.raises(InputError, match='action "call" was chosen, expected one of the 1 in the request'):
        check("toy", replace(REQUEST, actions=("mail",)), one("call", 1.0, "mask:ab12"))


def test_a_fallback_that_breaks_the_contract_is_an_error() -> None:
    broken = Answering("toy", "none", None, Says(one("call", 7.0)))
    with pytest.raises(InputError, match=r'propensity of "call" is 7\.0'):
        broken.answer(REQUEST, decision_id="d")


def test_a_long_error_is_cut() -> None:
    record = answering(ValueError("x" * 5_000)).answer(REQUEST, decision_id="d")
    assert len(str(record.context["fallback_reason"])) == 300
