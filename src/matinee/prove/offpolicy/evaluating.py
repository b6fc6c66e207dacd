"""Evaluate a policy from the log of another: diagnostics first, then estimates, and what was not run."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from matinee.errors import ConfigError
from matinee.prove.offpolicy.checks import DiagnosticsConfig
from matinee.prove.offpolicy.diagnostics import Diagnostics, diagnose
from matinee.prove.offpolicy.estimators.clipped_ips import ClippedInversePropensity
from matinee.prove.offpolicy.estimators.direct import Direct
from matinee.prove.offpolicy.estimators.doubly_robust import DoublyRobust
from matinee.prove.offpolicy.estimators.estimator import Estimator
from matinee.prove.offpolicy.estimators.ips import InversePropensity
from matinee.prove.offpolicy.estimators.mips import MarginalisedInversePropensity
from matinee.prove.offpolicy.estimators.offcem import ConjunctEffect
from matinee.prove.offpolicy.estimators.replay import Replay
from matinee.prove.offpolicy.estimators.snips import SelfNormalised
from matinee.prove.offpolicy.intervals import Kind, interval
from matinee.prove.offpolicy.lower_bound import anytime_interval, smoothed_lower_bound
from matinee.prove.offpolicy.problem import Problem
from matinee.prove.offpolicy.report import REFUSED, Estimate, PolicyReport, chosen, run

ESTIMATORS: dict[str, Estimator] = {
    one.name: one
    for one in (
        InversePropensity(),
        SelfNormalised(),
        DoublyRobust(),
        MarginalisedInversePropensity(),
        ConjunctEffect(),
        Direct(),
        ClippedInversePropensity(),
        Replay(),
    )
}
"""By name, in the order in which they are shown."""
DEFAULT = ("ips", "snips", "dr", "mips", "offcem")


class Bounds(msgspec.Struct, frozen=True):
    """Bounds that hold in samples of any size. None: the rewards have no known bounds.

    Attributes
    ----------
    lower : float or None
        The value is above it, but for a probability of 1 - confidence.
    low, high : float or None
        Interval that holds at every moment at which somebody looks.
    """

    lower: float | None
    low: float | None
    high: float | None


class OpeReport(PolicyReport, frozen=True, kw_only=True):
    """What a log says about a policy.

    Attributes
    ----------
    diagnostics : Diagnostics
    bounds : Bounds or None
        None where refused.
    """

    diagnostics: Diagnostics
    bounds: Bounds | None


def evaluate(
    problem: Problem,
    estimators: Sequence[str] = DEFAULT,
    *,
    kind: Kind = "heavy_tail",
    confidence: float = 0.95,
    diagnostics: DiagnosticsConfig | None = None,
) -> OpeReport:
    """Look at the log, and if it can be believed, estimate.

    Parameters
    ----------
    estimators : sequence of str
        Names in `ESTIMATORS`, or "all".

    Raises
    ------
    ConfigError
        An estimator is unknown.
    InputError
        `confidence` is no share, or `kind` is unknown.
    """
    wanted, left_out = chosen(estimators, ESTIMATORS, "estimator"), problem.log.left_out
    found = diagnose(problem, diagnostics)
    if found.reasons:
        return OpeReport(
            verdict="refused", reasons=found.reasons, estimates={}, diagnostics=found, logged=None,
            bounds=None, not_run=dict.fromkeys(wanted, REFUSED), confidence=confidence, left_out=left_out,
        )  # fmt: skip
    estimates, not_run = run(
        wanted,
        lambda one: one.lacks(problem),
        lambda one: estimate(problem, one, kind=kind, confidence=confidence),
    )
    logged = interval(
        problem.units.sums(problem.log.reward), problem.units.counts, kind=kind, confidence=confidence
    )
    bounds, missing = bounds_of(problem, confidence)
    return OpeReport(
        verdict="estimated", reasons=[], estimates=estimates, diagnostics=found, logged=logged, bounds=bounds,
        not_run=not_run | missing, confidence=confidence, left_out=left_out,
    )  # fmt: skip


def estimate(
    problem: Problem, estimator: Estimator, *, kind: Kind = "heavy_tail", confidence: float = 0.95
) -> Estimate:
    """One estimator with its interval over units; the diagnostics are not asked."""
    terms = estimator.terms(problem)
    found = interval(
        problem.units.sums(terms.numerator),
        problem.units.sums(terms.denominator),
        kind=kind,
        confidence=confidence,
        seed=problem.seed,
    )
    low, high = problem.reward_low, problem.reward_high  # the truth lies between them
    return Estimate(
        found.value,
        found.low if low is None else max(found.low, low),
        found.high if high is None else min(found.high, high),
        found.standard_error,
        kind,
        estimator.caution,
    )


def bounds_of(problem: Problem, confidence: float) -> tuple[Bounds, dict[str, str]]:
    """Bounds without assumptions on the weights, and why one could not be computed."""
    low, high = problem.reward_low, problem.reward_high
    if low is None:
        why = "the least reward is not known (--reward-low)"
        return Bounds(None, None, None), {"lower_bound": why, "anytime": why}
    scale = 1.0 if high is None else 0.5 * (high - low)
    lower = low + smoothed_lower_bound(
        problem.units.sums(problem.weight * (problem.log.reward - low)),
        problem.units.counts,
        alpha=1.0 - confidence,
        scale=scale,
    )
    if high is None:
        return Bounds(lower, None, None), {"anytime": "the largest reward is not known (--reward-high)"}
    ends = anytime_interval(
        problem.weight,
        problem.log.reward,
        problem.units.sums,
        problem.units.counts,
        low=low,
        high=high,
        confidence=confidence,
    )
    return Bounds(lower, *ends), {}


def gain_lower_bound(problem: Problem, *, alpha: float = 0.05) -> float:
    """A value that the gain over the logging policy is above, but for a probability of `alpha`.

    The difference is taken decision by decision, so what both policies share cancels. Needs both bounds of
    the reward.

    Raises
    ------
    ConfigError
        A bound of the reward is not known.

    References
    ----------
    `lower_bound.smoothed_lower_bound` of (weight - 1) * (reward - reward_low), which is at least
    -(reward_high - reward_low) and, as weights have mean 1, has the gain as its mean.
    """
    low, high = _both_bounds(problem)
    gains = problem.units.sums((problem.weight - 1.0) * (problem.log.reward - low))
    return smoothed_lower_bound(
        gains, problem.units.counts, alpha=alpha, least=low - high, scale=0.5 * (high - low)
    )


def anytime_gain(problem: Problem, *, alpha: float = 0.05) -> tuple[float, float]:
    """Bounds of the gain over the logging policy that hold at all moments at which somebody looks.

    Each end is wrong with a probability of at most `alpha`, however often it was looked at while the log
    grew; so it may decide whether the policy gets a larger share. The rows of the log must stand in the order
    of time. Needs both bounds of the reward.

    Raises
    ------
    ConfigError
        A bound of the reward is not known.

    Notes
    -----
    Decisions enter one by one and not as sums of their units, since the sum of a unit changes while the log
    grows. What is bounded is the mean gain of the decisions given what was known before each.

    References
    ----------
    As `gain_lower_bound`, by Ville's inequality; the upper end is that of (1 - weight) * (reward_high -
    reward), mirrored. Waudby-Smith et al. (2022), arXiv:2210.10768.
    """
    low, high = _both_bounds(problem)
    change, ones = problem.weight - 1.0, np.ones(len(problem.log))
    width = high - low

    def bound(gains: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
        return smoothed_lower_bound(gains, ones, alpha=alpha, least=-width, scale=0.5 * width, anytime=True)

    least = bound(change * (problem.log.reward - low))
    most = -bound(change * (high - problem.log.reward))
    return max(least, -width), min(most, width)


def _both_bounds(problem: Problem) -> tuple[float, float]:
    low, high = problem.reward_low, problem.reward_high
    if low is None or high is None:
        raise ConfigError(
            f"gain: rewards lie between {low} and {high}, expected two numbers. Give both bounds."
        )
    return low, high


def assumed_bounds(reward: np.ndarray[tuple[int], np.dtype[np.float64]]) -> tuple[float | None, float | None]:
    """Bounds of a reward where nobody told them: 0 and 1 if all lie there, 0 if none is below, else none.

    Examples
    --------
    >>> assumed_bounds(np.array([0.0, 1.0])), assumed_bounds(np.array([0.0, 7.5]))
    ((0.0, 1.0), (0.0, None))
    """
    if reward.min() < 0:
        return None, None
    return 0.0, 1.0 if reward.max() <= 1.0 else None
