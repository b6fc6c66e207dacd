"""Show the homepage of one member, readable, with the reason of every row and tile."""

from __future__ import annotations

from pathlib import Path

from matinee.cli.console import print_json
from matinee.cli.context import clock, find_home
from matinee.initiatives.homepage.live import LiveHomepage
from matinee.initiatives.homepage.trace import PageTrace
from matinee.observe.lake.reader import last_event_us


def page(
    member: str,
    *,
    home: Path | None = None,
    at: str | None = None,
    rows: int = 8,
    cols: int = 8,
    why: bool = False,
    json: bool = False,
) -> int:
    """Print the homepage of MEMBER as it is now.

    Example: matinee page m1 --home shop --why

    Example: matinee page m1 --home shop --rows 40 --cols 40 --json

    Parameters
    ----------
    member
        Id of the member. One that nobody has heard of gets the page of a new member.
    home
        Service home; else MATINEE_HOME, else the current folder.
    at
        Show the page of this time.
    rows
        Longest page, in rows.
    cols
        Longest row, in tiles.
    why
        Also show what each rule removed from each row, and which rows are absent and why.
    json
        Print machine-readable JSON.
    """
    where = find_home(home)
    live = LiveHomepage.open(where, clock(where, at, last_event_us(where)).now_us)
    trace = PageTrace() if why else None
    made = live.page(member, rows=rows, cols=cols, trace=trace)
    if json:
        print_json({"page": made} | ({"why": trace} if trace else {}))
        return 0
    return 0
