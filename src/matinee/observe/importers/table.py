"""A table in a file (CSV, Parquet or NDJSON) as DuckDB reads it, and the way back from a row to its line."""

from __future__ import annotations

import csv
import gzip
import io
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import duckdb
import msgspec

from matinee.errors import InputError, NotFoundError, StorageError
from matinee.observe.lake.connection import connect, literal, one_file, quoted

SIGNATURES = {
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"%PDF": "a PDF document",
    b"PK\x03\x04": "a zip archive",
    b"PAR1": "a Parquet file",
    b"SQLite format 3": "an SQLite database",
    b"\x1f\x8b": "a gzip archive",
    b"\x28\xb5\x2f\xfd": "a zstd archive",
}
FORMATS = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".dat": "csv", ".data": "csv", ".item": "csv",
    ".inter": "csv", ".user": "csv", ".parquet": "parquet", ".pq": "parquet",
    ".ndjson": "ndjson", ".jsonl": "ndjson", ".json": "ndjson",
}  # fmt: skip
SAMPLE_BYTES = 65_536
BOM = b"\xef\xbb\xbf"
QUOTES = "expected quotes that match, and quotes inside of them doubled"


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a text table is written.

    Attributes
    ----------
    delimiter : str
        Up to four characters; "" to choose among comma, semicolon, tab and bar by the header.
    quote : str
        Quoting character, "" for none.
    header : bool
        The first line names the columns.
    encoding : str
        "utf-8" or "latin-1".
    names : tuple of str
        Names of the columns when there is no header.
    """

    delimiter: str = ""
    quote: str = '"'
    header: bool = True
    encoding: str = "utf-8"
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Located:
    """A row of a file as it stands there; `problem` says why it cannot be read, if so."""

    line: int
    text: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A file that was looked at: its format is what its content says, and its columns are known.

    Attributes
    ----------
    path : Path
    format : {"csv", "parquet", "ndjson"}
    columns : dict
        Name -> SQL type, in file order. Text formats: VARCHAR. NDJSON: the keys of its lines.
    dialect : Dialect
        For CSV.
    named : str
        How messages call the file (its path as given; inside an archive, its name there).
    blank : int
        Lines before the header of a CSV file.
    """

    path: Path
    format: str
    columns: Mapping[str, str]
    dialect: Dialect = field(default_factory=Dialect)
    named: str = ""
    blank: int = 0

    @staticmethod
    def open(path: Path, dialect: Dialect | None = None, *, named: str = "") -> Table:
        """Look at a file.

        Raises
        ------
        NotFoundError
            There is no such file.
        InputError
            It is empty, or not what its name says.
        StorageError
            It cannot be read.
        """
        name = named or str(path)
        if not path.exists():
            raise NotFoundError(f"{name}: no such file. Check the path.")
        if path.is_dir():
            raise InputError(f"{name} is a folder, expected a CSV, Parquet or NDJSON file. Name one file.")
        try:
            with path.open("rb") as file:
                head = file.read(SAMPLE_BYTES)
        except OSError as error:
            raise StorageError(f"{name}: not readable ({error.strerror}). Check its permissions.") from error
        if not head:
            raise InputError(f"{name}: empty file, expected a table with at least one row. Nothing was read.")
        given = dialect or Dialect()
        suffix = Path(path.name.removesuffix(".gz")).suffix.lower()
        unnamed = "parquet" if head.startswith(b"PAR1") else "csv"
        kind = FORMATS.get(suffix, unnamed)
        _check_signature(path, name, head, kind, named=suffix in FORMATS)
        if kind == "parquet":
            return Table(path, kind, _parquet_columns(path, name), given, name)
        sample = _text_sample(path, name, head, given.encoding)
        if kind == "ndjson":
            if head.startswith(BOM):
                raise InputError(
                    f"{name}: begins with a byte order mark, expected a JSON object. Save it without one."
                )
            columns = _json_columns(sample, name)
            if len(head) == SAMPLE_BYTES:
                columns |= _later_keys(path, columns, name)
            _check_case(columns, f"{name}: keys")
            return Table(path, kind, columns, given, name)
        chosen = _choose_dialect(sample, given)
        blank = next((n for n, line in enumerate(sample.splitlines()) if line.strip()), 0)
        columns = dict.fromkeys(_header(sample, chosen, name), "VARCHAR")
        return Table(path, kind, columns, chosen, name, blank if chosen.header else 0)

    def relation(self, *, skip_broken: bool = False) -> str:
        """SQL of a table function that reads the file in its own order; text columns as VARCHAR.

        With `skip_broken`, lines with too few or too many values are left out (see `broken_lines`).
        """
        path = one_file(self.path)
        if self.format == "parquet":
            return f"read_parquet({path})"
        types = "{" + ", ".join(f"{literal(c)}: 'VARCHAR'" for c in self.columns) + "}"
        if self.format == "ndjson":
            return (
                f"read_json({path}, format = 'newline_delimited', records = true, columns = {types}, "
                "ignore_errors = true, maximum_object_size = 16777216)"
            )
        d = self.dialect
        read = (
            f"read_csv({path}, auto_detect = false, columns = {types}, delim = {literal(d.delimiter)}, "
            f"quote = {literal(d.quote)}, escape = {literal(d.quote)}, header = {str(d.header).lower()}, "
            f"encoding = {literal(d.encoding)}, skip = {self.blank}, "
            f"ignore_errors = {str(skip_broken).lower()})"
        )
        if len(self.columns) > 1:
            return read
        only = quoted(next(iter(self.columns)))  # a blank line of a one-column file is not a row
        return f"(SELECT * FROM {read} WHERE {only} IS NOT NULL)"

    def locate(self, rows: Iterable[int]) -> dict[int, Located]:
        """Line and text of rows (numbered from 0, in the order of `relation`). One pass over a text file."""
        wanted = sorted(set(rows))
        if self.format == "parquet":
            return self._locate_parquet(wanted)
        out: dict[int, Located] = {}
        numbers = iter(wanted)
        target = next(numbers, None)
        for row, located in enumerate(located for located in self._lines() if located is not None):
            if target is None:
                break
            if row == target:
                out[row] = located
                target = next(numbers, None)
        return out

    def broken_lines(self) -> Iterator[Located]:
        """Lines of a CSV file that are no rows: see `problem` of each."""
        if self.format == "csv":
            yield from (located for located, _ in self._csv_rows() if located.problem)

    def surveyed(self) -> tuple[int, list[Located]]:
        """How many rows a CSV file has, and its broken lines."""
        n_rows, broken = 0, []
        for located, _ in self._csv_rows():
            if located.problem:
                broken.append(located)
            else:
                n_rows += 1
        return n_rows, broken

    def mended(self, path: Path) -> Table:
        """A CSV file without its broken lines, written to `path`; its rows are those of `locate`.

        For what DuckDB does not get over: behind quotes that do not match it leaves out all that follows.
        """
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(self.columns)
            writer.writerows(values for located, values in self._csv_rows() if not located.problem)
        return Table(path, "csv", self.columns, Dialect(","), self.named)

    def _lines(self) -> Iterator[Located | None]:
        """Rows in the order of `relation`; None for a row that `relation` leaves out."""
        if self.format == "ndjson":
            with _text(self.path, "utf-8") as file:
                for line, text in enumerate(file, start=1):
                    yield Located(line, text.rstrip("\r\n")) if text.strip() else None
            return
        for located, _ in self._csv_rows():
            yield None if located.problem else located

    def _csv_rows(self) -> Iterator[tuple[Located, list[str]]]:
        """Place and values of each row that is not blank, without the header."""
        d = self.dialect
        with _text(self.path, d.encoding) as file:
            rows = _quoted_rows(file, d) if d.quote else _plain_rows(file, d)
            header = d.header
            for line, values in rows:
                if isinstance(values, str):
                    text = values.encode(errors="backslashreplace").decode()
                    yield Located(line, text, QUOTES), []
                    continue
                if not values or values == [""] or line <= self.blank:
                    continue
                if header:
                    header = False
                    continue
                text = d.delimiter.join(values)
                readable = text.encode(errors="backslashreplace").decode()
                problem = ""
                if readable != text:  # bytes that are not in the encoding came as surrogates
                    problem = f"expected text in {d.encoding.upper()}"
                elif len(values) != len(self.columns):
                    problem = f"expected {len(self.columns)} values in the line"
                yield Located(line, readable, problem), values

    def _locate_parquet(self, wanted: list[int]) -> dict[int, Located]:
        with connect() as con:
            found = con.execute(
                f"SELECT file_row_number, to_json(COLUMNS(* EXCLUDE file_row_number))::VARCHAR "
                f"FROM read_parquet({one_file(self.path)}, file_row_number = true) "
                f"WHERE file_row_number IN (SELECT unnest(?))",
                [wanted],
            ).fetchall()
        return {row[0]: Located(row[0] + 1, ",".join(str(value) for value in row[1:])) for row in found}


ONE_OBJECT = "expected one JSON object per line"
JSON_TYPES = {list: "a JSON list", str: "a JSON string", bool: "true or false", type(None): "null"}


def no_object(text: str) -> str:
    """What a line is that is no JSON object; empty for one that is.

    Examples
    --------
    >>> no_object('{"member_id": "m1"}'), no_object("[1]"), no_object("3"), no_object('{"member')
    ('', 'a JSON list', 'a number', 'not JSON')
    """
    try:
        value = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return "not JSON"
    return "" if isinstance(value, dict) else JSON_TYPES.get(type(value), "a number")


def _quoted_rows(file: TextIO, dialect: Dialect) -> Iterator[tuple[int, list[str] | str]]:
    """Values of each row; the text of a line whose quotes do not match, and reading goes on with the next."""
    again: deque[str] = deque()
    taken: list[str] = []

    def lines() -> Iterator[str]:
        while text := again.popleft() if again else file.readline():
            taken.append(text)
            yield text

    line, rows = 1, None
    while True:
        if rows is None:
            rows = csv.reader(lines(), delimiter=dialect.delimiter, quotechar=dialect.quote, strict=True)
        taken.clear()
        try:
            values = next(rows, None)
        except csv.Error:
            bad, *rest = taken
            again.extendleft(reversed(rest))
            yield line, bad.rstrip("\r\n")
            line, rows = line + 1, None
            continue
        if values is None:
            return
        yield line, values
        line += len(taken)


def _plain_rows(file: TextIO, dialect: Dialect) -> Iterator[tuple[int, list[str] | str]]:
    for line, text in enumerate(file, start=1):
        yield line, text.rstrip("\r\n").split(dialect.delimiter)


def _text(path: Path, encoding: str) -> TextIO:
    name = "utf-8-sig" if encoding == "utf-8" else encoding
    if path.suffix == ".gz":
        return io.TextIOWrapper(gzip.GzipFile(path), encoding=name, errors="surrogateescape", newline="")
    return path.open(encoding=name, errors="surrogateescape", newline="")


def _check_signature(path: Path, name: str, head: bytes, kind: str, *, named: bool) -> None:
    """Refuse a file that begins like something else; `named` says that its suffix is one of `FORMATS`."""
    looks = next((what for magic, what in SIGNATURES.items() if head.startswith(magic)), None)
    if kind == "parquet":
        if looks != "a Parquet file":
            raise InputError(
                f"{name}: not a Parquet file{f' but {looks}' if looks else ''}, although its name says so. "
                "Give a Parquet file, or rename a CSV file to .csv."
            )
        return
    if looks and not (path.suffix == ".gz" and looks == "a gzip archive"):
        if not named:
            raise InputError(
                f"{name}: the file is {looks}, expected a table. Give a CSV, Parquet or NDJSON file; known "
                f"suffixes: {', '.join(FORMATS)}, each also with .gz but for Parquet."
            )
        raise InputError(
            f"{name}: the file is {looks}, expected {'a CSV' if kind == 'csv' else 'an NDJSON'} file "
            "as its name says. Give a CSV, Parquet or NDJSON file whose name ends in what it is."
        )


def _text_sample(path: Path, name: str, head: bytes, encoding: str) -> str:
    if path.suffix == ".gz":
        try:
            with gzip.open(path, "rb") as file:
                head = file.read(SAMPLE_BYTES)
        except (OSError, EOFError) as error:
            raise InputError(f"{name}: not a gzip archive ({error}). Give the file again.") from error
    if b"\x00" in head:
        raise InputError(f"{name}: holds binary data, expected text in UTF-8. Save it as CSV in UTF-8.")
    cut = head if len(head) < SAMPLE_BYTES else head[: head.rfind(b"\n") + 1] or head[:-4]
    try:
        return cut.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeDecodeError as error:
        line = cut[: error.start].count(b"\n") + 1
        raise InputError(
            f"{name}, line {line}: byte {cut[error.start]:#04x} is not UTF-8, expected text in UTF-8. "
            "Save the file again in UTF-8."
        ) from None


def _parquet_columns(path: Path, name: str) -> dict[str, str]:
    with connect() as con:
        try:
            found = con.execute(f"DESCRIBE SELECT * FROM read_parquet({one_file(path)})").fetchall()
        except duckdb.Error as error:
            raise InputError(
                f"{name}: not a readable Parquet file ({str(error).splitlines()[0]}). Write it again."
            ) from error
    return {row[0]: row[1] for row in found}


def _json_columns(sample: str, name: str) -> dict[str, str]:
    columns: dict[str, str] = {}
    lines = [(n, text) for n, text in enumerate(sample.splitlines(), 1) if text.strip()]
    for n, text in lines:
        what = no_object(text)
        if what == "not JSON" and n == lines[0][0]:
            raise InputError(f'{name}, line {n}: "{text[:60]}" is {what}, {ONE_OBJECT}.')
        if not what:
            columns.update(dict.fromkeys(msgspec.json.decode(text), "VARCHAR"))
    if not columns:
        n, text = lines[0] if lines else (1, "")
        what = no_object(text) or "an object without keys"
        raise InputError(
            f'{name}, line {n}: "{text[:60]}" is {what}, {ONE_OBJECT}. Write each row as an object on a line '
            "of its own. Nothing was read."
        )
    return columns


def _later_keys(path: Path, known: Mapping[str, str], name: str) -> dict[str, str]:
    """Keys of all lines: an optional one may come late."""
    with connect() as con:
        try:
            found = con.execute(
                "SELECT DISTINCT unnest(json_keys(json)) AS key FROM "
                f"read_ndjson_objects({one_file(path)}, ignore_errors = true, "
                "maximum_object_size = 16777216) ORDER BY key"
            ).fetchall()
        except duckdb.Error as error:
            raise InputError(
                f"{name}: not readable ({str(error).splitlines()[0]}). Write it again."
            ) from error
    return {row[0]: "VARCHAR" for row in found if row[0] not in known}


def _check_case(names: Iterable[str], where: str) -> None:
    """Refuse names that differ in nothing but case: SQL takes them for one."""
    seen: dict[str, str] = {}
    for one in names:
        other = seen.setdefault(one.casefold(), one)
        if other != one:
            raise InputError(f"{where} {other} and {one} differ only in case. Rename or leave out one.")


def _choose_dialect(sample: str, given: Dialect) -> Dialect:
    if given.delimiter:
        return given
    first = next((line for line in sample.splitlines() if line.strip()), "")
    best = max([",", ";", "\t", "|"], key=first.count)
    return Dialect(best, given.quote, given.header, given.encoding, given.names)


def _header(sample: str, dialect: Dialect, name: str) -> list[str]:
    if not dialect.header:
        return list(dialect.names)
    lines = [line for line in sample.splitlines() if line.strip()]
    if not lines:
        raise InputError(f"{name}: empty file, expected a header line with the names of the columns.")
    if dialect.quote:
        names = next(csv.reader([lines[0]], delimiter=dialect.delimiter, quotechar=dialect.quote))
    else:
        names = lines[0].split(dialect.delimiter)
    names = [column.strip() for column in names]
    doubled = sorted({column for column in names if names.count(column) > 1})
    if doubled or "" in names:
        what = f'column "{doubled[0]}" stands twice in' if doubled else "an unnamed column in"
        raise InputError(f"{name}, line 1: {what} the header {quoted(lines[0][:80])}. Give each its name.")
    _check_case(names, f"{name}, line 1: columns")
    return names
