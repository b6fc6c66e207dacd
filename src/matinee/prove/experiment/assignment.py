"""Who is in which arm: by hashes alone, the same in every process and at every time; nothing is stored."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee.prove.experiment.definition import Experiment

SPACE = 2.0**64
LAYER, ARM, HOLDOUT = "layer", "arm", "holdout"


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
    return _two_positions(salt, unit_id)[0]


def _two_positions(salt: str, unit_id: str) -> tuple[float, float]:
    """`position`, and a second place that is independent of it: the other 8 bytes."""
    drawn = hashlib.blake2b(f"{salt}\x1f{unit_id}".encode(), digest_size=16).digest()
    return int.from_bytes(drawn[:8], "big") / SPACE, int.from_bytes(drawn[8:], "big") / SPACE


def _positions(salt: str, unit_ids: Iterable[bytes]) -> NDArray[np.float64]:
    """`_two_positions` of many units, whose ids are given as UTF-8, shape (n, 2)."""
    salted = hashlib.blake2b(f"{salt}\x1f".encode(), digest_size=16).copy
    drawn = []
    for unit_id in unit_ids:
        one = salted()
        one.update(unit_id)
        drawn.append(one.digest())
    return np.frombuffer(b"".join(drawn), ">u8").astype(np.float64).reshape(-1, 2) / SPACE


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
    drawn, second = _two_positions(f"{ARM}:{experiment.salt}", unit_id)
    arm = 0
    for arm, share in enumerate(a.share for a in experiment.arms):  # noqa: B007
        drawn -= share
        if drawn < 0:
            break
    return Assigned(arm, second < experiment.kept_out)


class AssignedMany(NamedTuple):
    """Where many units stand.

    Attributes
    ----------
    arm : ndarray of int8, shape (n,)
        Position in `Experiment.arms`; -1: not in the experiment.
    kept_out : ndarray of bool, shape (n,)
    """

    arm: NDArray[np.int8]
    kept_out: NDArray[np.bool_]


def assign_many(experiment: Experiment, unit_ids: Sequence[str], *, holdout: float = 0.0) -> AssignedMany:
    """`assign` of many units; the same answer for each.

    Notes
    -----
    One hash per unit, one more for each that is in the experiment, and one more where there is a holdout.
    """
    ids = [unit_id.encode() for unit_id in unit_ids]
    arm, kept_out = np.full(len(ids), -1, np.int8), np.zeros(len(ids), np.bool_)
    place = _positions(f"{LAYER}:{experiment.in_layer}", ids)[:, 0]
    inside = np.flatnonzero((experiment.from_share <= place) & (place < experiment.until_share))
    if holdout > 0:
        inside = inside[_positions(HOLDOUT, _at(ids, inside))[:, 0] >= holdout]
    drawn, second = _positions(f"{ARM}:{experiment.salt}", _at(ids, inside)).T.copy()
    found = np.full(len(inside), len(experiment.arms) - 1, np.int8)
    waiting = np.ones(len(inside), np.bool_)
    for number, one in enumerate(experiment.arms):
        drawn -= one.share
        found[waiting & (drawn < 0)] = number
        waiting &= drawn >= 0
    arm[inside], kept_out[inside] = found, second < experiment.kept_out
    return AssignedMany(arm, kept_out)


def _at(ids: list[bytes], places: NDArray[np.intp]) -> Iterable[bytes]:
    return ids if len(places) == len(ids) else map(ids.__getitem__, places.tolist())
