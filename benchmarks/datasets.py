"""The public data sets of the benchmarks, as a home and as a viewing log; nothing of them is committed.

MovieLens 100K comes as in `matinee demo`: from the package index, checked, kept in the user's cache folder
(or from the folder MATINEE_DEMO_FILES). MovieTweetings (https://github.com/sidooms/MovieTweetings, MIT) is a
folder with `ratings.dat` and `movies.dat`, named by `--movietweetings` or MATINEE_BENCH_MOVIETWEETINGS.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from matinee.cli import demo
from matinee.errors import MatineeError
from matinee.observe.clock import Clock
from matinee.observe.home import Home
from matinee.observe.importers.run import run_import
from matinee.observe.lake.connection import connect, literal
from matinee.observe.lake.reader import open_events

MOVIETWEETINGS = "MATINEE_BENCH_MOVIETWEETINGS"
NAMES = ("ml-100k", "movietweetings")


@dataclass(frozen=True, slots=True)
class Dataset:
    """A data set that is there.

    Attributes
    ----------
    home : Path
        Home with the events and what is known about the titles.
    interactions : Path
        CSV: member_id, title_id, at, rating, in the order of the published file.
    """

    name: str
    home: Path
    interactions: Path


class MissingDatasetError(Exception):
    """Why a data set is not there."""


def dataset(name: str, folder: Path, *, movietweetings: Path | None = None) -> Dataset:
    """A data set under `folder`, made there if that was not done before.

    Raises
    ------
    MissingDatasetError
        It cannot be had; the message says what to do.
    """
    found = Dataset(name, folder / name, folder / f"{name}.csv")
    if found.interactions.exists():
        return found
    folder.mkdir(parents=True, exist_ok=True)
    home = Home.find(found.home, None) if found.home.exists() else Home.create(found.home)
    try:
        if name == "ml-100k":
            files = os.environ.get("MATINEE_DEMO_FILES")
            demo.load(home, Path(files) if files else None)
        else:
            source = movietweetings or _named(MOVIETWEETINGS)
            run_import(home, "movietweetings", source, clock=Clock.last_event(0))
    except MatineeError as problem:
        raise MissingDatasetError(str(problem)) from problem
    _write_interactions(home, found.interactions)
    return found


def _named(variable: str) -> Path:
    if value := os.environ.get(variable):
        return Path(value)
    raise MissingDatasetError(f"no folder: pass --movietweetings DIR or set {variable}")


def _write_interactions(home: Home, out: Path) -> None:
    part = out.with_name(f"{os.getpid()}.{out.name}")
    with connect(home.root / "spill") as con:
        open_events(con, home, "plays")
        con.execute(
            'COPY (SELECT member_id, title_id, at_us // 1000000 AS "at", rating FROM plays ORDER BY seq) '
            f"TO {literal(part)} (FORMAT csv, HEADER)"
        )
    part.replace(out)
