"""What an initiative is asked and what it answers: a request in, slots with propensities out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from matinee.observe.decisions import RowNote, Slot
from matinee.observe.home import Home
from matinee.observe.state.reading import MemberReader
from matinee.platform.forecasting import Forecaster

Context = dict[str, str | int | float | bool | None]
NO_MODEL = "no_model"
NO_ACTION = "no_eligible_action"


@dataclass(frozen=True, slots=True)
class Request:
    """A question to an initiative.

    Attributes
    ----------
    unit_id : str
        Whom it is about: a member, an account, a title.
    at_us : int
        When.
    context : dict
        What the caller knows besides: device, locale. Values are plain.
    actions : tuple of str or None
        Only these actions may be chosen. It can narrow what the initiative permits, never widen it.
        None: whatever the initiative permits.
    seed : int
        Of the random draws of this decision; the draws depend on it, the unit and the moment only.
    after : tuple of Slot
        What the unit has been shown of this decision already: further rows are asked for, which repeat none
        of it. Only deciders of pages know it.
    after_rows : tuple of RowNote
        The rows of `after`.
    made : bytes or None
        An answer for this unit that was made ahead (`Precomputes`), to be corrected instead of computed.

    Examples
    --------
    >>> Request("m1", at_us=0).actions is None
    True
    """

    unit_id: str
    at_us: int
    context: Context = field(default_factory=dict)
    actions: tuple[str, ...] | None = None
    seed: int = 0
    after: tuple[Slot, ...] = ()
    after_rows: tuple[RowNote, ...] = ()
    made: bytes | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """What a decider chose.

    Attributes
    ----------
    slots : tuple of Slot
        Empty when no action is permitted; `reason` then says why.
    permitted : tuple of str
        The actions that could have been chosen, or one reference to them ("mask:<hash>").
    reason : str or None
    context : dict
        What the decision rested on, for the log: feature values under their own names, and `prediction`
        where a probability was predicted. Monitors read it.
    rows : tuple of RowNote
        Of a page: what stands above each row.
    unmet : tuple of str
        Wishes that could not be kept.
    more : bool
        Further rows could be asked for (`Request.after`).
    valid_until_us : int or None
        Until when the same actions are permitted: a title's window ends, or another one's begins. None: not
        known.
    """

    slots: tuple[Slot, ...]
    permitted: tuple[str, ...] = ()
    reason: str | None = None
    context: Context = field(default_factory=dict)
    rows: tuple[RowNote, ...] = ()
    unmet: tuple[str, ...] = ()
    more: bool = False
    valid_until_us: int | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """One step on the way to a decision, for people who ask why.

    Attributes
    ----------
    name : str
        "eligible", "row 1: popular".
    candidates : int
        Actions that came in.
    removed : dict of str to int
        Actions that each rule took away; an action counts under the first rule that forbids it.
    left : int
    note : str
        What else there is to say: why it is there, what it is expected to bring.
    scores : dict of str to float
        Figures that decided for it, by name.
    """

    name: str
    candidates: int
    removed: dict[str, int]
    left: int
    note: str = ""
    scores: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Explained:
    """A decision made once more, with its stages.

    Attributes
    ----------
    decided : Decided
    stages : tuple of Stage
        In the order in which they came.
    absent : dict of str to str
        What could have been there and is not (kinds of row), with the reason.
    scores : tuple of dict of str to float
        For each slot of `decided` what it weighed, stage by stage, under names that the initiative's README
        explains. Empty: the decider does not say.
    """

    decided: Decided
    stages: tuple[Stage, ...]
    absent: dict[str, str] = field(default_factory=dict)
    scores: tuple[dict[str, float], ...] = ()


class Decider(Protocol):
    """Answers requests; made once for a release (or a fallback), asked many times, never learns."""

    @property
    def policy(self) -> str:
        """Name and version of the policy, as it is logged."""
        ...

    def decide(self, request: Request) -> Decided:
        """Choose for one unit. A unit that nobody has heard of gets an answer too, and is not stored."""
        ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an initiative may use to answer: the log as it is, the moment, its settings.

    Attributes
    ----------
    home : Home
        Limited to the tables that the initiative declares.
    at_us : int
        Moment of the answers. The log is read until then.
    config : object
        The initiative's settings, of the class it declares.
    members : MemberReader or None
        What is known about single members at the moment of a request: a server's state, which includes the
        member's last event. None: the log, as of `at_us`, is all there is.
    """

    home: Home
    at_us: int
    config: Any
    members: MemberReader | None = None


OpenModel = Callable[[Path, Surroundings], Decider]
OpenWithoutModel = Callable[[Surroundings], Decider]
OpenForecaster = Callable[[Path, Surroundings], Forecaster]
OpenForecasterWithoutModel = Callable[[Surroundings], Forecaster]
