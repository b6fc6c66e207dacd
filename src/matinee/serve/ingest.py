"""Ingestion in one process: what arrives is written in groups by one thread, then acknowledged."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace

from matinee.errors import StorageError
from matinee.observe.clock import TellsNow
from matinee.observe.events.schema import Event
from matinee.observe.home import Home
from matinee.observe.log import LogWriter, Written
from matinee.observe.state.replay import replay
from matinee.observe.state.store import Arrival, StateStore
from matinee.serve.backlog import EVENT_BYTES, Backlog, FullError, Group, Offer, Value, settle
from matinee.serve.ingest_config import Counters, IngestConfig
from matinee.serve.jobs import Jobs
from matinee.types import SECOND_US

LOG = logging.getLogger("matinee.serve")
EXPIRY_US = 10 * SECOND_US
"""Values are kept until the next multiple of this, so that those of a group are stored in one step."""
FLUSH_TURNS = 20
"""Turns of the event loop for which requests are gathered at most before the writer is woken."""
IDLE_S = 1.0
JOB_S = 30.0
MOST_FAILURES = 10
"""Turns of the writer that fail one after the other before it gives up, so that the process is restarted."""
ASK_FROM = 0.01
"""Share of repeated events in the last groups from which the state is asked before the log is written."""
REPEATS_WEIGHT = 0.1
SMALL_REPLAY = 5_000
"""Events behind which the writer itself catches up; more are caught up beside it first."""

__all__ = ["Counters", "FullError", "IngestConfig", "Ingestor"]


class Ingestor:
    """Takes events in: durable, known to every process, then acknowledged.

    One thread writes. It takes all that waits as one group: writes the lines and syncs, gives them to the
    state together with the position in the log, which tells those that it knows from new ones, and answers.
    While many events are repeated the state is asked before, and the known ones are not written again. So a
    group is as large as the disk is slow, and nobody waits for more than two groups.

    Parameters
    ----------
    home : Home
    store : StateStore
    clock : TellsNow
    config : IngestConfig, optional

    Notes
    -----
    The state cannot be reached: events are on disk, so they are accepted, and `degraded` is true. When the
    store answers again it is given what it lacks from the log. Until then repeated events are not told from
    new ones in the reply (they count once all the same).

    Examples
    --------
    >>> ingestor = Ingestor(home, store, Clock.wall())  # doctest: +SKIP
    >>> await ingestor.offer_async([(event, at_us)])  # doctest: +SKIP
    [True]
    """

    def __init__(
        self, home: Home, store: StateStore, clock: TellsNow, config: IngestConfig | None = None
    ) -> None:
        self.home, self.store, self.clock = home, store, clock
        self.config = config or IngestConfig()
        self._log = LogWriter(home.log, clock, rotate_bytes=self.config.rotate_bytes)
        self._backlog = Backlog(
            most_events=self.config.queue_events,
            most_bytes=self.config.queue_bytes,
            most_aside_bytes=self.config.aside_bytes,
            group_events=self.config.group_events,
        )
        self._counts = Counters()
        self._jobs = Jobs(self._backlog, str(home.log))
        self._degraded = False
        self._closing = threading.Event()
        self._ended = self._failed = False
        self._in_hand: Group | None = None
        self._flushing, self._gathered = False, 0
        self._repeats = 0.0
        self._opened_s: float | None = None
        self._aside_from_s = 0.0
        self._recovery: threading.Thread | None = None
        self._thread = threading.Thread(target=self._run, name="matinee-ingest", daemon=True)
        self._thread.start()

    def offer(self, events: Sequence[tuple[Event, int]], *, n_bytes: int | None = None) -> Future[list[bool]]:
        """Hand over events with their `at_us`; the future tells which are new, when all are durable.

        Parameters
        ----------
        n_bytes : int, optional
            Size of the request, which counts against the bound; default: `EVENT_BYTES` for each event.

        Raises
        ------
        FullError
            Too much waits for the disk.
        StorageError
            The server is shutting down. The future raises it when the disk is full.
        """
        return self._offer(events, _bytes(events, n_bytes))

    def offer_async(
        self, events: Sequence[tuple[Event, int]], *, n_bytes: int | None = None
    ) -> asyncio.Future[list[bool]]:
        """`offer` for a coroutine: a future of the running event loop, woken once for a whole group."""
        return self._offer_async(events, _bytes(events, n_bytes))

    def record_sure(self, lines: Sequence[bytes]) -> Future[list[bool]]:
        """Hand over lines like those of `record` for which somebody waits: they are written as events are.

        Returns
        -------
        Future
            Resolves, to an empty list, when the lines are synced; raises StorageError when they are not.

        Raises
        ------
        FullError, StorageError
            As `offer`.
        """
        return self._offer((), sum(map(len, lines)), lines)

    def record_async(self, lines: Sequence[bytes]) -> asyncio.Future[list[bool]]:
        """`record_sure` for a coroutine."""
        return self._offer_async((), sum(map(len, lines)), lines)

    def _offer(
        self, events: Sequence[tuple[Event, int]], n_bytes: int, records: Sequence[bytes] = ()
    ) -> Future[list[bool]]:
        future: Future[list[bool]] = Future()
        self._enqueue(Offer(events, n_bytes, future, None, records))
        return future

    def _offer_async(
        self, events: Sequence[tuple[Event, int]], n_bytes: int, records: Sequence[bytes] = ()
    ) -> asyncio.Future[list[bool]]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[list[bool]] = loop.create_future()
        self._enqueue(Offer(events, n_bytes, future, loop, records), wake=False)
        self._gathered += 1
        if not self._flushing:
            self._flushing = True
            loop.call_soon(self._flush, loop, self._gathered, 0)
        return future

    def _flush(self, loop: asyncio.AbstractEventLoop, seen: int, turns: int) -> None:
        """Wake the writer when the loop has nothing more to add, so that the two do not fight for the GIL."""
        if self._gathered != seen and turns < FLUSH_TURNS:
            loop.call_soon(self._flush, loop, self._gathered, turns + 1)
        else:
            self._flushing = False
            self._backlog.wake()

    def record(self, lines: Sequence[bytes]) -> None:
        """Hand over lines of the service about itself (decisions, rewards); nobody waits for them.

        Each is a JSON object with `type`, `event_id` and `at_us`; `seen_us` and `seq` are added. Never
        blocks: when the disk does not keep up the oldest are dropped and counted.
        """
        self._backlog.aside(lines)

    def put(self, kind: str, key: str, value: bytes, expires_us: int | None = None) -> None:
        """Hand over a value for the state store; nobody waits for it."""
        if expires_us is not None:
            expires_us = -(-expires_us // EXPIRY_US) * EXPIRY_US
        self._backlog.aside([Value(kind, key, value, expires_us)])

    @property
    def degraded(self) -> bool:
        """Whether the state lacks events that were acknowledged, since it could not be reached."""
        return self._degraded

    @property
    def alive(self) -> bool:
        """Whether the writer runs."""
        return self._thread.is_alive() and not self._ended

    @property
    def stuck(self) -> bool:
        """Whether the last write failed a moment ago, so that records and values wait for the next try."""
        return not self._takes_aside()

    def counters(self) -> Counters:
        """What was done so far."""
        waiting = self._backlog
        return replace(
            self._counts,
            refused=waiting.refused,
            dropped=self._counts.dropped + waiting.dropped,
            waiting_events=waiting.events,
            waiting_bytes=waiting.bytes,
        )

    def rotate(self, timeout_s: float = 10.0) -> None:
        """Close the open segment, for compaction and erasure: between two groups, so that it is taken in.

        Blocks; call it from a thread.

        Raises
        ------
        StorageError
            The writer did not get to it in time.
        """
        self._jobs.wait(self._log.rotate, timeout_s)

    def drain(self, timeout_s: float) -> bool:
        """Wait until all that was handed over before is settled; False if that takes longer. Blocks.

        Settled means: events are written or failed; records and values are written, or dropped and counted.
        Those that wait for another try after a failure are not settled. What is handed over meanwhile does
        not make it take longer.
        """
        try:
            self._jobs.wait(lambda: None, timeout_s, after=self._backlog.mark())
        except StorageError:
            return False
        return True

    def close(self, timeout_s: float = 30.0) -> bool:
        """Refuse what comes from now on, write what waits, close the segment. False: it took too long."""
        self._closing.set()
        self._backlog.nudge()
        self._thread.join(timeout_s)
        if self._recovery is not None:
            self._recovery.join(timeout_s)
        return not self._thread.is_alive()

    def _enqueue(self, offer: Offer, *, wake: bool = True) -> None:
        if self._closing.is_set() or not self._backlog.offer(offer, wake=wake):
            raise self._refusal()

    def _refusal(self) -> StorageError:
        """Why nothing is taken any more."""
        if self._failed:
            return StorageError("events: the thread that writes them has ended. Restart the server.")
        return StorageError("events: the server is shutting down. Send them again in a few seconds.")

    def _run(self) -> None:
        """The writer: group after group until it is closed and nothing waits."""
        failures = 0
        try:
            while True:
                try:
                    if self._turn():
                        break
                    failures = 0
                except Exception as error:  # the next group may do better
                    LOG.error("the writer failed once: %s", type(error).__name__, exc_info=error)
                    self._settle_in_hand(error)
                    failures += 1
                    if failures == MOST_FAILURES:
                        raise
                    time.sleep(min(self.config.retry_s, IDLE_S))
        except BaseException as error:
            self._failed = True
            LOG.critical("the writer ends: %s. Restart the server.", type(error).__name__, exc_info=error)
        finally:
            self._end()

    def _turn(self) -> bool:
        """One group, and what is due after it; True at the end."""
        closing = self._closing.is_set()
        aside = closing or self._takes_aside()
        group = self._in_hand = self._backlog.take(0 if closing else self._pause_s(), aside=aside)
        if group and not group.offers and not closing:
            self._backlog.linger(self.config.linger_s)
            self._backlog.take(0, into=group)
        if group:
            self._handle(group)
        self._in_hand = None
        self._jobs.run()
        self._close_old_segment()
        return not group and closing and self._backlog.close_if_empty()

    def _settle_in_hand(self, error: Exception) -> None:
        """Count a group out that the writer was about to write, and tell those who still wait for it."""
        group, self._in_hand = self._in_hand, None
        if group is not None:
            settle([(offer, []) for offer in group.offers], error)
            self._counts.dropped += len(group.records) + len(group.values)
            self._backlog.done(group, 0.0)

    def _end(self) -> None:
        """Nobody is left waiting, and nothing is taken from here on."""
        self._closing.set()
        self._settle_in_hand(self._refusal())
        left = self._backlog.give_up()
        self._counts.failed += sum(len(offer.events) for offer in left)
        settle([(offer, []) for offer in left], self._refusal())
        try:
            self._log.close()
        except Exception as error:
            LOG.error("the log was not closed: %s", type(error).__name__, exc_info=error)
        self._ended = True
        self._jobs.end()

    def _takes_aside(self) -> bool:
        """Whether records and values are written now; after a failure they wait a while."""
        return time.monotonic() >= self._aside_from_s

    def _pause_s(self) -> float:
        """How long to sleep when nothing comes."""
        soon = [one for one in (self.config.rotate_s, self.config.retry_s) if one > 0]
        return min([IDLE_S, *soon])

    def _handle(self, group: Group) -> None:
        """Write a group and answer; whatever happens, nobody is left waiting."""
        started, taken = time.perf_counter(), False
        counts = self._counts
        n_events = sum(len(offer.events) for offer in group.offers)
        try:
            new = self._commit(group)
        except Exception as error:
            counts.failed += n_events
            self._keep_aside(group)
            if not isinstance(error, StorageError):
                LOG.exception("a group of %d events could not be written", n_events)
            settle([(offer, []) for offer in group.offers], error)
        else:
            accepted = sum(new)
            counts.accepted += accepted
            counts.duplicate += n_events - accepted
            if n_events:
                self._repeats += REPEATS_WEIGHT * (1 - accepted / n_events - self._repeats)
            answers, start = [], 0
            for offer in group.offers:
                answers.append((offer, new[start : start + len(offer.events)]))
                start += len(offer.events)
            settle(answers)
            self._store_values(group)
            taken = n_events > 0
        self._in_hand = None
        self._backlog.done(group, time.perf_counter() - started)
        if taken:
            self._tend()

    def _commit(self, group: Group) -> list[bool]:
        """Write a group to the log and the state; True for each event that was new."""
        events = [pair for offer in group.offers for pair in offer.events]
        ids = [event.event_id for event, _ in events]
        known = self._ask(ids)
        if len(set(ids)) < len(ids):
            before: set[str] = set()
            for i, event_id in enumerate(ids):
                known[i] |= event_id in before
                before.add(event_id)
        fresh = [pair for pair, old in zip(events, known, strict=True) if not old] if any(known) else events
        records = [*group.records, *(line for offer in group.offers for line in offer.records)]
        written = self._log.write(fresh, records)
        counts = self._counts
        counts.records += len(records)
        if written.position is not None:
            counts.groups += 1
            counts.bytes += written.n_bytes
            counts.sync_s += written.sync_s
        took = self._take([event for event, _ in fresh], written)
        if fresh is events:
            return took
        rest = iter(took)
        return [not old and next(rest) for old in known]

    def _ask(self, ids: Sequence[str]) -> list[bool]:
        """Which events the state knows already, so that they are not written; asked while many are repeated.

        The answer that counts is that of `_take`. A repeated line in the log does no harm but to the disk.
        """
        if ids and self._repeats > ASK_FROM and not self._degraded:
            started = time.perf_counter()
            try:
                return list(self.store.known(ids))
            except Exception as error:
                self._degrade(error)
            finally:
                self._counts.store_s += time.perf_counter() - started
        return [False] * len(ids)

    def _take(self, events: Sequence[Event], written: Written) -> list[bool]:
        """Give events that are on disk to the state, with how far the log is taken in.

        Whatever goes wrong there: the events are durable, and the state is given them from the log later.
        """
        if written.position is None:
            return []
        if not self._degraded:
            arrivals = [
                Arrival(event.event_id, event.member_id, line)
                for event, line in zip(events, written.lines, strict=True)
            ]
            started = time.perf_counter()
            try:
                return list(self.store.take(arrivals, written.position, self.clock.now_us))
            except Exception as error:
                self._degrade(error)
            finally:
                self._counts.store_s += time.perf_counter() - started
        self._counts.lagging += len(events)
        return [True] * len(events)

    def _tend(self) -> None:
        """Let the state do what it left for later, now that the events are answered for and count as done."""
        if self._degraded:
            return
        started = time.perf_counter()
        try:
            self.store.tend()
        except Exception as error:  # the events are taken in; the next group tries again
            LOG.error("the state was not tended: %s", type(error).__name__, exc_info=error)
        finally:
            self._counts.store_s += time.perf_counter() - started

    def _store_values(self, group: Group) -> None:
        """Store values, the last of each key, with as few steps as there are kinds and ends."""
        together: dict[tuple[str, int | None], dict[str, bytes]] = {}
        for one in group.values:
            together.setdefault((one.kind, one.expires_us), {})[one.key] = one.value
        for (kind, expires_us), values in together.items():
            try:
                if not self._degraded:
                    self.store.put(kind, list(values.items()), expires_us=expires_us)
                    continue
            except StorageError as error:
                self._degrade(error)
            except Exception as error:  # they are lost, and nothing else is
                name = type(error).__name__
                LOG.error("%d values could not be stored: %s", len(values), name, exc_info=error)
            self._counts.dropped += len(values)

    def _keep_aside(self, group: Group) -> None:
        """What nobody waits for is tried again in a while, unless the server is stopping."""
        self._aside_from_s = time.monotonic() + self.config.retry_s
        if self._closing.is_set():
            self._counts.dropped += len(group.records) + len(group.values)
        else:
            self._backlog.put_back(group)

    def _close_old_segment(self) -> None:
        """Close a segment that was opened `rotate_s` ago."""
        if not self._log.open_bytes:
            self._opened_s = None
        elif self._opened_s is None:
            self._opened_s = time.monotonic()
        elif 0 < self.config.rotate_s <= time.monotonic() - self._opened_s:
            self._log.rotate()
            self._opened_s = None

    def _degrade(self, error: Exception) -> None:
        """Go on without the state, and try in another thread to bring it up to date."""
        if not self._degraded:
            if isinstance(error, StorageError):
                LOG.warning("the state cannot be reached, events are kept in the log: %s", error)
            else:
                name = type(error).__name__
                LOG.error("the state failed, events are kept in the log: %s", name, exc_info=error)
            self._degraded = True
            self._recovery = threading.Thread(target=self._recover, name="matinee-replay", daemon=True)
            self._recovery.start()

    def _recover(self) -> None:
        """Replay the log until little is left, which the writer takes in itself between two groups."""
        while not self._closing.wait(self.config.retry_s):
            try:
                left = SMALL_REPLAY + 1
                while left > SMALL_REPLAY and not self._closing.is_set():
                    self._jobs.wait(self._log.rotate, JOB_S)
                    left = replay(self.home, self.store, self.clock.now_us).events
                    self._counts.replayed += left
                self._jobs.wait(self._catch_up, JOB_S)
            except Exception as error:
                LOG.debug("the state is still behind: %s", type(error).__name__, exc_info=error)
            else:
                return

    def _catch_up(self) -> None:
        """The last step of a recovery, in the writer: afterwards the state lacks nothing."""
        self._log.rotate()
        self._counts.replayed += replay(self.home, self.store, self.clock.now_us, wait_s=0).events
        self._degraded = False
        LOG.warning("the state is up to date again")


def _bytes(events: Sequence[tuple[Event, int]], n_bytes: int | None) -> int:
    return EVENT_BYTES * len(events) if n_bytes is None else n_bytes
