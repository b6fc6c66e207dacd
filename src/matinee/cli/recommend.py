"""Train on a viewing log and write the best unseen titles of each member; needs no home."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from matinee.cli.console import note, print_json, progress, say
from matinee.errors import InputError
from matinee.learn.reading import read_interactions, read_member_ids, read_titles
from matinee.learn.recommenders.recommend import Recommendations
from matinee.learn.recommenders.recommend import recommend as rank
from matinee.observe.clock import Clock
from matinee.observe.table_file import table_format, write_table
from matinee.types import parse_at


def recommend(
    *,
    interactions: Path,
    out: Path,
    k: int = 10,
    objective: Literal["next", "window"] = "next",
    members: Path | None = None,
    titles: Path | None = None,
    diversity: float = 0.0,
    at: str | None = None,
    seed: int = 0,
    extra_model: Literal["sequence"] | None = None,
    on_error: Literal["fail", "skip"] = "fail",
    rejects: Path | None = None,
    json: bool = False,
) -> int:
    """Train the default model on a log and write the k best unseen titles per member.

    The log is a CSV, Parquet or NDJSON file with the columns member_id, title_id, at (ISO-8601 or epoch
    seconds) and optionally rating or watch_s; every row is something that was watched. The result has the
    columns member_id, rank (1..k), title_id, score, and fewer than k rows for a member only when fewer
    unseen titles exist.

    Example: matinee recommend --interactions plays.csv --k 10 --out best.csv

    Example: matinee recommend --interactions plays.parquet --objective window --diversity 0.3 --out best.csv

    Parameters
    ----------
    interactions
        The viewing log.
    out
        Where to write: .csv or .parquet.
    k
        Titles per member.
    objective
        next: what comes next. window: the coming weeks.
    members
        File with a column member_id: write rows for these; members absent from the log get what is popular.
    titles
        File with metadata; titles that only it names may be recommended too.
    diversity
        0 to 1: share of the places given to titles that few others are shown.
    at
        Learn only from what happened until this time.
    seed
        Of everything random.
    extra_model
        sequence: also train a transformer (needs the extra "sequence"; minutes instead of seconds).
    on_error
        fail: one bad row refuses the file. skip: bad rows are left out and counted.
    rejects
        CSV file for the rows that skip leaves out.
    json
        Print machine-readable JSON.
    """
    table_format(out)
    for given in (interactions, members, titles):
        if given is not None and out.resolve() == given.resolve():
            raise InputError(f"--out is {out}, which is also read, expected another file. Name a new one.")
    until_us = None if at is None else parse_at(at)
    clock = Clock.wall()
    log = read_interactions(
        interactions, until_us=until_us, on_error=on_error, rejects=rejects, now_us=clock.now_us
    )
    if log.n_events == 0:
        raise InputError(_nothing_to_learn(interactions, at, log.n_rejected))
    wanted = None if members is None else read_member_ids(members)
    catalogue = None if titles is None else read_titles(titles)
    with progress("Recommending", quiet=json) as report:
        best = rank(
            log,
            k,
            objective=objective,
            members=wanted,
            catalogue=catalogue,
            diversity=diversity,
            now_us=until_us,
            seed=seed,
            sequence=extra_model == "sequence",
            progress=report,
        )
    rows = write_recommendations(out, best)
    summary = {"out": str(out), "members": len(best.member_ids), "rows": rows, "objective": objective}
    if on_error == "skip":
        summary["rejected"] = log.n_rejected
    if json:
        print_json(summary | best.card)
    else:
        for line in best.card.get("notes", ()):
            note(line)
        if log.n_rejected:
            where = "" if rejects is None else f", with the reasons in {rejects}"
            note(f"{interactions}: {log.n_rejected:,} bad rows left out{where}.")
        say(f"Wrote {rows:,} rows for {len(best.member_ids):,} members to {out}.")
    return 0


def _nothing_to_learn(interactions: Path, at: str | None, n_rejected: int) -> str:
    if n_rejected and at is None:
        return f"{interactions}: 0 good rows of watching ({n_rejected:,} bad), expected 1. Correct them."
    if at is None:
        return f"{interactions}: 0 rows of watching, expected at least 1. Other events alone teach nothing."
    return f"{interactions}: 0 events until {at}, expected at least 1. Choose a later --at."


def write_recommendations(out: Path, best: Recommendations) -> int:
    """Write `member_id, rank, title_id, score`; the file appears whole or not at all. Returns the rows."""
    there = best.title >= 0
    member, column = np.nonzero(there)
    write_table(
        out,
        {
            "member_id": best.member_ids[member],
            "rank": (column + 1).astype(np.int32),
            "title_id": best.title_ids[best.title[there]],
            "score": best.score[there],
        },
    )
    return len(member)
