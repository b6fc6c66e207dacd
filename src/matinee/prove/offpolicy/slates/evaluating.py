"""Evaluate a policy of several slots from the log of another: diagnostics first, then estimates."""

from __future__ import annotations

from collections.abc import Sequence

from matinee.prove.offpolicy.checks import DiagnosticsConfig
from matinee.prove.offpolicy.intervals import Kind, interval
from matinee.prove.offpolicy.report import ALL, REFUSED, Estimate, PolicyReport, chosen, run
from matinee.prove.offpolicy.slates.diagnostics import SlateDiagnostics, diagnose_slates, reach_ess
from matinee.prove.offpolicy.slates.estimators.cascade_doubly_robust import CascadeDoublyRobust
from matinee.prove.offpolicy.slates.estimators.estimator import SlateEstimator
from matinee.prove.offpolicy.slates.estimators.independent_ips import IndependentIps
from matinee.prove.offpolicy.slates.estimators.reward_interaction_ips import (
    NormalisedRewardInteractionIps,
    RewardInteractionIps,
)
from matinee.prove.offpolicy.slates.estimators.slate_ips import SlateIps
from matinee.prove.offpolicy.slates.problem import SlateProblem

SLATE_ESTIMATORS: dict[str, SlateEstimator] = {
    one.name: one
    for one in (
        IndependentIps(),
        RewardInteractionIps(),
        NormalisedRewardInteractionIps(),
        CascadeDoublyRobust(),
        SlateIps(),
    )
}
"""By name, in the order in which they are shown."""


class SlateReport(PolicyReport, frozen=True, kw_only=True):
    """What a log of several slots says about a policy.

    Attributes
    ----------
    diagnostics : SlateDiagnostics
    """

    diagnostics: SlateDiagnostics


def evaluate_slates(
    problem: SlateProblem,
    estimators: Sequence[str] = (ALL,),
    *,
    kind: Kind = "heavy_tail",
    confidence: float = 0.95,
    diagnostics: DiagnosticsConfig | None = None,
) -> SlateReport:
    """Look at the log, and if it can be believed, estimate.

    An estimator whose products of weights leave fewer decisions than `fewest_effective` is not run.

    Parameters
    ----------
    estimators : sequence of str
        Names in `SLATE_ESTIMATORS`, or "all".

    Raises
    ------
    ConfigError
        An estimator is unknown.
    InputError
        `confidence` is no share, or `kind` is unknown.
    """
    bounds = diagnostics or DiagnosticsConfig()
    wanted = chosen(estimators, SLATE_ESTIMATORS, "estimator of slates")
    found, left_out = diagnose_slates(problem, bounds), problem.log.left_out
    if found.reasons:
        return SlateReport(
            verdict="refused", reasons=found.reasons, estimates={}, diagnostics=found, logged=None,
            not_run=dict.fromkeys(wanted, REFUSED), confidence=confidence, left_out=left_out,
        )  # fmt: skip
    estimates, not_run = run(
        wanted,
        lambda one: one.lacks(problem) or _thin(problem, one, bounds),
        lambda one: estimate_slates(problem, one, kind=kind, confidence=confidence),
    )
    logged = interval(
        problem.units.sums(problem.reward.sum(axis=1)), problem.units.counts, kind=kind, confidence=confidence
    )
    return SlateReport(
        verdict="estimated", reasons=[], estimates=estimates, diagnostics=found, logged=logged,
        not_run=not_run, confidence=confidence, left_out=left_out,
    )  # fmt: skip


def estimate_slates(
    problem: SlateProblem,
    estimator: SlateEstimator,
    *,
    kind: Kind = "heavy_tail",
    confidence: float = 0.95,
) -> Estimate:
    """One estimator with its interval over units; the diagnostics are not asked."""
    found = interval(
        problem.units.sums(estimator.terms(problem)),
        problem.units.counts,
        kind=kind,
        confidence=confidence,
        seed=problem.seed,
    )
    return Estimate(found.value, found.low, found.high, found.standard_error, kind, estimator.caution)


def _thin(problem: SlateProblem, estimator: SlateEstimator, bounds: DiagnosticsConfig) -> str:
    size = reach_ess(problem, estimator.reach)
    if size >= bounds.fewest_effective:
        return ""
    return (
        f"the products of its weights leave {size:,.1f} effective decisions of {problem.log.n_pages:,}, "
        f"expected at least {bounds.fewest_effective:g}"
    )
