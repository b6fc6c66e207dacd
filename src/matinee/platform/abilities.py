"""What a decider may be able to do besides deciding; who asks it looks whether it is."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, overload, runtime_checkable

from matinee.errors import InputError
from matinee.platform.deciding import Decided, Decider, Explained, Request, Surroundings


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
        n, p = len(self.artwork_id), self.propensity
        if not n == len(p) == len(self.n) == len(self.why):
            name = next(name for name in ("propensity", "n", "why") if len(getattr(self, name)) != n)
            raise InputError(
                f"ArtworkChoices: {name} has {len(getattr(self, name))} entries, expected {n}, one for each "
                "title."
            )
        if n and not (min(p) > 0.0 and max(p) <= 1.0 and sum(p) > 0.0):  # the sum is no number if one is none
            wrong = next(one for one in p if not 0.0 < one <= 1.0)
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
