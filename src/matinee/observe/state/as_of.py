"""What was known about one member at a past moment, from the log and the lake."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import msgspec

from matinee.errors import StorageError
from matinee.observe.decision_log import lines_of
from matinee.observe.home import Home
from matinee.observe.lake.connection import connect, literal
from matinee.observe.lake.facts import as_of
from matinee.observe.lake.manifest import Manifest, parquet, read_manifest
from matinee.observe.lake.tables import EVENTS, TABLE_OF, event_id, filled
from matinee.observe.log import segments
from matinee.observe.members import Member, member_rows
from matinee.observe.state.fold import Line, fold
from matinee.observe.state.record import MemberRecord

READ_TRIES = 3


@dataclass(frozen=True, slots=True)
class MembersAsOf:
    """A `MemberReader` that answers as a server did at a moment.

    Attributes
    ----------
    home : Home
    at_us, seen_us : int
        Events that had happened, and had arrived (both included).
    """

    home: Home
    at_us: int
    seen_us: int

    def record(self, member_id: str) -> MemberRecord:
        """What the member had done."""
        return record_as_of(self.home, member_id, self.at_us, self.seen_us)

    def member(self, member_id: str) -> Member | None:
        """What had been imported about the member."""
        files = read_manifest(self.home.lake).of("members")
        if not files:
            return None
        facts = as_of("members", parquet(self.home.lake, files), self.at_us)
        with connect(threads=1) as con:
            con.execute(
                f"CREATE TEMP TABLE members AS SELECT * FROM ({facts}) WHERE member_id = {literal(member_id)}"
            )
            return member_rows(con).get(member_id)


def record_as_of(home: Home, member_id: str, at_us: int, seen_us: int) -> MemberRecord:
    """The record of a member as it stood at a moment. Parameters and errors as in `lines_as_of`.

    It equals the record that the state store had then, but for events that were erased or pruned since.
    """
    return fold(MemberRecord(), lines_as_of(home, member_id, at_us, seen_us))


def lines_as_of(home: Home, member_id: str, at_us: int, seen_us: int) -> list[Line]:
    """What the log and the lake hold about a member as of a moment, in no order; an event may come twice.

    Parameters
    ----------
    at_us, seen_us : int
        Events that happened or arrived later are left out.

    Raises
    ------
    StorageError
        The lake or the log cannot be read.
    """
    for attempt in range(READ_TRIES):
        found = segments(home.log)  # before the manifest: what is compacted in between is then in the lake
        manifest = read_manifest(home.lake)
        try:
            rows = [
                row
                for table in TABLE_OF.values()
                for path in found
                if path.name not in manifest.segments
                for row in lines_of(path, table, "member_id", member_id)
                if row["at_us"] <= at_us and row.get("seen_us", row["at_us"]) <= seen_us
            ]
            with connect(threads=1) as con:
                for kind, table in TABLE_OF.items():
                    rows += _stored(con, home, manifest, kind, table, member_id, at_us, seen_us)
            break
        except (FileNotFoundError, duckdb.IOException) as error:  # compacted meanwhile: look again
            if attempt == READ_TRIES - 1:
                raise StorageError(f"{home.root}: files vanish while they are read ({error}).") from error
    return [msgspec.convert({k: v for k, v in row.items() if v is not None}, Line) for row in rows]


def _stored(
    con: duckdb.DuckDBPyConnection,
    home: Home,
    manifest: Manifest,
    kind: str,
    table: str,
    member_id: str,
    at_us: int,
    seen_us: int,
) -> list[dict[str, object]]:
    files = [f for f in manifest.of(table) if f.min_at_us <= at_us and f.min_seen_us <= seen_us]
    if not files:
        return []
    kept = [name for name in Line.__struct_fields__ if name in EVENTS[table] and name != "event_id"]
    names = ["event_id", *kept]
    found = con.execute(
        f"SELECT {event_id(table)} AS event_id, {', '.join(kept)} "
        f"FROM ({filled(table, parquet(home.lake, files))}) "
        f"WHERE member_id = {literal(member_id)} AND at_us <= {int(at_us)} AND seen_us <= {int(seen_us)}"
    ).fetchall()
    return [{"type": kind} | dict(zip(names, row, strict=True)) for row in found]
