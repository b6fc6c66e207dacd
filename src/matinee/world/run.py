"""A run of a world: day after day, under policies of your choice."""

from __future__ import annotations

from dataclasses import dataclass, field

from matinee.errors import InputError
from matinee.world.accounts import morning
from matinee.world.draws import Bools, Floats, Ints
from matinee.world.offers import OfferPolicy, logging_offers
from matinee.world.pages import PagePolicy, ShelfPages, Slates
from matinee.world.record import Record
from matinee.world.sessions import evening
from matinee.world.state import State
from matinee.world.truth import Truth
from matinee.world.world import World


@dataclass(frozen=True, slots=True)
class Totals:
    """What a run came to so far.

    Attributes
    ----------
    revenue_minor, cost_minor : ndarray of float64, shape (n_accounts,)
        Collected from each account (discounts taken off); spent on it.
    active : ndarray of bool, shape (n_accounts,)
    visits, plays, quality_plays : ndarray of int64, shape (n_members,)
    watch_s : ndarray of float64, shape (n_members,)
    """

    revenue_minor: Floats
    cost_minor: Floats
    active: Bools
    visits: Ints
    plays: Ints
    quality_plays: Ints
    watch_s: Floats

    @property
    def net_minor(self) -> Floats:
        """Revenue less cost of each account."""
        return self.revenue_minor - self.cost_minor

    def since(self, before: Totals) -> Totals:
        """What was added after an earlier moment of the same run; `active` is that of now."""
        return Totals(
            self.revenue_minor - before.revenue_minor,
            self.cost_minor - before.cost_minor,
            self.active,
            self.visits - before.visits,
            self.plays - before.plays,
            self.quality_plays - before.quality_plays,
            self.watch_s - before.watch_s,
        )


@dataclass(slots=True)
class Run:
    """A world in motion.

    Without policies of your own the service does what filled its log: `ShelfPages` and `logging_offers`.
    Two branches of one run share their past and their luck, so what differs is what the policies did.

    Parameters
    ----------
    world : World

    Attributes
    ----------
    record : Record
        Everything that happened.
    state : State
        Where the world stands: a simulator's view, not a service's.

    Examples
    --------
    >>> from matinee.world.config import WorldConfig
    >>> run = Run(World.make(WorldConfig(n_members=50, n_titles=40, n_days=30)))
    >>> run.go(30).day
    30
    """

    world: World
    record: Record = field(default_factory=Record)
    state: State = field(init=False)
    logging_pages: ShelfPages = field(init=False)

    def __post_init__(self) -> None:
        self.state = State.begin(self.world)
        self.logging_pages = ShelfPages(self.world)

    @property
    def day(self) -> int:
        """Days that are over."""
        return self.state.day

    @property
    def truth(self) -> Truth:
        """What is really so; for tests and benchmarks."""
        return Truth(self.world, self.record, self.state)

    @property
    def totals(self) -> Totals:
        """What the run came to so far."""
        s = self.state
        return Totals(
            s.revenue_minor.copy(), s.cost_minor.copy(), s.active.copy(), s.n_visits.copy(), s.n_plays.copy(),
            s.n_quality_plays.copy(), s.watch_s.copy(),
        )  # fmt: skip

    def step(self, *, pages: PagePolicy | None = None, offers: OfferPolicy | None = None) -> Slates | None:
        """Live one day; returns the pages that were shown, None if nobody came to a page.

        Raises
        ------
        InputError
            The world has come to its end, or a policy answered with something that is not permitted.
        """
        if self.day >= self.world.config.horizon_days:
            raise InputError(
                f"world: day is {self.day}, expected one before {self.world.config.horizon_days}, the end of "
                "this world. Make it with more future_days."
            )
        morning(self.world, self.state, self.record, offers or logging_offers)
        shown = evening(self.world, self.state, self.record, pages or self.logging_pages)
        self.state.day += 1
        return shown

    def go(self, days: int, *, pages: PagePolicy | None = None, offers: OfferPolicy | None = None) -> Run:
        """Live some days under the same policies; returns itself."""
        for _ in range(days):
            self.step(pages=pages, offers=offers)
        return self

    def branch(self) -> Run:
        """A second future of the same past."""
        other = Run(self.world, self.record.branch())
        other.state = self.state.copy()
        return other
