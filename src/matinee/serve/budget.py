"""Runs deciders with a time budget: few threads, a short queue, and a rest for a model that is always late.

Who asks waits at most for the budget. A computation cannot be stopped from outside, so a late one goes on in
its thread and its result is dropped; when all threads are taken by such computations, or the queue is full,
the next ones are refused at once. A model that is late again and again rests: it is not asked for a while,
then one request tries it (the circuit breaker of Nygard (2018), Release It!, 2nd edition, chapter 5).
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from queue import SimpleQueue
from typing import Any

from matinee.serve.turns import Turns

LATE, OVERLOADED, STUCK, RESTING, RAISED = "late", "overloaded", "stuck", "resting", "raised"
"""Why there is no value. overloaded: no thread began in time; stuck: all threads hold late computations."""
TRIPS = 8
"""So many late answers one after the other, and the model rests."""
REST_S, LONGEST_REST_S = 1.0, 30.0
"""First rest; it doubles while the model stays late."""
WAITING = 16
"""Requests that may wait for each thread."""


LOOK_S = 0.001
"""Least time between two looks of a caller whose second computation has not begun."""


class Outcome:
    """What came of one computation.

    Attributes
    ----------
    value : object
        What it gave; None if it did not.
    why : str or None
        None: there is a value. Else one of LATE, OVERLOADED, STUCK, RESTING, RAISED.
    error : BaseException or None
        What it raised.
    waited_s, took_s : float
        In the queue; computing. 0 where it did not come to that.
    """

    __slots__ = ("error", "took_s", "value", "waited_s", "why")

    def __init__(self, value: Any = None, why: str | None = None, error: BaseException | None = None) -> None:
        self.value, self.why, self.error = value, why, error
        self.waited_s = self.took_s = 0.0


class Then:
    """What is computed after a first computation, in the same thread, and may be late without harm to it.

    Parameters
    ----------
    run : callable
        Gets the value of the first.
    budget_s : float
        From when it begins.
    total_s : float
        From when both were asked for: no later than this is it waited for.
    within : callable, optional
        Gives the context that both are computed in, in their thread.

    Attributes
    ----------
    outcome : Outcome or None
        None: it did not come to that; the first computation gave no value, or the time was over.
    """

    __slots__ = ("began", "budget_s", "outcome", "run", "total_s", "within")

    def __init__(
        self,
        run: Callable[[Any], Any],
        budget_s: float,
        total_s: float,
        within: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self.run, self.budget_s, self.total_s, self.within = run, budget_s, total_s, within
        self.began: float | None = None
        self.outcome: Outcome | None = None


class Breaker:
    """Decides whether a model is asked. Times are those of `time.monotonic`, in seconds.

    Attributes
    ----------
    resting : bool
        It is not asked, or only by one request that tries.

    Examples
    --------
    >>> breaker = Breaker(trips=2, rest_s=1.0)
    >>> breaker.late(now=0.0), breaker.late(now=0.1), breaker.admits(now=0.5)
    (None, None, False)
    >>> breaker.admits(now=1.2), breaker.admits(now=1.2)
    (True, False)
    """

    def __init__(self, *, trips: int = TRIPS, rest_s: float = REST_S) -> None:
        self.trips, self.rest_s = trips, rest_s
        self.resting = False
        self._late = 0
        self._until = 0.0
        self._next_s = rest_s
        self._trying = False

    def admits(self, now: float) -> bool:
        """Whether a request may ask now. Whoever is admitted tells how it went."""
        if not self.resting:
            return True
        if self._trying or now < self._until:
            return False
        self._trying = True
        return True

    def in_time(self) -> None:
        """The model answered inside its budget, or failed at once: it need not rest."""
        if self._late or self.resting:
            self._late, self._next_s = 0, self.rest_s
            self.resting = self._trying = False

    def late(self, now: float) -> None:
        """The model had its time and did not answer."""
        self._late += 1
        if self.resting or self._late >= self.trips:
            self.resting, self._trying = True, False
            self._until = now + self._next_s
            self._next_s = min(2 * self._next_s, LONGEST_REST_S)

    def untold(self) -> None:
        """The request did not get to the model: another one may try."""
        self._trying = False


class _Job:
    __slots__ = (
        "asked",
        "began",
        "deadline",
        "done",
        "ended",
        "given_up",
        "outcome",
        "run",
        "strict",
        "then",
    )

    def __init__(
        self,
        run: Callable[[], Any],
        asked: float,
        deadline: float,
        done: Callable[[], None],
        strict: bool,
        then: Then | None,
    ) -> None:
        self.run, self.asked, self.deadline, self.done, self.strict = run, asked, deadline, done, strict
        self.then = then
        self.began: float | None = None
        self.outcome: Outcome | None = None
        self.given_up = self.ended = False

    def rest_s(self) -> float:
        """How long the caller still waits, unless it is told that all is done; 0 or less: no longer.

        Nobody tells the caller when the second computation begins, as to wake its loop costs as much as a
        small one takes; so it looks again after half of that one's time.
        """
        now, then = time.monotonic(), self.then
        if then is None or self.outcome is None:
            left_s = self.deadline - now
            return left_s if then is None else min(left_s, max(0.5 * then.budget_s, LOOK_S))
        if then.began is None:  # the first gave no value, or the thread has not come to it yet
            return min(LOOK_S, self.asked + then.total_s - now)
        return min(then.began + then.budget_s, self.asked + then.total_s) - now


class Pool:
    """Threads that compute for callers who do not wait longer than they said.

    Parameters
    ----------
    threads : int, above 0
        Computations at a time. They are daemons: a stuck one never keeps the process from ending.
    name : str
        Of the threads.
    breaker : Breaker, optional
        None: late computations have no consequences.
    strict_s : float
        Only callers who gave at least this budget count as witnesses that the model is late.
    turns : Turns, optional
        Taken by each computation; to be shared by the pools of a process. None: all compute at once.
    """

    def __init__(
        self,
        threads: int,
        *,
        name: str,
        breaker: Breaker | None = None,
        strict_s: float = 0.0,
        turns: Turns | None = None,
    ) -> None:
        self.threads, self.name, self.breaker, self.strict_s = threads, name, breaker, strict_s
        self.turns = turns
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._running: list[_Job | None] = [None] * threads
        self._waiting = 0
        self._started = self._retired = False

    async def ask_async(self, run: Callable[[], Any], budget_s: float, then: Then | None = None) -> Outcome:
        """Compute in a thread; after the budget there is an outcome in any case.

        Overhead: one hop to a thread and back, some tens of microseconds.

        Parameters
        ----------
        then : Then, optional
            Computed next in the same thread, which saves the second hop.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()

        def wake() -> None:
            if not future.done():
                future.set_result(None)

        def done() -> None:
            with suppress(RuntimeError):  # the loop has ended: nobody waits any more
                loop.call_soon_threadsafe(wake)

        job = self._submit(run, budget_s, done, then)
        if isinstance(job, Outcome):
            return job
        timer = loop.call_later(job.rest_s(), wake)
        try:
            await future
            while not job.ended and (left_s := job.rest_s()) > 0.0:
                timer.cancel()
                future = loop.create_future()
                timer = loop.call_later(left_s, wake)
                await future
        finally:
            timer.cancel()
            job.given_up = True
        return self._judged(job)

    def ask(self, run: Callable[[], Any], budget_s: float) -> Outcome:
        """The same for callers that may block."""
        finished = threading.Event()
        job = self._submit(run, budget_s, finished.set, None)
        if isinstance(job, Outcome):
            return job
        finished.wait(budget_s)
        if job.outcome is None:
            job.given_up = True
        return self._judged(job)

    @property
    def busy(self) -> int:
        """Computations that run or wait now."""
        return self._waiting + sum(job is not None for job in self._running)

    def figures(self) -> dict[str, int]:
        """Threads, those at work, those with a late computation, requests that wait, whether it rests."""
        now = time.monotonic()
        running = [job for job in self._running if job is not None]
        return {
            "threads": self.threads,
            "running": len(running),
            "late": sum(job.deadline < now for job in running),
            "waiting": self._waiting,
            "resting": int(self.breaker is not None and self.breaker.resting),
        }

    def retire(self) -> None:
        """End the threads when what was asked so far is done. Whoever asks after this gets no value."""
        with self._lock:
            self._retired = True
            if self._started:
                for _ in range(self.threads):
                    self._queue.put(None)

    def _submit(
        self, run: Callable[[], Any], budget_s: float, done: Callable[[], None], then: Then | None
    ) -> _Job | Outcome:
        now = time.monotonic()
        with self._lock:
            if self._retired:
                return Outcome(why=OVERLOADED)
            if all(job is not None and job.deadline < now for job in self._running):
                return Outcome(why=STUCK)
            if self._waiting >= WAITING * self.threads:
                return Outcome(why=OVERLOADED)
            if self.breaker is not None and not self.breaker.admits(now):
                return Outcome(why=RESTING)
            self._waiting += 1
            if not self._started:
                self._started = True
                for number in range(self.threads):
                    threading.Thread(
                        target=self._work, args=(number,), name=f"{self.name}-{number}", daemon=True
                    ).start()
        job = _Job(run, now, now + budget_s, done, budget_s >= self.strict_s, then)
        self._queue.put(job)
        return job

    @property
    def rests(self) -> bool:
        """Whether the model was late too often and is asked by few."""
        return self.breaker is not None and self.breaker.resting

    def told(self, why: str | None, *, strict: bool) -> None:
        """How a computation went: None, or why there is no value. `strict`: its caller was patient."""
        if self.breaker is None:
            return
        with self._lock:
            if why is None or why == RAISED:
                self.breaker.in_time()
            elif why == LATE and strict:
                self.breaker.late(time.monotonic())
            else:
                self.breaker.untold()

    def _judged(self, job: _Job) -> Outcome:
        outcome = job.outcome
        if outcome is None:
            outcome = Outcome(why=OVERLOADED if job.began is None else LATE)
            outcome.waited_s = (job.began or job.deadline) - job.asked
            outcome.took_s = 0.0 if job.began is None else job.deadline - job.began
        self.told(outcome.why, strict=job.strict)
        return outcome

    def _work(self, number: int) -> None:
        running, turns = self._running, self.turns
        while True:
            job = self._queue.get()
            if job is None:
                return
            if turns is not None:
                turn = turns.take()
            with self._lock:
                self._waiting -= 1
                running[number] = job
            if not job.given_up:
                self._compute(job)
            running[number] = None
            if turns is not None:
                turns.give(turn)
            del job  # an idle thread keeps no old model alive

    @staticmethod
    def _compute(job: _Job) -> None:
        then = job.then
        if then is None:
            _first(job)
        else:
            with then.within():
                first = _first(job)
                if first.why is None and not job.given_up:
                    then.began = time.monotonic()
                    then.outcome = _computed(lambda: then.run(first.value))
        job.ended = True
        if not job.given_up:
            job.done()


def _first(job: _Job) -> Outcome:
    job.began = time.monotonic()
    outcome = _computed(job.run)
    outcome.waited_s = job.began - job.asked
    job.outcome = outcome
    return outcome


def _computed(run: Callable[[], Any]) -> Outcome:
    outcome, began = Outcome(), time.monotonic()
    try:
        outcome.value = run()
    except BaseException as problem:  # whatever a model does (sys.exit, too), the caller gets to know
        outcome.why, outcome.error = RAISED, problem
    outcome.took_s = time.monotonic() - began
    return outcome
