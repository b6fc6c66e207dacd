"""Folders for work in progress: each belongs to a living process, and those of dead ones are cleared."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from matinee.errors import StorageError
from matinee.observe.locks import lock_file

LOCK = ".lock"


@contextmanager
def scratch(root: Path) -> Iterator[Path]:
    """Make a new folder under `root`; it is removed afterwards, or by `sweep` if this process is killed.

    Raises
    ------
    StorageError
        It cannot be made: the disk is full or read-only.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        sweep(root)
        path, handle = _claim(root)
    except OSError as problem:
        raise StorageError(
            f"{root}: cannot be written ({problem.strerror or problem}), expected room for the results of "
            "steps. Free space there, or make it writable; nothing was computed."
        ) from problem
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        path.with_name(path.name + LOCK).unlink(missing_ok=True)
        os.close(handle)


def sweep(root: Path) -> int:
    """Remove folders whose process is gone; returns how many."""
    return sum(_try_clear(lock) for lock in root.glob(f"*{LOCK}"))


def in_use(root: Path) -> bool:
    """Whether a living process works under `root`."""
    sweep(root)
    return any(root.glob(f"*{LOCK}"))


def _claim(root: Path) -> tuple[Path, int]:
    while True:
        path = root / secrets.token_hex(8)
        lock = path.with_name(path.name + LOCK)
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
        if lock_file(handle) and lock.exists():  # a sweep in between may have taken it
            path.mkdir()
            return path, handle
        os.close(handle)


def _try_clear(lock: Path) -> bool:
    if os.name != "posix":  # locks tell nothing there
        return False
    try:
        handle = os.open(lock, os.O_RDWR)
    except OSError:
        return False
    try:
        if not lock_file(handle):
            return False
        shutil.rmtree(lock.with_name(lock.name.removesuffix(LOCK)), ignore_errors=True)
        lock.unlink(missing_ok=True)
        return True
    finally:
        os.close(handle)
