"""Copies of files that survive a crash: plain files, and SQLite databases while others write to them."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from matinee.observe.lake.manifest import sync_file, sync_folder

SQLITE = b"SQLite format 3\x00"
BESIDE = ("-wal", "-shm", "-journal")
"""Files that SQLite keeps beside a database."""


def is_sqlite(path: Path) -> bool:
    """Whether a file is a SQLite database."""
    with path.open("rb") as file:
        return file.read(len(SQLITE)) == SQLITE


def copy_file(source: Path, target: Path) -> int:
    """Copy a file, whole or not at all; returns its size in bytes.

    Of a SQLite database one consistent state is copied, whoever writes to it meanwhile.

    Raises
    ------
    OSError
        It cannot be read or written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f".{target.name}.copying")
    fresh.unlink(missing_ok=True)
    try:
        if is_sqlite(source):
            copy_database(source, fresh)
        else:
            shutil.copyfile(source, fresh)
            shutil.copymode(source, fresh)
        sync_file(fresh)
        fresh.replace(target)
        sync_folder(target.parent)
    finally:
        fresh.unlink(missing_ok=True)
    return target.stat().st_size


def copy_database(source: Path, target: Path) -> None:
    """Copy a SQLite database with its backup interface; a failure of SQLite is an `OSError`."""
    try:
        with (
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as old,
            closing(sqlite3.connect(target)) as new,
        ):
            old.backup(new)
            new.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as problem:
        raise OSError(f"{source}: {problem}") from problem


def link_file(source: Path, target: Path) -> None:
    """Give a file that never changes a second name, or copy it where the disk knows no hard links."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(source, target)
