"""Keeps callers from waiting, one after the other, for a server that has just not answered."""

from __future__ import annotations

import threading

TIMES, LONGEST_S = 3.0, 2.0
"""A server that failed is left alone for so many times as long as that took, at most for so long."""


class Resting:
    """Decides whether a server is asked. Times are those of `time.monotonic`, in seconds.

    A server that refuses connections costs nothing to ask, so it is asked again at once. One that hangs costs
    each caller the whole time limit, and a page that reads three times would be late three times: after a
    failure the next callers are refused until the rest is over, then one of them tries.

    Examples
    --------
    >>> server = Resting()
    >>> server.failed(began=10.0, now=10.5)
    >>> server.admits(11.9), server.admits(12.1), server.admits(12.1)
    (False, True, False)
    >>> server.answered()
    >>> server.admits(12.2)
    True
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failing = False
        self._until = 0.0

    def admits(self, now: float) -> bool:
        """Whether to ask now. Whoever is admitted tells how it went."""
        if not self._failing:
            return True
        with self._lock:
            if now < self._until:
                return False
            self._until = now + LONGEST_S  # who tries; the next one if nothing is heard of that
            return True

    def failed(self, began: float, now: float) -> None:
        """It could not be reached, or did not answer in time."""
        with self._lock:
            self._failing = True
            self._until = now + min(TIMES * (now - began), LONGEST_S)

    def answered(self) -> None:
        """It answered, whatever it said."""
        if self._failing:
            self._failing = False
