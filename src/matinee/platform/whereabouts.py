"""Where one action stands in a decision, or what keeps it out: the answer to "why not this one?"."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from matinee.platform.deciding import Request


@dataclass(frozen=True, slots=True)
class Place:
    """Where an action stands among those that one stage could choose from.

    Attributes
    ----------
    stage : str
        Name of the stage, as in `Explained.stages`; or what would have been one.
    place : int or None
        From 1, by the stage's score alone. None: it was not among them, `why` says why.
    of : int
        How many could be chosen there, as far as they were looked at.
    chosen : int
        How many were; 0 for a stage that the decision does without.
    why : str
        What kept it off; "" if nothing but others that were better.
    """

    stage: str
    place: int | None
    of: int
    chosen: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class Located:
    """What a decision made of one action.

    Attributes
    ----------
    slots : tuple of int
        Slots of the decision that hold it, counted from 0.
    rule : str or None
        The first rule that forbids it; None: it is permitted.
    stages : tuple of Place
        The stages that had it among their candidates.
    scores : dict of str to float
        What is known about its worth.
    note : str
    """

    action: str
    slots: tuple[int, ...] = ()
    rule: str | None = None
    stages: tuple[Place, ...] = ()
    scores: dict[str, float] = field(default_factory=dict)
    note: str = ""


@runtime_checkable
class Locates(Protocol):
    """A decider that can say of any action where it stands, and why it stands no higher."""

    def locate(self, request: Request, action: str) -> Located:
        """Decide, and note what became of one action; as slow as `explain`.

        Raises
        ------
        NotFoundError
            There is no such action.
        """
        ...
