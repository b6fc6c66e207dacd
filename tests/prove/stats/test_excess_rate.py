"""The anytime-valid test of two rates: known answers, a second way to compute it, simulated error rates."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad

from matinee.errors import InputError
from matinee.prove.stats.excess_rate import Seen, log_evidence_of_excess

ALPHA = 0.01


def test_no_data_is_no_evidence_and_a_clear_case_is_much() -> None:
    assert log_evidence_of_excess(Seen(0, 0), Seen(0, 0), 0.01) == pytest.approx(0.0)
    assert log_evidence_of_excess(Seen(100, 100), Seen(1_000, 0), 0.01) > 100
    assert log_evidence_of_excess(Seen(1_000, 0), Seen(1_000, 0), 0.01) < 0
    assert log_evidence_of_excess(Seen(1_000, 0), Seen(1_000, 1_000), 0.01) < 0


def test_more_failures_are_more_evidence_and_a_wider_margin_is_less() -> None:
    found = [log_evidence_of_excess(Seen(300, k), Seen(3_000, 30), 0.01) for k in range(9, 60)]
    assert found == sorted(found)
    wide = [log_evidence_of_excess(Seen(300, 60), Seen(3_000, 30), m) for m in (0.0, 0.01, 0.05, 0.15)]
    assert wide == sorted(wide, reverse=True)


def test_it_is_the_least_mixture_ratio_over_the_hypothesis() -> None:
    """By integrating the mixture and by trying a grid of pairs, instead of the closed form and the search."""

    def ratio(arm: Seen, p: float) -> float:
        def density(q: float) -> float:
            log = (arm.failed - 0.5) * math.log(q) + (arm.n - arm.failed - 0.5) * math.log1p(-q)
            return math.exp(log - arm.failed * math.log(p) - (arm.n - arm.failed) * math.log1p(-p)) / math.pi

        return quad(density, 0, 1, limit=500, points=[arm.failed / arm.n])[0]

    treated, control, margin = Seen(40, 9), Seen(80, 4), 0.05
    grid = [round(0.005 * i, 3) for i in range(1, 120)]
    of_treated, of_control = ({p: ratio(arm, p) for p in grid} for arm in (treated, control))
    permitted = [(pt, pc) for pt in grid for pc in grid if pt <= pc + margin + 1e-9]
    least = min(of_treated[pt] * of_control[pc] for pt, pc in permitted)
    found = math.exp(log_evidence_of_excess(treated, control, margin))
    assert found <= least * 1.0001
    assert found == pytest.approx(least, rel=0.01)


def stopped(
    p_treated: float, p_control: float, *, runs: int, n: int, every: int, share: float = 0.5
) -> float:
    """Share of the runs that are stopped at any of many looks."""
    rng = np.random.default_rng(7)
    ends = 0
    for _ in range(runs):
        arm = rng.random(n) < share
        failed = rng.random(n) < np.where(arm, p_treated, p_control)
        nt, ft = np.cumsum(arm), np.cumsum(arm & failed)
        for at in range(every - 1, n, every):
            treated = Seen(int(nt[at]), int(ft[at]))
            control = Seen(at + 1 - treated.n, int(failed[: at + 1].sum()) - treated.failed)
            if log_evidence_of_excess(treated, control, 0.01) > math.log(1 / ALPHA):
                ends += 1
                break
    return ends / runs


@pytest.mark.parametrize(("p_treated", "p_control"), [(0.01, 0.01), (0.03, 0.02), (0.11, 0.10)])
def test_it_rarely_stops_what_is_not_worse_however_often_it_looks(p_treated: float, p_control: float) -> None:
    assert stopped(p_treated, p_control, runs=150, n=3_000, every=60) <= ALPHA


@pytest.mark.slow
@pytest.mark.parametrize(("p_treated", "p_control"), [(0.0, 0.0), (0.02, 0.02), (0.03, 0.02), (0.31, 0.30)])
def test_the_error_over_long_runs_stays_within_alpha(p_treated: float, p_control: float) -> None:
    runs = 600
    allowed = ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / runs)
    assert stopped(p_treated, p_control, runs=runs, n=20_000, every=200, share=0.1) <= allowed


def test_it_stops_what_is_worse() -> None:
    assert stopped(0.10, 0.01, runs=40, n=3_000, every=60) == 1.0


def test_what_cannot_be_is_told() -> None:
    with pytest.raises(InputError, match="excess rate: 3 of 2 failed"):
        log_evidence_of_excess(Seen(2, 3), Seen(1, 0), 0.01)
    with pytest.raises(InputError, match=r"margin is 1\.0, expected at least 0 and below 1"):
        log_evidence_of_excess(Seen(2, 1), Seen(1, 0), 1.0)
