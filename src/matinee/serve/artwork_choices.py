"""Who chooses the images of a page is asked: in the thread that composed the page, else in one of its own.

A hop to another thread costs as much as choosing 60 images, so the page's own thread goes on with them.
Nobody can end a computation from outside, so at most half of a page's threads may choose at a time: a choice
that hangs leaves pages the others, and from then on images are chosen elsewhere, or not at all.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard
from weakref import WeakKeyDictionary

from matinee.observe.decisions import Slot
from matinee.platform.abilities import ArtworkChoices, ChoosesArtwork
from matinee.platform.deciding import Context, Decided, Request
from matinee.platform.dressing import to_choose
from matinee.serve.arms import arm_counts
from matinee.serve.attempt import Attempt
from matinee.serve.budget import LATE, OVERLOADED, RESTING, STUCK, Outcome, Then
from matinee.serve.reading_once import ReadOnce
from matinee.serve.released import Released
from matinee.serve.rollouts import ANSWERS, BAD, FALLBACK, counter
from matinee.serve.trials import Place

DEFAULT = "default"
"""Policy of a page whose images nobody chose."""
_CHOOSING: WeakKeyDictionary[type, bool] = WeakKeyDictionary()


def chooses(decider: object) -> TypeGuard[ChoosesArtwork]:
    """Whether it chooses images: asked for each page, and slow to find out anew in Python 3.11."""
    kind = type(decider)
    found = _CHOOSING.get(kind)
    if found is None:
        found = _CHOOSING[kind] = issubclass(kind, ChoosesArtwork)
    return found


@dataclass(frozen=True, slots=True)
class Choice:
    """What came of asking, what the page's record says about it, and one word for counters."""

    choices: ArtworkChoices | None
    noted: Context
    how: str


def nobody(why: str, noted: Context | None = None, *, late: bool = False) -> Choice:
    """Default images, and why."""
    said: Context = {"artwork_policy": DEFAULT, "artwork_model": "none", "artwork_reason": why}
    if late:
        said["artwork_late"] = True
    return Choice(None, {**(noted or {}), **said}, "late" if late else DEFAULT)


@dataclass(slots=True)
class Asking:
    """One question about a page's images, to what is in production, the canary, or the arm of the member.

    Attributes
    ----------
    why : str or None
        Why the model is not asked; then the fallback is.
    decider : object
        Who is asked; it may not be able to choose images.
    """

    released: Released
    request: Request
    attempt: Attempt
    why: str | None
    decider: Any

    @staticmethod
    def of(released: Released, request: Request, place: Place | None, left_s: float) -> Asking:
        """By where the member stands in the experiments on images."""
        if place is not None and len(place.answers) > 1:
            place = None  # images are not interleaved: a page has one policy
        attempt = Attempt(
            released.keeper.now,
            request,
            decision_id="",
            budget_ms=1e3 * max(left_s, 0.0),
            fallback_s=0.0,
            place=place,
        )
        why = attempt.ready()
        decider = attempt.opened.answering.decider if why is None else attempt.now.fallback
        return Asking(released, request, attempt, why, decider)

    async def ask(self, titles: Sequence[str], left_s: float) -> Choice:
        """Have them chosen in a thread of who chooses; never raises for what that does."""
        if not chooses(self.decider):
            self._count([ANSWERS, FALLBACK])
            return nobody(self.why or f"{self.attempt.opened.version} chooses no images", self._noted())
        if left_s <= 0:
            return nobody("no time was left", self._noted(), late=True)
        run = self.decider.choose_artwork
        pool = self.attempt.opened.pool
        return self.choice(titles, await pool.ask_async(lambda: run(self.request, titles), left_s))

    def choice(self, titles: Sequence[str], outcome: Outcome) -> Choice:
        """What came of it, counted."""
        late = outcome.why in (LATE, OVERLOADED, STUCK, RESTING)
        problem = outcome.why
        if problem is None and len(outcome.value.artwork_id) != len(titles):
            problem = f"{len(outcome.value.artwork_id)} images for {len(titles)} titles"
        if problem is not None:
            self._count([ANSWERS, FALLBACK, *([LATE] if late else [])])
            said = "" if outcome.error is None else f": {type(outcome.error).__name__}: {outcome.error}"
            return nobody(f"{problem}{said}"[:300], self._noted(), late=late)
        self._count([ANSWERS])
        choices: ArtworkChoices = outcome.value
        noted = self._noted() | {
            "artwork_policy": choices.policy,
            "artwork_model": self.attempt.opened.version if self.why is None else "none",
        }
        if self.why is not None:
            noted["artwork_reason"] = self.why
        return Choice(choices, noted, "chosen" if self.why is None else "fallback")

    def _noted(self) -> Context:
        return {f"artwork_{name}": value for name, value in self.attempt.noted.items()}

    def _count(self, names: list[str]) -> None:
        """Count as decisions are counted, so that canaries and arms that choose images are judged too."""
        asked, released = self.attempt, self.released
        released.tally.add(*names)
        released.tally.share(arm_counts(asked, names))
        rollout = asked.now.rollout
        if asked.arm is not None and rollout is not None:
            bad = [BAD] if len(names) > 1 or asked.missing is not None else []
            released.tally.share({counter(rollout, name, asked.arm): 1 for name in [*names, *bad]})


@dataclass(slots=True)
class Alongside:
    """The same question, asked by the thread that composed the page as soon as it is composed.

    Attributes
    ----------
    then : Then
        To be handed to whoever has the page composed.
    """

    asking: Asking
    then: Then
    patient: bool
    titles: list[str] = field(default_factory=list)
    _slots: tuple[Slot, ...] = ()
    _began: bool = False

    @staticmethod
    def of(
        asking: Asking,
        lanes: Lanes,
        reading: ReadOnce,
        budget_s: float,
        total_s: float,
        *,
        patient: bool,
    ) -> Alongside | None:
        """None where it has to be asked elsewhere.

        Parameters
        ----------
        reading : ReadOnce
            What deciders read members with.
        budget_s, total_s : float
            As in `Then`.
        patient : bool
            The time is that of the settings: who is late in it is late.
        """
        pool = asking.attempt.opened.pool
        if lanes.most < 1 or not chooses(asking.decider) or pool.rests:
            return None
        run = asking.decider.choose_artwork

        def choose(decided: Decided) -> ArtworkChoices | None:
            if not lanes.enter():
                return None
            try:
                reading.repeat()
                found.titles, found._slots = to_choose(decided.slots, asking.request.after), decided.slots
                found._began = True
                return run(asking.request, found.titles)
            finally:
                lanes.leave()

        found = Alongside(asking, Then(choose, budget_s, total_s, reading.request), patient)
        return found

    def asked(self, slots: Sequence[Slot]) -> list[str] | None:
        """Titles that it was asked about, if the page still has the slots that it had then."""
        return self.titles if self._began and self._slots == tuple(slots) else None

    def choice(self, titles: Sequence[str]) -> Choice | None:
        """What came of it; None: it has to be asked again, since nobody was, or about other titles."""
        if not self._began:
            return None
        outcome = self.then.outcome or Outcome(why=LATE)
        self.asking.attempt.opened.pool.told(outcome.why, strict=self.patient)
        if outcome.why is None and titles is not self.titles and list(titles) != self.titles:
            return None
        return self.asking.choice(titles, outcome)


class Lanes:
    """Threads that compose pages, and may choose images at a time.

    Parameters
    ----------
    most : int
        0: none of them.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._inside = 0
        self._lock = threading.Lock()

    def enter(self) -> bool:
        """Whether there is room for one more, who then has to `leave`."""
        with self._lock:
            if self._inside >= self.most:
                return False
            self._inside += 1
            return True

    def leave(self) -> None:
        """Make room."""
        with self._lock:
            self._inside -= 1
