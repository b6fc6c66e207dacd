"""Fill an empty home with the log of a simulated service, or let that service go on."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from matinee.cli.console import print_json, progress, say
from matinee.cli.context import find_home
from matinee.errors import InputError
from matinee.observe.home import Home
from matinee.types import format_at
from matinee.world.home import refuse_events
from matinee.world.kept import keep_world
from matinee.world.service import WorldConfig, write_home
from matinee.world.service import simulate as live


def simulate(
    *,
    home: Path | None = None,
    members: int = 2_000,
    titles: int = 400,
    days: int = 180,
    future: int = 0,
    seed: int = 0,
    start: str = "2025-01-01",
    impressions: float = 1.0,
    go_on: int | None = None,
    server: str | None = None,
    key: str | None = None,
    connections: int = 4,
    json: bool = False,
) -> int:
    """Fill a home without events with what the members of a simulated service did, or let them go on.

    Titles, members and windows, plays, impressions, signals, searches, membership, and the decisions of the
    service with their propensities and rewards. The figures are made up: they serve to try things out and to
    test methods, and say nothing about real members. The same options give the same log.

    With --go-on the service lives further days against the home's running server: who comes asks it for a
    homepage, looks, watches, and sends events; its clock is moved from day to day. A day that is broken off
    is lived again by the next --go-on, and nothing counts twice. The world is the one the home was made with.

    Example: matinee simulate --home shop --members 600 --days 120 --future 30
    Example: matinee simulate --home shop --go-on 7 --server http://127.0.0.1:8080

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
    future
        Days after it that are reserved for --go-on.
    seed
        Of everything random.
    start
        First day, ISO-8601.
    impressions
        Share of members whose impressions and pages are logged, 0 to 1.
    go_on
        Live so many further days against the server.
    server
        Address of the home's server.
    key
        Secret of an API key with the scopes ingest and decide, where the server needs one.
    connections
        Requests at a time.
    json
        Print machine-readable JSON.
    """
    where = find_home(home)
    if go_on is not None:
        return _go_on(where, go_on, server, key=key, connections=connections, json=json)
    if server is not None or key is not None:
        raise InputError("matinee simulate: --server and --key belong to --go-on. Say for how many days.")
    config = WorldConfig(
        n_members=members,
        n_titles=titles,
        n_days=days,
        future_days=future,
        seed=seed,
        start=start,
        impressions=impressions,
    )
    refuse_events(where)
    with progress("Simulating", quiet=json) as report:
        run = live(config, progress=lambda share: report(f"day {round(share * days)}", 0.8 * share))
        report("writing", 0.8)
        rows = write_home(where, run)
        keep_world(where, run)
        report("done", 1.0)
    end = format_at(run.world.day_us(days))
    if json:
        print_json({"home": str(where.root), "until": end, "rows": rows})
    else:
        say(f"Simulated {members:,} members and {titles:,} titles for {days:,} days, until {end}.")
        say("Rows: " + ", ".join(f"{n:,} {table}" for table, n in rows.items()) + ".")
        say("All of it is made up: good for trying things out, not for conclusions about real members.")
    return 0


def _go_on(
    home: Home, days: int, server: str | None, *, key: str | None, connections: int, json: bool
) -> int:
    from matinee import settings
    from matinee.serve.config import ServeConfig
    from matinee.serve.moment import move_clock
    from matinee.world.client import Client
    from matinee.world.going_on import Going

    if server is None:
        raise InputError(
            "matinee simulate: --go-on without --server, expected the address of the home's server."
        )
    if connections < 1:
        raise InputError(f"matinee simulate: --connections is {connections}, expected 1 or more.")
    batch = min(500, settings.load(home.settings, "serve", ServeConfig).max_batch)
    client = Client(server, key, connections=connections)
    with progress("Going on", quiet=json) as report:
        going = Going(home, client, lambda to_us: move_clock(home, to_us), batch=batch, progress=report)
        try:
            done = going.go(days)
        finally:
            client.close()
            if not json and going.done.days < days and going.done.days:
                say(f"{going.done.days} of {days} days are over; what they brought stays.")
    if json:
        figures = asdict(done)
        until = format_at(figures.pop("until_us"))
        print_json({"home": str(home.root), "until": until} | figures)
        return 0
    went = "1 day" if done.days == 1 else f"{done.days} days"
    say(f"{went} went by, until {format_at(done.until_us)}, in {done.seconds:.0f} s.")
    say(f"{done.visits:,} visits; {done.pages:,} pages, {done.fallbacks:,} of them by the fallback.")
    say(f"{done.plays:,} plays, {done.quality_plays:,} of them quality plays; {done.events:,} events sent.")
    return 0
