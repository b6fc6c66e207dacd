"""Read what models learn from: a viewing log, the titles and the members, from a file or from a home."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import numpy as np
from numpy.typing import NDArray

from matinee.errors import InputError
from matinee.learn.interactions import Histories, Interactions
from matinee.observe.catalogue.availability import window_rows
from matinee.observe.catalogue.catalogue import Catalogue
from matinee.observe.catalogue.pins import pin_rows
from matinee.observe.catalogue.titles import title_rows, with_bare_titles
from matinee.observe.clock import Clock
from matinee.observe.home import Home
from matinee.observe.importers.fields import MEMBER_ONLY, NOT_WATCHING, TITLE, interaction_fields
from matinee.observe.importers.run import rating_scale
from matinee.observe.importers.staging import Strictness, check_rejects, stage
from matinee.observe.importers.table import Table
from matinee.observe.lake.connection import spilling
from matinee.observe.lake.facts import facts
from matinee.observe.lake.reader import Moment, open_events, open_facts
from matinee.observe.members import Member, member_rows
from matinee.observe.outages import Outages, outages
from matinee.types import Ids

Number = TypeVar("Number", bound=np.generic)
UNKNOWN_RUNTIME_S = 7_200.0
"""Watch time that counts as the whole title when its runtime is not known, in seconds."""


def read_interactions(
    path: Path,
    *,
    until_us: int | None = None,
    on_error: str = "fail",
    rejects: Path | None = None,
    now_us: int | None = None,
) -> Interactions:
    """Read a viewing log from a CSV, Parquet or NDJSON file; every row of watching is kept as a positive.

    Columns: `member_id, title_id, at` and optionally `rating`, `watch_s`, `territory`, `event`. Rows whose
    `event` is an impression, signal, search or membership are not watching and are left out. `rating`
    (divided by the maximum of its scale) or `watch_s` (divided by 7,200 s) become `weight`, 0 to 1.

    Parameters
    ----------
    path : Path
    until_us : int, optional
        Leave out later events (an event at exactly this time is kept).
    on_error : {"fail", "skip"}
        What to do with a bad row; see `Strictness`.
    rejects : Path, optional
        File for the rows left out by "skip".
    now_us : int, optional
        An event more than 24 h later is refused. Default: the wall clock.

    Returns
    -------
    Interactions
        Members and titles in the order of their ids as text; `n_rejected` counts what "skip" left out.

    Raises
    ------
    InputError
        A bad file or row; the message names file, line and value.

    Notes
    -----
    About 1 s and 60 bytes of memory per million rows on one core, besides the rows themselves.
    """
    clock = Clock.wall() if now_us is None else Clock("fixed", now_us)
    with _reading() as con:
        table = Table.open(path)
        strictness = Strictness(on_error, rejects, clock.latest_us)
        check_rejects(rejects)
        staged = stage(con, table, interaction_fields(table.columns), strictness=strictness)
        columns = set(staged.columns)
        wanted = ["true"]
        if until_us is not None:
            wanted.append(f"at_us <= {int(until_us)}")
        if "event" in columns:
            wanted.append(f"coalesce(event, 'play') NOT IN {NOT_WATCHING}")
        con.execute(
            "CREATE TEMP VIEW watching AS SELECT row_no AS seq, member_id, title_id, at_us, "
            f"{_weight(con, columns)} AS weight, "
            f"{'territory' if 'territory' in columns else 'NULL::VARCHAR'} AS territory "
            f"FROM staged WHERE {' AND '.join(wanted)}"
        )
        return replace(encode(con, territories="territory" in columns), n_rejected=staged.n_rejected)


def read_titles(path: Path) -> Catalogue:
    """Read a `titles` file; where a title stands twice the last row counts.

    Returns
    -------
    Catalogue
        Titles in the order of their ids as text. Series that only their episodes name are added.

    Raises
    ------
    InputError
        A bad file or row.
    """
    with _reading() as con:
        staged = stage(con, Table.open(path), TITLE)
        con.execute(
            "CREATE TEMP VIEW titles_now AS SELECT * FROM staged "
            "QUALIFY row_number() OVER (PARTITION BY title_id ORDER BY row_no DESC) = 1"
        )
        return Catalogue.from_rows(with_bare_titles(title_rows(con, staged.columns)))


def interactions_from_home(
    home: Home, *, until_us: int, seen_us: int | None = None, catalogue: Catalogue
) -> Interactions:
    """Everything that members of a home have watched, as it was known at a moment.

    A home that is read for learning (`Home.for_learning`, as pipelines get it) leaves out what was watched
    in an outage that was declared by then: each event here is something to learn from. Read for answering,
    the same home gives members' whole histories.

    Parameters
    ----------
    until_us : int
        Leave out later events (an event at exactly this time is kept).
    seen_us : int, optional
        Leave out events that arrived later. Default: `until_us`. Imported history arrived when it
        happened, unless its file says otherwise.
    catalogue : Catalogue
        Gives the title positions; a play of an episode counts for its series. Titles that are not in it
        are left out.

    Returns
    -------
    Interactions
        Members with at least one play, in the order of their ids. `weight` is the rating divided by its
        scale, else the share of the runtime that was watched, else 1.
    """
    moment = Moment(until_us, until_us if seen_us is None else seen_us)
    left_out = outages(home, moment.seen_us) if home.learning else Outages()
    with _reading() as con:
        open_events(con, home, "plays", moment=moment)
        open_facts(con, home, "members", at_us=until_us)
        runtime = np.where(catalogue.runtime_s > 0, catalogue.runtime_s, UNKNOWN_RUNTIME_S)
        given = {"title_id": catalogue.title_ids, "t": catalogue.unit(), "runtime_s": runtime}
        con.register("given", given)
        con.execute(
            "CREATE TEMP TABLE titles AS SELECT title_id::VARCHAR AS title_id, t, runtime_s FROM given"
        )
        con.unregister("given")
        kept = ""
        if left_out:
            inside = left_out.sql("p.at_us", "coalesce(p.territory, x.territory)")
            kept = f"LEFT JOIN members AS x ON x.member_id = p.member_id WHERE NOT {inside}"
        con.execute(
            "CREATE TEMP VIEW watching AS SELECT p.seq, p.member_id, p.title_id, p.at_us, p.territory, "
            f"coalesce({_share('p.rating', 'p.rating_scale')}, {_share('p.watch_s', 't.runtime_s')}, 1) "
            f"AS weight FROM plays AS p JOIN titles AS t USING (title_id) {kept}"
        )
        out = encode(con, title_ids=catalogue.title_ids, territories=True)
        stored = con.execute(
            "SELECT m, x.territory FROM people JOIN members AS x USING (member_id) "
            "WHERE x.territory IS NOT NULL"
        ).fetchall()
    if out.territory is not None:
        for m, territory in stored:
            out.territory[m] = territory
    return out


def load_catalogue(home: Home, at_us: int) -> Catalogue:
    """The titles of a home with windows and pins, as of a time.

    Titles known only from events until then are in it, without metadata; so are series that only their
    episodes name.

    Returns
    -------
    Catalogue
        Titles in the order of their ids as text.
    """
    with _reading() as con:
        open_facts(con, home, "titles", "availability", "pins", at_us=at_us)
        open_events(con, home, "plays", "impressions", "signals", moment=Moment(at_us, at_us))
        con.execute("CREATE TEMP VIEW titles_now AS SELECT * FROM titles")
        rows = title_rows(con, facts("titles"))
        seen = con.execute(
            "SELECT title_id FROM plays UNION SELECT title_id FROM impressions "
            "UNION SELECT title_id FROM signals"
        ).fetchall()
        return Catalogue.from_rows(
            with_bare_titles(rows, (row[0] for row in seen)), windows=window_rows(con), pins=pin_rows(con)
        )


def load_members(home: Home, at_us: int | None = None) -> dict[str, Member]:
    """Members of a home that were imported, by id, as of a time (None: newest). Others have no limits."""
    with _reading() as con:
        open_facts(con, home, "members", at_us=at_us)
        return member_rows(con)


def read_member_ids(path: Path) -> list[str]:
    """Read the column `member_id` of a file, in file order, each once.

    Raises
    ------
    InputError
        The column is missing, a value is empty, or there is no row.
    """
    with _reading() as con:
        stage(con, Table.open(path), MEMBER_ONLY)
        found = con.execute("SELECT member_id FROM staged GROUP BY member_id ORDER BY min(row_no)").fetchall()
    return [row[0] for row in found]


def encode(
    con: duckdb.DuckDBPyConnection, *, title_ids: Ids | None = None, territories: bool = False
) -> Interactions:
    """Replace ids by positions; reads the view `watching`.

    It has the columns member_id, title_id, at_us, seq, weight and territory.

    Parameters
    ----------
    title_ids : ndarray of object (str), optional
        Given when the table `titles` (title_id, t) exists already: names of its positions. Default: the
        titles of the view in the order of their ids.
    territories : bool
        Also read where each member was last.
    """
    latest = "arg_max(territory, at_us::HUGEINT * (1::HUGEINT << 62) + seq)"  # of equal times the last one
    where = f", {latest} AS territory" if territories else ""
    con.execute(
        "CREATE TEMP TABLE people AS SELECT *, "
        "CAST(row_number() OVER (ORDER BY member_id) - 1 AS INTEGER) AS m "
        f"FROM (SELECT member_id{where} FROM watching GROUP BY member_id)"
    )
    if title_ids is None:
        con.execute(
            "CREATE TEMP TABLE titles AS SELECT title_id, CAST(row_number() OVER (ORDER BY title_id) - 1 "
            "AS INTEGER) AS t FROM (SELECT DISTINCT title_id FROM watching)"
        )
        title_ids = _ids(con.execute("SELECT title_id FROM titles ORDER BY t").fetchnumpy()["title_id"])
    people = con.execute("SELECT * FROM people ORDER BY m").fetchnumpy()
    events = con.execute(
        "SELECT m, t, at_us, CAST(weight AS FLOAT) AS weight FROM watching JOIN people USING (member_id) "
        "JOIN titles USING (title_id) ORDER BY m, at_us, seq"
    ).fetchnumpy()
    member_ids = _ids(people["member_id"])
    counts = np.bincount(_plain(events["m"], np.int32), minlength=len(member_ids))
    indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    territory = _ids(people["territory"]) if territories else None
    histories = Histories(indptr, _plain(events["t"], np.int32), _plain(events["at_us"], np.int64))
    return Interactions(member_ids, title_ids, histories, _plain(events["weight"], np.float32), territory)


def _weight(con: duckdb.DuckDBPyConnection, columns: set[str]) -> str:
    parts = []
    if "rating" in columns:
        scale = rating_scale(con.execute("SELECT max(rating) FROM staged").fetchall()[0][0])
        parts.append(_share("rating", str(scale)))
    if "watch_s" in columns:
        parts.append(_share("watch_s", str(UNKNOWN_RUNTIME_S)))
    return f"coalesce({', '.join([*parts, '1.0'])})"


def _share(value: str, whole: str) -> str:
    """SQL of value / whole inside 0 to 1; NULL stays NULL (`least` and `greatest` would ignore it)."""
    return f"CASE WHEN {value} / {whole} IS NOT NULL THEN least(1, greatest(0, {value} / {whole})) END"


def _ids(values: NDArray[np.object_]) -> Ids:
    """Texts; None where a value is missing."""
    out = np.array(np.ma.getdata(values), dtype=object)
    out[np.ma.getmaskarray(values)] = None
    return out


def _plain(values: NDArray[Any], dtype: type[Number]) -> NDArray[Number]:
    return np.ascontiguousarray(np.ma.getdata(values), dtype=dtype)


@contextmanager
def _reading() -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection for reading files that somebody else made: what DuckDB refuses is bad input."""
    with spilling() as con:
        try:
            yield con
        except duckdb.InvalidInputException as error:
            raise InputError(" ".join(str(error).split())[:300]) from error
