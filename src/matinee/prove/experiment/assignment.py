"""Who is in which arm: by hashes alone, the same in every process and at every time; nothing is stored."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee.prove.experiment.definition import Experiment

SPACE = 2.0**64
LAYER, ARM, KEPT_OUT, HOLDOUT = "layer", "arm", "kept out", "holdout"


class Assigned(NamedTuple):
    """Where a unit stands in an experiment.

    Attributes
    ----------
    arm : int
        Position in `Experiment.arms`.
    kept_out : bool
        No policy of the arms may learn from its decisions.
    """

    arm: int
    kept_out: bool


def position(salt: str, unit_id: str) -> float:
    """A unit's place in [0, 1): uniform over units, independent between salts.

    Notes
    -----
    The first 8 bytes of blake2b over salt and id.

    Examples
    --------
    >>> round(position("s", "m1"), 4) == round(position("s", "m1"), 4) != round(position("t", "m1"), 4)
    True
    """
    drawn = hashlib.blake2b(f"{salt}\x1f{unit_id}".encode(), digest_size=8).digest()
    return int.from_bytes(drawn, "big") / SPACE


def positions(salt: str, unit_ids: Sequence[str]) -> NDArray[np.float64]:
    """`position` of many units, shape (n,)."""
    start = hashlib.blake2b(f"{salt}\x1f".encode(), digest_size=8)
    drawn = bytearray()
    for unit_id in unit_ids:
        one = start.copy()
        one.update(unit_id.encode())
        drawn += one.digest()
    return np.frombuffer(bytes(drawn), ">u8").astype(np.float64) / SPACE


def in_holdout(share: float, unit_id: str) -> bool:
    """Whether a unit stands outside of every experiment, for as long as the home exists."""
    return share > 0 and position(HOLDOUT, unit_id) < share


def assign(experiment: Experiment, unit_id: str, *, holdout: float = 0.0) -> Assigned | None:
    """Where a unit stands in an experiment that has its salt; None: it is not in it.

    Parameters
    ----------
    holdout : float
        Share of all units that are in no experiment.

    Notes
    -----
    The place in the layer is hashed with the layer's name, the arm with the experiment's salt. So experiments
    of one layer exclude each other, arms of different experiments are independent, and an experiment whose
    share is raised keeps the arm of everybody who is in it.
    """
    if in_holdout(holdout, unit_id):
        return None
    place = position(f"{LAYER}:{experiment.in_layer}", unit_id)
    if not experiment.from_share <= place < experiment.until_share:
        return None
    drawn = position(f"{ARM}:{experiment.salt}", unit_id)
    arm = 0
    for arm, share in enumerate(a.share for a in experiment.arms):  # noqa: B007
        drawn -= share
        if drawn < 0:
            break
    return Assigned(arm, position(f"{KEPT_OUT}:{experiment.salt}", unit_id) < experiment.kept_out)
