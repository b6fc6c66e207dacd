"""Lets a version answer beside the one that is shown: later, one at a time, and only while there is time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from queue import Empty, Full, Queue

from matinee.observe.decision_log import new_decision_id
from matinee.observe.decisions import DecisionRecord
from matinee.platform.answering import Answering, check
from matinee.platform.deciding import Request
from matinee.platform.registry.rollouts import RolloutRow
from matinee.serve.rollouts import chosen, counter, equal_slots
from matinee.serve.tally import Tally

Log = Callable[[DecisionRecord], None]
WAITING = 16
"""Requests that wait for the shadow; more are dropped."""
PATIENCE_S, PAUSE_S = 1.0, 0.002
"""How long one waits for a moment in which no answer is being computed, before it is dropped."""


class Shadow:
    """Computes answers that nobody sees, compares them with those that were shown, and logs them.

    Parameters
    ----------
    rollout : RolloutRow
        Whose share and salt say which requests are answered twice.
    answering : Answering
        The version; may be replaced by a refreshed one at any time.
    busy : callable
        How many answers are being computed for members now; the shadow waits until there are none.
    log : callable or None
        Gets each record. It is called in the shadow's thread.
    """

    def __init__(
        self,
        rollout: RolloutRow,
        answering: Answering,
        tally: Tally,
        *,
        busy: Callable[[], int],
        log: Log | None = None,
    ) -> None:
        self.rollout, self.answering = rollout, answering
        self._tally, self._busy, self._log = tally, busy, log
        self._queue: Queue[tuple[Request, DecisionRecord] | None] = Queue(WAITING)
        self._closed = False
        threading.Thread(target=self._work, name=f"shadow-{rollout.initiative}", daemon=True).start()

    def offer(self, request: Request, shown: DecisionRecord) -> None:
        """Maybe answer this request too. Never waits."""
        if not chosen(self.rollout.salt, shown.decision_id, self.rollout.share):
            return
        try:
            self._queue.put_nowait((request, shown))
        except Full:
            self._dropped()

    def close(self) -> None:
        """Compute no more; what waits is dropped."""
        self._closed = True
        try:
            while True:
                self._queue.get_nowait()
        except Empty:
            self._queue.put_nowait(None)

    def _work(self) -> None:
        while not self._closed:
            asked = self._queue.get()
            if asked is None:
                return
            if self._room():
                self._answer(*asked)
            else:
                self._dropped()
            del asked

    def _room(self) -> bool:
        give_up = time.monotonic() + PATIENCE_S
        while self._busy():
            if self._closed or time.monotonic() > give_up:
                return False
            time.sleep(PAUSE_S)
        return True

    def _dropped(self) -> None:
        self._tally.add("shadow:dropped")
        self._tally.share({counter(self.rollout, "dropped"): 1})

    def _answer(self, request: Request, shown: DecisionRecord) -> None:
        answering, rollout = self.answering, self.rollout
        decider = answering.decider
        assert decider is not None
        began = time.perf_counter()
        try:
            decided = decider.decide(replace(request, made=None))
            check(answering.initiative, request, decided)
        except BaseException:  # a shadow that fails (sys.exit, too) is counted, and nobody sees it
            self._tally.add("shadow:failed")
            self._tally.share({counter(rollout, "failed"): 1})
            return
        took_ms = 1e3 * (time.perf_counter() - began)
        record = answering.record(
            request,
            new_decision_id(request.at_us),
            decided,
            decider.policy,
            fallback=False,
            why=None,
            noted={"shadow": True, "shadow_of": shown.decision_id, "rollout": str(rollout.id)},
            latency_ms=round(took_ms, 3),
        )
        equal, compared = equal_slots(shown, record.slots)
        seen = {
            "answers": 1,
            "slots": compared,
            "equal": equal,
            "took_us": round(1e3 * took_ms),
            "shown_us": round(1e3 * (shown.latency_ms or 0.0)),
        }
        self._tally.add("shadow:answers")
        self._tally.share({counter(rollout, what): n for what, n in seen.items()})
        if self._log is not None and not self._closed:
            try:
                self._log(record)
            except Exception:  # a full disk must not end the thread; the answer itself was counted
                self._tally.add("shadow:not_logged")
