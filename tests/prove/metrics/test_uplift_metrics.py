import numpy as np
import pytest

from matinee.errors import InputError
from matinee.prove.metrics.auuc import auuc
from matinee.prove.metrics.qini import qini
from matinee.prove.metrics.uplift_curve import transformed_outcome, uplift_curve


def effects(n=4_000, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(0.05, 0.1, n)


def test_the_curve_ends_with_everybody_treated():
    share, gain = uplift_curve(np.arange(4.0), np.array([1.0, 2.0, 3.0, -2.0]))
    assert share.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert gain.tolist() == [0, -0.5, 0.25, 0.75, 1.0]


def test_areas_are_those_under_the_curve():
    """The mean over units is the trapezoid rule over the curve."""
    effect = effects(501)
    score = effect + np.random.default_rng(1).normal(0, 0.1, 501)
    share, gain = uplift_curve(score, effect)
    assert auuc(score, effect).mean() == pytest.approx(np.trapezoid(gain, share))
    assert qini(score, effect).mean() == pytest.approx(np.trapezoid(gain - share * gain[-1], share))


def test_better_scores_have_more():
    effect, noise = effects(), np.random.default_rng(2).normal(0, 0.1, 4_000)
    perfect, fair, none, wrong = (qini(s, effect).mean() for s in (effect, effect + noise, noise, -effect))
    assert perfect > fair > none > wrong
    assert none == pytest.approx(0, abs=0.003)
    assert wrong == pytest.approx(-perfect)


def test_one_score_for_all_is_chance():
    effect = effects()
    assert qini(np.zeros(4_000), effect).mean() == pytest.approx(0, abs=1e-12)
    assert uplift_curve(np.zeros(2), np.array([1.0, 0.0]))[1].tolist() == [0, 0.25, 0.5]


def test_the_log_tells_what_the_truth_would():
    rng = np.random.default_rng(3)
    effect, e = effects(60_000), rng.uniform(0.3, 0.7, 60_000)
    treated = rng.random(60_000) < e
    outcome = (rng.random(60_000) < 0.5 + np.where(treated, effect, 0)).astype(float)
    seen = transformed_outcome(treated, outcome, e)
    assert seen.mean() == pytest.approx(effect.mean(), abs=0.02)
    assert qini(effect, seen).mean() == pytest.approx(qini(effect, effect).mean(), abs=0.006)


def test_messages():
    with pytest.raises(InputError, match="expected one value of each for at least one unit"):
        auuc(np.zeros(2), np.zeros(3))
    with pytest.raises(InputError, match="Leave out units whose treatment was certain"):
        transformed_outcome(np.array([True]), np.ones(1), np.ones(1))
