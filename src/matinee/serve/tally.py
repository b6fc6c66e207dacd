"""Counts of one process, and those that all processes share: gathered in memory, handed over now and then."""

from __future__ import annotations

import threading
from collections.abc import Callable

from matinee.errors import StorageError

Count = Callable[[str, int], int]
"""Adds to a counter that all processes share, and reads it (`StateStore.count`)."""


class Tally:
    """Counters that only grow. Threads may share it.

    Examples
    --------
    >>> tally = Tally()
    >>> tally.add("answers"), tally.add("answers", n=2), tally.counts
    (None, None, {'answers': 3})
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._own: dict[str, int] = {}
        self._shared: dict[str, int] = {}

    @property
    def counts(self) -> dict[str, int]:
        """What this process counted since it began."""
        with self._lock:
            return dict(self._own)

    def add(self, *names: str, n: int = 1) -> None:
        """Count for this process."""
        with self._lock:
            own = self._own
            for name in names:
                own[name] = own.get(name, 0) + n

    def share(self, names: dict[str, int]) -> None:
        """Count for all processes; it is handed over at the next `flush`."""
        with self._lock:
            for name, n in names.items():
                self._shared[name] = self._shared.get(name, 0) + n

    def flush(self, count: Count | None) -> bool:
        """Hand over what was counted for all; False when it could not be, and is kept for the next time."""
        if count is None:
            return True
        with self._lock:
            waiting, self._shared = self._shared, {}
        while waiting:
            name, n = next(iter(waiting.items()))
            try:
                count(name, n)
            except StorageError:
                self.share(waiting)
                return False
            del waiting[name]
        return True
