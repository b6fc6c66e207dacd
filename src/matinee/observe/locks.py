"""Locks on files, freed by the system when the process that holds them dies."""

from __future__ import annotations

import os
from pathlib import Path

from matinee.errors import StorageError


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


class Leader:
    """The one process of several that does what only one may do, until it dies or lets go.

    Parameters
    ----------
    path : Path
        The lock file; its folder is made.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     first, second = Leader(Path(folder) / "lock"), Leader(Path(folder) / "lock")
    ...     found = [first.lead(), second.lead(), first.lead()]
    ...     first.close()
    ...     found + [second.lead(), second.close()]
    [True, False, True, True, None]
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle: int | None = None

    @property
    def leading(self) -> bool:
        """Whether this process holds the lock."""
        return self._handle is not None

    def lead(self) -> bool:
        """Try to become the leader; True if this process is it. Never waits.

        Raises
        ------
        StorageError
            The lock file cannot be made.
        """
        if self._handle is None:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                handle = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o644)
            except OSError as problem:
                raise StorageError(
                    f"{self.path}: could not be opened ({problem.strerror or problem}). Make its folder "
                    "writable."
                ) from problem
            if lock_file(handle):
                self._handle = handle
            else:
                os.close(handle)
        return self._handle is not None

    def close(self) -> None:
        """Let go; another process may lead from now on."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
