from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from matinee.errors import InputError
from matinee.prove.stats.shrinkage import Prior, archive_prior, shrink_many, shrink_one


def test_one_estimate_is_the_normal_posterior() -> None:
    def joint(x: float, power: int) -> float:
        return float(x**power * norm.pdf(x, 0.01, 0.03) * norm.pdf(0.1, x, 0.04))

    mass, first, second = (quad(joint, -0.5, 0.5, args=(k,), points=[0.05])[0] for k in range(3))
    found = shrink_one(0.1, 0.04, prior=Prior(0.01, 0.03))
    assert found.value == pytest.approx(first / mass, rel=1e-6)
    assert found.sd == pytest.approx(np.sqrt(second / mass - (first / mass) ** 2), rel=1e-5)
    assert found.high - found.low == pytest.approx(2 * 1.959964 * found.sd, rel=1e-5)


def test_a_precise_estimate_stays_and_a_vague_one_goes_to_the_prior() -> None:
    assert shrink_one(0.1, 0.0).value == pytest.approx(0.1)
    assert shrink_one(0.1, 10.0).value == pytest.approx(0.0, abs=1e-4)


def test_many_estimates_equal_a_direct_integration_over_the_spread() -> None:
    y, s = np.array([0.10, 0.02, -0.03, 0.05]), np.array([0.03, 0.02, 0.05, 0.04])
    typical = 1 / np.mean(s**-2.0)

    def at(b: float) -> tuple[float, float]:
        tau2 = typical * (1 - b) / b
        w = 1 / (s**2 + tau2)
        m = w @ y / w.sum()
        density = np.prod(np.sqrt(w)) * np.exp(-0.5 * (w * (y - m) ** 2).sum()) / np.sqrt(w.sum())
        return float(density), float(m + tau2 * w[0] * (y[0] - m))

    mass = quad(lambda b: at(b)[0], 0, 1)[0]
    mean = quad(lambda b: at(b)[0] * at(b)[1], 0, 1)[0] / mass
    assert shrink_many(list(y), list(s))[0].value == pytest.approx(mean, rel=1e-4)


@given(
    st.lists(st.tuples(st.floats(-1, 1), st.floats(0.01, 1)), min_size=2, max_size=8),
    st.floats(-5, 5),
    st.floats(0.1, 10),
)
@settings(max_examples=25, deadline=None)
def test_shrinkage_moves_towards_the_others_and_follows_shift_and_scale(
    given_: list[tuple[float, float]], shift: float, scale: float
) -> None:
    y, s = zip(*given_, strict=True)
    plain = shrink_many(y, s)
    moved = shrink_many([shift + scale * v for v in y], [scale * e for e in s])
    for one, other in zip(plain, moved, strict=True):
        assert other.value == pytest.approx(shift + scale * one.value, abs=1e-6 * (1 + scale))
        assert other.high - other.low == pytest.approx(scale * (one.high - one.low), rel=1e-6)
        assert min(y) - 1e-9 <= one.value <= max(y) + 1e-9
        assert 0 <= one.kept <= 1


def test_equal_estimates_meet_and_far_ones_stay() -> None:
    near = shrink_many([0.1, 0.1, 0.1], [0.05] * 3)
    assert [round(one.value, 9) for one in near] == [0.1] * 3
    assert near[0].sd < 0.05
    far = shrink_many([10.0, -10.0, 30.0, 0.0], [0.01] * 4)
    assert far[0].value == pytest.approx(10.0, abs=1e-3)
    assert shrink_many([0.3], [0.1])[0].value == 0.3
    assert shrink_many([], []) == []


def test_intervals_of_segments_hold_their_truths_and_errors_are_smaller() -> None:
    rng, held, ours, plain = np.random.default_rng(4), [], 0.0, 0.0
    for _ in range(120):
        truth = rng.normal(0.02, rng.choice([0.0, 0.02, 0.06]), 5)
        s = rng.uniform(0.01, 0.05, 5)
        y = rng.normal(truth, s)
        for one, t, v in zip(shrink_many(list(y), list(s)), truth, y, strict=True):
            held.append(one.low <= t <= one.high)
            ours += (one.value - t) ** 2
            plain += (v - t) ** 2
    assert np.mean(held) > 0.94
    assert ours < 0.85 * plain


def test_an_archive_gives_the_spread_of_true_effects() -> None:
    rng = np.random.default_rng(1)
    s = rng.uniform(0.005, 0.02, 300)
    y = rng.normal(rng.normal(0.0, 0.015, 300), s)
    past = archive_prior(list(y), list(s))
    assert past.sd == pytest.approx(0.015, abs=0.002)
    assert (past.mean, past.n) == (0.0, 300)
    assert archive_prior(list(y + 0.1), list(s), mean=None).mean == pytest.approx(0.1, abs=0.005)


def test_the_winners_curse_is_gone_where_the_prior_is_right() -> None:
    rng = np.random.default_rng(2)
    truth = rng.normal(0, 0.05, 4_000)
    y = rng.normal(truth, 0.04)
    won = y > 1.96 * 0.04
    shrunken = np.array([shrink_one(float(v), 0.04).value for v in y[won]])
    assert (y[won] - truth[won]).mean() > 0.02
    assert (shrunken - truth[won]).mean() == pytest.approx(0.0, abs=0.004)


def test_bad_figures_are_named() -> None:
    with pytest.raises(InputError, match="2 values and 1 errors"):
        shrink_many([0.1, 0.2], [0.1])
    with pytest.raises(InputError, match=r"0.1 with standard error 0.0"):
        shrink_many([0.1, 0.2], [0.0, 0.1])
    with pytest.raises(InputError, match=r"nan with standard error"):
        shrink_one(float("nan"), 0.1)
    with pytest.raises(InputError, match="sd of the prior is 0"):
        shrink_one(0.1, 0.1, prior=Prior(sd=0.0))
    with pytest.raises(InputError, match="9 past estimates, expected ten"):
        archive_prior([0.1] * 9, [0.1] * 9)
