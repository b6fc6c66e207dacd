"""Remove a person from the lake: every file that holds them is written again without them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import duckdb

from matinee.observe.erasure.words import Person
from matinee.observe.home import Home
from matinee.observe.lake.connection import connect, literal, one_file, quoted
from matinee.observe.lake.facts import as_of
from matinee.observe.lake.manifest import DataFile, Manifest, parquet, read_manifest
from matinee.observe.lake.tables import EVENTS
from matinee.observe.lake.writer import writing

NOT_TEXT = {"event_id", "member_id", "title_id", "unit_id", "decision_id"}
"""Columns of ids: compared as a whole, never searched."""


@dataclass(slots=True)
class InLake:
    """What the lake holds, or held, of a person.

    Attributes
    ----------
    rows : dict of table to int
        Rows that are theirs.
    covered : dict of table to int
        Rows of others whose text (a query, a context) names them.
    files : int
        Files that are written again, or removed.
    first_us : int or None
        Time of their first event.
    accounts : tuple of str
        Accounts that nobody else uses.
    shared : int
        Accounts that other members use too.
    """

    rows: dict[str, int] = field(default_factory=dict)
    covered: dict[str, int] = field(default_factory=dict)
    files: int = 0
    first_us: int | None = None
    accounts: tuple[str, ...] = ()
    shared: int = 0


@dataclass(frozen=True, slots=True)
class _Touched:
    """A file with something to remove; `text` are its columns of text, `theirs` the SQL of their rows."""

    file: DataFile
    theirs: str
    text: tuple[str, ...]


def find_in_lake(home: Home, member_id: str, unit_of: Mapping[str, str]) -> InLake:
    """Count what the lake holds of a member; nothing is written. Parameters as in `remove_from_lake`."""
    found = InLake()
    with connect() as con:
        manifest = read_manifest(home.lake)
        person = _person(con, home, manifest, member_id, found)
        for _ in _touched(con, home, manifest, person, unit_of, found):
            continue
    return found


def remove_from_lake(home: Home, member_id: str, unit_of: Mapping[str, str]) -> InLake:
    """Write every file that holds a member again without them; old files are deleted at once.

    A kill at any moment leaves the lake as it was or as it is meant to be; files that were replaced and not
    deleted yet are deleted by the next write.

    Parameters
    ----------
    unit_of : mapping of initiative to str
        Whom its decisions are about ("member", "account", ...), so that a decision about a title is not taken
        for one about a member of that name. Decisions of others are compared with members and accounts.

    Raises
    ------
    StorageError
        The disk is full, or another process is writing. The lake is as it was.
    """
    found = InLake()
    with writing(home.lake) as write, connect(write.scratch / "spill") as con:
        write.retire = False
        person = _person(con, home, write.before, member_id, found)
        for one in _touched(con, home, write.before, person, unit_of, found):
            source = f"read_parquet({one_file(home.lake / one.file.path)})"
            words = ", ".join(f"{person.sql_covered(quoted(c))} AS {quoted(c)}" for c in one.text)
            values = f"* REPLACE ({words})" if words and person.words else "*"
            write.add(con, one.file.table, f"SELECT {values} FROM {source} WHERE NOT {one.theirs}")
            write.replace([one.file])
    return found


def _person(
    con: duckdb.DuckDBPyConnection, home: Home, manifest: Manifest, member_id: str, found: InLake
) -> Person:
    """The member with the accounts that go with them."""
    files = manifest.of("members")
    if not files:
        return Person(member_id)
    relation, me = parquet(home.lake, files), literal(member_id)
    columns = {row[0] for row in con.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()}
    if "account_id" not in columns:
        return Person(member_id)
    mine = f"SELECT DISTINCT account_id FROM {relation} WHERE member_id = {me} AND account_id IS NOT NULL"
    now = f"SELECT account_id FROM ({as_of('members', relation, None)}) WHERE member_id <> {me}"
    rows = con.execute(
        f"SELECT account_id, account_id IN (SELECT account_id FROM ({now}) WHERE account_id IS NOT NULL) "
        f"FROM ({mine}) ORDER BY account_id"
    ).fetchall()
    found.accounts = tuple(account for account, shared in rows if not shared)
    found.shared = sum(shared for _, shared in rows)
    return Person(member_id, found.accounts)


def _touched(
    con: duckdb.DuckDBPyConnection,
    home: Home,
    manifest: Manifest,
    person: Person,
    unit_of: Mapping[str, str],
    found: InLake,
) -> Iterator[_Touched]:
    """Files that hold something of a person; counted in `found` as they are given."""
    for file in manifest.files:
        source = f"read_parquet({one_file(home.lake / file.path)})"
        types = {row[0]: row[1] for row in con.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
        theirs = _theirs(types, person, unit_of)
        text = tuple(c for c, kind in types.items() if kind == "VARCHAR" and c not in NOT_TEXT)
        at = "at_us" if file.table in EVENTS else "from_us"
        rows, first_us = con.execute(f"SELECT count(*), min({at}) FROM {source} WHERE {theirs}").fetchall()[0]
        covered = 0
        if person.words and text:
            named = " OR ".join(f"({person.sql_has(quoted(c))})" for c in text)
            (covered,) = con.execute(
                f"SELECT count(*) FROM {source} WHERE NOT {theirs} AND ({named})"
            ).fetchall()[0]
        if not rows and not covered:
            continue
        found.files += 1
        if rows:
            found.rows[file.table] = found.rows.get(file.table, 0) + rows
            if file.table in EVENTS:
                found.first_us = min(first_us, found.first_us if found.first_us is not None else first_us)
        if covered:
            found.covered[file.table] = found.covered.get(file.table, 0) + covered
        yield _Touched(file, theirs, text)


def _theirs(types: Mapping[str, str], person: Person, unit_of: Mapping[str, str]) -> str:
    """SQL condition of the rows that are a person's; never NULL."""
    parts = []
    if "member_id" in types:
        parts.append(f"member_id = {literal(person.member_id)}")
    if "unit_id" in types:
        name = "coalesce(initiative, '')" if "initiative" in types else "''"
        for kind, ids in (("member", (person.member_id,)), ("account", person.accounts)):
            others = [one for one, unit in unit_of.items() if unit != kind]
            known = f" AND {name} NOT IN ({', '.join(map(literal, others))})" if others else ""
            parts += [f"(unit_id = {literal(one)}{known})" for one in ids]
    return f"coalesce({' OR '.join(parts) or 'false'}, false)"
