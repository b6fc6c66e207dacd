"""The budget: nobody waits longer, nothing queues without end, a model that is always late rests."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import pytest

from matinee.serve.budget import LATE, LONGEST_REST_S, OVERLOADED, RAISED, RESTING, STUCK, Breaker, Pool, Then


def test_a_value_and_an_error_come_back() -> None:
    pool = Pool(1, name="t")
    assert pool.ask(lambda: 7, 5).value == 7
    failed = pool.ask(lambda: 1 / 0, 5)
    assert (failed.why, type(failed.error)) == (RAISED, ZeroDivisionError)

    async def both() -> tuple[object, str | None]:
        return (await pool.ask_async(lambda: 7, 5)).value, (await pool.ask_async(lambda: 1 / 0, 5)).why

    assert asyncio.run(both()) == (7, RAISED)
    pool.retire()


def test_the_loop_goes_on_while_a_thread_computes_and_the_budget_holds() -> None:
    pool = Pool(1, name="t")

    async def story() -> tuple[str | None, float]:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.005)
                ticks += 1

        ticking = asyncio.create_task(tick())
        found = await pool.ask_async(lambda: time.sleep(0.5), 0.1)
        ticking.cancel()
        return found.why, ticks

    why, ticks = asyncio.run(story())
    assert why == LATE
    assert ticks > 3
    pool.retire()


def test_stuck_threads_are_noticed_and_the_queue_is_short() -> None:
    pool, free = Pool(2, name="t"), threading.Event()

    async def story() -> list[str | None]:
        first = await asyncio.gather(*(pool.ask_async(lambda: free.wait(20), 0.1) for _ in range(2)))
        began = time.perf_counter()
        later = await asyncio.gather(*(pool.ask_async(lambda: 1, 5.0) for _ in range(1_000)))
        assert time.perf_counter() - began < 4
        return [one.why for one in (*first, *later)]

    found = asyncio.run(story())
    assert found[:2] == [LATE, LATE]
    assert set(found[2:]) == {STUCK}
    assert pool.figures() == {"threads": 2, "running": 2, "late": 2, "waiting": 0, "resting": 0}
    free.set()
    while pool.busy:
        time.sleep(0.001)
    assert pool.ask(lambda: 1, 5).value == 1
    pool.retire()


def test_more_than_can_wait_are_refused_at_once() -> None:
    pool, free = Pool(1, name="t"), threading.Event()

    async def story() -> list[str | None]:
        asking = [asyncio.create_task(pool.ask_async(lambda: free.wait(20), 10.0)) for _ in range(40)]
        await asyncio.sleep(0.05)
        refused = [one.result().why for one in asking if one.done()]
        free.set()
        await asyncio.gather(*asking)
        return refused

    refused = asyncio.run(story())
    assert set(refused) == {OVERLOADED}
    assert 20 <= len(refused) <= 24
    pool.retire()


def test_what_nobody_waits_for_any_more_is_not_computed() -> None:
    pool, free, ran = Pool(1, name="t"), threading.Event(), []

    async def story() -> str | None:
        first = asyncio.create_task(pool.ask_async(lambda: free.wait(20), 10.0))
        await asyncio.sleep(0.02)
        second = await pool.ask_async(lambda: ran.append(1), 0.05)
        third = asyncio.create_task(pool.ask_async(lambda: ran.append(2), 10.0))
        await asyncio.sleep(0.02)
        third.cancel()
        await asyncio.sleep(0)
        free.set()
        await first
        return second.why

    assert asyncio.run(story()) == OVERLOADED
    assert pool.ask(lambda: 3, 5).value == 3
    assert ran == []
    pool.retire()


def test_the_breaker_rests_tries_one_and_closes() -> None:
    breaker = Breaker(trips=3, rest_s=1.0)
    for now in (0.0, 0.1):
        breaker.late(now)
    assert breaker.admits(0.2)
    breaker.late(0.2)
    assert not breaker.admits(0.5)
    assert [breaker.admits(1.3), breaker.admits(1.3)] == [True, False]
    breaker.late(1.4)
    assert not breaker.admits(2.5)
    assert breaker.admits(3.5)
    breaker.untold()
    assert breaker.admits(3.6)
    breaker.in_time()
    assert breaker.admits(3.7)
    assert not breaker.resting
    for now in range(100):
        breaker.late(float(now))
    assert not breaker.admits(99.0 + LONGEST_REST_S - 1)
    assert breaker.admits(99.0 + LONGEST_REST_S + 1)


def test_a_model_that_is_always_late_rests_and_small_budgets_are_no_witnesses() -> None:
    pool = Pool(4, name="t", breaker=Breaker(trips=3, rest_s=0.2), strict_s=0.03)
    slow = [True]

    def model() -> int:
        if slow[0]:
            time.sleep(0.06)
        return 1

    def settle() -> None:
        while pool.busy:
            time.sleep(0.002)

    for _ in range(5):
        assert pool.ask(model, 0.01).why == LATE
        settle()
    for _ in range(3):
        assert pool.ask(model, 0.03).why == LATE
        settle()
    assert pool.ask(model, 0.03).why == RESTING
    slow[0] = False
    time.sleep(0.25)
    assert pool.ask(model, 5.0).value == 1
    assert pool.ask(model, 5.0).value == 1
    pool.retire()


def test_a_model_that_fails_at_once_does_not_rest() -> None:
    pool = Pool(1, name="t", breaker=Breaker(trips=2))
    assert {pool.ask(lambda: 1 / 0, 5).why for _ in range(10)} == {RAISED}
    pool.retire()


@pytest.mark.parametrize("n", [1, 3])
def test_threads_end_when_the_pool_retires(n: int) -> None:
    pool = Pool(n, name="retiring")
    pool.ask(lambda: 1, 5)
    pool.retire()
    give_up = time.monotonic() + 5
    while any(one.name.startswith("retiring") for one in threading.enumerate()):
        assert time.monotonic() < give_up
        time.sleep(0.005)


def test_a_second_computation_follows_in_the_same_thread_and_is_given_the_value() -> None:
    pool = Pool(2, name="test")
    seen: list[str] = []

    def within() -> Any:
        seen.append("opened")
        return closing(SimpleNamespace(close=lambda: seen.append("closed")))

    then = Then(lambda value: (value, threading.current_thread().name), 5.0, 10.0, within)
    first = asyncio.run(pool.ask_async(lambda: threading.current_thread().name, 5.0, then))
    assert then.outcome is not None
    assert then.outcome.value == (first.value, first.value)
    assert seen == ["opened", "closed"]


def test_a_second_computation_that_is_late_or_fails_costs_the_first_nothing() -> None:
    pool, free = Pool(2, name="test", breaker=Breaker(trips=1)), threading.Event()

    async def ask(then: Then, budget_s: float) -> tuple[Any, float]:
        began = time.monotonic()
        found = await pool.ask_async(lambda: 7, budget_s, then)
        return found.value, time.monotonic() - began

    late = Then(lambda _value: free.wait(20), 0.1, 20.0)
    value, took_s = asyncio.run(ask(late, 20.0))
    assert (value, late.outcome, pool.rests) == (7, None, False)
    assert 0.1 <= took_s < 10
    wrong = Then(lambda value: 1 // (value - 7), 5.0, 5.0)
    assert asyncio.run(ask(wrong, 5.0))[0] == 7
    assert wrong.outcome is not None
    assert wrong.outcome.why == "raised"
    over, began = Then(lambda _value: free.wait(20), 20.0, 2.0), time.monotonic()
    assert asyncio.run(ask(over, 20.0))[0] == 7
    assert time.monotonic() - began < 15
    free.set()


def test_nothing_follows_a_computation_that_is_late_or_fails() -> None:
    pool, ran = Pool(1, name="test"), list[Any]()
    failed = asyncio.run(pool.ask_async(lambda: 1 // 0, 5.0, Then(ran.append, 5.0, 5.0)))
    late = asyncio.run(pool.ask_async(lambda: time.sleep(0.3), 0.05, Then(ran.append, 5.0, 5.0)))
    assert (failed.why, late.why) == ("raised", "late")
    until = time.monotonic() + 20
    while pool.busy:
        assert time.monotonic() < until
        time.sleep(0.01)
    assert asyncio.run(pool.ask_async(lambda: 1, 20.0)).value == 1
    assert ran == []


def test_a_pool_that_has_retired_is_not_waited_for() -> None:
    pool = Pool(1, name="t")
    assert pool.ask(lambda: 1, 5).value == 1
    pool.retire()
    began = time.monotonic()
    assert pool.ask(lambda: 2, 60).why == OVERLOADED
    assert time.monotonic() - began < 30
