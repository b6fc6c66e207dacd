"""Evaluate a policy of several slots from the log of another: diagnostics first, then estimates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from matinee.errors import ConfigError, unknown_name
from matinee.prove.offpolicy.diagnostics import DiagnosticsConfig
from matinee.prove.offpolicy.evaluating import ALL, Estimate
from matinee.prove.offpolicy.intervals import Interval, Kind, interval
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


class SlateReport(msgspec.Struct, frozen=True):
    """What a log of several slots says about a policy.

    Attributes
    ----------
    verdict : {"estimated", "refused"}
    reasons : list of str
        Why it is refused.
    estimates : dict of str to Estimate
        Reward per decision, all slots together; empty where refused.
    diagnostics : SlateDiagnostics
    logged : Interval or None
        Reward per decision of the logging policy itself. None where refused.
    not_run : dict of str to str
        Estimators that were asked for and could not be run, with the reason.
    confidence : float
    left_out : dict of str to int
        Decisions that are no examples, by the reason.
    """

    verdict: Literal["estimated", "refused"]
    reasons: list[str]
    estimates: dict[str, Estimate]
    diagnostics: SlateDiagnostics
    logged: Interval | None
    not_run: dict[str, str]
    confidence: float
    left_out: dict[str, int]


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
    chosen = list(SLATE_ESTIMATORS) if ALL in estimators else list(dict.fromkeys(estimators))
    for name in chosen:
        if name not in SLATE_ESTIMATORS:
            raise ConfigError(unknown_name("ope", "estimator of slates", name, [*SLATE_ESTIMATORS, ALL]))
    found, left_out = diagnose_slates(problem, bounds), problem.log.left_out
    if found.reasons:
        empty = dict.fromkeys(chosen, "the log was refused")
        return SlateReport("refused", found.reasons, {}, found, None, empty, confidence, left_out)
    estimates: dict[str, Estimate] = {}
    not_run: dict[str, str] = {}
    for name in chosen:
        lacking = SLATE_ESTIMATORS[name].lacks(problem) or _thin(problem, SLATE_ESTIMATORS[name], bounds)
        if lacking:
            not_run[name] = lacking
        else:
            estimates[name] = estimate_slates(
                problem, SLATE_ESTIMATORS[name], kind=kind, confidence=confidence
            )
    logged = interval(
        problem.per_unit(problem.reward.sum(axis=1)), problem.n_decisions, kind=kind, confidence=confidence
    )
    return SlateReport("estimated", [], estimates, found, logged, not_run, confidence, left_out)


def estimate_slates(
    problem: SlateProblem,
    estimator: SlateEstimator,
    *,
    kind: Kind = "heavy_tail",
    confidence: float = 0.95,
) -> Estimate:
    """One estimator with its interval over units; the diagnostics are not asked."""
    found = interval(
        problem.per_unit(estimator.terms(problem)),
        problem.n_decisions,
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
