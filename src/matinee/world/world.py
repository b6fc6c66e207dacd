"""A world: who and what there is, drawn once from a configuration and never changed."""

from __future__ import annotations

from dataclasses import dataclass

from matinee.types import DAY_US
from matinee.world.config import WorldConfig
from matinee.world.draws import Bools, Draws, Floats
from matinee.world.people import MATURITY_CLASSES, People
from matinee.world.titles import Titles


@dataclass(frozen=True, slots=True)
class World:
    """Everything that does not depend on what the service does.

    Attributes
    ----------
    config : WorldConfig
    draws : Draws
        Luck, addressed by what it is for.
    titles : Titles
    people : People

    Examples
    --------
    >>> world = World.make(WorldConfig(n_members=10, n_titles=20, n_days=5))
    >>> len(world.titles), world.people.n_members
    (20, 10)
    """

    config: WorldConfig
    draws: Draws
    titles: Titles
    people: People

    @staticmethod
    def make(config: WorldConfig) -> World:
        """Draw a world."""
        draws = Draws(config.seed)
        return World(
            config,
            draws,
            Titles.make(config.n_titles, config.n_tastes, config.horizon_days, draws),
            People.make(
                config.n_members, config.n_tastes, config.horizon_days, drift=config.drift, draws=draws
            ),
        )

    def day_us(self, day: int) -> int:
        """Beginning of a day, microseconds since the epoch."""
        return self.config.start_us + day * DAY_US

    def eligible(self, day: int) -> Bools:
        """What may be shown on a day, shape (n_segments, n_titles); see `segment`."""
        allowed = self.titles.eligible(day, MATURITY_CLASSES)
        return allowed.reshape(-1, len(self.titles))

    def buzz(self, day: int) -> Floats:
        """How much each title is talked about, shape (n_titles,): its appeal, and more while it is new.

        It does not depend on who watched it, so that one member's treatment never reaches another.
        """
        age = self.titles.release_day - day
        fresh = 1.5 * 2.0 ** (age / 14.0) * (age <= 0)
        buzz: Floats = 0.8 * self.titles.appeal + fresh
        return buzz
