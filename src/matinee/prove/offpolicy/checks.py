"""What a check of a log says, and those checks that logs of one slot and of several have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from matinee.errors import ConfigError
from matinee.prove.offpolicy.distributions import Floats
from matinee.prove.offpolicy.intervals import Interval

Finding = Literal["ok", "warning", "refused", "not_run"]
FEW = 0.01
"""Effective sample size, as a share of the decisions, below which there is a warning."""


@dataclass(frozen=True, slots=True)
class DiagnosticsConfig:
    """Bounds of the checks.

    Attributes
    ----------
    chance : float
        Probability with which a sound log fails one of the tests.
    mean_off : float
        Largest distance of a mean weight from 1, even where its interval would permit more.
    fewest_effective : float
        Least effective sample size.
    largest_share : float
        Largest share of all weight that one decision may carry.
    unsupported, unseen : float
        Largest probability of the policy on actions that the log could not take (by `p_all`), and on actions
        that it never took (without `p_all`: a rare one may be missing by chance).
    duplicates : float
        Largest share of repeated rows.
    late : float
        Largest number of late rewards, as a share of the decisions.

    Raises
    ------
    ConfigError
        `chance` is not between 0 and 1, or another bound is below 0.
    """

    chance: float = 0.001
    mean_off: float = 0.25
    fewest_effective: float = 30.0
    largest_share: float = 0.2
    unsupported: float = 0.01
    unseen: float = 0.05
    duplicates: float = 0.01
    late: float = 0.05

    def __post_init__(self) -> None:
        if not 0.0 < self.chance < 1.0:
            raise ConfigError(f"diagnostics: chance is {self.chance}, expected between 0 and 1. Give 0.001.")
        for name in self.__slots__:
            if not getattr(self, name) >= 0.0:
                raise ConfigError(f"diagnostics: {name} is {getattr(self, name)}, expected 0 or more.")


class Check(msgspec.Struct, frozen=True):
    """What one check found.

    Attributes
    ----------
    name : str
    finding : {"ok", "warning", "refused", "not_run"}
    text : str
        The figure and what was expected; where refused, what it means.
    figure : float or None
    """

    name: str
    finding: Finding
    text: str
    figure: float | None = None


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """All checks of a log, and how large it is.

    Attributes
    ----------
    checks : list of Check
    n_decisions, n_units, n_actions : int
        `n_actions`: different actions in the log and the policy.
    """

    checks: list[Check]
    n_decisions: int
    n_units: int
    n_actions: int

    @property
    def reasons(self) -> list[str]:
        """Why estimates are refused; empty if they are not."""
        return [check.text for check in self.checks if check.finding == "refused"]


def effective_size(weight: Floats) -> float:
    """How many decisions of weight 1 the weighted ones are worth (Kish 1965, Survey sampling, 11.7)."""
    squares = float((weight**2).sum())
    return float(weight.sum()) ** 2 / squares if squares > 0 else 0.0


def several_actions(action: NDArray[np.int64], names: Sequence[str]) -> Check:
    """A log of one action says nothing about another."""
    taken = np.unique(action)
    if len(taken) > 1:
        return Check("actions", "ok", f"{len(taken)} actions were taken.", float(len(taken)))
    text = (
        f'The log holds one action, "{names[int(taken[0])]}", expected several: it cannot tell what another '
        "would have brought. Log a policy that varies."
    )
    return Check("actions", "refused", text, 1.0)


def mean_of_one(
    name: str, label: str, found: Interval, parts: Floats, bounds: DiagnosticsConfig, *, of: str = "decision"
) -> Check:
    """Judge a mean that is 1 if the propensities are right.

    Parameters
    ----------
    found : Interval
        Of the mean, over units.
    parts : ndarray of float64
        What it is the mean of: one number for each decision, or slot.
    of : str
        What a part is called.
    """
    share = float(parts.max() / parts.sum()) if parts.sum() > 0 else 0.0
    sees = f"{label} is {found.value:.4g} [{found.low:.4g}, {found.high:.4g}], expected 1"
    outside = not found.low - 1e-9 <= 1.0 <= found.high + 1e-9
    if not (outside or abs(found.value - 1.0) > bounds.mean_off):
        return Check(name, "ok", f"{sees}.", found.value)
    why = (
        f"one {of} makes {share:.0%} of it (the logged propensity may be wrong)"
        if share > bounds.largest_share
        else f"the logged propensities are not those of the actions beside them, or {of}s are missing"
    )
    return Check(name, "refused", f"{sees}: {why}.", found.value)


def largest_weight(weight: Floats, bounds: DiagnosticsConfig) -> Check:
    """No decision, or slot, may carry an estimate alone."""
    largest, total = float(weight.max()), float(weight.sum())
    share = largest / total if total else 0.0
    text = f"The largest weight is {largest:,.4g}, {share:.2%} of all"
    if share > bounds.largest_share:
        worse = f"{text}, expected at most {bounds.largest_share:.0%}."
        return Check("max_weight", "refused", worse, largest)
    return Check("max_weight", "ok", f"{text}.", largest)


def enough_left(size: float, n: int, bounds: DiagnosticsConfig, *, where: str = "") -> Check:
    """See that weights leave decisions enough.

    Parameters
    ----------
    size : float
        `effective_size`.
    where : str
        Of which part of the decisions, as words to be added.
    """
    text = f"The effective sample size is {size:,.1f} of {n:,}{where}"
    if size < bounds.fewest_effective:
        worse = f"{text}, expected at least {bounds.fewest_effective:g}: the policies differ too much."
        return Check("ess", "refused", worse, size)
    return Check("ess", "warning" if size < FEW * n else "ok", f"{text}.", size)


def late_joins(late: int | None, n: int, bounds: DiagnosticsConfig) -> Check:
    """Rewards that came when the outcome was final are not counted: few may be."""
    if late is None:
        return Check("late_joins", "not_run", "The log does not say when rewards arrived.")
    text = f"{late:,} rewards came when the outcome was final, {late / n:.2%} of the decisions"
    if late > bounds.late * n:
        worse = f"{text}, expected at most {bounds.late:.0%}: the window is too short."
        return Check("late_joins", "refused", worse, float(late))
    return Check("late_joins", "warning" if late else "ok", f"{text}.", float(late))
