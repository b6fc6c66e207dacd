"""Parse and check every row of a table in one pass; refuse the file, or set the bad rows aside."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import duckdb

from matinee.errors import InputError, StorageError
from matinee.observe.importers.fields import TEXT, TIME, Field
from matinee.observe.importers.table import ONE_OBJECT, QUOTES, Located, Table, no_object
from matinee.observe.lake.connection import literal, one_file, quoted
from matinee.types import format_at

NOTHING = "Nothing was written."
REJECTS = ("file", "line", "reason", "text")
"""Columns of a rejects file."""
SKIP_HINT = "Correct it, or pass --on-error skip to leave such rows out."


@dataclass(frozen=True, slots=True)
class Strictness:
    """What to do with bad rows.

    Attributes
    ----------
    on_error : {"fail", "skip"}
        "fail": one bad row refuses the file. "skip": it goes to the rejects file and is counted.
    rejects : Path or None
        Where "skip" writes `file, line, reason, text` (CSV). None: they are only counted.
    latest_us : int or None
        Latest time that an event may have. None: any.
    """

    on_error: str = "fail"
    rejects: Path | None = None
    latest_us: int | None = None

    def __post_init__(self) -> None:
        if self.on_error not in ("fail", "skip"):
            raise InputError(f'--on-error is "{self.on_error}", expected fail or skip.')
        if self.rejects is not None and self.on_error == "fail":
            raise InputError(
                "--rejects is given without --on-error skip. Add it: with fail nothing is rejected."
            )


@dataclass(frozen=True, slots=True)
class Staged:
    """What staging found. The good rows stand in the view `staged` with `row_no` and the parsed columns."""

    n_rows: int
    n_rejected: int
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Rule:
    field: Field
    bad: str
    expected: str


def stage(
    con: duckdb.DuckDBPyConnection,
    table: Table,
    fields: Sequence[Field],
    *,
    values: Mapping[str, str] | None = None,
    strictness: Strictness | None = None,
    into: Path | None = None,
) -> Staged:
    """Make the view `staged` of the good rows of a file, in file order.

    Parameters
    ----------
    fields : sequence of Field
        What the importer knows. Optional columns that the file lacks are left out of `staged`.
    strictness : Strictness, optional
        Given where whoever asks can have bad rows left out: then the message names that option.
    values : mapping, optional
        Field name -> SQL expression over the columns of the file, where they are named otherwise.
    into : Path, optional
        A Parquet file to stage in, for files larger than memory. Default: a temporary table.

    Raises
    ------
    InputError
        A required column is missing, the file has no rows, or a row is bad and `on_error` is "fail".
    StorageError
        The disk is full.
    """
    strict = strictness or Strictness()
    given = _expressions(table, fields, values or {})
    conditions = " ".join(f.required_if for f in fields)
    present = [f for f in fields if f.name in given or f.required_if or f"raw_{f.name} " in conditions]
    given |= {f.name: "NULL::VARCHAR" for f in present if f.name not in given}
    types = _types(con, table, given)
    rules = _rules(present, strict.latest_us)
    skip = strict.on_error == "skip"

    sql = partial(_select, fields=present, given=given, types=types, rules=rules, skip_broken=skip)
    with tempfile.TemporaryDirectory(dir=None if into is None else into.parent) as folder:
        try:
            source, n_rows, broken = _read(con, table, sql, into, Path(folder), skip=skip)
        except _UnreadError as error:
            raise InputError(_broken(table, error, skippable=strictness is not None)) from None
        bad: dict[int, int] = dict(
            con.execute("SELECT row_no, problem FROM _staging WHERE problem IS NOT NULL").fetchall()
            if skip
            else con.execute(
                "SELECT min(row_no), arg_min(problem, row_no) FROM _staging "
                "WHERE problem IS NOT NULL HAVING count(*) > 0"
            ).fetchall()
        )
        if bad and not skip:
            row, problem = next(iter(bad.items()))
            rule = rules[problem]
            value = _value(con, source, given[rule.field.name], row)
            raise InputError(_words(table, row, rule, value, SKIP_HINT if strictness else "Correct it."))
    if n_rows + len(broken) == 0:
        raise InputError(f"{table.named}: no rows, expected at least one below the header. {NOTHING}")
    if strict.rejects is not None and (bad or broken):
        _write_rejects(strict.rejects, table, bad, broken, rules)
    where = "WHERE problem IS NULL" if bad else ""
    con.execute(f"CREATE OR REPLACE TEMP VIEW staged AS SELECT * EXCLUDE (problem) FROM _staging {where}")
    return Staged(n_rows - len(bad), len(bad) + len(broken), tuple(f.output for f in present))


def _read(
    con: duckdb.DuckDBPyConnection,
    table: Table,
    sql: Callable[[Table], str],
    into: Path | None,
    folder: Path,
    *,
    skip: bool,
) -> tuple[Table, int, list[Located]]:
    """Stage all rows of a file: what was read, how many rows, and the lines that are none.

    A CSV file of which DuckDB does not read what stands there is read from a copy that it understands.
    """

    def run(source: Table) -> int:
        _run(con, source, sql(source), into)
        return int(con.execute("SELECT count(*) FROM _staging").fetchall()[0][0])

    n_rows = None
    try:
        n_rows = run(table)
    except _UnreadError:
        if table.format != "csv" or (not skip and next(table.broken_lines(), None) is not None):
            raise
    if n_rows is not None and not (skip and table.format == "csv"):
        return table, n_rows, []
    n_there, broken = table.surveyed()
    if n_rows == n_there:
        return table, n_rows, broken
    source = table.mended(folder / "mended.csv")
    return source, run(source), broken


def _expressions(table: Table, fields: Sequence[Field], values: Mapping[str, str]) -> dict[str, str]:
    """Field name -> SQL of the raw value, for the fields that the file has."""
    given = dict(values)
    for field in fields:
        if not values and field.name in table.columns:
            given[field.name] = quoted(field.name)
    missing = [f.name for f in fields if f.required and f.name not in given]
    if missing:
        raise InputError(
            f"{table.named}{', line 1' if table.format == 'csv' else ''}: column {', '.join(missing)} is "
            f"missing, expected {', '.join(f.name for f in fields if f.required)}; "
            f"found {', '.join(table.columns)}. Rename or add the column. {NOTHING}"
        )
    return given


def _types(con: duckdb.DuckDBPyConnection, table: Table, given: Mapping[str, str]) -> dict[str, str]:
    if table.format != "parquet":
        return dict.fromkeys(given, "VARCHAR")
    columns = ", ".join(f"{value} AS {quoted(name)}" for name, value in given.items())
    return {
        row[0]: row[1] for row in con.execute(f"DESCRIBE SELECT {columns} FROM {table.relation()}").fetchall()
    }


def _raw(value: str, sql_type: str) -> str:
    return f"nullif({value}, '')" if sql_type == "VARCHAR" else value


def _rules(fields: Sequence[Field], latest_us: int | None) -> list[_Rule]:
    rules = []
    outputs = {field.name: field.output for field in fields}
    for field in fields:
        if field.required or field.required_if or field.one_of or field.kind is not TEXT:
            bad = field.bad(quoted("raw_" + field.name), quoted(field.output))
            rules.append(_Rule(field, bad, field.expected))
        if field.not_future and field.kind is TIME and latest_us is not None:
            latest = f"a time not later than {format_at(latest_us)} (now plus 24 hours)"
            rules.append(_Rule(field, f"{quoted(field.output)} > {latest_us}", latest))
        if field.after in outputs:
            bad = f"{quoted(field.output)} <= {quoted(outputs[field.after])}"
            rules.append(_Rule(field, bad, f"a time after {field.after}: the window is empty"))
    return rules


def _select(
    table: Table,
    fields: Sequence[Field],
    given: Mapping[str, str],
    types: Mapping[str, str],
    rules: Sequence[_Rule],
    *,
    skip_broken: bool,
) -> str:
    raw = ", ".join(f"{_raw(given[f.name], types[f.name])} AS {quoted('raw_' + f.name)}" for f in fields)
    parsed = ", ".join(
        f"{f.parsed(quoted('raw_' + f.name), types[f.name])} AS {quoted(f.output)}" for f in fields
    )
    cases = " ".join(f"WHEN {rule.bad} THEN {i}" for i, rule in enumerate(rules))
    return (
        f"SELECT {', '.join(quoted(f.output) for f in fields)}, "
        f"CAST(CASE {cases} END AS UTINYINT) AS problem "
        f"FROM (SELECT *, {parsed} FROM (SELECT {raw} FROM {table.relation(skip_broken=skip_broken)}))"
    )


class _UnreadError(Exception):
    """DuckDB does not get through a file."""


def _run(con: duckdb.DuckDBPyConnection, table: Table, sql: str, into: Path | None) -> None:
    """Run the staging query and make the view `_staging` of all rows, good or bad, with `row_no`."""
    con.execute("DROP VIEW IF EXISTS staged")
    try:
        if into is None:
            con.execute("DROP VIEW IF EXISTS _staging")
            con.execute("DROP TABLE IF EXISTS _staged_rows")
            con.execute(f"CREATE TEMP TABLE _staged_rows AS {sql}")
            con.execute("CREATE TEMP VIEW _staging AS SELECT rowid AS row_no, * FROM _staged_rows")
            return
        con.execute(f"COPY ({sql}) TO {literal(into)} (FORMAT parquet, COMPRESSION lz4_raw)")
        con.execute(
            "CREATE OR REPLACE TEMP VIEW _staging AS SELECT file_row_number AS row_no, "
            f"* EXCLUDE (file_row_number) FROM read_parquet({one_file(into)}, file_row_number = true)"
        )
    except (duckdb.InvalidInputException, duckdb.ConversionException) as error:
        raise _UnreadError(error) from None
    except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
        if table.path.suffix == ".gz" and "gzip" in str(error).lower():
            raise InputError(
                f"{table.named}: the archive is cut off or damaged ({str(error).splitlines()[0]}), "
                f"expected a whole one. Copy it again. {NOTHING}"
            ) from None
        raise StorageError(
            f"{table.named}: the import stopped ({str(error).splitlines()[0]}). {NOTHING} "
            "Free space on the disk and run it again."
        ) from error


def _broken(table: Table, error: Exception, *, skippable: bool) -> str:
    skip = f", or pass --on-error skip. {NOTHING}" if skippable else "."
    first = next(table.broken_lines(), None)
    if first is None:
        return f"{table.named}: {' '.join(str(error).split())[:300]} {NOTHING}"
    line = f'{table.named}, line {first.line}: "{" ".join(first.text[:80].split())}"'
    if first.problem == QUOTES:
        return f"{line}: {QUOTES}. Correct the line{skip}"
    if "values" not in first.problem:
        return (
            f"{line} holds bytes that are no text, {first.problem}. Save the file again in that "
            f"encoding{skip}"
        )
    return (
        f"{line} has another number of values, expected {len(table.columns)} "
        f"({', '.join(table.columns)}). Correct the line{skip}"
    )


def _value(con: duckdb.DuckDBPyConnection, table: Table, expression: str, row: int) -> str:
    """A value of the file as text; "" where it is missing."""
    found = con.execute(
        f"SELECT CAST({expression} AS VARCHAR) FROM {table.relation()} LIMIT 1 OFFSET {row}"
    ).fetchall()
    return (found[0][0] or "") if found else ""


def _words(table: Table, row: int, rule: _Rule, value: str, hint: str) -> str:
    """What is wrong with a row, where, and what to do."""
    located = table.locate([row]).get(row, Located(row + 1, ""))
    where = f"{table.named}, {'row' if table.format == 'parquet' else 'line'} {located.line}"
    if table.format == "ndjson" and (what := no_object(located.text)):
        return f'{where}: "{located.text[:80]}" is {what}, {ONE_OBJECT}. {hint} {NOTHING}'
    shown = f'"{value[:80]}"' if value else "empty"
    return f"{where}: {rule.field.name} is {shown}, expected {rule.expected}. {hint} {NOTHING}"


def _write_rejects(
    path: Path, table: Table, bad: Mapping[int, int], broken: Sequence[Located], rules: Sequence[_Rule]
) -> None:
    """Append to the rejects file: one import may read several files."""
    located = table.locate(bad)
    lines = [(place, place.problem) for place in broken]
    for row, place in located.items():
        rule = rules[bad[row]]
        what = no_object(place.text) if table.format == "ndjson" else ""
        reason = f"{what}, {ONE_OBJECT}" if what else f"{rule.field.name}: expected {rule.expected}"
        lines.append((place, reason))
    append_rejects(path, table.named, lines)


def check_rejects(path: Path | None) -> None:
    """Refuse to add rejects to a file that holds something else, such as the file that is read.

    Raises
    ------
    InputError
        It is not a file of rejects.
    StorageError
        It cannot be read.
    """
    if path is None or not path.exists():
        return
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            first = file.readline().rstrip("\r\n")
        if first and first != ",".join(REJECTS):
            raise InputError(
                f"--rejects is {path}, which is there and holds something else. Give another name."
            )
    except OSError as error:
        raise StorageError(f"{path}: the rejects cannot be written ({error.strerror}). {NOTHING}") from error


def append_rejects(path: Path, named: str, lines: Sequence[tuple[Located, str]]) -> None:
    """Append rows with the reason why each was left out, in the order of their lines.

    Raises
    ------
    StorageError
        The file cannot be written.
    """
    try:
        new = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            if new:
                writer.writerow(REJECTS)
            for place, reason in sorted(lines, key=lambda pair: pair[0].line):
                writer.writerow([named, place.line, reason, place.text])
    except OSError as error:
        raise StorageError(
            f"{path}: the rejects could not be written ({error.strerror}). {NOTHING}"
        ) from error
