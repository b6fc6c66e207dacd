"""Computations of one process take turns, since the interpreter runs one of them at a time anyway.

Threads that share its lock hand it over every millisecond, and each finds the caches full of what the others
left: with eight clients at once a page cost half as much again as with one (`benchmarks/serve.py`), and the
last of them waited the longest. One after the other, in the order in which they came, each is done sooner.
"""

from __future__ import annotations

import threading
import time
from collections import deque

PATIENCE_S = 0.02
"""Longest time for which a computation keeps others from beginning."""


class Turn:
    """Belongs to who computes, until it is given back or lost."""

    __slots__ = ("ready", "since")

    def __init__(self) -> None:
        self.since = 0.0
        self.ready = threading.Lock()
        self.ready.acquire()


class Turns:
    """So many compute at a time; the others wait, and are let in as they came.

    A computation that takes longer than `patience_s` (it is stuck, or waits for something itself) goes on,
    but loses its turn to the next, so that it holds up nobody for longer.

    Parameters
    ----------
    at_once : int, 1 or more
    patience_s : float, > 0

    Examples
    --------
    >>> turns = Turns(patience_s=0.01)
    >>> first = turns.take()
    >>> second = turns.take()  # 10 ms later
    >>> turns.give(first), turns.give(second)
    (None, None)
    """

    def __init__(self, at_once: int = 1, patience_s: float = PATIENCE_S) -> None:
        self.at_once, self.patience_s = at_once, patience_s
        self._held: deque[Turn] = deque()
        self._waiting: deque[Turn] = deque()
        self._lock = threading.Lock()

    def take(self) -> Turn:
        """Wait until it is one's turn."""
        turn = Turn()
        with self._lock:
            self._waiting.append(turn)
            left_s = self._let_in()
        while not turn.ready.acquire(timeout=left_s):
            with self._lock:
                left_s = self._let_in()
        return turn

    def give(self, turn: Turn) -> None:
        """Let the next one begin. Does nothing for a turn that was lost."""
        with self._lock:
            if turn in self._held:
                self._held.remove(turn)
                self._let_in()

    def _let_in(self) -> float:
        """Give turns that are free or overdue to those who wait; seconds until the next one is overdue."""
        now, held = time.monotonic(), self._held
        while self._waiting:
            if len(held) >= self.at_once:
                left_s = held[0].since + self.patience_s - now
                if left_s > 0:
                    return left_s
                held.popleft()
            turn = self._waiting.popleft()
            turn.since = now
            held.append(turn)
            turn.ready.release()
        return self.patience_s
