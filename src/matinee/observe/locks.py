"""Locks on files, freed by the system when the process that holds them dies."""

from __future__ import annotations


def lock_file(handle: int) -> bool:
    """Try to lock an open file for this process; False if another one holds it."""
    try:
        import fcntl
    except ImportError:  # Windows: a file that is in use cannot be renamed there
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
