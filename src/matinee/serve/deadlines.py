"""A time limit that many coroutines share, for one timer instead of one each."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any

CHECKS = 10
"""How often in the time of the limit it is looked who is late: the limit is kept within a tenth of it."""


class Deadlines:
    """`with deadlines:` raises TimeoutError in a coroutine that stays inside for too long.

    `asyncio.timeout` makes and cancels a timer for each use, which costs as much as decoding a request's
    events. Here those inside stand in one list by their time of entry, and one timer goes through it.

    Parameters
    ----------
    limit_s : float, > 0

    Notes
    -----
    For the tasks of one event loop. A task is inside once at a time.
    """

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s
        self._inside: dict[asyncio.Task[Any], float] = {}
        self._late: set[asyncio.Task[Any]] = set()
        self._watching = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError(
                "Deadlines: entered outside of a task, expected a coroutine that is run by one."
            )
        loop = task.get_loop()
        self._inside[task] = loop.time() + self.limit_s
        if not self._watching:
            self._watching = True
            loop.call_later(self.limit_s / CHECKS, self._look, loop)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._inside.pop(task, None)
        if self._late and task in self._late:
            self._late.discard(task)
            if task.uncancel() == 0 and kind is asyncio.CancelledError:
                raise TimeoutError from error

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for task, until in list(self._inside.items()):
            if until > now:
                break
            del self._inside[task]
            self._late.add(task)
            task.cancel()
        self._watching = bool(self._inside)
        if self._watching:
            loop.call_later(self.limit_s / CHECKS, self._look, loop)
