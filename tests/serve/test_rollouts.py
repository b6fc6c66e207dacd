"""Shadows and canaries: who is in, what is counted, and a canary that does worse is taken back by itself."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from tests.serve.toy_service import Counters, Service, a_service, asked, one, raising, sleeping, until

from matinee.errors import StorageError
from matinee.observe.decisions import DecisionRecord, Slot
from matinee.platform.deciding import Decided, Request
from matinee.platform.lifecycle.project import open_registry
from matinee.serve.released import Released
from matinee.serve.rollouts import (
    CANARY,
    INCUMBENT,
    ArmCounts,
    Judged,
    arms,
    chosen,
    equal_slots,
    judge,
    judge_all,
    shadow_seen,
    tried,
    why_back,
)
from matinee.serve.tally import Tally


@pytest.fixture
def service(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Service:
    return a_service(tmp_path, tmp_path_factory)


@pytest.fixture
def pair(service: Service) -> tuple[str, str]:
    """What is in production, and what is tried."""
    old, new = service.made(0), service.made(1)
    service.release(old)
    return old, new


def ask_all(served: Released, n: int) -> dict[str, DecisionRecord]:
    return {f"m{i}": served.answer(asked(f"m{i}"), decision_id=f"d{i}").record for i in range(n)}


def judged(service: Service, least: int = 10) -> Judged | None:
    with open_registry(service.home) as registry:
        return judge(registry, service.count, "toy", canary_answers=least, now_us=10**15)


def test_a_canary_answers_its_share_and_a_unit_stays_in_it(service: Service, pair: tuple[str, str]) -> None:
    old, new = pair
    rollout = service.rollout(new, "canary", share=0.3)
    with service.served() as served:
        first, second = ask_all(served, 200), ask_all(served, 200)
        served.keeper.tick()
        assert served.status().beside == new
        assert served.serving == f"{old}+{rollout.id}"
    in_it = {unit for unit, record in first.items() if record.model == new}
    assert in_it == {unit for unit, record in second.items() if record.model == new}
    assert in_it == {f"m{i}" for i in range(200) if chosen("salt", f"m{i}", 0.3)}
    assert 35 <= len(in_it) <= 85
    for unit, record in first.items():
        assert record.context.get("canary") == (str(rollout.id) if unit in in_it else None)
    ours, theirs = arms(rollout, service.count)
    assert (ours.answers, theirs.answers) == (2 * len(in_it), 400 - 2 * len(in_it))
    assert (ours.bad, theirs.bad, ours.violations) == (0, 0, 0)


def test_the_assignment_of_two_rollouts_has_nothing_to_do_with_each_other() -> None:
    units = [f"m{i}" for i in range(20_000)]
    one_, other = [{u for u in units if chosen(salt, u, 0.1)} for salt in ("a", "b")]
    assert abs(len(one_) - 2_000) < 150
    assert abs(len(one_ & other) - 200) < 60
    assert {u for u in units if chosen("a", u, 0.05)} <= one_


def test_a_canary_that_falls_back_is_taken_back_by_itself(service: Service, pair: tuple[str, str]) -> None:
    old, new = pair
    rollout = service.rollout(new, "canary")
    with service.served() as served:
        served.start()
        service.behaviours[new] = raising(ValueError("boom"))
        ask_all(served, 60)
        served.keeper.tick()
        found = judged(service)
        assert found is not None
        assert found.ended
        assert found.evidence > 100
        assert (found.canary.fallback, found.incumbent.bad) == (found.canary.answers, 0)
        until(lambda: served.status().rollout is None, 3)
        assert {record.model for record in ask_all(served, 60).values()} == {old}
    with open_registry(service.home) as registry:
        (over,) = registry.rollouts.history("toy")
        (alert,) = registry.alerts.open("toy")
    assert (over.id, over.verdict, over.ended_by) == (rollout.id, "rolled back", None)
    assert over.reason.startswith(f"100.0% of {found.canary.answers} answers late, empty or by the fallback")
    assert (alert.monitor, alert.key, alert.owner) == ("canary", new, "tests")
    assert over.reason in alert.text
    assert judged(service) is None


def test_a_canary_that_is_equal_goes_on(service: Service, pair: tuple[str, str]) -> None:
    service.rollout(pair[1], "canary")
    with service.served() as served:
        for _ in range(3):
            ask_all(served, 100)
            served.keeper.tick()
            found = judged(service)
            assert found is not None
            assert found.reason is None
        assert served.status().rollout is not None


def test_a_slow_canary_does_not_hold_up_the_others(service: Service, pair: tuple[str, str]) -> None:
    old, new = pair
    service.rollout(new, "canary")
    with service.served(budget_ms=60.0) as served:
        service.behaviours[new] = sleeping(0.3)
        found = ask_all(served, 40)
        served.keeper.tick()
        for unit, record in found.items():
            if chosen("salt", unit, 0.5):
                assert record.fallback
                assert str(record.context["fallback_reason"]) in ("late", "stuck", "resting", "overloaded")
            else:
                assert record.model == old
        look = judged(service)
        assert look is not None
        assert look.reason is not None
        assert look.canary.late == look.canary.answers


def test_a_broken_constraint_ends_a_canary_at_once(service: Service, pair: tuple[str, str]) -> None:
    service.rollout(pair[1], "canary")
    with service.served() as served:
        found = ask_all(served, 6)
        served.keeper.tick()
        assert judged(service, least=1_000).reason is None  # type: ignore[union-attr]
        theirs = next(record for record in found.values() if "canary" not in record.context)
        served.count_violations(theirs, 2 * theirs.slots)
        served.keeper.tick()
        assert judged(service, least=1_000).reason is None  # type: ignore[union-attr]
        ours = next(record for record in found.values() if "canary" in record.context)
        served.count_violations(ours, ours.slots)
        served.keeper.tick()
        with open_registry(service.home) as registry:
            names = tried(registry)
            (look,) = judge_all(registry, service.count, names, canary_answers=1_000, now_us=10**15)
        assert names == ["toy"]
    assert look.ended
    assert look.reason == f"1 constraint violations in {look.canary.answers} answers, expected none"


def test_an_answer_that_breaks_the_contract_is_a_broken_constraint(
    service: Service, pair: tuple[str, str]
) -> None:
    service.rollout(pair[1], "canary")
    with service.served() as served:
        service.behaviours[pair[1]] = lambda _: one("mail", 7.0)
        ask_all(served, 6)
        served.keeper.tick()
        look = judged(service, least=1_000)
    assert look is not None
    assert look.ended
    assert look.canary.violations == look.canary.answers


def test_a_canary_that_does_not_open_counts_as_failing(service: Service, pair: tuple[str, str]) -> None:
    old, new = pair
    service.rollout(new, "canary")
    (service.home.releases / "toy" / new / "weights.npy").write_bytes(b"damaged")
    with service.served() as served:
        assert {record.model for record in ask_all(served, 60).values()} == {old}
        assert served.status().troubles[0].startswith(f"{new}: StorageError")
        served.keeper.tick()
        look = judged(service)
    assert look is not None
    assert look.ended
    assert look.canary.bad == look.canary.answers > 0


def test_a_release_of_the_canary_needs_no_opening(service: Service, pair: tuple[str, str]) -> None:
    new = pair[1]
    service.rollout(new, "canary")
    with service.served() as served:
        n_opened = len(service.opened)
        service.release(new)
        served.keeper.tick()
        assert (served.status().version, served.status().rollout) == (new, None)
        assert len(service.opened) == n_opened
    with open_registry(service.home) as registry:
        assert registry.rollouts.history("toy")[0].verdict == "released"


def test_what_cannot_be_counted_now_is_counted_later(service: Service, pair: tuple[str, str]) -> None:
    rollout = service.rollout(pair[1], "canary")
    tally, counters, broken = Tally(), Counters(), [True]

    def count(name: str, n: int) -> int:
        if broken[0] and name != "a":
            raise StorageError("state: gone")
        return counters(name, n)

    tally.share({"a": 1, "b": 2})
    assert tally.flush(count) is False
    broken[0] = False
    tally.share({"b": 3})
    assert tally.flush(count) is True
    assert counters.values == {"a": 1, "b": 5}
    assert arms(rollout, counters) == (ArmCounts(), ArmCounts())


def test_a_message_goes_out_and_one_that_does_not_arrive_is_an_alert(
    service: Service, pair: tuple[str, str]
) -> None:
    rollout = service.rollout(pair[1], "canary")
    for what, n in (("answers", 100), ("bad", 90)):
        service.count(f"canary:{rollout.id}:{CANARY}:{what}", n)
        service.count(f"canary:{rollout.id}:{INCUMBENT}:{what}", 1_000 if what == "answers" else 0)
    with open_registry(service.home) as registry:
        look = judge(
            registry, service.count, "toy", canary_answers=10, now_us=10**15, webhook="ftp://nowhere"
        )
        assert look is not None
        assert look.ended
        assert {row.monitor for row in registry.alerts.open("toy")} == {"canary", "webhook"}


def test_it_waits_for_enough_answers() -> None:
    assert why_back(ArmCounts(199, 199), ArmCounts(2_000, 0), least=200) == (None, 1.0)
    assert why_back(ArmCounts(200, 199), ArmCounts(2_000, 0), least=200)[0] is not None


def test_equal_slots_of_the_first_screen() -> None:
    shown = [Slot("a", 1.0, 1, 1), Slot("b", 1.0, 1, 2), Slot("z", 1.0, 7, 1)]
    record = DecisionRecord("d", "toy", "m1", 0, "p", "v", shown)
    assert equal_slots(record, [Slot("a", 0.1, 1, 1), Slot("c", 1.0, 1, 2), Slot("y", 1.0, 7, 1)]) == (1, 2)
    assert equal_slots(record, []) == (0, 2)


def test_a_shadow_is_logged_and_compared_and_not_shown(service: Service, pair: tuple[str, str]) -> None:
    old, new = pair
    rollout = service.rollout(new, "shadow", share=1.0)
    logged: list[DecisionRecord] = []
    with service.served(log=logged.append) as served:
        service.behaviours[old] = lambda _: one("call")
        service.behaviours[new] = lambda request: one("call" if int(request.unit_id[1:]) % 2 else "mail")
        for i in range(10):
            answer = served.answer(asked(f"m{i}", context={"device": "tv"}), decision_id=f"d{i}")
            assert answer.record.model == old
            until(lambda i=i: len(logged) == i + 1)  # type: ignore[misc]
        served.keeper.tick()
        seen = shadow_seen(rollout, service.count)
    assert {record.model for record in logged} == {new}
    first = logged[0]
    assert first.context == {"device": "tv", "shadow": True, "shadow_of": "d0", "rollout": str(rollout.id)}
    assert first.decision_id not in {f"d{i}" for i in range(10)}
    assert (seen.answers, seen.failed, seen.agreement) == (10, 0, 0.5)
    assert seen.took_ms is not None
    assert served.tally.counts["shadow:answers"] == 10


def test_a_shadow_answers_its_share_of_the_requests(service: Service, pair: tuple[str, str]) -> None:
    service.rollout(pair[1], "shadow", share=0.25)
    logged: list[DecisionRecord] = []
    with service.served(log=logged.append) as served:
        wanted = [f"d{i}" for i in range(40) if chosen("salt", f"d{i}", 0.25)]
        for i in range(40):
            served.answer(asked(), decision_id=f"d{i}")
            until(lambda i=i: len(logged) == sum(int(d[1:]) <= i for d in wanted))  # type: ignore[misc]
    assert [record.context["shadow_of"] for record in logged] == wanted


def test_a_shadow_never_delays_and_drops_what_it_has_no_time_for(
    service: Service, pair: tuple[str, str]
) -> None:
    rollout = service.rollout(pair[1], "shadow", share=1.0)
    free = threading.Event()

    def stuck(_request: Request) -> Decided:
        free.wait(20)
        return one("mail")

    with service.served() as served:
        service.behaviours[pair[1]] = stuck
        began = time.perf_counter()
        for i in range(60):
            assert served.answer(asked(f"m{i}"), decision_id=f"d{i}").fallback is None
        assert time.perf_counter() - began < 5
        assert served.tally.counts["shadow:dropped"] >= 60 - 16 - 2
        free.set()
        served.keeper.tick()
        assert shadow_seen(rollout, service.count).dropped >= 40


def test_a_shadow_that_fails_or_cannot_be_logged_is_counted(service: Service, pair: tuple[str, str]) -> None:
    rollout = service.rollout(pair[1], "shadow", share=1.0)

    def full(_record: DecisionRecord) -> None:
        raise StorageError("log: disk full")

    with service.served(log=full) as served:
        served.answer(asked(), decision_id="d1")
        until(lambda: served.tally.counts.get("shadow:not_logged") == 1)
        service.behaviours[pair[1]] = raising(ValueError("boom"))
        served.answer(asked(), decision_id="d2")
        until(lambda: served.tally.counts.get("shadow:failed") == 1)
        served.keeper.tick()
        assert shadow_seen(rollout, service.count).failed == 1


def test_a_shadow_ends_when_it_is_stopped(service: Service, pair: tuple[str, str]) -> None:
    from matinee.platform.lifecycle.rolling_out import stop_rollout

    service.rollout(pair[1], "shadow", share=1.0)
    logged: list[DecisionRecord] = []
    with service.served(log=logged.append) as served:
        with open_registry(service.home) as registry:
            stop_rollout(registry, "toy", ended_us=99)
        served.keeper.tick()
        assert served.keeper.now.shadow is None
        served.answer(asked(), decision_id="d1")
        until(lambda: not any(t.name == "shadow-toy" for t in threading.enumerate()))
    assert logged == []
