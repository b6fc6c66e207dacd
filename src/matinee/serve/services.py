"""What one process of the server works with: opened once, shared by all routes, closed at the end."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Container, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, ParamSpec, TypeVar

from litestar.types import Scope
from prometheus_client import Histogram

from matinee import settings
from matinee.errors import MatineeError, StorageError
from matinee.observe.clock import wall_us
from matinee.observe.decisions import DecisionRecord, Slot
from matinee.observe.erasure.erased import Erased
from matinee.observe.erasure.rotation import RotationRequest
from matinee.observe.home import Home
from matinee.observe.lake.changes import FactsVersion
from matinee.observe.members import Member
from matinee.observe.state.open import open_store
from matinee.observe.state.store import OpenedStore
from matinee.observe.state.whole import Whole
from matinee.platform.deciding import Context, Request
from matinee.platform.initiative import Initiative
from matinee.platform.lifecycle.project import open_registry
from matinee.platform.loading import find
from matinee.platform.registry.registry import Registry
from matinee.platform.served_features import served_folds
from matinee.prove.experiment.config import ExperimentsConfig
from matinee.serve.admission import Admission
from matinee.serve.artworks import NAME as ARTWORK
from matinee.serve.artworks import Artwork
from matinee.serve.budget import Then
from matinee.serve.config import ServeConfig
from matinee.serve.guard import Guard
from matinee.serve.ingest import IngestConfig, Ingestor
from matinee.serve.keys import Keys
from matinee.serve.known import Known
from matinee.serve.maintenance import Housekeeping
from matinee.serve.metrics import Metrics, Reading
from matinee.serve.moment import Moment
from matinee.serve.reading_once import ReadOnce
from matinee.serve.recording import Recorder
from matinee.serve.released import Answer, Released
from matinee.serve.schemas import Readiness, ReadinessDetails, Serving
from matinee.serve.trials import Place
from matinee.serve.turns import Turns
from matinee.types import SECOND_US, format_at

LOG = logging.getLogger("matinee.serve")
WATCH_S = 0.1
FACTS_EVERY = 10
"""Looks at the facts once in so many rounds of the watcher."""
KEPT_HERE = 20_000
"""Values that a process holds besides the state."""
ON_THE_WAY_S = 1.0
"""How long a value may take to the state."""
HELD_S = 60.0
"""How long a process holds what it kept, for when the state cannot be reached."""
P = ParamSpec("P")
T = TypeVar("T")


class Services:
    """Everything that routes need. Use `open`.

    Attributes
    ----------
    home : Home
    config : ServeConfig
    clock : Moment
    store : OpenedStore
    reading : ReadOnce
        What deciders read `store` with.
    ingestor : Ingestor
    initiatives : dict of str to Initiative
        Those that decide.
    recorder : Recorder
        Logs decisions.
    released : dict of str to Released
        What is in production for each of them.
    guard : Guard
        The last look at a page; replaced when the catalogue changes.
    artwork : Artwork
        The images of pages.
    erased : Erased
    metrics : Metrics
    """

    def __init__(
        self, home: Home, config: ServeConfig, store: OpenedStore, registry: Registry, begun: ExitStack
    ) -> None:
        """Put together; `begun` ends what runs already, when something after it fails."""
        self.home, self.config, self.store, self.registry = home, config, store, registry
        self._opened = ExitStack()
        self.clock = Moment.open(home)
        self.reading = ReadOnce(store)
        self._turns = Turns()
        self._whole = Whole(home, store)
        self.erased = Erased.of(home)
        self.erased.reload()
        self.metrics = Metrics()
        self._timers: dict[tuple[str, int], Histogram] = {}
        self.ingestor = Ingestor(
            home,
            store,
            self.clock,
            IngestConfig(queue_events=config.queue_events, rotate_bytes=int(config.rotate_mb * 1_000_000)),
        )
        begun.callback(self.ingestor.close, config.drain_s)
        keys = Keys(registry.api_keys, config.host)
        keys.load()
        self.admission = Admission(keys, workers=config.workers)
        self.guard = Guard.of(home, self.clock.now_us)
        self._facts = FactsVersion.of(home, self.clock.now_us)
        self.initiatives = dict(deciding(home))
        self.artwork = Artwork(home, self.initiatives.get(ARTWORK))
        self.experiments = settings.load(home.settings, "experiments", ExperimentsConfig)
        self.recorder = Recorder(self)
        self.released = {name: self._open_released(name) for name in self.initiatives}
        self.housekeeping = Housekeeping(self)
        self._remote = config.state != ""
        self._threads = ThreadPoolExecutor(16, thread_name_prefix="matinee-state")
        self._on_their_way: OrderedDict[tuple[str, str], tuple[float, bytes]] = OrderedDict()
        self._keeping = threading.Lock()
        self._stopping = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="matinee-watch", daemon=True)
        self.metrics.read_from(self._figures)

    @staticmethod
    def open(home: Home, config: ServeConfig) -> Services:
        """Open everything; nothing runs before `start`.

        Raises
        ------
        StorageError
            The state, the registry or the log cannot be opened.
        """
        with ExitStack() as opened:
            store = open_store(home, config.state, config.dedup_h, served_folds(home))
            opened.callback(store.close)
            registry = opened.enter_context(open_registry(home))
            with ExitStack() as begun:
                services = Services(home, config, store, registry, begun)
                begun.pop_all()
            services._opened = opened.pop_all()
            return services

    def start(self) -> None:
        """Begin what runs in the background."""
        self.admission.keys.start()
        self._watcher.start()
        for one in self.released.values():
            one.start()
        self.housekeeping.start()

    async def stop(self) -> None:
        """Finish what was begun: open requests are answered by now; write what waits, close the segment."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self.housekeeping.stop()  # before the watcher, who closes segments for it
        self._stopping.set()
        for one in self.released.values():
            one.close()
        if not self.ingestor.close(self.config.drain_s):
            LOG.error("The log did not take what was waiting within %s s.", self.config.drain_s)
        if self._watcher.is_alive():
            self._watcher.join()
        self.admission.keys.stop()
        self.artwork.close()
        self._threads.shutdown(wait=False)
        self._opened.close()

    async def off_loop(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call something that reads the state: at once where that takes microseconds, in a thread where it
        goes over the network.
        """
        if not self._remote:
            return call(*args, **kwargs)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, lambda: call(*args, **kwargs))

    async def answer(
        self,
        initiative: str,
        request: Request,
        decision_id: str,
        budget_ms: float,
        place: Place | None = None,
        then: Then | None = None,
    ) -> Answer:
        """Have an initiative decide within a time; counts how it was done.

        Parameters
        ----------
        place : Place, optional
            Where the unit stands in an experiment.
        then : Then, optional
            Is given what the model decided, in the same thread.

        Raises
        ------
        StorageError
            Not even the fallback answered.
        """
        answer = await self.released[initiative].answer_async(
            request,
            decision_id=decision_id,
            budget_ms=budget_ms,
            place=place,
            pinned=self.guard.pinned,
            then=then,
        )
        if answer.unanswered:
            raise StorageError(
                f"{initiative}: neither the model nor the fallback answered in time. Ask again in a moment."
            )
        record = answer.record
        record.context["refreshed_us"] = self.clock.now_us - (wall_us() - answer.refreshed_us)
        made_ahead = record.context.get("made") == "ahead"
        how = "fallback" if record.fallback else "ahead" if made_ahead else "computed"
        self.metrics.decisions.labels(initiative, how).inc()
        if record.fallback:
            self.metrics.fallbacks.labels(initiative, answer.fallback or "unknown").inc()
        if place is not None and place.experiment is not None:
            self.metrics.arms.labels(initiative, place.experiment, place.arm or "", how).inc()
        return answer

    def place(self, initiative: str, unit_id: str, known: Known, context: Context) -> Place | None:
        """Where a unit stands in the experiments of an initiative; None: in none, and not in the holdout."""
        return self.released[initiative].place(unit_id, known, context)

    def answering(self, initiative: str, place: Place | None) -> str:
        """Changes when somebody else answers units that stand there."""
        return self.released[initiative].answering(place)

    def is_about_members(self, initiative: str) -> bool:
        """Whether the units of an initiative are members."""
        return self.initiatives[initiative].unit == "member"

    def shows_titles(self, initiative: str) -> bool:
        """Whether an initiative shows titles to members, so that the rules for what they may see hold."""
        one = self.initiatives[initiative]
        return one.unit == "member" and tuple(one.actions or ()) == ("titles",)

    def has_images(self, initiative: str) -> bool:
        """Whether what an initiative shows gets images."""
        return self.shows_titles(initiative) and initiative != ARTWORK

    def facts_known(self, member: Member | None) -> bool:
        """Whether the state holds what was imported about members, so that no facts mean no limits."""
        return member is not None or self._whole.facts_known(afresh=True)

    def keep(self, kind: str, key: str, value: bytes, keep_s: int) -> None:
        """Keep a value about a unit in the state, for all processes; nobody waits for it."""
        if len(self.erased) and self.erased.refuses(key):
            return
        now = time.monotonic()
        with self._keeping:
            self._on_their_way[kind, key] = (now, value)
            self._on_their_way.move_to_end((kind, key))
            self._let_go(now)
        self.ingestor.put(kind, key, value, self.clock.now_us + keep_s * SECOND_US)

    def kept(self, kind: str, key: str) -> bytes | None:
        """What `keep` was given last, by any process.

        A value that this process kept a moment ago may not be in the state yet, and while the state cannot be
        reached what this process knows is all there is.
        """
        kept_s, value = self._on_their_way.get((kind, key), (0.0, None))
        age_s = time.monotonic() - kept_s
        if age_s >= HELD_S:
            value = None
        if value is not None and age_s < ON_THE_WAY_S:
            return value
        try:
            return self.store.get(kind, key)
        except StorageError:
            return value

    def forget(self, keys: Container[str]) -> None:
        """Drop what this process holds about units."""
        with self._keeping:
            held = list(self._on_their_way)
        gone = [pair for pair in held if pair[1] in keys]
        with self._keeping:
            for pair in gone:
                self._on_their_way.pop(pair, None)
        for one in self.released.values():
            one.forget(keys)

    def _let_go(self, now_s: float) -> None:
        """Drop what was held long enough, the oldest first."""
        held = self._on_their_way
        while held and (len(held) > KEPT_HERE or next(iter(held.values()))[0] < now_s - HELD_S):
            held.popitem(last=False)

    def count_violations(self, initiative: str, record: DecisionRecord, bad: Sequence[Slot]) -> None:
        """Tell of titles that a page held and its member may not see."""
        LOG.error("%s: %d titles of a page were not permitted and were taken from it", initiative, len(bad))
        self.metrics.violations.labels(initiative).inc(len(bad))
        self.released[initiative].count_violations(record, bad)

    def admit(self, scope: Scope, needed: str | None) -> None:
        """Let a request in, or say why not."""
        self.admission.admit(scope, needed)

    def measure(self, route: str, status: int, seconds: float) -> None:
        """Note how a request went."""
        timer = self._timers.get((route, status))
        if timer is None:
            timer = self.metrics.requests.labels(route, f"{status // 100}xx")
            self._timers[route, status] = timer
        timer.observe(seconds)
        if status >= 400:
            self.metrics.refused.labels(str(status)).inc()

    async def readiness(self, scope: Scope) -> Readiness:
        """Whether events can be taken and decisions made; why not, for who may know."""
        return await asyncio.to_thread(self._readiness, details=self.admission.is_admin(scope))

    def _readiness(self, *, details: bool) -> Readiness:
        troubles: list[str] = []
        state, log = "ok", "ok"
        try:
            self.store.get("ready", "ready")
        except StorageError as problem:
            state = "unreachable"
            troubles.append(str(problem))
        if self.ingestor.degraded:
            state = "behind" if state == "ok" else state
            troubles.append("The state lacks events that were acknowledged; it catches up by itself.")
        if not self.ingestor.alive:
            log = "stopped"
            troubles.append("The thread that writes the log has ended. Restart the server.")
        initiatives = {name: one.status() for name, one in self.released.items()}
        troubles += [f"{name}: {text}" for name, one in initiatives.items() for text in one.troubles]
        return Readiness(
            "ready" if log == "ok" else "not ready",
            state,
            log,
            {name: Serving(one.version, len(one.troubles)) for name, one in initiatives.items()},
            format_at(self.clock.now_us),
            ReadinessDetails(troubles, initiatives) if details else None,
        )

    async def metrics_text(self) -> bytes:
        """Everything for Prometheus."""
        return await asyncio.to_thread(self.metrics.text)

    def _open_released(self, name: str) -> Released:
        return Released.open(
            self.home,
            name,
            self.config,
            members=self.reading,
            count=self.store.count,
            log=self.recorder.log_shadow,
            moment=self.clock,
            registry=self.registry,
            turns=self._turns,
            holdout=self.experiments.holdout,
        )

    def close_segment(self) -> None:
        """Close the log's segment, after all that was handed over while nobody knew of the latest erasure.

        Raises
        ------
        StorageError
            That is not written yet: the segment stays open, and whoever asked must ask again.
        """
        erased = self.erased.reload()
        if not self.ingestor.drain(self.config.drain_s) and erased:
            raise StorageError(
                f"the log: what waits was not written within {self.config.drain_s:g} s, so an erasure cannot "
                "be sure of it. Look at /readyz and the disk, and ask again."
            )
        if erased:  # whichever process was asked to forget them, all hold nothing about them
            self.forget(self.erased)
        with self._keeping:
            self._let_go(time.monotonic())
        self.ingestor.rotate()

    def _watch(self) -> None:
        """Answer requests to close the segment, follow the clearance of images and the catalogue."""
        rotation = RotationRequest(self.home)
        n = 0
        while not self._stopping.wait(WATCH_S):
            n += 1
            try:
                if rotation.changed():
                    self.close_segment()
                self.artwork.follow()
                if n % FACTS_EVERY == 0:
                    self.clock.follow()
                    self._follow_facts()
            except Exception as problem:  # the watcher goes on, whatever it finds
                LOG.error("the watcher failed once: %s", type(problem).__name__, exc_info=problem)

    def _follow_facts(self) -> None:
        facts = FactsVersion.of(self.home, self.clock.now_us)
        if facts != self._facts:
            self.guard = Guard.of(self.home, self.clock.now_us)
            self._facts = facts

    def _figures(self) -> Iterator[Reading]:
        counters = self.ingestor.counters()
        yield Reading("matinee_queue_events", "Events that wait for the disk.", counters.waiting_events)
        yield Reading("matinee_queue_bytes", "Bytes that wait for the disk.", counters.waiting_bytes)
        yield Reading("matinee_log_groups", "Groups written.", counters.groups, counter=True)
        yield Reading("matinee_log_bytes", "Bytes written to the log.", counters.bytes, counter=True)
        yield Reading("matinee_fsync_seconds", "Time spent in fsync.", counters.sync_s, counter=True)
        yield Reading("matinee_state_seconds", "Time spent in the state.", counters.store_s, counter=True)
        yield Reading("matinee_log_dropped", "Lines about decisions lost.", counters.dropped, counter=True)
        yield Reading("matinee_degraded", "1 while the state lags behind.", float(self.ingestor.degraded))
        try:
            sizes: dict[str, Any] = self.store.size()
        except StorageError:
            sizes = {}
        for what, value in sizes.items():
            labels = (("of", what),)
            yield Reading("matinee_state_size", "Size of the state.", float(value), labels, shared=True)
        yield from self.housekeeping.figures()


def deciding(home: Home) -> Iterator[tuple[str, Initiative]]:
    """Initiatives of a home that decide; one that does not import is told in the log and left out."""
    for name, found in find(home).items():
        try:
            initiative = found.load()
        except MatineeError as problem:
            LOG.error("%s is not served: %s", name, problem)
            continue
        if initiative.kind == "decides":
            yield name, initiative
