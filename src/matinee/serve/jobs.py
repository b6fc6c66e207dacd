"""What the writer of the log does between two groups, for others who wait for it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass, field

from matinee.errors import StorageError
from matinee.serve.backlog import Backlog, Mark


@dataclass(slots=True)
class _Job:
    run: Callable[[], None]
    after: Mark | None = None
    future: Future[None] = field(default_factory=Future)


class Jobs:
    """Calls that one thread makes for any other.

    Parameters
    ----------
    backlog : Backlog
        Tells what is settled, and wakes the writer.
    where : str
        What the writer writes to, for error messages.
    """

    def __init__(self, backlog: Backlog, where: str) -> None:
        self.backlog, self.where = backlog, where
        self._jobs: deque[_Job] = deque()
        self._ended = False

    def wait(self, run: Callable[[], None], timeout_s: float, *, after: Mark | None = None) -> None:
        """Have the writer do something, once all up to `after` is settled, and wait for it.

        After `end` it is done at once, by the caller.

        Raises
        ------
        StorageError
            The writer did not get to it in time; then it does not do it later either.
        """
        job = _Job(run, after)
        self._jobs.append(job)
        self.backlog.nudge()
        if self._ended:
            self.run()
        try:
            job.future.result(timeout_s)
        except FutureTimeoutError:
            job.future.cancel()
            raise StorageError(
                f"{self.where}: the writer did not get to it in {timeout_s:g} s. Try again when fewer "
                "events wait."
            ) from None

    def run(self) -> None:
        """Do what is due; what nobody waits for any more is left out."""
        later: list[_Job] = []
        while self._jobs:
            try:
                job = self._jobs.popleft()
            except IndexError:  # another thread was faster, after the end
                break
            if job.future.cancelled():
                continue
            if job.after is not None and not self.backlog.settled(job.after):
                later.append(job)
            elif job.future.set_running_or_notify_cancel():
                try:
                    job.run()
                except Exception as error:
                    job.future.set_exception(error)
                else:
                    job.future.set_result(None)
        self._jobs.extend(later)

    def end(self) -> None:
        """Do what is left; from here on whoever asks for something does it himself."""
        self._ended = True
        self.run()
