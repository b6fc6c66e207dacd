"""May this log of several slots be believed about this policy? And how far do the weights reach?"""

from __future__ import annotations

import msgspec
import numpy as np

from matinee.prove.offpolicy.checks import (
    Check,
    Checked,
    DiagnosticsConfig,
    effective_size,
    enough_left,
    largest_weight,
    late_joins,
    mean_of_one,
    several_actions,
)
from matinee.prove.offpolicy.distributions import Floats
from matinee.prove.offpolicy.intervals import interval
from matinee.prove.offpolicy.slates.estimators.estimator import Reach
from matinee.prove.offpolicy.slates.problem import SlateProblem


class Position(msgspec.Struct, frozen=True):
    """One position of the decisions.

    Attributes
    ----------
    position : int
        From 1.
    n : int
        Decisions that have it.
    reward : float
        Mean as it was logged.
    mean_weight, ess : float
        Of the slot's own weight: 1 if propensities are right; effective number of decisions.
    prefix_mean, prefix_ess, prefix_max : float
        The same, and the largest, of the product of the weights up to it.
    """

    position: int
    n: int
    reward: float
    mean_weight: float
    ess: float
    prefix_mean: float
    prefix_ess: float
    prefix_max: float


class SlateDiagnostics(Checked, frozen=True, kw_only=True):
    """All checks, and the figures of each position."""

    positions: list[Position]
    n_slots: int


def diagnose_slates(problem: SlateProblem, config: DiagnosticsConfig | None = None) -> SlateDiagnostics:
    """Run every check whose columns are there."""
    bounds, log = config or DiagnosticsConfig(), problem.log
    positions = [_position(problem, k) for k in range(log.n_positions)]
    checks = [
        several_actions(log.action, log.names),
        _support(problem, bounds),
        _identity(problem, bounds),
        _one(problem, problem.slot_weight, "mean_weight", "Mean weight of a slot", bounds),
        _effective(positions, bounds),
        largest_weight(problem.slot_weight, bounds),
        late_joins(log.n_late, log.n_pages, bounds),
    ]
    return SlateDiagnostics(
        checks=checks,
        positions=positions,
        n_decisions=log.n_pages,
        n_units=len(problem.units.counts),
        n_slots=len(log.page),
        n_actions=len(log.names),
    )


def reach_ess(problem: SlateProblem, reach: Reach) -> float:
    """Effective number of decisions behind the last position that an estimator weighs.

    Positions that fewer than half of the decisions have are not asked.
    """
    if reach == "all":
        return effective_size(problem.prefix_weight[:, -1])
    table = problem.weight if reach == "slot" else problem.prefix_weight
    there = problem.there
    return min(
        effective_size(table[there[:, k], k])
        for k in range(problem.log.n_positions)
        if 2 * there[:, k].sum() >= problem.log.n_pages
    )


def _position(problem: SlateProblem, k: int) -> Position:
    there = problem.there[:, k]
    own, prefix = problem.weight[there, k], problem.prefix_weight[there, k]
    return Position(
        k + 1,
        int(there.sum()),
        float(problem.reward[there, k].mean()),
        float(own.mean()),
        effective_size(own),
        float(prefix.mean()),
        effective_size(prefix),
        float(prefix.max()),
    )


def _support(problem: SlateProblem, bounds: DiagnosticsConfig) -> Check:
    if problem.target is None:
        return Check("support", "not_run", "The policy tells the probability of logged actions only.")
    taken = np.bincount(problem.log.action, minlength=len(problem.log.names)) > 0
    missing = 1.0 - float(problem.target.expected(taken.astype(np.float64)).mean())
    text = f"{max(missing, 0.0):.2%} of the policy's probability is on actions that the log never took"
    if missing > bounds.unseen:
        return Check("support", "refused", f"{text}; expected at most {bounds.unseen:.0%}.", 1 - missing)
    return Check("support", "warning" if missing > 1e-9 else "ok", f"{text}.", 1 - missing)


def _identity(problem: SlateProblem, bounds: DiagnosticsConfig) -> Check:
    n = problem.log.n_actions
    if n is None:
        return Check("identity_mean", "not_run", "The log does not say how many actions each slot had.")
    inverse = 1.0 / (n * problem.log.propensity)
    return _one(problem, inverse, "identity_mean", "Mean of 1 / (actions * propensity)", bounds)


def _one(problem: SlateProblem, parts: Floats, name: str, label: str, bounds: DiagnosticsConfig) -> Check:
    """Judge a mean over slots that is 1 if the propensities are right."""
    page, n = problem.log.page, problem.log.n_pages
    sums, counts = np.bincount(page, parts, minlength=n), np.bincount(page, minlength=n)
    per_unit = problem.units.sums(sums.astype(np.float64)), problem.units.sums(counts.astype(np.float64))
    found = interval(*per_unit, confidence=1 - bounds.chance)
    return mean_of_one(name, label, found, parts, bounds, of="slot")


def _effective(positions: list[Position], bounds: DiagnosticsConfig) -> Check:
    full = [one for one in positions if 2 * one.n >= positions[0].n]
    worst = min(full, key=lambda one: one.ess)
    return enough_left(worst.ess, worst.n, bounds, where=f" at position {worst.position}, the least")
