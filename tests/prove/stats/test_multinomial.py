from __future__ import annotations

import math

import numpy as np
import pytest

from matinee.errors import InputError
from matinee.prove.stats.multinomial import log_evidence_of_more_events, log_evidence_of_other_shares


@pytest.mark.parametrize("n", [1, 2, 7])
def test_evidence_has_mean_one_under_the_plan(n: int) -> None:
    shares = [0.2, 0.3, 0.5]
    mean = 0.0
    for a in range(n + 1):
        for b in range(n + 1 - a):
            counts = [a, b, n - a - b]
            ways = math.factorial(n) / math.prod(map(math.factorial, counts))
            p = ways * math.prod(s**c for s, c in zip(shares, counts, strict=True))
            mean += p * math.exp(log_evidence_of_other_shares(counts, shares))
    assert mean == pytest.approx(1.0, abs=1e-9)


def test_evidence_is_a_martingale_step_by_step() -> None:
    now = math.exp(log_evidence_of_other_shares([30, 50], [0.4, 0.6]))
    up = math.exp(log_evidence_of_other_shares([31, 50], [0.4, 0.6]))
    other = math.exp(log_evidence_of_other_shares([30, 51], [0.4, 0.6]))
    assert 0.4 * up + 0.6 * other == pytest.approx(now, rel=1e-9)


def test_great_mismatch_is_found_early_and_small_mismatch_late() -> None:
    bar = math.log(1 / 0.001)
    assert log_evidence_of_other_shares([60, 140], [0.5, 0.5]) > bar
    assert log_evidence_of_other_shares([498_000, 502_000], [0.5, 0.5]) < bar
    assert log_evidence_of_other_shares([497_000, 503_000], [0.5, 0.5]) > bar
    assert log_evidence_of_other_shares([0, 0], [0.5, 0.5]) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("p_share", [1.0, 0.7])
def test_evidence_of_more_events_has_a_mean_of_at_most_one_for_every_permitted_rate(p_share: float) -> None:
    exposure, margin, n = 0.5, 0.2, 12
    p = p_share * (exposure * (1 + margin)) / (1 + exposure * (1 + margin))
    mean = sum(
        math.comb(n, k)
        * p**k
        * (1 - p) ** (n - k)
        * math.exp(log_evidence_of_more_events(k, n - k, exposure=exposure, margin=margin))
        for k in range(n + 1)
    )
    assert mean <= 1.0 + 1e-9
    assert (mean == pytest.approx(1.0, abs=1e-9)) == (p_share == 1.0)


def test_more_events_count_against_the_treated_arm_only_and_for_its_exposure() -> None:
    bar = math.log(20)
    assert log_evidence_of_more_events(200, 100) > bar
    assert log_evidence_of_more_events(100, 200) < 0
    assert log_evidence_of_more_events(200, 100, exposure=2.0) < bar
    assert log_evidence_of_more_events(10, 100_000) < 0
    assert log_evidence_of_more_events(0, 0) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.slow
def test_watched_after_every_event_false_alarms_stay_below_alpha() -> None:
    rng, alarms, paths = np.random.default_rng(1), 0, 300
    for _ in range(paths):
        k = np.cumsum(rng.random(1_000) < 0.5)
        steps = np.arange(10, 1_001, 20)
        alarms += any(
            log_evidence_of_more_events(int(k[n - 1]), int(n - k[n - 1])) > math.log(20) for n in steps
        )
    assert alarms / paths <= 0.05


def test_bad_counts_are_named() -> None:
    with pytest.raises(InputError, match="2 counts for 3 shares"):
        log_evidence_of_other_shares([1, 2], [0.2, 0.3, 0.5])
    with pytest.raises(InputError, match=r"counts are \[-1, 2\]"):
        log_evidence_of_other_shares([-1, 2], [0.5, 0.5])
    with pytest.raises(InputError, match=r"shares are \[0.5, 0.6\]"):
        log_evidence_of_other_shares([1, 2], [0.5, 0.6])
    with pytest.raises(InputError, match="-1 and 3 events"):
        log_evidence_of_more_events(-1, 3)
    with pytest.raises(InputError, match="exposure is 0"):
        log_evidence_of_more_events(1, 3, exposure=0.0)
    with pytest.raises(InputError, match=r"margin is -0.1"):
        log_evidence_of_more_events(1, 3, margin=-0.1)
