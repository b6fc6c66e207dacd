"""May this log be believed about this policy? Checks that come before every estimate, and can refuse it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.stats import chi2

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
from matinee.prove.offpolicy.intervals import interval
from matinee.prove.offpolicy.log import TOLERANCE
from matinee.prove.offpolicy.problem import Problem

FEWEST_EXPECTED = 5.0
"""Expected choices of an action below which it is counted together with others."""


class Diagnostics(Checked, frozen=True, kw_only=True):
    """All checks, and the figures by themselves.

    Attributes
    ----------
    mean_weight, ess, max_weight : float
    identity_mean : float or None
        None: not run.
    support : float
        Share of the policy's probability on actions that the log could take.
    """

    mean_weight: float
    identity_mean: float | None
    ess: float
    max_weight: float
    support: float


def diagnose(problem: Problem, config: DiagnosticsConfig | None = None) -> Diagnostics:
    """Run every check whose columns are there.

    Notes
    -----
    Not run is said, never passed over: without `n_actions` and `p_all` nobody can know whether propensities
    belong to the actions beside them.
    """
    bounds = config or DiagnosticsConfig()
    checks = [check(problem, bounds) for check in CHECKS]
    by_name = {check.name: check for check in checks}
    log, weight = problem.log, problem.weight
    return Diagnostics(
        checks=checks,
        n_decisions=len(log),
        n_units=len(problem.units.counts),
        n_actions=len(log.names),
        mean_weight=float(weight.mean()),
        identity_mean=by_name["identity_mean"].figure,
        ess=effective_size(weight),
        max_weight=float(weight.max()),
        support=supported(problem),
    )


def supported(problem: Problem) -> float:
    """Mean share of the policy's probability on actions that the log could take.

    With `p_all` they are those with a probability above 0 there; where the log says what each decision could
    have chosen, these; otherwise those that were ever taken.
    """
    log, target = problem.log, problem.target
    known = log.logging or log.possible
    if known is None:
        taken = np.bincount(log.action, minlength=problem.n_names) > 0
        return float(target.expected(taken.astype(np.float64)).mean())
    old, new = known, target
    pairs, which = np.unique(np.stack([old.row, new.row]), axis=1, return_inverse=True)
    width, length = problem.n_names, np.diff(new.start)[pairs[1]]
    of_pair = np.repeat(np.arange(len(length)), length)
    entry = np.arange(len(of_pair)) + np.repeat(new.start[pairs[1]] - (np.cumsum(length) - length), length)
    possible = np.sort((old.entry_row * width + old.action)[old.p > 0])
    keys = pairs[0][of_pair] * width + new.action[entry]
    place = np.minimum(np.searchsorted(possible, keys), len(possible) - 1)
    share = np.bincount(of_pair, new.p[entry] * (possible[place] == keys), minlength=len(length))
    return float(share[which.ravel()].mean())


def _several_actions(problem: Problem, _bounds: DiagnosticsConfig) -> Check:
    return several_actions(problem.log.action, problem.log.names)


def _rewards(problem: Problem, _bounds: DiagnosticsConfig) -> Check:
    reward = problem.log.reward
    n_units = int(np.count_nonzero(problem.units.sums(np.abs(reward))))
    if reward.min() == reward.max():
        text = (
            f"Every reward is {reward[0]:g}, expected some that differ: intervals by the variance are too "
            "short here. Look at the interval at every moment."
        )
        return Check("rewards", "warning", text, float(n_units))
    return Check("rewards", "ok", f"{n_units:,} units have a reward other than 0.", float(n_units))


def _support(problem: Problem, bounds: DiagnosticsConfig) -> Check:
    missing = 1.0 - supported(problem)
    known = problem.log.logging or problem.log.possible
    how = "could not take" if known is not None else "never took"
    if missing <= 1e-9:
        return Check("support", "ok", "The log could take every action of the policy.", 1.0)
    most = bounds.unsupported if known is not None else bounds.unseen
    named = _most_unseen(problem)
    text = f"{missing:.2%} of the policy's probability is on actions that the log {how}{named}"
    if missing > most:
        return Check("support", "refused", f"{text}; expected at most {most:.0%}.", 1 - missing)
    return Check("support", "warning", f"{text}.", 1 - missing)


def _most_unseen(problem: Problem) -> str:
    share = problem.target.shares(problem.n_names)
    known = problem.log.logging or problem.log.possible
    if known is None:
        reach = np.bincount(problem.log.action, minlength=problem.n_names).astype(np.float64)
    else:
        reach = known.shares(problem.n_names)
    unseen = np.where(reach > 0, 0.0, share)
    return f', most on "{problem.log.names[int(unseen.argmax())]}"' if unseen.any() else ""


def _mean_weight(problem: Problem, bounds: DiagnosticsConfig) -> Check:
    found = interval(problem.units.sums(problem.weight), problem.units.counts, confidence=1 - bounds.chance)
    return mean_of_one("mean_weight", "Mean weight", found, problem.weight, bounds)


def _identity(problem: Problem, bounds: DiagnosticsConfig) -> Check:
    log = problem.log
    n = log.logging.n_possible() if log.logging is not None else log.n_actions
    if n is None:
        return Check("identity_mean", "not_run", "The log has neither n_actions nor p_all.")
    inverse = 1.0 / (n * log.propensity)
    found = interval(problem.units.sums(inverse), problem.units.counts, confidence=1 - bounds.chance)
    return mean_of_one("identity_mean", "Mean of 1 / (actions * propensity)", found, inverse, bounds)


def _sums(problem: Problem, _bounds: DiagnosticsConfig) -> Check:
    total = problem.log.p_sum
    if total is None:
        return Check("p_all_sum", "not_run", "The log has no p_all.")
    off = np.abs(total - 1.0)
    worst = float(total[int(off.argmax())])
    if off.max() <= 1e-3:
        return Check("p_all_sum", "ok", "The probabilities in p_all sum to 1.", worst)
    text = f"p_all of {int((off > 1e-3).sum()):,} decisions does not sum to 1; the worst sums to {worst:.4g}."
    return Check("p_all_sum", "refused", text, worst)


def _agree(problem: Problem, _bounds: DiagnosticsConfig) -> Check:
    log = problem.log
    if log.logging is None:
        return Check("p_all_agrees", "not_run", "The log has no p_all that names actions.")
    said = log.logging.at(log.action)
    wrong = ~np.isclose(said, log.propensity, rtol=1e-3, atol=TOLERANCE)
    if not wrong.any():
        return Check("p_all_agrees", "ok", "Each propensity is that of its action in p_all.", 0.0)
    i = int(wrong.argmax())
    text = (
        f"The propensity of {int(wrong.sum()):,} decisions is not that of their action in p_all, as "
        f"{log.propensity[i]:.4g} and {said[i]:.4g} of one."
    )
    return Check("p_all_agrees", "refused", text, float(wrong.mean()))


def _effective(problem: Problem, bounds: DiagnosticsConfig) -> Check:
    return enough_left(effective_size(problem.weight), len(problem.log), bounds)


def _largest(problem: Problem, bounds: DiagnosticsConfig) -> Check:
    return largest_weight(problem.weight, bounds)


def _duplicates(problem: Problem, bounds: DiagnosticsConfig) -> Check:
    log = problem.log
    if log.n_conflicts:
        text = f"{log.n_conflicts:,} decisions stand twice with other values, expected each once."
        return Check("duplicates", "refused", text, float(log.n_conflicts))
    share = log.n_duplicates / (len(log) + log.n_duplicates)
    text = f"{log.n_duplicates:,} repeated rows were left out"
    if share > bounds.duplicates:
        worse = (
            f"{text}, {share:.1%} of the log, expected at most {bounds.duplicates:.0%}: a join doubled rows."
        )
        return Check("duplicates", "refused", worse, float(log.n_duplicates))
    return Check("duplicates", "warning" if share else "ok", f"{text}.", float(log.n_duplicates))


def _late(problem: Problem, bounds: DiagnosticsConfig) -> Check:
    return late_joins(problem.log.n_late, len(problem.log), bounds)


def _sample_ratio(problem: Problem, bounds: DiagnosticsConfig) -> Check:
    """Chi-square of the counts of actions against the sums of their probabilities."""
    log = problem.log
    if log.logging is None:
        return Check("sample_ratio", "not_run", "The log has no p_all that names actions.")
    taken = np.bincount(log.action, minlength=problem.n_names).astype(np.float64)
    expected = log.logging.shares(problem.n_names)
    order = np.argsort(expected)
    few = order[np.cumsum(expected[order]) < FEWEST_EXPECTED]
    rare = np.isin(np.arange(len(expected)), few) | (expected < FEWEST_EXPECTED)
    sums = [
        np.concatenate([one[~rare], [one[rare].sum()]]) if rare.any() else one for one in (taken, expected)
    ]
    cells = sums[1] > 0
    if cells.sum() < 2:
        return Check("sample_ratio", "not_run", "One action is expected nearly always.")
    statistic = float(((sums[0] - sums[1]) ** 2)[cells] @ (1.0 / sums[1][cells]))
    p_value = float(chi2.sf(statistic, int(cells.sum()) - 1))
    text = f"Actions were taken as often as p_all says with p = {p_value:.3g}"
    if p_value < bounds.chance:
        worse = (
            f"{text}, expected above {bounds.chance:g}: decisions are missing, or p_all is not the policy's."
        )
        return Check("sample_ratio", "refused", worse, p_value)
    return Check("sample_ratio", "ok", f"{text}.", p_value)


CHECKS: tuple[Callable[[Problem, DiagnosticsConfig], Check], ...] = (
    _several_actions,
    _rewards,
    _support,
    _identity,
    _mean_weight,
    _sums,
    _agree,
    _sample_ratio,
    _effective,
    _largest,
    _duplicates,
    _late,
)
"""In the order in which they are shown."""
