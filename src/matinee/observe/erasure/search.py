"""Search a whole home for an id, in every file and in every form in which Matinee stores text."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import numpy as np

from matinee.observe.erasure.words import Person
from matinee.observe.home import Home
from matinee.observe.lake.connection import connect, literal, one_file, quoted

SQLITE = b"SQLite format 3\x00"
PARQUET = b"PAR1"
NUMPY = b"\x93NUMPY"
LOOK_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Trace:
    """A place where an id stands: a file below the home, and where in it ("bytes", a column, a table)."""

    file: str
    where: str


def search(
    home: Home, member_id: str, *, below: Path | None = None, skip: Collection[str] = ()
) -> Iterator[Trace]:
    """Every place in a home that holds an id, or an id that it is part of.

    All files are searched as bytes, in UTF-8 and in the 4-byte characters of NumPy; Parquet files and SQLite
    databases are opened as well and searched in all columns, with what is packed in them. An id of one or two
    characters stands in almost every file.

    Parameters
    ----------
    below : Path, optional
        Only files of this folder.
    skip : collection of str
        Files and folders of the home's top, and of its `work`, that are left out.
    """
    person = Person(member_id)
    for path in sorted((below or home.root).rglob("*")):
        name = path.relative_to(home.root).as_posix()
        left_out = any(name == one or name.startswith(one + "/") for one in skip)
        if not left_out and path.is_file() and not path.is_symlink():
            try:
                yield from (Trace(name, where) for where in _in_file(path, person))
            except FileNotFoundError:  # a log or lake at work
                continue


def _in_file(path: Path, person: Person) -> Iterator[str]:
    with path.open("rb") as file:
        head = file.read(16)
    if _in_bytes(path, person.member_id):
        yield "bytes"
    if head[:4] == PARQUET:
        yield from _in_parquet(path, person.member_id)
    elif head == SQLITE:
        yield from _in_sqlite(path, person.member_id)
    elif head[:6] == NUMPY:
        values = np.load(path, mmap_mode="r", allow_pickle=False)
        if values.dtype.kind == "U" and any(person.member_id in str(one) for one in values.ravel()):
            yield "array"


def _in_bytes(path: Path, text: str) -> bool:
    needles = (text.encode(), text.encode("utf-32-le"))
    keep = max(map(len, needles)) - 1
    before = b""
    with path.open("rb") as file:
        while data := file.read(LOOK_BYTES):
            if any(one in before + data for one in needles):
                return True
            before = data[-keep:] if keep else b""
    return False


def _in_parquet(path: Path, text: str) -> Iterator[str]:
    source = f"read_parquet({one_file(path)})"
    with connect() as con:
        try:
            columns = [row[0] for row in con.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()]
            for column in columns:
                found = f"contains(CAST({quoted(column)} AS VARCHAR), {literal(text)})"
                (n,) = con.execute(f"SELECT count(*) FROM {source} WHERE {found}").fetchall()[0]
                if n:
                    yield f"column {column}"
        except duckdb.Error:  # no Parquet after all, or torn: its bytes were searched
            return


def _in_sqlite(path: Path, text: str) -> Iterator[str]:
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as con:
        tables = [row[0] for row in con.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for row in con.execute(f"SELECT * FROM {quoted(table)}"):
                if any(_holds(value, text) for value in row):
                    yield f"table {table}"
                    break


def _holds(value: Any, text: str) -> bool:
    if isinstance(value, str):
        return text in value
    if not isinstance(value, bytes):
        return False
    if text.encode() in value:
        return True
    try:
        return text in repr(msgspec.msgpack.decode(value))
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError):
        return False
