"""Declare outages, so that no model learns from them and no monitor raises an alarm about them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from matinee.cli.console import print_json, print_table, say
from matinee.cli.context import find_home
from matinee.observe.home_clock import home_clock
from matinee.types import NEVER_US, parse_at

outage = App(
    name="outage",
    help="Declare outages, so that no model learns from them.\n\nExample: matinee outage list --home shop",
    default_parameter=Parameter(negative=()),
    help_format="plaintext",
    version_flags=(),
)


@outage.command
def add(
    *,
    start: Annotated[str, Parameter(name="--from")],
    note: str,
    end: Annotated[str | None, Parameter(name="--until")] = None,
    territory: str | None = None,
    home: Path | None = None,
    at: str | None = None,
    json: bool = False,
) -> int:
    """Declare an outage. What was watched and decided in it is left out of training and of monitors.

    Members' own histories stay whole. The same begin and territory again changes the end or the note.

    Example: matinee outage add --from 2026-11-17T18:00Z --until 2026-11-17T23:30Z --note "DNS failure"

    Parameters
    ----------
    start
        First moment.
    note
        What happened, for people.
    end
        Last moment; without it the outage lasts until one is given.
    territory
        Only there; else everywhere.
    home
        Service home; else MATINEE_HOME, else the current folder.
    at
        It is known since this time; else since now.
    json
        Print machine-readable JSON.
    """
    from matinee.observe.outages import declare

    where = find_home(home)
    found = declare(
        where,
        parse_at(start),
        None if end is None else parse_at(end),
        note=note,
        territory=territory,
        from_us=home_clock(where, at).now_us,
    )
    if json:
        print_json({"outage": found})
    else:
        say(f"Outage {found.outage_id}: {found.span}{f' in {territory}' if territory else ''}. {found.note}")
        say("The next training leaves it out.")
    return 0


@outage.command
def remove(
    outage_id: str,
    *,
    home: Path | None = None,
    at: str | None = None,
    json: bool = False,
) -> int:
    """Take a declaration back: its events count again from the next training on.

    Example: matinee outage remove 3f9a1c20 --home shop

    Parameters
    ----------
    outage_id
        As `matinee outage list` shows it.
    home
        Service home; else MATINEE_HOME, else the current folder.
    at
        It holds since this time; else since now.
    json
        Print machine-readable JSON.
    """
    from matinee.observe.outages import withdraw

    where = find_home(home)
    found = withdraw(where, outage_id, from_us=home_clock(where, at).now_us)
    if json:
        print_json({"removed": found})
    else:
        say(f"Outage {found.outage_id} ({found.span}) counts no longer: its events are learned from again.")
    return 0


@outage.command(name="list")
def list_(*, home: Path | None = None, at: str | None = None, json: bool = False) -> int:
    """Print the declared outages, the earliest first.

    Example: matinee outage list --home shop

    Parameters
    ----------
    home
        Service home; else MATINEE_HOME, else the current folder.
    at
        As they were known at this time.
    json
        Print machine-readable JSON.
    """
    from matinee.observe.outages import outages

    where = find_home(home)
    known = outages(where, home_clock(where, at).now_us)
    if json:
        rows = [{"lasts": one.end_us == NEVER_US, "span": one.span, "outage": one} for one in known]
        print_json({"outages": rows})
    elif known:
        print_table(
            [(one.outage_id, one.span, one.territory or "everywhere", one.note) for one in known],
            ["outage", "when", "where", "what happened"],
            left=4,
        )
    else:
        say("No outage is declared.")
    return 0
