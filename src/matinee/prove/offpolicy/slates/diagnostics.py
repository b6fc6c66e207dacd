"""May this log of several slots be believed about this policy? And how far do the weights reach?"""

from __future__ import annotations

import msgspec
import numpy as np

from matinee.prove.offpolicy.diagnostics import Check, DiagnosticsConfig, effective_size
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


class SlateDiagnostics(msgspec.Struct, frozen=True):
    """All checks, and the figures of each position."""

    checks: list[Check]
    positions: list[Position]
    n_decisions: int
    n_units: int
    n_slots: int
    n_actions: int

    @property
    def reasons(self) -> list[str]:
        """Why estimates are refused; empty if they are not."""
        return [check.text for check in self.checks if check.finding == "refused"]


def diagnose_slates(problem: SlateProblem, config: DiagnosticsConfig | None = None) -> SlateDiagnostics:
    """Run every check whose columns are there."""
    bounds, log = config or DiagnosticsConfig(), problem.log
    positions = [_position(problem, k) for k in range(log.n_positions)]
    checks = [
        _actions(problem),
        _support(problem, bounds),
        _identity(problem, bounds),
        _one(problem, problem.slot_weight, "mean_weight", "Mean weight of a slot", bounds),
        _effective(positions, bounds),
        _largest(problem, bounds),
        _late(problem, bounds),
    ]
    return SlateDiagnostics(
        checks, positions, log.n_pages, len(problem.n_decisions), len(log.page), len(log.names)
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


def _actions(problem: SlateProblem) -> Check:
    taken = np.unique(problem.log.action)
    if len(taken) > 1:
        return Check("actions", "ok", f"{len(taken)} actions were taken.", float(len(taken)))
    text = f'The log holds one action, "{problem.log.names[int(taken[0])]}", expected several.'
    return Check("actions", "refused", text, 1.0)


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
    per_unit = problem.per_unit(sums.astype(np.float64)), problem.per_unit(counts.astype(np.float64))
    found = interval(*per_unit, confidence=1 - bounds.chance)
    sees = f"{label} is {found.value:.4g} [{found.low:.4g}, {found.high:.4g}], expected 1"
    outside = not found.low - 1e-9 <= 1.0 <= found.high + 1e-9
    if not outside and abs(found.value - 1.0) <= bounds.mean_off:
        return Check(name, "ok", f"{sees}.", found.value)
    why = (
        "the logged propensities are not those of the actions beside them given the slots before, or slots "
        "are missing"
    )
    return Check(name, "refused", f"{sees}: {why}.", found.value)


def _effective(positions: list[Position], bounds: DiagnosticsConfig) -> Check:
    full = [one for one in positions if 2 * one.n >= positions[0].n]
    worst = min(full, key=lambda one: one.ess)
    text = f"The effective sample size is {worst.ess:,.1f} of {worst.n:,} at position {worst.position}"
    if worst.ess < bounds.fewest_effective:
        worse = f"{text}, expected at least {bounds.fewest_effective:g}: the policies differ too much."
        return Check("ess", "refused", worse, worst.ess)
    return Check("ess", "ok", f"{text}, the least.", worst.ess)


def _largest(problem: SlateProblem, bounds: DiagnosticsConfig) -> Check:
    weight = problem.slot_weight
    largest, total = float(weight.max()), float(weight.sum())
    share = largest / total if total else 0.0
    text = f"The largest weight of a slot is {largest:,.4g}, {share:.2%} of all"
    if share > bounds.largest_share:
        return Check(
            "max_weight", "refused", f"{text}, expected at most {bounds.largest_share:.0%}.", largest
        )
    return Check("max_weight", "ok", f"{text}.", largest)


def _late(problem: SlateProblem, bounds: DiagnosticsConfig) -> Check:
    late, n = problem.log.n_late, problem.log.n_pages
    if late is None:
        return Check("late_joins", "not_run", "The log does not say when rewards arrived.")
    text = f"{late:,} rewards came when the outcome was final, {late / n:.2%} of the decisions"
    if late > bounds.late * n:
        worse = f"{text}, expected at most {bounds.late:.0%}: the window is too short."
        return Check("late_joins", "refused", worse, float(late))
    return Check("late_joins", "warning" if late else "ok", f"{text}.", float(late))
