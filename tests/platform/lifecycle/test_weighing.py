"""What a version would have done in logged decisions, and what it may not be asked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from tests.platform.gates.candidates import candidate
from tests.platform.lifecycle.logged_toy import AT, BOUNDED, LEARNED, START, decide, version
from tests.platform.toys import TOY, ToyModel

from matinee.errors import InputError
from matinee.observe.decision_log import decision_line, new_decision_id
from matinee.observe.decisions import DecisionRecord, Slot
from matinee.observe.home import Home
from matinee.platform.abilities import Weighs
from matinee.platform.deciding import Decided, Request, Surroundings
from matinee.platform.gates.off_policy import GainBound
from matinee.platform.initiative import Initiative
from matinee.platform.lifecycle.project import open_project_of
from matinee.platform.lifecycle.releasing import release
from matinee.platform.lifecycle.weighing import NO_ACTION, WeighConfig, Weighed, weigh
from matinee.platform.outcomes.join import join
from matinee.prove.offpolicy.evaluating import evaluate
from matinee.prove.offpolicy.log import EmptyLogError
from matinee.types import DAY_US, HOUR_US

OLD, NEW = (1.0, 1.0, 2.0), (0.5, 3.0, 0.5)


def weighed(home: Home, name: str, initiative: Initiative = BOUNDED, **given: object) -> Weighed:
    with open_project_of(home, initiative, at=AT) as project:
        return weigh(project, project.named(name), WeighConfig(**given))  # type: ignore[arg-type]


def test_a_version_is_worth_what_it_would_have_brought(home: Home) -> None:
    old = version(home, OLD, release=True)
    new = version(home, NEW)
    decide(home, old, OLD, 1_500)
    found = weighed(home, new)
    report = evaluate(found.problem)
    truth = (0.5 * 0.2 + 3 * 0.8 + 0.5 * 0.1) / 4
    for name in ("ips", "snips", "dr"):
        one = report.estimates[name]
        assert abs(one.value - truth) < 4 * one.standard_error
    assert (found.version, found.n_learned, found.learned_us) == (new, 0, LEARNED)
    assert (found.problem.reward_low, found.problem.reward_high) == (0.0, 1.0)
    assert report.diagnostics.support == pytest.approx(1.0)


@pytest.mark.slow
def test_decisions_that_it_may_have_learned_from_are_left_out(home: Home) -> None:
    old = version(home, OLD, release=True)
    decide(home, old, OLD, 200)
    late = version(home, NEW, at_us=START + 100 * 60_000_000)
    found = weighed(home, late)
    assert (found.n_learned, len(found.problem.log)) == (101, 99)
    assert found.problem.log.left_out == {"that the version may have learned from": 101}
    assert (weighed(home, late, learned=True).n_learned, len(weighed(home, late, learned=True).asked)) == (
        101,
        200,
    )
    last = version(home, NEW, at_us=START + DAY_US)
    with pytest.raises(EmptyLogError, match="left out: 200 that the version may have learned from"):
        weighed(home, last)


def test_pages_are_not_weighed_and_what_they_have_instead_is_named(home: Home) -> None:
    old = version(home, OLD, release=True)
    slots = (Slot("call", 0.5), Slot("mail", 0.5))
    page = DecisionRecord(new_decision_id(START), "toy", "m1", START, "toy/pages-1", old, slots)
    (home.log / f"{START}-1-0001.ndjson").write_bytes(decision_line(page, START, 0))
    join(home, TOY, now_us=START + 30 * DAY_US)
    with pytest.raises(InputError, match="1 of its decisions have several slots") as told:
        weighed(home, version(home, NEW))
    assert "matinee ope --slates --policy FILE" in str(told.value)
    assert "--explored" in str(told.value)


def test_it_is_asked_as_of_the_moment_and_never_after(home: Home) -> None:
    seen: list[tuple[int, int]] = []

    @dataclass
    class Looking:
        at_us: int
        policy: str = "toy/looking"

        def decide(self, request: Request) -> Decided:
            return Decided((), ())

        def probabilities(self, request: Request) -> dict[str, float]:
            seen.append((self.at_us, request.at_us))
            return {"mail": 1.0}

    old = version(home, OLD, release=True)
    decide(home, old, OLD, 90)
    looking = replace(BOUNDED, open=lambda _, around: Looking(around.at_us))
    assert weighed(home, old, looking).n_moments == len({opened for opened, _ in seen}) <= 3
    assert all(0 <= asked - opened < HOUR_US for opened, asked in seen)
    seen.clear()
    assert weighed(home, old, looking, as_of_h=0.0).n_moments == 90
    assert all(asked == opened for opened, asked in seen)


def test_a_decider_that_cannot_weigh_is_named(home: Home) -> None:
    class Silent:
        policy = "toy/silent"

        def decide(self, request: Request) -> Decided:
            return Decided((), ())

    assert not isinstance(Silent(), Weighs)
    old = version(home, OLD, release=True)
    decide(home, old, OLD, 10)
    with pytest.raises(InputError, match=rf"version {old}: its decider \(Silent\) cannot say how probably"):
        weighed(home, old, replace(BOUNDED, open=lambda *_: Silent()))


def test_what_fails_or_permits_nothing_is_told(home: Home) -> None:
    class Odd:
        policy = "toy/odd"

        def __init__(self, folder: Path, around: Surroundings) -> None:
            self.weights = ToyModel.load(folder).weights

        def decide(self, request: Request) -> Decided:
            return Decided((), ())

        def probabilities(self, request: Request) -> dict[str, float]:
            if request.unit_id == "m7" and self.weights[0] > 5:
                raise ValueError("no such member")
            return {} if request.unit_id == "m3" else {"mail": 1.0}

    odd = replace(BOUNDED, open=Odd)
    old = version(home, OLD, release=True)
    decide(home, old, OLD, 20)
    assert weighed(home, old, odd).problem.log.left_out == {NO_ACTION: 1}
    with pytest.raises(
        InputError, match=r'cannot weigh the decision about "m7" at \d+ \(ValueError: no such'
    ):
        weighed(home, version(home, (9.0, 1.0, 1.0)), odd)
    with pytest.raises(InputError, match=r"as_of_h is -1, expected hours, 0 or more"):
        WeighConfig(as_of_h=-1)


def test_actions_that_the_log_could_not_take_refuse_it_unless_callers_narrow(home: Home) -> None:
    narrow = (1.0, 0.0, 1.0)
    old = version(home, OLD, release=True)
    decide(home, old, narrow, 400)
    report = evaluate(weighed(home, old).problem)
    assert report.verdict == "refused"
    assert any('actions that the log could not take, most on "mail"' in one for one in report.reasons)
    found = weighed(home, old, narrowed=True)
    assert evaluate(found.problem).verdict == "estimated"
    assert found.problem.target.expected(np.array([1.0] * len(found.problem.log.names)))[0] == pytest.approx(
        1
    )


@pytest.mark.slow
def test_the_gate_reads_the_log_of_the_initiative(home: Home) -> None:
    old = version(home, OLD, release=True)
    better, worse = version(home, NEW), version(home, (3.0, 0.5, 0.5))
    gated = replace(BOUNDED, gates=(GainBound(),))
    none_yet = replace(gated, reward=replace(gated.reward, low=None))

    def said(name: str, initiative: Initiative = gated) -> tuple[str, str]:
        class Asked:
            name = "off_policy"

            def check(self, given):  # type: ignore[no-untyped-def]
                return GainBound()(given)

        with open_project_of(home, replace(initiative, gates=(Asked(),)), at=AT) as project:
            (found,) = release(project, released_us=1, version=name, dry_run=True).gates
        return found.verdict, found.text

    assert said(better)[0] == "not_measured"
    decide(home, old, OLD, 800)
    assert said(better)[0] == "passed"
    assert said(worse)[0] == "failed"
    assert said(better, none_yet)[1].startswith("The reward has no known bounds")
    fresh = version(home, (0.5, 3.0, 0.4), at_us=START + 20 * DAY_US)
    assert "800 that the version may have learned from" in said(fresh)[1]
    assert GainBound()(candidate()).text == "No decision with a known outcome is logged yet."
