"""Remove a person from tables and web pages that commands wrote into a home: pages, viewers, rejects."""

from __future__ import annotations

import csv
import html
import json
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TextIO

import duckdb

from matinee.errors import StorageError
from matinee.observe.erasure.words import Person
from matinee.observe.home import SETTINGS_FILE, Home
from matinee.observe.lake.connection import connect, literal, one_file, quoted
from matinee.observe.lake.manifest import sync_file, sync_folder

OWNED = {"lake", "log", "releases", "work", "receipts", "backups", "initiatives", "artwork"}
"""Folders of a home whose files others look after."""
NAMES = ("member_id", "unit_id")
REJECTS = ["file", "line", "reason", "text"]
"""Columns of a file of rejected rows: its `text` is a line of the file that was imported."""
LONGEST_FIELD = 10_000_000
DELIMITERS = ",;\t|"


def loose_files(home: Home) -> Iterator[Path]:
    """Files of a home outside the folders that have an owner, by name."""
    for path in sorted(home.root.rglob("*")):
        parts = path.relative_to(home.root).parts
        if parts[0] in OWNED or path.name == SETTINGS_FILE or not path.is_file() or path.is_symlink():
            continue
        yield path


def erase_from_file(path: Path, person: Person, *, dry_run: bool) -> int:
    """Remove a person from a table or web page; returns how many rows, 0 if it does not hold them.

    A table (.parquet, .csv, .tsv, .ndjson, .jsonl) with a column of members is written again without their
    rows; of a file of rejected rows, lines that name them are left out; an .html page is deleted whole.

    Raises
    ------
    StorageError
        The file cannot be read, or written. It is as it was.
    """
    kinds: dict[str, Callable[[Path, Person, bool], int]] = {
        ".parquet": _parquet,
        ".csv": _csv,
        ".tsv": _csv,
        ".ndjson": _ndjson,
        ".jsonl": _ndjson,
        ".html": _page,
    }
    rewrite = kinds.get(path.suffix.lower())
    if rewrite is None:
        return 0
    try:
        return rewrite(path, person, dry_run)
    except (OSError, UnicodeDecodeError, csv.Error, duckdb.Error) as problem:
        raise StorageError(
            f"{path}: could not be written again without the member ({str(problem).splitlines()[0]}). Delete "
            "the file, or move it out of the home, and erase again."
        ) from problem


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Replace a file by what is written aside; a crash leaves the old one or the new one."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        write(fresh)
        sync_file(fresh)
        with suppress(OSError):
            fresh.chmod(path.stat().st_mode & 0o777)
        fresh.replace(path)
        sync_folder(path.parent)
    finally:
        fresh.unlink(missing_ok=True)


def _parquet(path: Path, person: Person, dry_run: bool) -> int:
    source = f"read_parquet({one_file(path)})"
    with connect() as con:
        columns = [row[0] for row in con.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()]
        names = [quoted(name) for name in NAMES if name in columns]
        if not names:
            return 0
        theirs = " OR ".join(
            f"coalesce(CAST({n} AS VARCHAR) = {literal(person.member_id)}, false)" for n in names
        )
        (rows,) = con.execute(f"SELECT count(*) FROM {source} WHERE {theirs}").fetchall()[0]
        if rows and not dry_run:
            kept = f"SELECT * FROM {source} WHERE NOT ({theirs})"
            replace_file(
                path, lambda fresh: con.execute(f"COPY ({kept}) TO {literal(fresh)} (FORMAT parquet)")
            )
    return int(rows)


def _csv(path: Path, person: Person, dry_run: bool) -> int:
    csv.field_size_limit(LONGEST_FIELD)
    with path.open(encoding="utf-8-sig", newline="") as file:
        first = file.readline()
        delimiter = max(DELIMITERS, key=first.count)
        columns = next(csv.reader([first], delimiter=delimiter), [])
    theirs = _of_rejects(person, delimiter) if columns == REJECTS else _of_table(person, columns)
    if theirs is None:
        return 0
    removed = 0

    def copy(fresh: Path | None) -> None:
        nonlocal removed
        removed = 0
        with path.open(encoding="utf-8-sig", newline="") as old, _opened(fresh) as new:
            out = csv.writer(new, delimiter=delimiter, lineterminator="\n")
            for row in csv.reader(old, delimiter=delimiter):
                if theirs(row):
                    removed += 1
                else:
                    out.writerow(row)

    copy(None)
    if removed and not dry_run:
        replace_file(path, copy)
    return removed


def _of_table(person: Person, columns: Sequence[str]) -> Callable[[Sequence[str]], bool] | None:
    places = [i for i, name in enumerate(columns) if name.strip() in NAMES]
    if not places:
        return None
    return lambda row: any(i < len(row) and row[i] == person.member_id for i in places)


def _of_rejects(person: Person, delimiter: str) -> Callable[[Sequence[str]], bool]:
    def theirs(row: Sequence[str]) -> bool:
        text = row[-1] if row else ""
        fields = [part.strip(' "') for mark in (*DELIMITERS, delimiter, "::") for part in text.split(mark)]
        return person.member_id in fields or json.dumps(person.member_id) in text or person.in_text(text)

    return theirs


def _ndjson(path: Path, person: Person, dry_run: bool) -> int:
    removed = 0
    kept = []
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        try:
            found = json.loads(line)
        except ValueError:
            found = None
        if isinstance(found, dict) and person.member_id in (found.get(name) for name in NAMES):
            removed += 1
        else:
            kept.append(line)
    if removed and not dry_run:
        replace_file(path, lambda fresh: fresh.write_text("".join(kept), encoding="utf-8"))
    return removed


def _page(path: Path, person: Person, dry_run: bool) -> int:
    """A viewer holds many members in one script; it is deleted, and a new one can be written."""
    text = path.read_text(encoding="utf-8", errors="replace")
    quotes = {json.dumps(person.member_id), json.dumps(person.member_id, ensure_ascii=False)}
    named = any(one in text or html.escape(one) in text for one in quotes) or person.in_text(text)
    if named and not dry_run:
        path.unlink(missing_ok=True)
        sync_folder(path.parent)
    return int(named)


def _opened(fresh: Path | None) -> TextIO:
    return (fresh or Path(os.devnull)).open("w", encoding="utf-8", newline="")
