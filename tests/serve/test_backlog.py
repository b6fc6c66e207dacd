"""The backlog: what nobody waits for lingers, and lets go as soon as somebody waits."""

from __future__ import annotations

import time
from concurrent.futures import Future
from threading import Timer

from matinee.serve.backlog import Backlog, Offer

LONG_S = 30.0


def backlog() -> Backlog:
    return Backlog(most_events=100, most_bytes=10_000, most_aside_bytes=10_000, group_events=10)


def offer() -> Offer:
    return Offer([], 10, Future[list[bool]](), records=[b"{}"])


def test_records_do_not_end_the_lingering():
    waiting = backlog()
    Timer(0.02, waiting.aside, [[b"{}"]]).start()
    began = time.monotonic()
    waiting.linger(0.2)
    assert time.monotonic() - began > 0.15
    assert waiting.take(0).records == [b"{}"]


def test_an_offer_ends_the_lingering():
    waiting = backlog()
    Timer(0.02, waiting.offer, [offer()]).start()
    began = time.monotonic()
    waiting.linger(LONG_S)
    assert time.monotonic() - began < LONG_S / 2
    assert len(waiting.take(0).offers) == 1


def test_an_offer_that_is_there_is_not_kept_waiting():
    waiting = backlog()
    waiting.offer(offer())
    began = time.monotonic()
    waiting.linger(LONG_S)
    assert time.monotonic() - began < LONG_S / 2


def test_a_nudge_ends_the_lingering():
    waiting = backlog()
    Timer(0.02, waiting.nudge).start()
    began = time.monotonic()
    waiting.linger(LONG_S)
    assert time.monotonic() - began < LONG_S / 2


def test_records_wake_who_sleeps_after_lingering():
    waiting = backlog()
    waiting.linger(0.001)
    Timer(0.02, waiting.aside, [[b"{}"]]).start()
    began = time.monotonic()
    assert waiting.take(LONG_S).records == [b"{}"]
    assert time.monotonic() - began < LONG_S / 2
