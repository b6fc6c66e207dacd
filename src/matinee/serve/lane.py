"""Threads of their own for what takes long, so that it holds up neither probes nor members."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from matinee.serve.problems import ProblemError

T = TypeVar("T")


class Lane:
    """A few threads with a short queue.

    Parameters
    ----------
    name : str
        What waits, for the reply.
    threads : int, 1 or more
    most : int
        Calls at work and waiting; more are refused at once.

    Examples
    --------
    >>> import asyncio
    >>> asyncio.run(Lane("sums", threads=1, most=2).run(sum, [1, 2]))
    3
    """

    def __init__(self, name: str, *, threads: int, most: int) -> None:
        self.name, self.most, self.busy = name, most, 0
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=f"matinee-{name}")

    async def run(self, call: Callable[..., T], *args: object) -> T:
        """Call something in a thread of the lane.

        Raises
        ------
        ProblemError
            503: too much waits. And whatever the call raises.
        """
        with self._lock:
            if self.busy >= self.most:
                raise ProblemError(
                    503,
                    f"{self.name}: {self.busy} wait already, expected fewer at once. Ask again in a moment.",
                    headers={"Retry-After": "2"},
                )
            self.busy += 1
        future = self._threads.submit(call, *args)
        future.add_done_callback(self._free)  # also when whoever asked has hung up
        return await asyncio.wrap_future(future)

    def _free(self, _future: Future[T]) -> None:
        with self._lock:
            self.busy -= 1
