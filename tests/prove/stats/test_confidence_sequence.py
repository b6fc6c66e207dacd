from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm

from matinee.errors import InputError
from matinee.prove.stats.confidence_sequence import anytime_p, sequence_log_e, sequence_multiplier


def test_it_equals_equation_9_of_the_paper() -> None:
    alpha, t, planned = 0.05, 300.0, 1_000.0
    approximate = (-2 * math.log(alpha) + math.log(1 - 2 * math.log(alpha))) / planned
    rho = approximate
    half = math.sqrt(2 * (t * rho + 1) / (t**2 * rho) * math.log(math.sqrt(t * rho + 1) / alpha))
    assert sequence_multiplier(t / planned, alpha=alpha) == pytest.approx(half * math.sqrt(t), rel=5e-3)


@pytest.mark.parametrize("alpha", [0.001, 0.01, 0.05, 0.2])
def test_the_interval_is_narrowest_relative_to_a_single_looks_at_the_planned_end(alpha: float) -> None:
    at = [sequence_multiplier(x, alpha=alpha) for x in (0.9, 0.99, 1.0, 1.01, 1.1)]
    assert min(at) == at[2]


def test_at_the_planned_end_it_is_half_as_wide_again_as_a_single_look() -> None:
    assert sequence_multiplier(1.0) / norm.isf(0.025) == pytest.approx(1.55, abs=0.005)


@pytest.mark.parametrize("sides", [1, 2])
@pytest.mark.parametrize("information", [0.01, 0.5, 1.0, 40.0])
def test_evidence_at_the_edge_of_the_interval_is_one_over_alpha(sides: int, information: float) -> None:
    edge = sequence_multiplier(information, alpha=0.02, sides=sides)
    assert sequence_log_e(edge, information, alpha=0.02, sides=sides) == pytest.approx(math.log(50))
    assert sequence_log_e(edge + 0.01, information, alpha=0.02, sides=sides) > math.log(50)


@pytest.mark.parametrize("sides", [1, 2])
@pytest.mark.parametrize("information", [0.1, 1.0, 10.0])
def test_evidence_has_mean_one_without_a_difference(sides: int, information: float) -> None:
    z = np.linspace(-36, 36, 4_001)
    log_e = np.array([sequence_log_e(float(x), information, sides=sides) for x in z])
    assert np.trapezoid(np.exp(log_e + norm.logpdf(z)), z) == pytest.approx(1.0, abs=1e-3)


def test_one_side_needs_less_evidence_than_two_and_knows_its_direction() -> None:
    assert sequence_multiplier(1.0, sides=1) < sequence_multiplier(1.0)
    assert sequence_log_e(-5.0, 1.0, sides=1) < 0 < sequence_log_e(5.0, 1.0, sides=1)
    assert sequence_log_e(math.inf, 1.0) == math.inf
    assert sequence_log_e(-math.inf, 1.0, sides=1) == -math.inf


def test_the_anytime_p_never_rises_and_is_1_before_the_first_look() -> None:
    looks = [0.5, -1.0, 3.0, 2.0]
    found = [anytime_p(looks[:k]) for k in range(5)]
    assert found == sorted(found, reverse=True)
    assert found[0] == 1.0


def test_bad_arguments_are_named() -> None:
    with pytest.raises(InputError, match="information is 0"):
        sequence_multiplier(0.0)
    with pytest.raises(InputError, match="alpha is 1"):
        sequence_log_e(1.0, 1.0, alpha=1.0)
    with pytest.raises(InputError, match="sides is 0"):
        sequence_multiplier(1.0, sides=0)
