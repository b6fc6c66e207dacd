"""What is in production in one process: swaps without a dropped request, bad models, the budget."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.platform.toys import TOY, Nothing, ToyForecaster
from tests.serve.toy_service import Service, a_service, asked, one, raising, sleeping, until

from matinee.errors import InputError, StorageError
from matinee.observe.members import Member
from matinee.observe.state.record import MemberRecord
from matinee.platform.deciding import Decided, Decider, Request, Surroundings
from matinee.platform.initiative import Fallback, Initiative
from matinee.platform.lifecycle.project import open_registry
from matinee.platform.registry.releases import Releases
from matinee.platform.registry.rollouts import End
from matinee.serve import keeping
from matinee.serve.config import ServeConfig
from matinee.serve.keeping import AHEAD_US
from matinee.serve.moment import Moment
from matinee.serve.opening import Opener, Undaunted
from matinee.serve.released import Released


@pytest.fixture
def service(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Service:
    return a_service(tmp_path, tmp_path_factory)


@pytest.fixture
def released(service: Service) -> str:
    version = service.made(0)
    service.release(version)
    return version


def test_the_release_answers_and_the_record_is_complete(service: Service, released: str) -> None:
    with service.served() as served:
        answer = served.answer(asked(context={"device": "tv"}), decision_id="d1")
        again = asyncio.run(served.answer_async(asked(), decision_id="d2"))
        nothing = served.answer(asked(actions=()), decision_id="d3")
    record = answer.record
    assert (record.decision_id, record.model, record.policy, record.fallback) == (
        "d1",
        released,
        "toy/acting",
        False,
    )
    assert record.context["device"] == "tv"
    assert record.latency_ms is not None
    assert set(answer.stages) == {"wait", "decide"}
    assert again.record.slots == record.slots
    assert (nothing.record.slots, nothing.record.context["reason"]) == ([], "no_eligible_action")


def test_without_a_release_the_fallback_answers_and_says_so(service: Service) -> None:
    with service.served() as served:
        answer = asyncio.run(served.answer_async(asked(), decision_id="d1"))
        assert served.status().version == "none"
        assert served.status().troubles == []
    assert (answer.fallback, answer.record.fallback, answer.record.model) == ("no model", True, "none")
    assert answer.record.context["fallback_reason"] == "no model"
    assert served.tally.counts["fallback:no model"] == 1


def test_a_forecast_is_not_served(service: Service) -> None:
    values = {name: getattr(TOY, name) for name in TOY.__dataclass_fields__}
    values |= {"actions": None, "target": "plays", "open": ToyForecaster.open}
    opener = Opener(service.home, Initiative(**values), Moment.open(service.home))
    with pytest.raises(InputError, match="toy: forecasts, expected an initiative that decides"):
        Released.over(opener, ServeConfig())


def test_swaps_under_load_drop_nothing_and_go_one_way(service: Service, released: str) -> None:
    versions = [released, *(service.made(bias) for bias in (1, 2, 3))]
    seen: dict[int, list[str]] = {}
    stop = threading.Event()

    def ask(number: int, served: Released) -> None:
        mine = seen.setdefault(number, [])
        while not stop.is_set():
            answer = served.answer(asked(f"m{number}"), decision_id="d")
            mine.append(answer.record.model if answer.fallback is None else f"fallback: {answer.fallback}")

    with service.served(budget_ms=5_000.0, threads=4) as served:
        threads = [threading.Thread(target=ask, args=(i, served)) for i in range(4)]
        for thread in threads:
            thread.start()
        for version in versions[1:]:
            service.release(version)
            served.keeper.settle(10)
            assert served.status().version == version
            time.sleep(0.05)
        stop.set()
        for thread in threads:
            thread.join()
    for mine in seen.values():
        assert list(dict.fromkeys(mine)) == [v for v in versions if v in mine]
        assert mine == sorted(mine, key=versions.index)
        assert mine[-1] == versions[-1]
    assert served.tally.counts["swapped"] == 4


def test_the_poll_follows_a_release_and_a_rollback_by_itself(service: Service, released: str) -> None:
    newer = service.made(1)
    with service.served() as served:
        served.start()
        before = served.serving
        service.release(newer)
        until(lambda: served.status().version == newer)
        assert served.serving != before
        service.rollback()
        until(lambda: served.status().version == released)
        assert served.answer(asked(), decision_id="d").record.model == released


def test_an_old_version_is_freed(service: Service, released: str) -> None:
    newer = service.made(1)
    with service.served() as served:
        served.answer(asked(), decision_id="d")
        old = weakref.ref(served.keeper.now.incumbent.answering.decider)
        service.release(newer)
        served.keeper.settle(10)
        served.answer(asked(), decision_id="d")
        gc.collect()
        assert old() is None


def test_a_release_that_does_not_open_leaves_the_old_one(service: Service, released: str) -> None:
    newer = service.made(1)
    weights = service.home.releases / "toy" / newer / "weights.npy"
    kept = weights.read_bytes()
    weights.write_bytes(b"damaged")
    with service.served() as served:
        service.release(newer)
        served.keeper.settle(10)
        assert served.answer(asked(), decision_id="d").record.model == released
        (trouble,) = served.status().troubles
        assert trouble.startswith(f"{newer}: StorageError: ")
        assert "weights.npy: is changed" in trouble
        assert served.tally.counts["open_failed"] == 1
        served.keeper.tick()
        assert served.tally.counts["open_failed"] == 1
        weights.write_bytes(kept)
        served.keeper._retries.clear()
        served.keeper.settle(10)
        assert (served.status().version, served.status().troubles) == (newer, [])


def test_a_release_that_never_answers_is_not_put_in_place(service: Service, released: str) -> None:
    newer = service.made(1)
    service.behaviours[newer] = raising(ValueError("no weights for this"))
    with service.served() as served:
        service.release(newer)
        served.keeper.settle(10)
        assert served.status().version == released
        assert "opens and does not answer (no weights for this)" in served.status().troubles[0]


def test_a_broken_first_release_lets_the_fallback_answer(service: Service, released: str) -> None:
    (service.home.releases / "toy" / released / "weights.npy").unlink()
    with service.served() as served:
        answer = served.answer(asked(), decision_id="d")
    assert answer.fallback == "no model"
    assert "weights.npy: is missing" in str(answer.record.context["fallback_reason"])


def test_a_model_that_raises_costs_no_answer(service: Service, released: str) -> None:
    with service.served() as served:
        service.behaviours[released] = raising(ValueError("boom"))
        answer = asyncio.run(served.answer_async(asked(), decision_id="d"))
        assert answer.fallback == "raised"
        assert answer.record.context["fallback_reason"] == "raised: ValueError: boom"
        service.behaviours[released] = lambda _: one("mail", 1.5)
        answer = served.answer(asked(), decision_id="d")
        assert answer.fallback == "broke its contract"
        assert served.tally.counts["violations"] == 1
        service.behaviours[released] = lambda _: one("mail")
        assert served.answer(asked(actions=("call",)), decision_id="d").record.slots[0].action == "call"
        assert served.tally.counts["violations"] == 2


def test_a_slow_model_is_late_and_the_fallback_comes_inside_the_budget(
    service: Service, released: str
) -> None:
    with service.served() as served:
        service.behaviours[released] = sleeping(1.0)
        answer = asyncio.run(served.answer_async(asked(), decision_id="d", budget_ms=200))
        assert answer.fallback == "late"
        assert answer.record.context["fallback_reason"] == "late"
        assert answer.stages["decide"] < 900
        assert answer.record.latency_ms is not None
        assert answer.record.latency_ms > 150
        service.behaviours.clear()
        until(lambda: served.keeper.now.incumbent.pool.busy == 0)
        assert served.answer(asked(), decision_id="d").fallback is None


def test_a_request_can_shorten_its_budget_and_not_lengthen_it(service: Service, released: str) -> None:
    with service.served(budget_ms=100.0) as served:
        service.behaviours[released] = sleeping(0.5)
        assert served.answer(asked(), decision_id="d", budget_ms=60_000).fallback == "late"
        assert served.answer(asked(), decision_id="d", budget_ms=0).fallback is not None


def test_a_stuck_model_is_not_waited_for_again_and_comes_back(service: Service, released: str) -> None:
    free = threading.Event()

    def stuck(_request: Request) -> Decided:
        free.wait(20)
        return one("mail")

    with service.served(budget_ms=100.0) as served:
        service.behaviours[released] = stuck
        for _ in range(2):
            assert served.answer(asked(), decision_id="d").fallback == "late"
        began = time.perf_counter()
        assert {served.answer(asked(), decision_id="d").fallback for _ in range(50)} == {"stuck"}
        assert time.perf_counter() - began < 50 * 0.1
        assert "every thread holds a computation that is late" in served.status().troubles[0]
        newer = service.made(1)
        service.release(newer)
        served.keeper.settle(10)
        assert served.answer(asked(), decision_id="d").record.model == newer
        free.set()


def test_a_fallback_that_fails_gives_an_empty_answer_that_says_so(service: Service, released: str) -> None:
    class Broken(Nothing):
        def decide(self, request: Request) -> Decided:
            raise ValueError("no stock")

    service.fallback = lambda _: Broken()
    with service.served() as served:
        service.behaviours[released] = raising(ValueError("boom"))
        answer = served.answer(asked(), decision_id="d")
    assert answer.unanswered
    assert (answer.record.slots, answer.record.context["reason"]) == ([], "unanswered")
    assert answer.record.context["fallback_reason"] == (
        "raised: ValueError: boom; the fallback: raised: ValueError: no stock"
    )


def test_a_fallback_that_does_not_open_is_tried_again(service: Service, released: str) -> None:
    gone = [True]

    def open_fallback(around: Surroundings) -> Nothing:
        if gone[0]:
            raise StorageError("stock.parquet: is gone")
        return Nothing()

    service.fallback = open_fallback
    with service.served() as served:
        assert served.answer(asked(), decision_id="d").record.model == released
        assert served.status().troubles == ["not refreshed: StorageError: stock.parquet: is gone"]
        service.behaviours[released] = raising(ValueError("boom"))
        assert served.answer(asked(), decision_id="d").unanswered
        service.behaviours.clear()
        gone[0] = False
        served.keeper.refresh()
        assert served.status().troubles == []
        service.behaviours[released] = raising(ValueError("boom"))
        assert served.answer(asked(), decision_id="d").record.slots[0].action == "nothing"


def test_while_the_state_cannot_be_reached_the_fallback_knows_nobody(service: Service, released: str) -> None:
    class Gone:
        def record(self, member_id: str) -> MemberRecord:
            raise StorageError("state: gone")

        def member(self, member_id: str) -> Member | None:
            raise StorageError("state: gone")

    seen: list[object] = []

    class Reading(Nothing):
        def __init__(self, around: Surroundings) -> None:
            object.__setattr__(self, "policy", "toy/reading")
            object.__setattr__(self, "around", around)

        def decide(self, request: Request) -> Decided:
            reader = self.around.members  # type: ignore[attr-defined]
            seen[:] = [reader.record(request.unit_id), reader.member(request.unit_id)]
            return super().decide(request)

        __slots__ = ("around",)

    service.fallback = Reading
    with service.served(members=Gone()) as served:
        service.behaviours[released] = lambda request: Gone().record(request.unit_id)  # type: ignore[return-value]
        answer = served.answer(asked(), decision_id="d")
    assert (answer.fallback, answer.record.context["fallback_reason"]) == ("state unreachable",) * 2
    assert seen == [MemberRecord(), Member("m1", territory="", maturity_max=0, kids=True)]
    reader = Undaunted(Gone())
    assert (reader.record("m1"), reader.record("m1"), reader.n_failed) == (MemberRecord(), MemberRecord(), 1)


class Careful(Nothing):
    """A fallback and a model that notes what it is told beside requests."""

    __slots__ = ("around", "told")

    def __init__(self, around: Surroundings, told: list[object]) -> None:
        object.__setattr__(self, "policy", "toy/careful")
        object.__setattr__(self, "around", around)
        object.__setattr__(self, "told", told)

    def prepare(self, at_us: int) -> None:
        self.told.append(at_us)  # type: ignore[attr-defined]
        raise ValueError("not ready")

    def forget(self, unit_ids: set[str]) -> None:
        self.told.append(sorted(unit_ids))  # type: ignore[attr-defined]


def test_a_fallback_that_copes_without_the_state_reads_it_itself(
    service: Service, released: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[object] = []

    def open_it(around: Surroundings) -> Careful:
        opened.append(around.members)
        return Careful(around, [])

    state = object()
    for copes in (True, False):
        values = {name: getattr(service.initiative, name) for name in TOY.__dataclass_fields__}
        one = Initiative(**values | {"fallback": Fallback("toy/careful", open_it, without_state=copes)})
        Opener(service.home, one, Moment.open(service.home), state).fallback()  # type: ignore[arg-type]
    assert opened[0] is state
    assert isinstance(opened[1], Undaunted)
    assert opened[1].reader is state


def test_what_answers_makes_ready_ahead_and_forgets(service: Service, released: str) -> None:
    told: list[object] = []
    service.fallback = lambda around: Careful(around, told)
    with service.served() as served:
        served.answer(asked("m1"), decision_id="d1")
        served.forget({"m1", "m2"})
        assert told == [["m1", "m2"]]
        assert "m1" not in served.keeper.recent
        served.keeper._prepare_at = 0.0
        now_us = served.keeper.opener.moment.now_us
        served.keeper.settle(10)
        assert len(told) == 2
        assert now_us <= int(str(told[1])) - AHEAD_US <= served.keeper.opener.moment.now_us
        assert served.tally.counts["prepare_failed"] == 1
        served.keeper.settle(10)
        assert len(told) == 2  # not with every look


def test_it_is_refreshed_when_facts_change_and_a_failing_refresh_keeps_the_old(
    service: Service, released: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from matinee.observe.importers.run import run_import

    with service.served() as served:
        served.keeper.settle(10)
        first = served.keeper.now.incumbent
        titles = service.home.root / "titles.csv"
        titles.write_text("title_id,name\nt1,One\n", encoding="utf-8")
        run_import(service.home, "titles", titles)
        served.keeper.settle(10)
        second = served.keeper.now.incumbent
        assert second.answering.decider is not first.answering.decider
        assert (second.opened_us, second.version) == (first.opened_us, released)
        assert second.refreshed_us > first.refreshed_us
        assert served.tally.counts["refreshed"] == 1
        service.behaviours[released] = raising(ValueError("boom"))
        served.keeper.refresh()
        assert served.keeper.now.incumbent.answering.decider is second.answering.decider
        assert (
            "not refreshed: VerdictError: toy: opens and does not answer (boom)." in served.status().troubles
        )
        assert served.tally.counts["refresh_failed"] == 1
        service.behaviours.clear()
        served.keeper.refresh()
        assert served.status().troubles == []


def test_a_rollout_that_ends_during_a_refresh_is_no_trouble(
    service: Service, released: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "LINGER_S", 0.0)
    row = service.rollout(service.made(1), "canary", 0.5)
    with service.served() as served:
        keeper = served.keeper
        keeper.settle(10)
        opens = keeper.opener.model_now

        def ending(version: str, before: Decider) -> Decider:
            if version == released:
                with open_registry(service.home) as registry:
                    registry.rollouts.end(
                        row.id, End(ended_us=row.started_us + 1, verdict="rolled back", reason="test")
                    )
                for _ in range(2):
                    keeper.tick()
            return opens(version, before)

        monkeypatch.setattr(Opener, "model_now", lambda _, version, before: ending(version, before))
        keeper.refresh()
        assert keeper.refresh_trouble is None
        assert keeper.now.rollout is None


def test_a_decider_that_can_follow_is_not_opened_again(service: Service, released: str) -> None:
    class Following(Nothing):
        n = 0

        def refreshed(self, around: Surroundings) -> Following:
            Following.n += 1
            return self

    service.fallback = lambda _: Following()
    with service.served() as served:
        served.keeper.refresh()
    assert Following.n == 1
    assert service.opened == [released, released]


def test_a_registry_that_is_gone_leaves_what_answers(service: Service, released: str) -> None:
    with service.served() as served:
        service.home.meta_db.rename(service.home.root / "away.db")
        served.keeper.tick()
        assert served.answer(asked(), decision_id="d").record.model == released
        assert "the registry cannot be read: " in served.status().troubles[0]
        (service.home.root / "away.db").rename(service.home.meta_db)
        served.keeper.tick()
        assert served.status().troubles == []


def test_a_registry_that_nobody_wrote_to_is_not_asked(
    service: Service, released: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = service.made(1)
    with service.served() as served:
        long_ago = time.time() - 60
        os.utime(service.home.meta_db, (long_ago, long_ago))
        served.keeper.tick()
        looks: list[str] = []
        current = Releases.current
        monkeypatch.setattr(Releases, "current", lambda self, name: looks.append(name) or current(self, name))
        for _ in range(3):
            served.keeper.tick()
        assert looks == []
        assert served.status().version == released
        service.release(newer)
        until(lambda: served.keeper.tick() is not None and served.status().version == newer)


def test_one_look_that_fails_is_not_the_last(
    service: Service, released: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with service.served() as served:
        monkeypatch.setattr("matinee.serve.keeping.POLL_S", 0.02)
        monkeypatch.setattr(served.keeper, "_look", lambda: 1 / 0)
        served.start()
        until(lambda: served.tally.counts.get("look_failed", 0) > 1)
        assert "ZeroDivisionError" in served.status().troubles[0]
        monkeypatch.undo()
        until(lambda: served.status().troubles == [])


def test_what_answering_costs_besides_deciding_is_small(service: Service, released: str) -> None:
    """A ratio within one run: a request through the pool against a bare hop to a thread and back."""
    with service.served() as served:
        decider = served.keeper.now.incumbent.answering.decider
        assert decider is not None

        async def took(ask: Callable[[], object], n: int = 300) -> float:
            best = []
            for _ in range(5):
                began = time.perf_counter()
                for _ in range(n):
                    await ask()  # type: ignore[misc]
                best.append((time.perf_counter() - began) / n)
            return min(best)

        async def compare() -> tuple[float, float]:
            loop = asyncio.get_running_loop()
            request = asked()
            bare = await took(lambda: loop.run_in_executor(None, decider.decide, request))
            ours = await took(lambda: served.answer_async(request, decision_id="d"))
            return bare, ours

        bare, ours = asyncio.run(compare())
    assert ours < 4 * bare
