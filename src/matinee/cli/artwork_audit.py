"""Who was shown an image, when and why; and whether any image was shown that was not cleared."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from matinee.cli.console import EXIT_FAILED, note, print_json, print_table, say
from matinee.cli.context import find_home
from matinee.errors import InputError


def audit(
    artwork_id: str | None = None,
    *,
    check: bool = False,
    start: Annotated[str | None, Parameter(name="--from")] = None,
    end: Annotated[str | None, Parameter(name="--until")] = None,
    out: Path | None = None,
    limit: int = 20,
    home: Path | None = None,
    json: bool = False,
) -> int:
    """Print which members were shown an image: when, where on the page, by which policy, how probably.

    With --check instead of an id, every image on every page of the log is compared with the clearance that
    it had then; the exit code is 1 if one was not cleared.

    Example: matinee artwork audit t12-hero --from 2026-11-01 --out seen.csv

    Example: matinee artwork audit --check

    Parameters
    ----------
    artwork_id
        As `matinee artwork list` shows it; withdrawn ones too.
    check
        Look for images that were shown and not cleared.
    start
        First moment of a page.
    end
        First moment that is left out.
    out
        Write all to this file: .csv, .parquet or .ndjson. It names members: keep it as safe as the home.
    limit
        Rows that are printed.
    home
        Service home; else MATINEE_HOME, else the current folder.
    json
        Print machine-readable JSON.
    """
    from matinee.types import ALWAYS_US, NEVER_US, parse_at

    where = find_home(home)
    if check == (artwork_id is not None):
        raise InputError("matinee artwork audit: name an image, or pass --check; not both, and not neither.")
    if check and out is not None:
        raise InputError("matinee artwork audit: --out goes with an image, not with --check. Use --json.")
    from_us = ALWAYS_US if start is None else parse_at(start)
    until_us = NEVER_US if end is None else parse_at(end)
    if from_us >= until_us:
        raise InputError(
            f"matinee artwork audit: --from is {start} and --until is {end}, expected a time before its end."
        )
    if artwork_id is None:
        return _check(where.root, from_us, until_us, limit, json=json)
    return _audit(where.root, artwork_id, (from_us, until_us), out, limit, json=json)


def _audit(
    root: Path, artwork_id: str, span: tuple[int, int], out: Path | None, limit: int, *, json: bool
) -> int:
    from matinee.cli.artwork import act_us
    from matinee.observe.catalogue.artwork_audit import audit as look
    from matinee.observe.catalogue.artwork_listing import told
    from matinee.observe.home import Home
    from matinee.types import format_at

    told(Home(root), artwork_id, act_us(Home(root), None))  # a misspelt id was not "served 0 times"
    found = look(Home(root), artwork_id, from_us=span[0], until_us=span[1], out=out, limit=limit)
    if json:
        print_json({"artwork_id": artwork_id, "out": out and str(out), "audit": found})
        return 0
    say(
        f"{artwork_id}: served {found.serves:,} times to {found.members:,} members, known to have come into "
        f"view {found.in_view:,} times."
    )
    rows = [
        (
            row["member_id"], format_at(int(str(row["at_us"]))), row["artwork_policy"] or "-",
            row["decision_id"], f"{row['row']}/{row['col']}",
            "-" if row["propensity"] is None else f"{row['propensity']:.3f} of {row['n']}",
            "in view" if row["in_view"] else "served",
        )
        for row in found.rows
    ]  # fmt: skip
    if rows:
        columns = ["member", "when", "policy", "decision", "row/col", "propensity", "seen"]
        print_table(rows, columns, left=4)
    if out is not None:
        say(f"All of it: {out}")
    elif found.serves > len(rows):
        say(f"{found.serves - len(rows):,} more: --out FILE writes all.")
    return 0


def _check(root: Path, from_us: int, until_us: int, limit: int, *, json: bool) -> int:
    from matinee.observe.catalogue.artwork_audit import check
    from matinee.observe.home import Home
    from matinee.types import format_at

    found = check(Home(root), from_us=from_us, until_us=until_us, limit=limit)
    code = EXIT_FAILED if found.uncleared else 0
    if json:
        print_json({"check": found})
        return code
    say(f"{found.serves:,} images were served; {found.uncleared:,} of them were not cleared at that moment.")
    if found.within_s:
        say(f"{found.within_s:,} were served within the second that a withdrawal may take.")
    if found.uncleared:
        print_table(
            [
                (row["artwork_id"], row["why_not"], format_at(int(str(row["at_us"]))), row["decision_id"])
                for row in found.rows
            ],
            ["image", "why not", "when", "decision"],
            left=4,
        )
        note("Find out how it came to this: matinee artwork show ID, and GET /v1/decisions/{id}.")
    return code
