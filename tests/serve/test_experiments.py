"""Experiments in one process: who answers whom, what decisions say, and arms that are stopped."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.serve.toy_service import Service, a_service, asked, one, raising, sleeping, until

from matinee.errors import InputError, StorageError
from matinee.observe.decisions import DecisionRecord
from matinee.observe.members import Member
from matinee.platform.deciding import Context
from matinee.platform.lifecycle.project import open_registry
from matinee.platform.registry.experiment_rows import End, ExperimentRow
from matinee.prove.experiment.assignment import assign, in_holdout
from matinee.prove.experiment.definition import FALLBACK, Eligible, Guardrail
from matinee.serve.arms import Arms, arms_seen
from matinee.serve.known import Known
from matinee.serve.released import Answer, Released

REACHED = Known(reached=True)


@pytest.fixture
def service(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Service:
    found = a_service(tmp_path, tmp_path_factory)
    found.release(found.made(0))
    return found


def ask(
    served: Released, unit_id: str, *, known: Known = REACHED, context: Context | None = None, n: int = 0
) -> Answer:
    """As the routes ask."""
    place = served.place(unit_id, known, context or {})
    request = asked(unit_id, context=dict(context or {}))
    return asyncio.run(served.answer_async(request, decision_id=f"d-{unit_id}-{n}", place=place))


def ask_all(served: Released, n: int, **more: Any) -> dict[str, DecisionRecord]:
    return {f"m{i}": ask(served, f"m{i}", **more).record for i in range(n)}


def stop_arm(service: Service, arm: str, name: str = "toy-one") -> None:
    with open_registry(service.home) as registry:
        assert registry.experiments.stop_arm(name, arm, 10**15, "it hurts")


def look(arms: Arms) -> list[tuple[str, str, str]]:
    return [(s.experiment, s.arm, s.reason) for s in arms.look(at_us=10**15, wall_us=10**15)]


def test_arms_answer_with_their_versions_and_the_log_says_whose(service: Service) -> None:
    old, new = service.made(0), service.made(1)
    row = service.experiment(old, new, kept_out=0.2)
    with service.served() as served:
        found = ask_all(served, 400)
        again = ask_all(served, 400)
        assert served.status().experiments == ["toy-one"]
        served.keeper.tick()
    for unit, record in found.items():
        place = assign(row.current, unit)
        assert place is not None
        said = {"experiment": "toy-one", "arm": "AB"[place.arm]}
        assert record.context == (said | {"kept_out": True} if place.kept_out else said)
        assert (record.model, record.fallback) == ((old, new)[place.arm], False)
        assert again[unit].context == record.context
    n = sum(record.model == new for record in found.values())
    assert abs(n - 200) < 60
    assert 40 < sum("kept_out" in record.context for record in found.values()) < 120
    with open_registry(service.home) as registry:
        seen = arms_seen(registry.experiments.read("toy-one"), service.count)
    assert (seen["A"].counts.answers, seen["B"].counts.answers) == (2 * (400 - n), 2 * n)
    assert seen["B"].counts.bad == 0


def test_only_its_share_is_in_it_and_a_ramp_moves_nobody(service: Service) -> None:
    service.experiment(service.made(0), service.made(1), share=0.2)
    with service.served() as served:
        before = ask_all(served, 300)
        words = {unit: served.answering(served.place(unit, REACHED, {})) for unit in before}
        with open_registry(service.home) as registry:
            registry.experiments.ramp("toy-one", 0.6, 10**12)
        served.keeper.settle(10)
        after = ask_all(served, 300)
        for unit, record in before.items():
            if "arm" in record.context:
                assert after[unit].context["arm"] == record.context["arm"]
                assert served.answering(served.place(unit, REACHED, {})) == words[unit]
    shares = [sum("arm" in r.context for r in found.values()) / 300 for found in (before, after)]
    assert abs(shares[0] - 0.2) < 0.08
    assert abs(shares[1] - 0.6) < 0.1
    outside = [record for record in after.values() if "arm" not in record.context]
    assert {(record.model, len(record.context)) for record in outside} == {(service.made(0), 0)}


def test_the_arm_keeps_its_version_when_another_one_is_released(service: Service) -> None:
    old, new, third = (service.made(i) for i in range(3))
    service.experiment(old, new, share=0.5)
    with service.served() as served:
        before = ask_all(served, 60)
        service.release(third)
        served.keeper.settle(10)
        after = ask_all(served, 60)
    for unit, record in after.items():
        inside = "arm" in record.context
        assert record.model == (before[unit].model if inside else third)


def test_the_end_frees_the_version_and_everybody_gets_production(service: Service) -> None:
    old, new = service.made(0), service.made(1)
    service.experiment(old, new)
    with service.served() as served:
        place = next(p for i in range(9) if (p := served.place(f"m{i}", REACHED, {})) and p.arm == "B")
        assert served.place_again("toy-one", "B", kept_out=False) is place
        with open_registry(service.home) as registry:
            registry.experiments.stop("toy-one", End(ended_us=10**15))
        served.keeper.settle(10)
        assert {(r.model, "arm" in r.context) for r in ask_all(served, 40).values()} == {(old, False)}
        assert served.place_again("toy-one", "B", kept_out=False) is None
        assert [one.version for one in served.keeper.now.opened] == [old]
        assert list(served.keeper._opened) == [old]


def test_the_poll_follows_a_start_and_a_stopped_arm(service: Service) -> None:
    old, new = service.made(0), service.made(1)
    with service.served() as served:
        served.start()
        service.experiment(old, new)
        until(lambda: served.status().experiments == ["toy-one"], 5)
        unit = next(u for u, record in ask_all(served, 20).items() if record.model == new)
        word = served.answering(served.place(unit, REACHED, {}))
        stop_arm(service, "B")
        until(lambda: ask(served, unit).record.model == old, 3)
        record = ask(served, unit).record
        assert record.context == {"experiment": "toy-one", "arm": "B", "arm_stopped": True}
        assert served.answering(served.place(unit, REACHED, {})) != word
        assert list(served.keeper._opened) == [old]


def test_units_of_the_holdout_are_in_no_experiment_and_say_so(service: Service) -> None:
    service.experiment(service.made(1), service.made(2))
    with service.served(holdout=0.3) as served:
        found = ask_all(served, 200)
    for unit, record in found.items():
        if in_holdout(0.3, unit):
            assert (record.model, record.context) == (service.made(0), {"holdout": True})
        else:
            assert record.context["arm"] in ("A", "B")
    assert 30 < sum("holdout" in record.context for record in found.values()) < 90


def test_who_is_not_eligible_is_answered_by_production(service: Service) -> None:
    who = Eligible(territories=("AT",), devices=("tv", "phone"), kids=False)
    service.experiment(service.made(1), service.made(2), eligible=who)
    austrian, kid = Member("m1", None, "AT"), Member("m1", None, "AT", 6, kids=True)
    with service.served() as served:

        def inside(member: Member | None, **context: str | bool) -> bool:
            known = Known(member, reached=True)
            return "arm" in ask(served, "m1", known=known, context=dict(context)).record.context

        assert inside(austrian, device="tv")
        assert inside(None, device="tv", territory="AT")
        assert not inside(austrian, device="watch")
        assert not inside(austrian)
        assert not inside(austrian, device="tv", kids=True)
        assert not inside(austrian, device="tv", territory="DE")
        assert not inside(kid, device="tv")
        assert not inside(None, device="tv")
        assert "arm" not in ask(served, "m1", known=Known(austrian), context={"device": "tv"}).record.context


def test_members_of_an_account_get_the_same_arm(service: Service) -> None:
    row = service.experiment(service.made(0), service.made(1), unit="account")
    with service.served() as served:
        for i in range(30):
            expected = assign(row.current, f"a{i}")
            assert expected is not None
            for j in range(3):
                known = Known(Member(f"m{i}-{j}", f"a{i}"), reached=True)
                record = ask(served, f"m{i}-{j}", known=known).record
                assert record.context["arm"] == "AB"[expected.arm]
        alone = assign(row.current, "m1")
        assert alone is not None
        assert ask(served, "m1").record.context["arm"] == "AB"[alone.arm]


def test_an_arm_that_does_not_open_is_answered_by_production_counted_and_told(service: Service) -> None:
    old, new = service.made(0), service.made(1)
    service.experiment(old, new)
    (service.home.releases / "toy" / new / "weights.npy").write_bytes(b"damaged")
    with service.served() as served, open_registry(service.home) as registry:
        arms = Arms(registry, service.count, answers=1_000)
        assert look(arms) == []
        found = ask_all(served, 60)
        theirs = [record for record in found.values() if record.context["arm"] == "B"]
        assert {(r.model, r.fallback, r.context["arm_missing"]) for r in theirs} == {(old, False, True)}
        assert all("arm_missing" not in r.context for r in found.values() if r.context["arm"] == "A")
        assert served.status().troubles[0].startswith(f"{new}: StorageError")
        served.keeper.tick()
        assert look(arms) == []
        (alert,) = registry.alerts.open("toy")
        assert alert.text.startswith(
            f"arm B of toy-one: {new} does not open, so what is in production answered"
        )
        assert (alert.monitor, alert.owner) == ("experiment", "kim")
        ((_, arm, reason),) = look(Arms(registry, service.count, answers=10))
        assert arm == "B"
        assert reason.endswith(f"; {len(theirs)} since {new} does not open")


def test_units_are_assigned_once_all_arms_are_open(service: Service) -> None:
    with service.served() as served:
        service.experiment(service.made(1), service.made(2))
        served.keeper._wanted = served.keeper._look()
        with served.keeper._lock:
            served.keeper._arrange()
        assert "arm" not in ask(served, "m1").record.context
        served.keeper._open(service.made(1))
        assert served.keeper.now.trials.running == ()
        served.keeper._open(service.made(2))
        assert ask(served, "m1").record.context["arm"] in ("A", "B")


def test_the_fallback_can_be_an_arm(service: Service) -> None:
    service.experiment(service.made(0), FALLBACK)
    with service.served() as served:
        found = ask_all(served, 40)
        served.keeper.refresh()
        found |= {f"{unit} later": record for unit, record in ask_all(served, 40).items()}
        served.keeper.tick()
    theirs = [record for record in found.values() if record.context["arm"] == "B"]
    assert {(r.model, r.policy, r.fallback) for r in theirs} == {("none", "toy/nothing", False)}
    assert all("fallback_reason" not in r.context for r in theirs)
    with open_registry(service.home) as registry:
        seen = arms_seen(registry.experiments.read("toy-one"), service.count)
    assert (seen["B"].counts.answers, seen["B"].counts.fallback) == (len(theirs), 0)


def test_an_arm_that_fails_is_stopped_by_itself(service: Service) -> None:
    old, new = service.made(0), service.made(1)
    service.experiment(old, new)
    with service.served() as served, open_registry(service.home) as registry:
        arms = Arms(registry, service.count, answers=10)
        service.behaviours[new] = raising(ValueError("boom"))
        found = ask_all(served, 60)
        served.keeper.tick()
        failed = [record for record in found.values() if record.context["arm"] == "B"]
        assert {(record.fallback, record.model) for record in failed} == {(True, "none")}
        ((_, arm, reason),) = look(arms)
        assert (arm, look(arms)) == ("B", [])
        assert reason.startswith(f"100.0% of {len(failed)} answers late, empty or by the fallback")
        served.keeper.settle(10)
        assert {record.model for record in ask_all(served, 60).values()} == {old}
        (alert,) = registry.alerts.open("toy")
        assert alert.text == f"arm B of toy-one was stopped: {reason}."
        stop = registry.experiments.read("toy-one").stopped_arms["B"]
        assert (stop.reason, stop.at_us, stop.made_by) == (reason, 10**15, None)
        n = arms_seen(registry.experiments.read("toy-one"), service.count)["B"].counts.answers
        served.keeper.tick()
        assert arms_seen(registry.experiments.read("toy-one"), service.count)["B"].counts.answers == n


def test_a_control_that_fails_stops_nobody(service: Service) -> None:
    old, new = service.made(0), service.made(1)
    service.experiment(old, new)
    with service.served() as served, open_registry(service.home) as registry:
        service.behaviours[old] = lambda _: one("mail", 7.0)
        ask_all(served, 60)
        served.keeper.tick()
        assert look(Arms(registry, service.count, answers=10)) == []


def test_a_forbidden_slot_stops_its_arm_at_once(service: Service) -> None:
    service.experiment(service.made(0), service.made(1))
    with service.served() as served, open_registry(service.home) as registry:
        found = ask_all(served, 20)
        for arm, expected in (("A", []), ("B", ["B"])):
            record = next(r for r in found.values() if r.context["arm"] == arm)
            served.count_violations(record, record.slots)
            served.keeper.tick()
            stopped = look(Arms(registry, service.count, answers=1_000))
            assert [who for _, who, _ in stopped] == expected


def test_a_broken_guardrail_stops_its_arm_and_an_unreadable_lake_nobody(service: Service) -> None:
    rails = (Guardrail("plays"),)
    service.experiment(service.made(0), service.made(1), service.made(2), guardrails=rails)
    asked_about: list[tuple[str, int]] = []

    def broken(row: ExperimentRow, until_us: int) -> list[tuple[str, str, str]]:
        asked_about.append((row.name, until_us))
        return [("C", "plays", "plays of C are 9% below those of A."), ("A", "plays", "what nobody says")]

    def unreadable(_row: ExperimentRow, _until_us: int) -> list[tuple[str, str, str]]:
        raise StorageError("lake: gone")

    with open_registry(service.home) as registry:
        arms = Arms(registry, service.count, answers=10)
        with pytest.raises(StorageError):
            arms.look_at_metrics(unreadable, at_us=7, wall_us=8)
        assert not registry.experiments.read("toy-one").stopped_arms
        (stopped,) = arms.look_at_metrics(broken, at_us=7, wall_us=8)
        assert (stopped.arm, stopped.reason) == ("C", "plays of C are 9% below those of A")
        assert arms.look_at_metrics(broken, at_us=9, wall_us=10) == []
        (alert,) = registry.alerts.open("toy")
        assert (alert.opened_us, alert.text) == (8, f"arm C of toy-one was stopped: {stopped.reason}.")
        registry.experiments.stop_arm("toy-one", "B", 11, "by hand")
        assert arms.look_at_metrics(broken, at_us=12, wall_us=13) == []
    assert asked_about == [("toy-one", 7), ("toy-one", 9)]


def test_a_canary_and_an_experiment_exclude_each_other(service: Service) -> None:
    service.experiment(service.made(0), service.made(1))
    with pytest.raises(InputError, match=r"experiment toy-one runs since .* expected no experiment beside"):
        service.rollout(service.made(2), "canary")


def test_interleaving_asks_both_and_says_whose_each_slot_is(service: Service) -> None:
    old, new = service.made(0), service.made(1)
    row = service.experiment(old, new, kind="interleaving")
    with service.served() as served:
        service.behaviours[old] = lambda _: one("call")
        service.behaviours[new] = lambda _: one("mail")
        found = ask_all(served, 60)
        same = ask(served, "m1").record
        served.keeper.tick()
        blocking = served.answer(asked("m1"), decision_id="d-m1-0", place=served.place("m1", REACHED, {}))
    assert row.definition.kind == "interleaving"
    for record in found.values():
        assert (record.model, record.policy, record.fallback) == (f"{old}+{new}", "team-draft", False)
        assert record.context["arm"] == "both"
        assert (record.slots[0].action, record.context["teams"]) in (("call", "A"), ("mail", "B"))
    assert 15 < sum(record.context["teams"] == "A" for record in found.values()) < 45
    for other in (same, blocking.record):
        assert (other.slots, other.context) == (found["m1"].slots, found["m1"].context)


def test_interleaving_goes_on_with_the_arm_that_answers(service: Service) -> None:
    old, new = service.made(0), service.made(1)
    service.experiment(old, new, kind="interleaving")
    with service.served(budget_ms=100.0) as served, open_registry(service.home) as registry:
        service.behaviours[new] = raising(ValueError("boom"))
        alone = ask(served, "m1").record
        assert (alone.model, alone.fallback, alone.context["alone"]) == (old, False, "A")
        assert alone.context["arm"] == "both"
        assert "teams" not in alone.context
        service.behaviours.clear()
        service.behaviours[old] = sleeping(0.5)
        late = ask(served, "m2").record
        assert (late.model, late.fallback, late.context["alone"]) == (new, False, "B")
        until(lambda: served.keeper.now.incumbent.pool.busy == 0)
        served.keeper.tick()
        seen = arms_seen(registry.experiments.read("toy-one"), service.count)
        assert (seen["A"].counts.answers, seen["A"].counts.bad, seen["A"].counts.late) == (2, 1, 1)
        assert (seen["B"].counts.answers, seen["B"].counts.bad, seen["B"].counts.late) == (2, 1, 0)
        service.behaviours |= {old: raising(ValueError("a")), new: raising(ValueError("b"))}
        assert ask(served, "m3").record.fallback
        service.behaviours.clear()
        stop_arm(service, "B")
        served.keeper.settle(10)
        record = ask(served, "m4").record
        assert (record.model, record.context["alone"], record.context["arm_stopped"]) == (old, "A", True)
