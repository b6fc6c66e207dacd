"""A new registry file: empty, in WAL mode, in which readers do not wait for the writer."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from matinee.errors import NotFoundError, StorageError
from matinee.platform.registry.failures import sqlite_meaning

PAUSE_S = 0.02


def make_file(path: Path, *, wait_s: float) -> None:
    """Make the file unless it has content; several processes may do so at once.

    Raises
    ------
    NotFoundError
        Its folder does not exist.
    StorageError
        It may not be made there, or another process keeps it locked.
    """
    if not path.parent.is_dir():
        raise NotFoundError(
            f"{path}: the folder {path.parent} does not exist, expected it to hold the registry. Make it, or "
            "run matinee init."
        )
    try:
        if path.is_file() and path.stat().st_size > 0:
            return
        path.open("ab").close()
    except OSError as problem:
        raise StorageError(
            f"{path}: the registry could not be made ({problem.strerror or problem}). Choose a file that you "
            "may write."
        ) from problem
    give_up = time.perf_counter() + wait_s
    while True:
        try:
            _switch_to_wal(path)
            return
        except sqlite3.Error as problem:
            busy = problem.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or time.perf_counter() > give_up:
                meaning = sqlite_meaning(problem) or f"could not be made: {problem}."
                raise StorageError(f"{path}: {meaning}") from problem
            time.sleep(PAUSE_S)  # SQLite reports "locked" at once while another process switches the mode


def _switch_to_wal(path: Path) -> None:
    con = sqlite3.connect(path, isolation_level=None)
    try:
        con.execute("PRAGMA journal_mode = WAL")
    finally:
        con.close()
