"""One request on its way through what is in production."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
from dataclasses import replace

from matinee.errors import InputError
from matinee.observe.decisions import DecisionRecord
from matinee.platform.answering import check, decide
from matinee.platform.deciding import Context, Decided, Request
from matinee.platform.registry.rollouts import RolloutRow
from matinee.serve.budget import RAISED, Outcome, Then
from matinee.serve.interleaved import POLICY, joined, version_of
from matinee.serve.opened import Opened
from matinee.serve.rollouts import CANARY, INCUMBENT, chosen
from matinee.serve.serving import Serving
from matinee.serve.trials import Place

NO_MODEL = "no model"
LEAST_RESERVE, MOST_RESERVE = 0.1, 0.5
"""Share of a budget that is kept for the fallback: three times what it took lately, within these."""
GRACE_S = 1.0
"""How long over its budget the fallback is waited for: a late answer is better than none."""


class BrokenContractError(InputError):
    """A model's answer broke the contract of a decision."""


class Attempt:
    """One request: who answers it, how long that may take, and what is logged.

    Parameters
    ----------
    now : Serving
        What answers; it stays the same for this request, whatever is released meanwhile.
    budget_ms : float
    fallback_s : float
        What the fallback took lately: three times that is kept for it.
    place : Place, optional
        Where the unit stands in an experiment.
    pinned : collection of str
        Titles that editors pinned.

    Attributes
    ----------
    opened : Opened
        Who answers.
    other : Opened or None
        Whose answer is interleaved with it.
    arm : {"canary", "incumbent"} or None
        During a canary: whose answer this counts as.
    missing : str or None
        Why the canary, whose unit this is, does not open here.
    model_s : float
        How long the model may take.
    failed : dict of str to Outcome
        Interleaved: arm -> why it did not answer.
    """

    __slots__ = (
        "arm",
        "began",
        "budget_ms",
        "decision_id",
        "failed",
        "missing",
        "model_s",
        "noted",
        "now",
        "opened",
        "other",
        "pinned",
        "place",
        "request",
        "together",
    )

    def __init__(
        self,
        now: Serving,
        request: Request,
        *,
        decision_id: str,
        budget_ms: float,
        fallback_s: float,
        place: Place | None = None,
        pinned: Collection[str] = (),
    ) -> None:
        self.began = time.perf_counter()
        self.budget_ms = budget_ms
        self.model_s = budget_ms / 1e3 - reserve_s(budget_ms / 1e3, fallback_s)
        self.request, self.decision_id = request, decision_id
        self.now, self.opened, self.place, self.pinned = now, now.incumbent, place, pinned
        self.other: Opened | None = None
        self.together = False
        self.arm: str | None = None
        self.missing: str | None = None
        self.noted: Context = {}
        self.failed: dict[str, Outcome] = {}
        if place is not None:
            self.noted |= place.noted
            if place.answers:
                self.opened = place.answers[0]
            if len(place.answers) > 1:
                self.other = place.answers[1]
        if now.rollout is not None and now.rollout.kind == "canary" and self.experiment is None:
            self._assign(now.rollout, now.beside, now.beside_trouble)

    @property
    def experiment(self) -> str | None:
        """Of the unit."""
        return None if self.place is None else self.place.experiment

    def _assign(self, rollout: RolloutRow, beside: Opened | None, trouble: str | None) -> None:
        if not chosen(rollout.salt, self.request.unit_id, rollout.share):
            self.arm = INCUMBENT
        elif beside is not None:
            self.arm, self.opened = CANARY, beside
            self.noted["canary"] = str(rollout.id)
        elif trouble is not None:  # it does not open here: that counts against it, the incumbent answers
            self.arm = CANARY
            self.missing = trouble

    def ready(self) -> str | None:
        """None: ask the model. Else why there is none."""
        answering = self.opened.answering
        if answering.decider is None:
            return f"{NO_MODEL}: {answering.trouble}" if answering.trouble else NO_MODEL
        return None

    async def ask_async(self, then: Then | None = None) -> Outcome:
        """Have the model answer in its time; both arms of an interleaving do at once, in threads of each.

        Parameters
        ----------
        then : Then, optional
            Is given the answer, in the model's thread. Left out where there are two.
        """
        if self.other is None:
            return await self.opened.pool.ask_async(self.compute, self.model_s, then)
        first, second = await asyncio.gather(
            *(one.pool.ask_async(self._by(one), self.model_s) for one in (self.opened, self.other))
        )
        return self._join(self.other, first, second)

    def ask(self) -> Outcome:
        """The same for callers that may block; one arm of an interleaving after the other."""
        if self.other is None:
            return self.opened.pool.ask(self.compute, self.model_s)
        first = self.opened.pool.ask(self._by(self.opened), self.model_s / 2)
        left_s = max(0.0, self.model_s - (time.perf_counter() - self.began))
        return self._join(self.other, first, self.other.pool.ask(self._by(self.other), left_s))

    def compute(self) -> Decided:
        """The model's answer, checked. In a thread."""
        return self._by(self.opened)()

    def _by(self, opened: Opened) -> Callable[[], Decided]:
        def compute() -> Decided:
            answering = opened.answering
            assert answering.decider is not None
            decided = decide(answering.decider, self.request)
            return _checked(answering.initiative, self.request, decided)

        return compute

    def _join(self, other: Opened, first: Outcome, second: Outcome) -> Outcome:
        """Both answers as one. Where an arm did not answer, the other one's stands alone, and says so."""
        assert self.place is not None
        names = self.place.names
        self.failed = {
            name: one for name, one in zip(names, (first, second), strict=True) if one.why is not None
        }
        if len(self.failed) == 2:
            return first
        if first.why is not None:
            self.noted["alone"], self.opened = names[1], other
            return second
        if second.why is not None:
            self.noted["alone"] = names[0]
            return first
        both = Outcome()
        both.took_s, both.waited_s = (
            max(first.took_s, second.took_s),
            max(first.waited_s, second.waited_s),
        )
        try:
            both.value = joined(first.value, second.value, self.request, self.decision_id, pinned=self.pinned)
            _checked(self.opened.answering.initiative, self.request, both.value)
        except Exception as problem:  # answers that do not fit: the control's stands alone
            self.failed[names[1]] = Outcome(why=RAISED, error=problem)
            self.noted["alone"] = names[0]
            return first
        self.together = True
        return both

    def fall_back(self) -> Decided:
        """The fallback's answer, checked. In a thread."""
        answering = self.opened.answering
        decided = self.now.fallback.decide(self.request)
        return _checked(answering.initiative, self.request, decided)

    def left_s(self) -> float:
        """How long the fallback is waited for."""
        return max(0.0, self.budget_ms / 1e3 - (time.perf_counter() - self.began)) + GRACE_S

    @property
    def policy(self) -> str:
        """Of the model's answer."""
        if self.together:
            return POLICY
        return (self.opened.answering.decider or self.now.fallback).policy

    def record(self, decided: Decided, policy: str, *, why: str | None = None) -> DecisionRecord:
        """What is logged."""
        answering = self.opened.answering
        if self.together and self.other is not None:
            answering = replace(answering, model=version_of(answering.model, self.other.version))
        return answering.record(
            self.request,
            self.decision_id,
            decided,
            policy,
            fallback=why is not None,
            why=why,
            noted=self.noted,
            latency_ms=round(1e3 * (time.perf_counter() - self.began), 3),
        )


def reserve_s(budget_s: float, fallback_s: float) -> float:
    """What is kept of a budget for the fallback, which took `fallback_s` lately.

    Examples
    --------
    >>> reserve_s(0.2, 0.001), reserve_s(0.2, 0.02), reserve_s(0.2, 9.0)
    (0.02, 0.06, 0.1)
    """
    return min(max(3.0 * fallback_s, LEAST_RESERVE * budget_s), MOST_RESERVE * budget_s)


def in_short(why: str | None) -> str | None:
    """What callers are told of a `fallback_reason`: the messages of exceptions stay in the log of decisions.

    Examples
    --------
    >>> in_short("raised: FileNotFoundError: /srv/shop/releases/x"), in_short("late"), in_short(None)
    ('raised', 'late', None)
    """
    return None if why is None else why.partition(":")[0].partition(";")[0]


def _checked(initiative: str, request: Request, decided: Decided) -> Decided:
    try:
        check(initiative, request, decided)
    except InputError as problem:
        raise BrokenContractError(str(problem)) from problem
    return decided
