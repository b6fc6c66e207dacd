"""Keeps what one process answers with in step with the registry, the log and the catalogue.

Nothing here happens in a request. A poll looks about once a second whether the registry was written to, and
if so, into it: for the queries of three initiatives requests wait 8 ms. What is not open yet is opened
beside, tried, and then put in place by replacing one reference. Requests that run keep what they began with.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Container
from dataclasses import replace
from functools import partial

from matinee.errors import ConfigError, MatineeError
from matinee.observe.clock import wall_us
from matinee.platform.abilities import Forgets, Prepares
from matinee.platform.answering import Answering
from matinee.platform.deciding import Decider
from matinee.platform.lifecycle.project import open_registry
from matinee.platform.lifecycle.registering import register
from matinee.platform.registry.last_read import LastRead
from matinee.platform.registry.registry import Registry
from matinee.platform.registry.rollouts import RolloutRow
from matinee.prove.experiment.definition import FALLBACK
from matinee.serve.budget import Breaker, Pool
from matinee.serve.config import ServeConfig
from matinee.serve.opened import NONE, Opened, Unopened
from matinee.serve.opening import Opener
from matinee.serve.serving import Serving, Wanted, begun
from matinee.serve.shadow import Log, Shadow
from matinee.serve.tally import Count, Tally
from matinee.serve.trials import Trials
from matinee.serve.turns import Turns
from matinee.types import SECOND_US

POLL_S = 1.0
RETRY_S, LONGEST_RETRY_S = 15.0, 600.0
"""After a version did not open it is tried again; the pause doubles."""
LINGER_S = 5.0
"""How long the threads of a version that was replaced wait for requests that had just begun."""
UNITS_KEPT = 4
PREPARE_S = 5.0
"""So often what answers is told to make ready for the moment `AHEAD_US` later."""
AHEAD_US = 20 * SECOND_US


class Keeper:
    """Opens, swaps, refreshes and frees the versions of one initiative.

    Parameters
    ----------
    opener : Opener
    config : ServeConfig
    tally : Tally
    count : callable, optional
        Where counts that all processes share go.
    log : callable, optional
        Gets the records of a shadow.
    registry : Registry, optional
        An open one, which stays open; else the keeper opens its own.
    turns : Turns, optional
        Taken by all that answers; the fallback needs none.
    holdout : float
        Share of the units that are in no experiment.

    Attributes
    ----------
    now : Serving
    trouble : str or None
        Why the registry could not be read at the last look.
    refresh_trouble : str or None
        Why the last refresh failed.
    """

    def __init__(
        self,
        opener: Opener,
        config: ServeConfig,
        tally: Tally,
        *,
        count: Count | None = None,
        log: Log | None = None,
        registry: Registry | None = None,
        turns: Turns | None = None,
        holdout: float = 0.0,
    ) -> None:
        self.opener, self.config, self.tally = opener, config, tally
        self.trouble: str | None = None
        self.refresh_trouble: str | None = None
        self.recent: deque[str] = deque(maxlen=UNITS_KEPT)
        self._count, self._log, self._turns = count, log, turns
        self._registry, self._registry_is_ours = registry, registry is None
        self._registered = False
        self._there: LastRead[Wanted] | None = None
        self._lock = threading.Lock()
        self._opened: dict[str, Opened] = {}
        self._troubles: dict[str, str] = {}
        self._retries: dict[str, tuple[float, float]] = {}
        self._retired: list[tuple[float, Pool]] = []
        self._wanted = Wanted()
        self._holdout = holdout
        self._working: threading.Thread | None = None
        self._polling: threading.Thread | None = None
        self._stop = threading.Event()
        self._facts = opener.facts()
        self._refresh_at = time.monotonic() + config.refresh_s
        self._prepare_at = time.monotonic() + PREPARE_S
        fallback = self._first_fallback()
        self._none = Opened(
            Answering(opener.initiative.name, NONE, None, fallback), self._pool(), wall_us(), wall_us()
        )
        self._fallback_arm: Opened | None = None
        self.now = Serving(self._none, fallback, trials=Trials((), holdout))

    def _first_fallback(self) -> Decider:
        """One that does not open (a file is gone, the home is empty) is tried again; the server starts."""
        try:
            return self.opener.fallback()
        except ConfigError:
            raise
        except Exception as problem:  # the model may answer, and /readyz tells
            self._troubled(problem)
            self._refresh_at = time.monotonic() + RETRY_S
            return Unopened(str(problem))

    def _troubled(self, problem: Exception) -> None:
        self.refresh_trouble = f"{type(problem).__name__}: {problem}"[:300]
        self.tally.add("refresh_failed")

    def start(self) -> None:
        """Look about once a second, in a thread of its own."""
        self._polling = threading.Thread(target=self._poll, name="released", daemon=True)
        self._polling.start()

    def close(self) -> None:
        """Stop looking, hand over what was counted, end the threads."""
        self._stop.set()
        for thread in (self._polling, self._working):
            if thread is not None and thread is not threading.current_thread():
                thread.join(timeout=LINGER_S)
        now = self.now
        if now.shadow is not None:
            now.shadow.close()
        self.tally.flush(self._count)
        for one in (now.incumbent, now.beside, self._fallback_arm, *self._opened.values()):
            if one is not None:
                one.pool.retire()
        for _, pool in self._retired:
            pool.retire()
        if self._registry is not None and self._registry_is_ours:
            self._registry.close()

    def tick(self) -> bool:
        """Look once: at the registry, at the facts, at the time. Never waits for a model.

        Returns
        -------
        bool
            Something is being opened or refreshed since this look.
        """
        self.opener.moment.follow()
        self.tally.flush(self._count)
        try:
            wanted = self._look()
        except MatineeError as problem:
            self.trouble = str(problem)
            self.tally.add("registry_failed")
        else:
            self.trouble = None
            with self._lock:
                self._wanted = wanted
                self._arrange()
        self._retire()
        if self._working is None or not self._working.is_alive():
            task = self._due()
            if task is not None:
                self._working = threading.Thread(target=task, name="opening", daemon=True)
                self._working.start()
                return True
        return False

    def settle(self, wait_s: float) -> None:
        """Look until everything that is wanted is open or has failed; at most so many seconds."""
        give_up = time.monotonic() + wait_s
        while True:
            begun_now = self.tick()
            if self._working is None or not (begun_now or self._working.is_alive()):
                return
            self._working.join(max(0.0, give_up - time.monotonic()))
            if time.monotonic() >= give_up:
                return

    def refresh(self) -> None:
        """Bring every open version and the fallback up to the present; whatever fails stays as it was."""
        facts, failed = self.opener.facts(), None
        try:
            fallback = self.opener.fallback(self.now.fallback)
        except Exception as problem:  # the old one goes on answering
            fallback, failed = self.now.fallback, problem
        fresh: dict[str, Decider] = {}
        for version, one in list(self._opened.items()):
            if one.answering.decider is None:
                continue
            try:
                decider = self.opener.model_now(version, one.answering.decider)
                self.opener.warm(decider, one.pool, tuple(self.recent))
                fresh[version] = decider
            except Exception as problem:  # the old one goes on answering
                if version in self._opened:  # else its rollout has ended meanwhile, and its threads with it
                    failed = problem
        with self._lock:
            self._install(fallback, fresh)
            self._arrange()
        pause_s = float(self.config.refresh_s)
        if failed is None:
            self._facts, self.refresh_trouble = facts, None
            self.tally.add("refreshed")
        else:
            self._troubled(failed)
            pause_s = min(pause_s, RETRY_S)
        self._refresh_at = time.monotonic() + pause_s

    def prepare(self) -> None:
        """Let what answers make ready for a moment from now, as when windows of many titles begin or end.

        A decider that fails at it computes with the first request what it needs.
        """
        self._prepare_at = time.monotonic() + PREPARE_S
        at_us = self.opener.moment.now_us + AHEAD_US
        for one in self._deciders():
            if isinstance(one, Prepares):
                try:
                    one.prepare(at_us)
                except Exception:  # whatever a model does, the others are prepared
                    self.tally.add("prepare_failed")

    def forget(self, unit_ids: Container[str]) -> None:
        """Let everything that is open drop what it keeps about units."""
        for one in self._deciders():
            if isinstance(one, Forgets):
                one.forget(unit_ids)

    def _deciders(self) -> list[Decider]:
        """Everything that is open, the fallback last."""
        with self._lock:
            opened = [one.answering.decider for one in self._opened.values()]
            return [*(one for one in opened if one is not None), self.now.fallback]

    @property
    def troubles(self) -> dict[str, str]:
        """Version that is wanted and does not open -> why."""
        wanted = self._wanted.versions
        return {one: why for one, why in self._troubles.items() if one in wanted}

    def _poll(self) -> None:
        while not self._stop.wait(POLL_S):
            try:
                self.tick()
            except Exception as problem:  # one bad look must not be the last one
                self.trouble = f"{type(problem).__name__}: {problem}"[:300]
                self.tally.add("look_failed")

    def _look(self) -> Wanted:
        name = self.opener.initiative.name
        if self._registry is None:
            self._registry = open_registry(self.opener.home)
        if not self._registered:
            register(self._registry, self.opener.initiative, now_us=wall_us())
            self._registered = True
        if self._there is None:
            self._there = LastRead(self._registry, partial(_read, self._registry, name))
        return self._there()

    def _due(self) -> Callable[[], None] | None:
        """What is to be done beside: open what is wanted first, then refresh."""
        now = time.monotonic()
        for one in self._wanted.versions:
            if one not in self._opened and now >= self._retries.get(one, (0.0, 0.0))[0]:
                return lambda wanted=one: self._open(wanted)  # type: ignore[misc]
        if now >= self._refresh_at:
            return self.refresh
        facts = self.opener.facts()
        if facts is not None and facts != self._facts and self.refresh_trouble is None:
            return self.refresh
        if now >= self._prepare_at:
            return self.prepare
        return None

    def _open(self, version: str) -> None:
        pool = self._pool()
        try:
            decider = self.opener.model(version)
            self.opener.warm(decider, pool, tuple(self.recent))
        except Exception as problem:  # what was there goes on answering
            pool.retire()
            self.tally.add("open_failed")
            pause_s = min(2 * self._retries.get(version, (0.0, RETRY_S / 2))[1], LONGEST_RETRY_S)
            with self._lock:
                self._retries[version] = (time.monotonic() + pause_s, pause_s)
                self._troubles[version] = f"{type(problem).__name__}: {problem}"[:300]
                self._arrange()
            return
        now_us = wall_us()
        with self._lock:
            answering = Answering(self.opener.initiative.name, version, decider, self.now.fallback)
            self._opened[version] = Opened(answering, pool, now_us, now_us)
            self._troubles.pop(version, None)
            self._retries.pop(version, None)
            self._arrange()

    def _install(self, fallback: Decider, fresh: dict[str, Decider]) -> None:
        """Put refreshed deciders in place. Under the lock."""
        now_us = wall_us()
        for version, one in self._opened.items():
            decider = fresh.get(version, one.answering.decider)
            refreshed_us = now_us if version in fresh else one.refreshed_us
            answering = replace(one.answering, decider=decider, fallback=fallback)
            self._opened[version] = replace(one, answering=answering, refreshed_us=refreshed_us)
        self._none = replace(self._none, answering=replace(self._none.answering, fallback=fallback))

    def _arrange(self) -> None:
        """Let what is open and wanted answer, and drop the rest. Under the lock."""
        wanted, before = self._wanted, self.now
        version, rollout = wanted.version, wanted.rollout
        incumbent = self._opened.get(version)
        if incumbent is None and version != NONE:  # not open yet, or it does not open: the old one stays
            incumbent = self._opened.get(before.incumbent.version)
        if incumbent is None:
            answering = replace(self._none.answering, trouble=self._troubles.get(version))
            incumbent = replace(self._none, answering=answering)
        beside = None if rollout is None else self._opened.get(rollout.version)
        trouble = None if rollout is None else self._troubles.get(rollout.version)
        shadow = self._shadow(before.shadow, rollout, beside)
        fallback = incumbent.answering.fallback
        trials = Trials(tuple(begun(wanted.experiments, self._arms(fallback), self._troubles)), self._holdout)
        self.now = Serving(incumbent, fallback, rollout, beside, None if beside else trouble, shadow, trials)
        if incumbent.version != before.incumbent.version:
            self.tally.add("swapped")
        keep = {incumbent.version, *wanted.versions}
        for gone in [one for one in self._opened if one not in keep]:
            self._retired.append((time.monotonic() + LINGER_S, self._opened.pop(gone).pool))

    def _arms(self, fallback: Decider) -> dict[str, Opened]:
        """What may answer for an arm: open versions, and the fallback in threads of its own."""
        arm = self._fallback_arm
        if not self._wanted.fallback_is_arm:
            if arm is not None:
                self._retired.append((time.monotonic() + LINGER_S, arm.pool))
            self._fallback_arm = None
            return self._opened
        if arm is None or arm.answering.decider is not fallback:
            now_us = wall_us()
            name = self.opener.initiative.name
            arm = Opened(
                Answering(name, NONE, fallback, fallback),
                self._pool() if arm is None else arm.pool,
                now_us if arm is None else arm.opened_us,
                now_us,
            )
            self._fallback_arm = arm
        return {**self._opened, FALLBACK: arm}

    def _shadow(
        self, before: Shadow | None, rollout: RolloutRow | None, beside: Opened | None
    ) -> Shadow | None:
        if before is not None and (rollout is None or before.rollout.id != rollout.id):
            before.close()
            before = None
        if rollout is None or rollout.kind != "shadow" or beside is None:
            return before
        if before is None:
            return Shadow(rollout, beside.answering, self.tally, busy=self._busy, log=self._log)
        before.answering = beside.answering
        return before

    def _busy(self) -> int:
        return self.now.incumbent.pool.busy

    def _retire(self) -> None:
        now = time.monotonic()
        waiting = []
        for at, pool in self._retired:
            if at <= now:
                pool.retire()
            else:
                waiting.append((at, pool))
        self._retired = waiting

    def _pool(self) -> Pool:
        name = self.opener.initiative.name
        strict_s = 0.5 * self.config.budget_ms / 1e3
        return Pool(
            self.config.threads,
            name=f"decide-{name}",
            breaker=Breaker(),
            strict_s=strict_s,
            turns=self._turns,
        )


def _read(registry: Registry, name: str) -> Wanted:
    """What the registry wants of an initiative."""
    with registry.database.reading():
        current = registry.releases.current(name)
        rollout = registry.rollouts.running(name)
        experiments = tuple(registry.experiments.running(name))
    return Wanted(NONE if current is None else current.version, rollout, experiments)
