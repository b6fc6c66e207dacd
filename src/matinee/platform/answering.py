"""An answer whatever happens: that of the model, else that of the fallback, if it keeps the contract."""

from __future__ import annotations

from dataclasses import dataclass, replace

from matinee.errors import InputError
from matinee.observe.decisions import DecisionRecord
from matinee.platform.abilities import Precomputes
from matinee.platform.deciding import NO_ACTION, NO_MODEL, Context, Decided, Decider, Request


@dataclass(frozen=True, slots=True)
class Answering:
    """An initiative ready to answer: the model's decider if there is one, and the fallback's.

    Attributes
    ----------
    initiative : str
    model : str
        Version of the model, as it is logged; "none" without one.
    decider : Decider or None
    fallback : Decider
    trouble : str or None
        Why there is no decider.
    """

    initiative: str
    model: str
    decider: Decider | None
    fallback: Decider
    trouble: str | None = None

    def answer(self, request: Request, *, decision_id: str) -> DecisionRecord:
        """Decide, and say how: the record is what is logged.

        A decider that is missing or fails never costs the answer: the fallback decides, `fallback` is true,
        and the context says why (`fallback_reason`).

        Raises
        ------
        InputError
            The answer breaks the contract of a decision: a propensity outside (0, 1], or an action that the
            request does not permit.
        """
        if request.actions is not None and not request.actions:
            return self.record(
                request, decision_id, Decided((), (), NO_ACTION), self._policy(), fallback=False, why=None
            )
        why = self.trouble or NO_MODEL
        if self.decider is not None:
            try:
                decided = decide(self.decider, request)
                check(self.initiative, request, decided)
            except Exception as problem:  # whatever a model does, the member gets an answer
                why = f"{type(problem).__name__}: {problem}"[:300]
            else:
                return self.record(
                    request, decision_id, decided, self.decider.policy, fallback=False, why=None
                )
        decided = self.fallback.decide(request)
        check(self.initiative, request, decided)
        return self.record(request, decision_id, decided, self.fallback.policy, fallback=True, why=why)

    def ask(self, unit_id: str, at_us: int, turn: int) -> bool:
        """Answer once; tells whether the fallback had to."""
        record = self.answer(Request(unit_id, at_us, seed=turn), decision_id=f"trial-{turn}")
        return record.fallback

    def _policy(self) -> str:
        return (self.decider or self.fallback).policy

    def record(
        self,
        request: Request,
        decision_id: str,
        decided: Decided,
        policy: str,
        *,
        fallback: bool,
        why: str | None,
        noted: Context | None = None,
        latency_ms: float | None = None,
    ) -> DecisionRecord:
        """What is logged of a decision.

        Parameters
        ----------
        why : str or None
            Why the fallback decided.
        noted : dict, optional
            What else the context says.
        """
        context = {**request.context, **decided.context, **(noted or {})}
        if why is not None:
            context["fallback_reason"] = why
        if decided.reason is not None:
            context["reason"] = decided.reason
        return DecisionRecord(
            decision_id=decision_id,
            initiative=self.initiative,
            unit_id=request.unit_id,
            at_us=request.at_us,
            policy=policy,
            model="none" if fallback else self.model,
            slots=list(decided.slots),
            actions=list(decided.permitted),
            context=context,
            fallback=fallback,
            rows=list(decided.rows),
            unmet=list(decided.unmet),
            latency_ms=latency_ms,
            more=decided.more,
            valid_until_us=decided.valid_until_us,
        )


def decide(decider: Decider, request: Request) -> Decided:
    """Correct the answer that was made ahead, where there is one that is still of use; else compute it."""
    if request.made is not None and isinstance(decider, Precomputes):
        found = decider.decide_from(request.made, request)
        if found is not None:
            return replace(found, context={**found.context, "made": "ahead"})
    return decider.decide(request)


def check(initiative: str, request: Request, decided: Decided) -> None:
    """Refuse an answer that breaks the contract of a decision.

    Raises
    ------
    InputError
        A propensity outside (0, 1], or an action that was not permitted.

    Examples
    --------
    >>> check("demo", Request("m1", 0), Decided((Slot("a", 1.5),)))
    Traceback (most recent call last):
    matinee.errors.InputError: demo: propensity of "a" is 1.5, expected above 0 and at most 1.
    """
    listed = None if any(a.startswith("mask:") for a in decided.permitted) else set(decided.permitted)
    asked = None if request.actions is None else set(request.actions)
    for slot in decided.slots:
        if not 0.0 < slot.propensity <= 1.0:
            raise InputError(
                f'{initiative}: propensity of "{slot.action}" is {slot.propensity}, expected above 0 and at '
                "most 1."
            )
        for permitted, name in ((listed, "permitted"), (asked, "in the request")):
            if permitted is not None and slot.action not in permitted:
                raise InputError(
                    f'{initiative}: action "{slot.action}" was chosen, expected one of the {len(permitted)} '
                    f"{name}."
                )
