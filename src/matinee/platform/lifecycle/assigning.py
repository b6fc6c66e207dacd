"""Who is in which arm, in bulk: the same answer as a server gives, without asking one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matinee.learn.reading import load_members
from matinee.observe.home import Home
from matinee.platform.registry.experiment_rows import ExperimentRow
from matinee.prove.experiment.assignment import HOLDOUT, assign_many, in_holdout

BOTH = "both"
"""Arm of every unit of an interleaving."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """Where members stand in an experiment, in the order in which they were asked about.

    Attributes
    ----------
    member_id, unit_id : ndarray of object, shape (n,)
        The unit is the member, or the account that pays.
    arm : ndarray of object, shape (n,)
        Name of the arm; "both" in an interleaving; "" not in the experiment; "holdout" in none, ever.
    kept_out : ndarray of bool, shape (n,)
        No policy of the arms may learn from its decisions.
    """

    member_id: NDArray[np.object_]
    unit_id: NDArray[np.object_]
    arm: NDArray[np.object_]
    kept_out: NDArray[np.bool_]

    @property
    def counts(self) -> dict[str, int]:
        """Arm -> how many of the members."""
        names, found = np.unique(self.arm.astype(str), return_counts=True)
        return dict(zip(names.tolist(), found.tolist(), strict=True))


def assigned(
    home: Home, row: ExperimentRow, member_ids: Sequence[str], *, holdout: float = 0.0
) -> Assignment:
    """Where members stand by the share that an experiment has now.

    Who is eligible is not looked at: that is judged when a decision is asked for. An account that the home
    does not know is its member's own, as on a server.

    Parameters
    ----------
    home : Home
        Knows the accounts of members.
    holdout : float, 0 to below 1
        Setting [experiments] holdout.
    """
    experiment = row.current
    units = list(member_ids)
    if experiment.unit == "account":
        known = load_members(home)
        units = [one.account_id or m if (one := known.get(m)) else m for m in member_ids]
    found = assign_many(experiment, units, holdout=holdout)
    names = (
        [BOTH] * len(experiment.arms)
        if experiment.kind == "interleaving"
        else [arm.name for arm in experiment.arms]
    )
    arm = np.array([*names, ""], object)[found.arm]  # -1, not in it, is the last one
    kept_out = found.kept_out.copy()
    for at, pair in enumerate(zip(member_ids, units, strict=True)) if holdout > 0 else ():
        if any(in_holdout(holdout, one) for one in set(pair)):
            arm[at], kept_out[at] = HOLDOUT, False
    return Assignment(np.array(list(member_ids), object), np.array(units, object), arm, kept_out)
