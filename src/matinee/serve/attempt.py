"""One request on its way through what is in production."""

from __future__ import annotations

import time

from matinee.errors import InputError
from matinee.observe.decisions import DecisionRecord
from matinee.platform.deciding import Context, Decided, Request, check, decide
from matinee.platform.registry.rollouts import RolloutRow
from matinee.serve.keeping import Opened, Serving
from matinee.serve.rollouts import CANARY, INCUMBENT, chosen

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

    Attributes
    ----------
    arm : {"canary", "incumbent"} or None
        During a canary: whose answer this counts as.
    missing : str or None
        Why the canary, whose unit this is, does not open here.
    model_s : float
        How long the model may take.
    """

    __slots__ = (
        "arm",
        "began",
        "budget_ms",
        "decision_id",
        "missing",
        "model_s",
        "noted",
        "now",
        "opened",
        "request",
    )

    def __init__(
        self, now: Serving, request: Request, *, decision_id: str, budget_ms: float, fallback_s: float
    ) -> None:
        self.began = time.perf_counter()
        self.budget_ms = budget_ms
        self.model_s = budget_ms / 1e3 - reserve_s(budget_ms / 1e3, fallback_s)
        self.request, self.decision_id = request, decision_id
        self.now, self.opened = now, now.incumbent
        self.arm: str | None = None
        self.missing: str | None = None
        self.noted: Context | None = None
        if now.rollout is not None and now.rollout.kind == "canary":
            self._assign(now.rollout, now.beside, now.beside_trouble)

    def _assign(self, rollout: RolloutRow, beside: Opened | None, trouble: str | None) -> None:
        if not chosen(rollout.salt, self.request.unit_id, rollout.share):
            self.arm = INCUMBENT
        elif beside is not None:
            self.arm, self.opened = CANARY, beside
            self.noted = {"canary": str(rollout.id)}
        elif trouble is not None:  # it does not open here: that counts against it, the incumbent answers
            self.arm = CANARY
            self.missing = trouble

    def ready(self) -> str | None:
        """None: ask the model. Else why there is none."""
        answering = self.opened.answering
        if answering.decider is None:
            return f"{NO_MODEL}: {answering.trouble}" if answering.trouble else NO_MODEL
        return None

    def compute(self) -> Decided:
        """The model's answer, checked. In a thread."""
        answering = self.opened.answering
        assert answering.decider is not None
        decided = decide(answering.decider, self.request)
        return _checked(answering.initiative, self.request, decided)

    def fall_back(self) -> Decided:
        """The fallback's answer, checked. In a thread."""
        answering = self.opened.answering
        decided = self.now.fallback.decide(self.request)
        return _checked(answering.initiative, self.request, decided)

    def left_s(self) -> float:
        """How long the fallback is waited for."""
        return max(0.0, self.budget_ms / 1e3 - (time.perf_counter() - self.began)) + GRACE_S

    def record(self, decided: Decided, policy: str, *, why: str | None = None) -> DecisionRecord:
        """What is logged."""
        return self.opened.answering.record(
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
