"""A home of a chosen size with a homepage in production, for the benchmarks of the server; kept in the cache.

    python benchmarks/serving_home.py HOME --members 100000 --titles 10000 --events 2000000

The models learn from part of the members (`--learn-from`), so that large homes are made in minutes: the cost
of an answer depends on the number of titles, not on who was learned from.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import duckdb  # noqa: E402 - after the number of threads is set
import numpy as np  # noqa: E402
from benchmarks.generated import generated, write_log  # noqa: E402

from matinee.observe.clock import wall_us  # noqa: E402
from matinee.observe.home import Home  # noqa: E402
from matinee.observe.importers.run import run_import  # noqa: E402
from matinee.platform.lifecycle.project import open_project  # noqa: E402
from matinee.platform.lifecycle.training import train  # noqa: E402

SETTINGS = '[clock]\nnow = "last_event"\n\n[serve]\nrefresh_s = 3600\n'
BASE_MEMBERS, PER_MEMBER = 6_000, 60
GENRES = 20


def make(
    folder: Path,
    *,
    members: int,
    titles: int,
    events: int,
    learn_from: int = 200_000,
    trained: bool = True,
) -> Home:
    """A home; an existing one of the same name is taken as it is.

    Parameters
    ----------
    trained : bool
        With a model in production. False: its pages are those of the fallback.
    """
    home = Home(folder)
    if (folder / "made.txt").is_file():
        return home
    home = Home.create(folder)
    home.settings.write_text(SETTINGS, encoding="utf-8")
    parts = folder / "parts"
    parts.mkdir(exist_ok=True)
    _titles(parts / "titles.parquet", titles)
    run_import(home, "titles", parts / "titles.parquet")
    base = generated(min(members, BASE_MEMBERS), titles, min(events, learn_from))
    write_log(base, parts / "base.parquet")
    run_import(home, "events", parts / "base.parquet")
    if trained:
        with open_project(home, "homepage") as project:
            train(project)
            _produce(project.registry)
    rest = events - base.n_events
    if members > BASE_MEMBERS and rest > 0:
        _more(parts / "base.parquet", parts / "rest.parquet", members, rest)
        run_import(home, "events", parts / "rest.parquet")
    for file in parts.iterdir():
        file.unlink()
    parts.rmdir()
    (folder / "made.txt").write_text(f"{members} members, {titles} titles, {events} events\n")
    return home


def _titles(path: Path, n: int) -> None:
    rng = np.random.default_rng(0)
    columns = {
        "i": np.arange(n),
        "g1": rng.integers(0, GENRES, n),
        "g2": rng.integers(0, GENRES, n),
        "maturity": rng.choice([0, 6, 12, 16, 18], n),
    }
    with duckdb.connect() as con:
        con.register("t", columns)
        con.execute(
            "COPY (SELECT format('t{:06d}', i) AS title_id, format('Film {}', i) AS name, 'film' AS kind, "
            "6000 AS runtime_s, concat('Genre ', g1, '|', 'Genre ', g2) AS genres, maturity FROM t) "
            f"TO '{path}' (FORMAT parquet)"
        )


def _more(base: Path, path: Path, members: int, events: int) -> None:
    """Further members who watch what members of the base watch, at other times."""
    each = max(1, events // max(1, members - BASE_MEMBERS))
    with duckdb.connect() as con:
        con.execute(
            f"""COPY (SELECT format('m{{:07d}}', n) AS member_id, title_id, "at" + hash(n) % 3600 AS "at"
            FROM range({BASE_MEMBERS}, {members}) AS r(n) JOIN (
              SELECT *, row_number() OVER (PARTITION BY member_id ORDER BY hash(title_id)) AS k,
                dense_rank() OVER (ORDER BY member_id) - 1 AS m FROM '{base}') AS b
            ON b.m = r.n % {BASE_MEMBERS} AND b.k <= {each}) TO '{path}' (FORMAT parquet)"""
        )


def _produce(registry: object) -> None:
    """Put the newest model in production without asking the gates: this is about cost."""
    name = "homepage"
    version = registry.models.versions(name)[0].version  # type: ignore[attr-defined]
    from matinee.platform.registry.releases import Reasons

    with registry.transaction():  # type: ignore[attr-defined]
        registry.releases.release(  # type: ignore[attr-defined]
            name, version, expected_previous=None, released_us=wall_us(), reasons=Reasons(note="benchmark")
        )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path)
    parser.add_argument("--members", type=int, default=100_000)
    parser.add_argument("--titles", type=int, default=10_000)
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--learn-from", type=int, default=200_000)
    given = parser.parse_args()
    began = time.perf_counter()
    make(
        given.home,
        members=given.members,
        titles=given.titles,
        events=given.events,
        learn_from=given.learn_from,
    )
    print(f"{given.home}: made in {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
