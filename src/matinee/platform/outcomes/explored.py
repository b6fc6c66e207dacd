"""The log of what an initiative drew at random inside of its decisions, for `matinee ope`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from matinee.observe.home import Home


@dataclass(frozen=True, slots=True)
class Explored:
    """What was written.

    Attributes
    ----------
    slots : int
        Explored slots in the file, one row each.
    rewarded : int
        Those with a reward above 0.
    left_out : dict of str to int
        Explored slots that are no examples, by reason.
    """

    slots: int
    rewarded: int
    left_out: dict[str, int]


WriteExplored = Callable[[Home, Path, int], Explored]
"""Gets the home, the CSV file to write, and the moment at which outcomes must have been final."""
