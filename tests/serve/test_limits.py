from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.serve.limits import Bucket, KeyLimits, Strangers, retry_after


class Time:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.s = 1_000.0

    def __call__(self) -> float:
        return self.s


@given(
    rate=st.floats(0.1, 1_000),
    burst=st.floats(1, 100),
    gaps=st.lists(st.floats(0, 2), min_size=1, max_size=200),
)
def test_never_more_than_the_burst_and_the_rate_allow(rate: float, burst: float, gaps: list[float]) -> None:
    bucket, now, let_in = Bucket(rate, burst), 0.0, 0
    for gap in gaps:
        now += gap
        let_in += bucket.take(now) == 0
        assert let_in <= burst + rate * now + 1e-3


def test_whoever_waits_as_told_is_let_in() -> None:
    bucket = Bucket(rate=4.0, burst=2.0)
    assert [bucket.take(0.0), bucket.take(0.0)] == [0.0, 0.0]
    wait_s = bucket.take(0.0)
    assert wait_s == 0.25
    assert bucket.take(wait_s) == 0.0
    assert bucket.take(wait_s) > 0


def test_the_rate_of_a_key_is_shared_by_the_processes_of_a_host() -> None:
    time = Time()
    limits = KeyLimits(workers=2, now_s=time)
    assert sum(limits.wait_s("k1", 100.0) == 0 for _ in range(200)) == 50
    assert limits.wait_s("k2", 100.0) == 0
    time.s += 1
    assert sum(limits.wait_s("k1", 100.0) == 0 for _ in range(200)) == 50
    assert limits.wait_s("", float("inf")) == 0
    assert sum(limits.wait_s("k1", 400.0) == 0 for _ in range(900)) == 200, "a new rate counts at once"


def test_a_low_rate_lets_at_least_one_in() -> None:
    time = Time()
    limits = KeyLimits(workers=4, now_s=time)
    assert limits.wait_s("k1", 0.4) == 0
    assert limits.wait_s("k1", 0.4) == pytest.approx(10)


def test_guessing_is_slowed_down_by_address() -> None:
    time = Time()
    strangers = Strangers(rate=1, burst=5, now_s=time)
    assert sum(strangers.wait_s("192.0.2.1") == 0 for _ in range(50)) == 5
    assert strangers.wait_s("192.0.2.2") == 0
    assert sum(strangers.wait_s(f"2001:db8::{n}") == 0 for n in range(50)) == 5, "one /64, one customer"
    time.s += 2
    assert sum(strangers.wait_s("192.0.2.1") == 0 for _ in range(50)) == 2


def test_the_table_of_addresses_is_bounded() -> None:
    strangers = Strangers(burst=2, kept=100, now_s=Time())
    assert [strangers.wait_s("192.0.2.1") > 0 for _ in range(3)] == [False, False, True]
    for n in range(10_000):
        strangers.wait_s(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}")
        if n % 50 == 0:
            assert strangers.wait_s("192.0.2.1") > 0, "who is busy stays in the table"
    assert len(strangers) == 100


def test_retry_after_is_whole_seconds() -> None:
    assert [retry_after(wait_s) for wait_s in (0.0, 0.3, 1.01, 1e9)] == ["1", "1", "2", "3600"]
