"""Compute an initiative's declared features for the past, each as of its own time."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from matinee.cli.console import print_json, progress, say
from matinee.cli.context import find_home
from matinee.errors import InputError
from matinee.types import parse_at


def backfill(
    initiative: str,
    *,
    out: Path,
    labels: Path | None = None,
    since: Annotated[str | None, Parameter(name=["--from", "--since"])] = None,
    until: str | None = None,
    every: str = "7d",
    home: Path | None = None,
    at: str | None = None,
    data: Literal["home", "simulated"] | None = None,
    json: bool = False,
) -> int:
    """Write the features that INITIATIVE declares, one row per label, as they were known at its time.

    Labels come from a file (label_id, entity_id, at_us), or are all units at regular times.

    Example: matinee backfill retention --from 2026-01-01 --until 2026-06-01 --every 28d --out f.parquet

    Parameters
    ----------
    initiative
        Whose features.
    out
        File to write, .parquet or .csv.
    labels
        CSV or Parquet file with label_id, entity_id and at_us in microseconds.
    since
        Without labels: ask every unit that had an event by then, from this time ...
    until
        ... until this time; default: now.
    every
        ... in steps such as 12h, 7d or 28d.
    home
        Service home; else MATINEE_HOME, else the current folder.
    at
        Use only what was known at this time.
    data
        Read the home's log or the simulated service; else what the initiative declares.
    json
        Print machine-readable JSON.
    """
    from matinee.learn.features.moments import duration_us
    from matinee.platform.lifecycle.backfilling import Times, backfill_features
    from matinee.platform.lifecycle.project import open_project

    if (labels is None) == (since is None):
        raise InputError("matinee backfill: expected either --labels FILE or --from TIME.")
    where = find_home(home)
    with open_project(where, initiative, at=at, data=data) as project:
        asked: Path | Times
        if labels is not None:
            asked = labels
        else:
            end = project.at_us if until is None else parse_at(until)
            asked = Times(parse_at(since or ""), end, duration_us(every, "--every"))
        with progress("Computing features", quiet=json) as report:
            report(initiative, 0.0)
            done = backfill_features(project, out, asked)
    if json:
        print_json({"initiative": initiative, "filled": done})
    else:
        say(f"Wrote {done.n_rows:,} rows of {len(done.features)} features to {done.out}.")
        say(f"Registered as dataset {done.dataset[:16]}.")
    return 0
