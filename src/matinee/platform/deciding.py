"""How an initiative answers: a request in, slots with propensities out, and a fallback for bad days."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, overload, runtime_checkable

from matinee.errors import InputError
from matinee.observe.decisions import DecisionRecord, RowNote, Slot
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


@runtime_checkable
class Explains(Protocol):
    """A decider that can say, stage by stage, how it comes to a decision."""

    def explain(self, request: Request) -> Explained:
        """Decide, and note what each stage removed; slower than `decide`."""
        ...


@runtime_checkable
class Weighs(Protocol):
    """A decider of one action that can say how probably it would choose each: what policies are judged by.

    It is asked about decisions of the past that another policy made (`matinee ope --policy-version`) or that
    it made itself beside another (`matinee apprentice`).
    """

    def probabilities(self, request: Request) -> dict[str, float]:
        """Probability with which `decide` would choose each action; nothing is drawn, the seed plays no part.

        Returns
        -------
        dict of str to float
            Actions with a probability above 0; they sum to 1. Empty where no action is permitted. A request
            that is narrowed to these actions has the same probabilities.
        """
        ...


@runtime_checkable
class Refreshes(Protocol):
    """A decider that can follow the log and the catalogue without loading its model again."""

    def refreshed(self, around: Surroundings) -> Decider:
        """The same model at a new moment; the old decider goes on answering meanwhile."""
        ...


@runtime_checkable
class Prepares(Protocol):
    """A decider that can do ahead what the first answer after a moment would have to do."""

    def prepare(self, at_us: int) -> None:
        """Make ready for answers from a moment on that is seconds ahead; cheap if everything is ready."""
        ...


@runtime_checkable
class Forgets(Protocol):
    """A decider that keeps something about single units in memory, and can drop it."""

    def forget(self, unit_ids: Container[str]) -> None:
        """Drop all that is kept about some units: those of whom `unit_id in unit_ids` is true."""
        ...


@runtime_checkable
class NamesActions(Protocol):
    """A decider that refers to large sets of actions by name ("mask:<hash>") and can say what is in them."""

    def actions_of(self, reference: str) -> Sequence[str] | None:
        """The actions of a set that a decision referred to; None if it is not known any more."""
        ...


@runtime_checkable
class Precomputes(Protocol):
    """A decider whose answers can be made ahead, kept as one value per unit, and corrected when asked for."""

    def precompute(self, unit_ids: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """Answers of many units, made together; what they are made for is the moment of the decider."""
        ...

    def decide_from(self, made: bytes, request: Request) -> Decided | None:
        """Choose from an answer that was made ahead, after what has happened since.

        None if it is of no use any more: the catalogue or the model is another one, or too much was taken
        from it.
        """
        ...


@runtime_checkable
class FindsSimilar(Protocol):
    """A decider that knows which of its actions are alike."""

    def similar(self, action: str, n: int) -> Sequence[str]:
        """At most `n` actions that are most like one, the most alike first; none for an unknown one.

        It is about actions, not about a unit: whoever shows them takes out what the unit may not see.
        """
        ...


@runtime_checkable
class Prefers(Protocol):
    """A decider that can say which of several actions a unit would rather have, without choosing one."""

    def preferences(self, request: Request) -> Sequence[float]:
        """Of each of `request.actions`, in their order, 0 or more: the larger the better for this unit.

        Only the order and the proportions mean something. What is permitted plays no part.
        """
        ...


class Later(Sequence[str | None]):
    """Sentences that are made when the first of them is read: a page is asked why far less often than made.

    Parameters
    ----------
    n : int
        How many there are.
    make : callable
        Makes all of them; it must not depend on anything that changes.

    Examples
    --------
    >>> said = Later(2, lambda: ["chosen because you smile", None])
    >>> len(said), said[0], said == ["chosen because you smile", None]
    (2, 'chosen because you smile', True)
    """

    __slots__ = ("_made", "make", "n")

    def __init__(self, n: int, make: Callable[[], Sequence[str | None]]) -> None:
        self.n, self.make = n, make
        self._made: Sequence[str | None] | None = None

    def _all(self) -> Sequence[str | None]:
        if self._made is None:
            self._made = self.make()
        return self._made

    def __len__(self) -> int:
        return self.n

    @overload
    def __getitem__(self, at: int) -> str | None: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[str | None]: ...
    def __getitem__(self, at: int | slice) -> str | Sequence[str | None] | None:
        return self._all()[at]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self._all()) == list(other)

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class ArtworkChoices:
    """Which image stands for each title of a page, with what probability, and why.

    Attributes
    ----------
    policy : str
        Name and version of what chose, as it is logged.
    artwork_id : list of str or None, shape (n_titles,)
        None: the title has no image that may be shown.
    propensity : list of float, shape (n_titles,)
        Probability of the image, given those of the titles before it; 1.0 where there is none.
    n : list of int, shape (n_titles,)
        Images that could have been chosen; 0 where there is none.
    why : sequence of (str or None), shape (n_titles,)
        For people: "chosen because you watch much Horror: a dark picture". None: nothing to say. Servers do
        not read it, so that it may be a `Later`.

    Raises
    ------
    InputError
        The lists differ in length, or a propensity lies outside (0, 1].

    Examples
    --------
    >>> ArtworkChoices("default@1", ["a1", None], [1.0, 1.0], [1, 0], [None, None]).artwork_id
    ['a1', None]
    """

    policy: str
    artwork_id: list[str | None]
    propensity: list[float]
    n: list[int]
    why: Sequence[str | None]

    def __post_init__(self) -> None:
        for name in ("propensity", "n", "why"):
            if len(getattr(self, name)) != len(self.artwork_id):
                raise InputError(
                    f"ArtworkChoices: {name} has {len(getattr(self, name))} entries, expected "
                    f"{len(self.artwork_id)}, one for each title."
                )
        if not all(0.0 < p <= 1.0 for p in self.propensity):
            wrong = next(p for p in self.propensity if not 0.0 < p <= 1.0)
            raise InputError(f"ArtworkChoices: propensity is {wrong}, expected above 0 and at most 1.")


@runtime_checkable
class ChoosesArtwork(Protocol):
    """A decider that chooses the images of all titles of a page in one call."""

    def choose_artwork(self, request: Request, titles: Sequence[str]) -> ArtworkChoices:
        """Choose an image for each title; one that comes twice has the same image, certain the second time.

        The request is that of the page: its unit, moment and context (`device`, `territory`); its seed plays
        no part. A title that nobody has heard of has no image.
        """
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


@dataclass(frozen=True, slots=True)
class Answering:
    """An initiative ready to answer: the model's decider if there is one, and the fallback's.

    Attributes
    ----------
    initiative : str
    model : str
        Version of the model, as it is logged; "none" without one.
    decider : Decider or None
    fallback : Decider
    trouble : str or None
        Why there is no decider.
    """

    initiative: str
    model: str
    decider: Decider | None
    fallback: Decider
    trouble: str | None = None

    def answer(self, request: Request, *, decision_id: str) -> DecisionRecord:
        """Decide, and say how: the record is what is logged.

        A decider that is missing or fails never costs the answer: the fallback decides, `fallback` is true,
        and the context says why (`fallback_reason`).

        Raises
        ------
        InputError
            The answer breaks the contract of a decision: a propensity outside (0, 1], or an action that the
            request does not permit.
        """
        if request.actions is not None and not request.actions:
            return self.record(
                request, decision_id, Decided((), (), NO_ACTION), self._policy(), fallback=False, why=None
            )
        why = self.trouble or NO_MODEL
        if self.decider is not None:
            try:
                decided = decide(self.decider, request)
                check(self.initiative, request, decided)
            except Exception as problem:  # whatever a model does, the member gets an answer
                why = f"{type(problem).__name__}: {problem}"[:300]
            else:
                return self.record(
                    request, decision_id, decided, self.decider.policy, fallback=False, why=None
                )
        decided = self.fallback.decide(request)
        check(self.initiative, request, decided)
        return self.record(request, decision_id, decided, self.fallback.policy, fallback=True, why=why)

    def ask(self, unit_id: str, at_us: int, turn: int) -> bool:
        """Answer once; tells whether the fallback had to."""
        record = self.answer(Request(unit_id, at_us, seed=turn), decision_id=f"trial-{turn}")
        return record.fallback

    def _policy(self) -> str:
        return (self.decider or self.fallback).policy

    def record(
        self,
        request: Request,
        decision_id: str,
        decided: Decided,
        policy: str,
        *,
        fallback: bool,
        why: str | None,
        noted: Context | None = None,
        latency_ms: float | None = None,
    ) -> DecisionRecord:
        """What is logged of a decision.

        Parameters
        ----------
        why : str or None
            Why the fallback decided.
        noted : dict, optional
            What else the context says.
        """
        context = {**request.context, **decided.context, **(noted or {})}
        if why is not None:
            context["fallback_reason"] = why
        if decided.reason is not None:
            context["reason"] = decided.reason
        return DecisionRecord(
            decision_id=decision_id,
            initiative=self.initiative,
            unit_id=request.unit_id,
            at_us=request.at_us,
            policy=policy,
            model="none" if fallback else self.model,
            slots=list(decided.slots),
            actions=list(decided.permitted),
            context=context,
            fallback=fallback,
            rows=list(decided.rows),
            unmet=list(decided.unmet),
            latency_ms=latency_ms,
            more=decided.more,
            valid_until_us=decided.valid_until_us,
        )


def decide(decider: Decider, request: Request) -> Decided:
    """Correct the answer that was made ahead, where there is one that is still of use; else compute it."""
    if request.made is not None and isinstance(decider, Precomputes):
        found = decider.decide_from(request.made, request)
        if found is not None:
            return replace(found, context={**found.context, "made": "ahead"})
    return decider.decide(request)


def check(initiative: str, request: Request, decided: Decided) -> None:
    """Refuse an answer that breaks the contract of a decision.

    Raises
    ------
    InputError
        A propensity outside (0, 1], or an action that was not permitted.

    Examples
    --------
    >>> check("demo", Request("m1", 0), Decided((Slot("a", 1.5),)))
    Traceback (most recent call last):
    matinee.errors.InputError: demo: propensity of "a" is 1.5, expected above 0 and at most 1.
    """
    listed = None if any(a.startswith("mask:") for a in decided.permitted) else set(decided.permitted)
    asked = None if request.actions is None else set(request.actions)
    for slot in decided.slots:
        if not 0.0 < slot.propensity <= 1.0:
            raise InputError(
                f'{initiative}: propensity of "{slot.action}" is {slot.propensity}, expected above 0 and at '
                "most 1."
            )
        for permitted, name in ((listed, "permitted"), (asked, "in the request")):
            if permitted is not None and slot.action not in permitted:
                raise InputError(
                    f'{initiative}: action "{slot.action}" was chosen, expected one of the {len(permitted)} '
                    f"{name}."
                )
