"""What one process does for all: segments into the lake, rewards to their decisions, order in the state."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from matinee import settings
from matinee.observe.clock import wall_us
from matinee.observe.erasure.rotation import close_segments
from matinee.observe.home import Home
from matinee.observe.lake.compaction import Compacted, compact
from matinee.observe.locks import Leader
from matinee.observe.log import segment_name, segments
from matinee.observe.state.imports import catch_up, is_behind, take_in
from matinee.observe.state.store import StateStore
from matinee.observe.state.sync_members import sync_members
from matinee.platform.config import PlatformConfig
from matinee.platform.initiative import Initiative
from matinee.platform.lifecycle.pruning import prune_lake
from matinee.platform.outcomes.join import Joined, join
from matinee.platform.registry.experiment_rows import ExperimentRow
from matinee.platform.registry.last_read import LastRead
from matinee.serve.arms import Arms
from matinee.serve.metrics import Reading
from matinee.serve.rollouts import judge_all, tried
from matinee.types import DAY_US

if TYPE_CHECKING:
    from matinee.serve.services import Services

LOG = logging.getLogger("matinee.serve")
LOOK_S = 1.0
"""Between two tries to become the leader."""
PATIENCE_S = 5.0
"""How long the other processes have to close their segments; what they leave open is compacted later."""
FULL_EVERY_US = DAY_US
"""So often all decisions are looked at for one that was not joined, and not only the recent ones."""
FIRST_PRUNE_S, PRUNE_EVERY_S = 600.0, 86_400.0
"""When what is older than [keep] permits is first removed after the start, and how often after that."""
NICE = 10
"""Of threads that others need not wait for. At 5 first screens were not sooner (`benchmarks/LOG.md`)."""
LONGEST_PAUSE = 8
"""After failures the pause doubles, up to so many times `every_s`."""


@dataclass(slots=True)
class Stepped:
    """What one round did.

    Attributes
    ----------
    compacted : Compacted or None
        None: it failed.
    joined : dict of str to Joined
        By initiative.
    troubles : dict of str to str
        Stage that failed -> why. The others were done.
    """

    compacted: Compacted | None = None
    joined: dict[str, Joined] = field(default_factory=dict)
    troubles: dict[str, str] = field(default_factory=dict)


class Maintenance:
    """One round of maintenance after the other; each leaves a state from which the next goes on.

    Parameters
    ----------
    home : Home
    store : StateStore or None
        None: a home without a server, which has no state to keep in order.
    now : callable
        The home's clock, in microseconds.
    initiatives : sequence of Initiative
        Those that decide.
    final : callable, optional
        By when outcomes have to be final to be joined, instead of now.
    """

    def __init__(
        self,
        home: Home,
        store: StateStore | None,
        *,
        now: Callable[[], int],
        initiatives: Sequence[Initiative],
        final: Callable[[], int] | None = None,
    ) -> None:
        self.home, self.store, self.now = home, store, now
        self.final = final or now
        self.initiatives = initiatives
        self.rounds, self.seconds = 0, 0.0
        self.failures: dict[str, int] = {}
        self.totals: dict[str, int] = {}
        self._joined_us: dict[str, int] = {}
        self._whole_us: dict[str, int] = {}

    def step(self) -> Stepped:
        """One round. A stage that fails is noted and holds up no other; only an interrupt is raised."""
        began = time.perf_counter()
        done = Stepped()
        self._stage(done, "close segments", lambda: close_segments(self.home, patience_s=PATIENCE_S))
        self._stage(done, "compact", lambda: self._compact(done))
        for one in self.initiatives:
            self._stage(done, f"join {one.name}", lambda one=one: self._join(done, one))  # type: ignore[misc]
        if self.store is not None:
            self._stage(done, "state", self._keep_state)
        self.rounds += 1
        self.seconds += time.perf_counter() - began
        return done

    def prune(self) -> None:
        """Remove what is older than [keep] permits."""
        self._stage(Stepped(), "prune", lambda: prune_lake(self.home, dry_run=False))

    def figures(self) -> Iterator[Reading]:
        """Counters for the metrics."""
        yield Reading("matinee_maintenance_rounds", "Rounds of maintenance.", self.rounds, counter=True)
        yield Reading("matinee_maintenance_seconds", "Time spent in them.", self.seconds, counter=True)
        for stage, n in list(self.failures.items()):
            label = (("stage", stage),)
            yield Reading("matinee_maintenance_failures", "Stages that failed.", n, label, counter=True)
        for what, n in list(self.totals.items()):
            label = (("what", what),)
            yield Reading("matinee_maintenance_done", "What maintenance did.", n, label, counter=True)

    def _stage(self, done: Stepped, name: str, work: Callable[[], object]) -> None:
        try:
            work()
        except Exception as problem:  # the server goes on, and the next round tries again
            done.troubles[name] = f"{type(problem).__name__}: {problem}"
            self.failures[name] = self.failures.get(name, 0) + 1
            LOG.error("maintenance, %s: %s", name, type(problem).__name__, exc_info=problem)

    def _compact(self, done: Stepped) -> None:
        """Nothing is deleted from the log that the state has not taken in."""
        store = self.store
        taken_in = None if store is None else lambda: take_in(self.home, store, self.now())
        done.compacted = compact(self.home, taken_in=taken_in)
        self._count(segments=done.compacted.segments, events=done.compacted.added, torn=done.compacted.torn)
        self._count(duplicates=done.compacted.duplicate)

    def _join(self, done: Stepped, initiative: Initiative) -> None:
        name, now_us = initiative.name, self.final()
        since_us: int | None = self._joined_us.get(name)
        if since_us is not None and not since_us <= now_us < self._whole_us[name] + FULL_EVERY_US:
            since_us = None
        found = join(self.home, initiative, now_us=now_us, since_us=since_us)
        if since_us is None:
            self._whole_us[name] = now_us
        self._joined_us[name] = now_us
        done.joined[name] = found
        self._count(outcomes=found.slots, rewarded=found.rewarded)
        if since_us is not None:  # the first look counts everything that there ever was
            self._count(late_rewards=found.late, unknown_rewards=found.unknown)

    def _keep_state(self) -> None:
        assert self.store is not None
        there = {segment_name(path) for path in segments(self.home.log)}
        gone = self.store.positions().keys() - there
        if gone:
            self.store.forget_segments(sorted(gone))
        self.store.maintain(self.now())

    def _count(self, **added: int) -> None:
        for what, n in added.items():
            self.totals[what] = self.totals.get(what, 0) + n


class Housekeeping:
    """Runs the maintenance in the background of a server; one process of a home at a time does it.

    Parameters
    ----------
    services : Services
        Of this process. When the process that leads ends or dies, another one leads within a second.
    """

    def __init__(self, services: Services) -> None:
        self.services = services
        self.every_s = float(services.config.compact_s)
        self._prune_s = time.monotonic() + FIRST_PRUNE_S
        platform = settings.load(services.home.settings, "platform", PlatformConfig)
        self._webhook = platform.webhook
        self.leader = Leader(services.home.work / "serve" / "leader.lock")
        self.maintenance = Maintenance(
            services.home,
            services.store,
            now=lambda: services.clock.now_us,
            initiatives=list(services.initiatives.values()),
        )
        self._tried = LastRead(services.registry, lambda: tried(services.registry))
        self._arms = Arms(
            services.registry,
            services.store.count,
            answers=services.config.canary_answers,
            webhook=platform.webhook,
        )
        self._guardrails_s = time.monotonic() + services.experiments.guardrail_s
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, name="matinee-maintenance", daemon=True),
            self._looking("judge canaries", self._judge),
            self._looking("judge arms", self._judge_arms),
            self._looking("guardrails", self._judge_guardrails, gives_way=True),
            self._looking("members", lambda: sync_members(services.home, services.store)),
            self._looking("state", lambda: services.store.maintain(services.clock.now_us)),
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self, patience_s: float = 30.0) -> None:
        """Finish the round that is under way, and let another process lead.

        A round that takes longer is left behind: what it has not committed is as if it had not begun.
        """
        self._stopping.set()
        until = time.monotonic() + patience_s
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.0, until - time.monotonic()))
        if not any(thread.is_alive() for thread in self._threads):
            self.leader.close()

    def figures(self) -> Iterator[Reading]:
        """Figures of this process; those of maintenance are 0 where another process leads."""
        yield Reading("matinee_leader", "1 in the process that does maintenance.", float(self.leader.leading))
        yield from self.maintenance.figures()

    def _run(self) -> None:
        """Rounds, and what may take as long as they do: the state made again, and pruning."""
        give_way()
        failed, due_s = 0, time.monotonic() + self.every_s
        while not self._stopping.wait(LOOK_S):
            if not self._leads():
                continue
            self._try("rebuild", self._rebuild)
            if time.monotonic() >= self._prune_s:
                self._prune_s = time.monotonic() + PRUNE_EVERY_S
                self.maintenance.prune()
            if time.monotonic() >= due_s:
                failed = failed + 1 if self.maintenance.step().troubles else 0
                due_s = time.monotonic() + self.every_s * min(2**failed, LONGEST_PAUSE)

    def _looking(
        self, stage: str, work: Callable[[], object], *, gives_way: bool = False
    ) -> threading.Thread:
        """A thread for what cannot wait for a round, nor for anything else of its kind."""

        def run() -> None:
            if gives_way:
                give_way()
            while not self._stopping.wait(LOOK_S):
                if self.leader.leading:
                    self._try(stage, work)

        return threading.Thread(target=run, name=f"matinee-{stage.replace(' ', '-')}", daemon=True)

    def _try(self, stage: str, work: Callable[[], object]) -> None:
        try:
            work()
        except Exception as problem:  # the next look tries again
            failures = self.maintenance.failures
            failures[stage] = failures.get(stage, 0) + 1
            LOG.error("maintenance, %s: %s", stage, type(problem).__name__, exc_info=problem)

    def _judge(self) -> None:
        services = self.services
        judge_all(
            services.registry,
            services.store.count,
            self._tried(),
            canary_answers=services.config.canary_answers,
            now_us=wall_us(),
            webhook=self._webhook,
        )

    def _judge_arms(self) -> None:
        self._arms.look(at_us=self.services.clock.now_us, wall_us=wall_us())

    def _judge_guardrails(self) -> None:
        """Metrics of the lake, each `[experiments] guardrail_s` seconds: they take as long as a readout."""
        if time.monotonic() < self._guardrails_s:
            return
        from matinee.prove.experiment.guardrails import guardrails_broken

        services = self.services

        def broken(row: ExperimentRow, until_us: int) -> Iterable[tuple[str, str, str]]:
            return guardrails_broken(services.home, row.current, row.started_us, until_us)

        try:
            self._arms.look_at_metrics(broken, at_us=services.clock.now_us, wall_us=wall_us())
        finally:
            self._guardrails_s = time.monotonic() + services.experiments.guardrail_s

    def _rebuild(self) -> None:
        """Events that were imported, or that the state lost since they left the log: make it again."""
        services = self.services
        if is_behind(services.home, services.store):
            LOG.info("the lake has events that the state of members lacks: it is made again")
            catch_up(services.home, services.store, services.clock.now_us, dedup_h=services.config.dedup_h)

    def _leads(self) -> bool:
        try:
            return self.leader.lead()
        except Exception as problem:  # a folder that cannot be written today may be writable tomorrow
            LOG.error("maintenance: no leader can be chosen, %s", type(problem).__name__)
            return False


def give_way() -> None:
    """Let threads that answer have the processors before this one, and before those that it starts.

    Linux gives each thread its own niceness, and new ones that of who starts them (so never call it in a
    thread that may start one which answers); elsewhere nothing happens.
    """
    if sys.platform == "linux":
        mine = threading.get_native_id()
        with suppress(OSError):  # a sandbox may forbid it: then it competes as before
            os.setpriority(os.PRIO_PROCESS, mine, max(NICE, os.getpriority(os.PRIO_PROCESS, mine)))
