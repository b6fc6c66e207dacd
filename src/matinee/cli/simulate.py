"""Fill an empty home with the log of a simulated service."""

from __future__ import annotations

from pathlib import Path

from matinee.cli.console import print_json, progress, say
from matinee.cli.context import find_home
from matinee.types import format_at
from matinee.world.home import refuse_events
from matinee.world.service import WorldConfig, write_home
from matinee.world.service import simulate as live


def simulate(
    *,
    home: Path | None = None,
    members: int = 2_000,
    titles: int = 400,
    days: int = 180,
    seed: int = 0,
    start: str = "2025-01-01",
    impressions: float = 1.0,
    json: bool = False,
) -> int:
    """Fill a home without events with what the members of a simulated service did.

    Titles, members and windows, plays, impressions, signals, searches, membership, and the decisions of the
    service with their propensities and rewards. The figures are made up: they serve to try things out and to
    test methods, and say nothing about real members. The same options give the same log.

    Example: matinee simulate --home shop --members 600 --days 120

    Parameters
    ----------
    home
        Service home without events; else MATINEE_HOME, else the current folder.
    members
        Profiles that watch.
    titles
        Films and series; episodes come on top.
    days
        Length of the history.
    seed
        Of everything random.
    start
        First day, ISO-8601.
    impressions
        Share of members whose impressions and pages are logged, 0 to 1.
    json
        Print machine-readable JSON.
    """
    where = find_home(home)
    config = WorldConfig(
        n_members=members,
        n_titles=titles,
        n_days=days,
        future_days=0,
        seed=seed,
        start=start,
        impressions=impressions,
    )
    refuse_events(where)
    with progress("Simulating", quiet=json) as report:
        run = live(config, progress=lambda share: report(f"day {round(share * days)}", 0.8 * share))
        report("writing", 0.8)
        rows = write_home(where, run)
        report("done", 1.0)
    end = format_at(run.world.day_us(days))
    if json:
        print_json({"home": str(where.root), "until": end, "rows": rows})
    else:
        say(f"Simulated {members:,} members and {titles:,} titles for {days:,} days, until {end}.")
        say("Rows: " + ", ".join(f"{n:,} {table}" for table, n in rows.items()) + ".")
        say("All of it is made up: good for trying things out, not for conclusions about real members.")
    return 0
