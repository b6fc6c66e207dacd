"""Turns: one at a time, and nobody is held up by who is stuck."""

from __future__ import annotations

import threading
import time

from matinee.serve.budget import LATE, Pool
from matinee.serve.turns import Turns


def test_one_computes_at_a_time():
    turns, inside, most = Turns(), [0], [0]
    guard = threading.Lock()

    def work() -> None:
        for _ in range(50):
            turn = turns.take()
            with guard:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
            time.sleep(0)
            with guard:
                inside[0] -= 1
            turns.give(turn)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(30)
    assert most == [1]


def test_as_many_at_a_time_as_said():
    turns = Turns(at_once=2, patience_s=60)
    first, second = turns.take(), turns.take()
    waiting = threading.Thread(target=turns.take, daemon=True)
    waiting.start()
    waiting.join(0.05)
    assert waiting.is_alive()
    turns.give(second)
    waiting.join(10)
    assert not waiting.is_alive()
    turns.give(first)


def test_who_takes_long_loses_the_turn_and_may_give_it_back():
    turns = Turns(patience_s=0.02)
    stuck = turns.take()
    began = time.monotonic()
    mine = turns.take()
    assert time.monotonic() - began >= 0.015
    turns.give(stuck)  # too late: it is mine
    waiting = threading.Thread(target=lambda: turns.give(turns.take()))
    turns.give(mine)
    waiting.start()
    waiting.join(10)
    assert not waiting.is_alive()


def test_a_stuck_computation_of_one_pool_holds_up_the_others_once():
    turns, free = Turns(patience_s=0.5), threading.Event()
    hanging, other = Pool(2, name="hanging", turns=turns), Pool(2, name="other", turns=turns)
    assert hanging.ask(lambda: free.wait(30), 0.01).why == LATE
    try:
        answers = [other.ask(lambda n=n: n, 10) for n in range(20)]
        assert [one.value for one in answers] == list(range(20))
        assert sum(one.waited_s > 0.4 for one in answers) <= 1
    finally:
        free.set()


def test_who_gave_up_while_waiting_is_not_computed():
    turns, ran = Turns(patience_s=0.2), []
    pool = Pool(1, name="waiting", turns=turns)
    held = turns.take()
    outcome = pool.ask(lambda: ran.append(1), 0.02)
    assert outcome.value is None
    turns.give(held)
    assert pool.ask(lambda: "next", 10).value == "next"
    assert not ran


def test_those_who_wait_are_let_in_as_they_came():
    turns, order = Turns(patience_s=60), list[int]()
    held = turns.take()

    def work(number: int) -> None:
        turn = turns.take()
        order.append(number)
        turns.give(turn)

    threads = []
    for number in range(5):
        threads.append(threading.Thread(target=work, args=(number,)))
        threads[-1].start()
        while len(turns._waiting) <= number:
            time.sleep(0.001)
    turns.give(held)
    turns.give(turns.take())  # behind all of them
    for one in threads:
        one.join(30)
    assert order == list(range(5))
