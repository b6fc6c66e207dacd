"""Files that a person opens, written whole or not at all."""

from __future__ import annotations

from pathlib import Path

from matinee.errors import StorageError


def write_whole(path: Path, data: bytes) -> int:
    """Write a file aside and put it in place; returns its size in bytes.

    Raises
    ------
    StorageError
        The disk is full, or the folder cannot be written; a file that was there before is untouched.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    except OSError as problem:
        temporary.unlink(missing_ok=True)
        raise StorageError(
            f"{path}: could not be written ({problem.strerror}). Choose another folder, or free some space."
        ) from problem
    return len(data)
