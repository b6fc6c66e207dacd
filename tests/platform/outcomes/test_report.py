"""Reported rewards: what is refused, what counts twice, what comes too late."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.platform.toys import TOY

from matinee.errors import InputError, NotFoundError
from matinee.observe.decision_log import decision_line, new_decision_id
from matinee.observe.decisions import DecisionRecord, Slot
from matinee.observe.home import Home
from matinee.platform.outcomes.join import join
from matinee.platform.outcomes.report import ConflictError, Report, report
from matinee.types import HOUR_US, format_at

AT = 1_730_000_000_000_000
NOW = AT + HOUR_US


def logged(home: Home, **changes: object) -> str:
    decision_id = new_decision_id(AT)
    given = {"slots": [Slot("mail", 0.5)], "policy": "p", "model": "v", "initiative": "toy", "unit_id": "m1"}
    record = DecisionRecord(decision_id=decision_id, at_us=AT, **given | changes)
    write(home, decision_line(record, AT, 1))
    return decision_id


def write(home: Home, line: bytes) -> None:
    with (home.log / "1-a-0001.ndjson").open("ab") as file:
        file.write(line)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.create(tmp_path)


def test_a_report_becomes_a_line_and_an_outcome(home: Home) -> None:
    decision_id = logged(home)
    found = report(home, TOY, decision_id, Report(2.5), now_us=NOW)
    assert (found.row.reward, found.row.at_us, found.member_id) == ("worth", NOW, "m1")
    assert (found.duplicate, found.counts) == (False, True)
    write(home, found.line(2))
    assert join(home, TOY, now_us=AT + 48 * HOUR_US).rewarded == 1


def test_the_same_report_again_is_a_duplicate_and_another_value_a_conflict(home: Home) -> None:
    decision_id = logged(home)
    write(home, report(home, TOY, decision_id, Report(2.5), now_us=NOW).line(2))
    assert report(home, TOY, decision_id, Report(2.5), now_us=NOW + 5).duplicate
    with pytest.raises(ConflictError, match=r"value is 3, expected 2.5, which was reported before"):
        report(home, TOY, decision_id, Report(3), now_us=NOW + 5)
    for given in (Report(3, reward_id="may"), Report(3, reward="cost")):
        assert not report(home, TOY, decision_id, given, now_us=NOW + 5).duplicate


def test_a_decision_of_several_slots_needs_the_action(home: Home) -> None:
    decision_id = logged(home, slots=[Slot("t1", 1.0), Slot("t2", 1.0)])
    with pytest.raises(InputError, match=r"action is missing, expected one of the 2 of the decision"):
        report(home, TOY, decision_id, Report(1), now_us=NOW)
    with pytest.raises(InputError, match=r'action is "t9", expected one of the decision\'s: t1, t2'):
        report(home, TOY, decision_id, Report(1, action="t9"), now_us=NOW)
    assert report(home, TOY, decision_id, Report(1, action="t2"), now_us=NOW).row.action == "t2"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (Report(float("nan")), "value is nan, expected a finite number"),
        (Report(1, at=format_at(AT - HOUR_US)), "expected a time not before the decision"),
        (Report(1, at="tomorrow"), 'at is "tomorrow", expected ISO-8601'),
        (Report(1, at=1e30), "expected"),
        (Report(1, at=format_at(NOW + 30 * HOUR_US)), "expected a time not later than"),
    ],
)
def test_what_cannot_be_is_refused(home: Home, given: Report, words: str) -> None:
    with pytest.raises(InputError, match=words):
        report(home, TOY, logged(home), given, now_us=NOW)


def test_an_unknown_decision_is_not_found(home: Home) -> None:
    with pytest.raises(NotFoundError, match="was never logged here"):
        report(home, TOY, new_decision_id(AT), Report(1), now_us=NOW)


def test_without_the_initiative_the_reward_must_have_a_name(home: Home) -> None:
    decision_id = logged(home)
    with pytest.raises(InputError, match="reward is missing"):
        report(home, None, decision_id, Report(1), now_us=NOW)
    found = report(home, None, decision_id, Report(1, reward="worth"), now_us=NOW)
    assert (found.member_id, found.counts) == (None, True)


def test_a_late_report_is_kept_and_counts_for_nothing(home: Home) -> None:
    decision_id = logged(home)
    after = report(home, TOY, decision_id, Report(1), now_us=AT + 25 * HOUR_US)
    assert (after.counts, "after the decision, which is the window" in after.why_not) == (False, True)
    inside = Report(1, at=format_at(NOW))
    assert report(home, TOY, decision_id, inside, now_us=AT + 47 * HOUR_US).counts
    late = report(home, TOY, decision_id, inside, now_us=AT + 49 * HOUR_US)
    assert (late.counts, "became final" in late.why_not) == (False, True)
    write(home, late.line(2))
    assert join(home, TOY, now_us=AT + 50 * HOUR_US).late == 1


def test_a_report_about_a_decision_served_again_is_that_of_the_first(home: Home) -> None:
    first = logged(home)
    again = logged(home, sticky_of=first, slots=[])
    write(home, report(home, TOY, first, Report(2), now_us=NOW).line(2))
    assert report(home, TOY, again, Report(2), now_us=NOW).duplicate
    third = logged(home, sticky_of=first, slots=[])
    other = report(home, TOY, again, Report(5, reward="net"), now_us=NOW)
    write(home, other.line(3))
    assert report(home, TOY, third, Report(5, reward="net"), now_us=NOW).duplicate
    for one in (third, first):
        with pytest.raises(ConflictError, match="value is 7, expected 5"):
            report(home, TOY, one, Report(7, reward="net"), now_us=NOW)
