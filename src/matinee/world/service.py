"""A simulated streaming service with known truth: make a world, live its history, write it to a home.

Its figures are made up. They serve to test that a method finds what is known to be there; they say nothing
about real members.
"""

from __future__ import annotations

from collections.abc import Callable

from matinee.world.config import WorldConfig, small
from matinee.world.home import write_home
from matinee.world.run import Run, Totals
from matinee.world.truth import OfferTruth, Truth
from matinee.world.world import World

__all__ = ["OfferTruth", "Run", "Totals", "Truth", "World", "WorldConfig", "simulate", "small", "write_home"]


def simulate(config: WorldConfig | None = None, *, progress: Callable[[float], None] | None = None) -> Run:
    """Live the history of a world, `config.n_days` long, as the service that fills the log.

    Parameters
    ----------
    config : WorldConfig, optional
        Default: `small()`.
    progress : callable, optional
        Called with the share that is done, 0 to 1.

    Returns
    -------
    Run
        It can be written with `write_home`, asked for its `truth`, and run on under other policies.

    Examples
    --------
    >>> run = simulate(WorldConfig(n_members=30, n_titles=30, n_days=20))
    >>> run.day, len(run.record.table("plays")["member"]) > 20
    (20, True)
    """
    run = Run(World.make(config or small()))
    for day in range(run.world.config.n_days):
        run.step()
        if progress is not None:
            progress((day + 1) / run.world.config.n_days)
    return run
