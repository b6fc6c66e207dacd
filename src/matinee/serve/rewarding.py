"""Takes in what somebody reports about a decision: durable before it is acknowledged."""

from __future__ import annotations

import asyncio
import time

from matinee.errors import StorageError
from matinee.observe.decision_log import find_decision
from matinee.observe.decisions import DecisionRecord
from matinee.platform.outcomes.report import ConflictError, Report, Reported, report
from matinee.serve.problems import ProblemError
from matinee.serve.schemas import RewardReply, RewardRequest
from matinee.serve.services import Services

FLUSH_S = 5.0
PAUSE_S, TRIES = 0.05, 5
"""So long a decision is looked for that another process made a moment ago."""


async def take_reward(services: Services, decision_id: str, reported: RewardRequest) -> RewardReply:
    """Check a report, write it to the log, and say whether it is new and counts.

    Raises
    ------
    NotFoundError
        No such decision.
    InputError
        The report is wrong.
    ProblemError
        409: it was reported before with another value.
    StorageError
        It could not be written.
    """
    try:
        found = await asyncio.to_thread(_report, services, decision_id, reported)
    except ConflictError as problem:
        raise ProblemError(409, str(problem)) from problem
    erased = len(services.erased) and found.member_id and services.erased.refuses(found.member_id)
    if not found.duplicate and not erased:
        try:
            async with asyncio.timeout(FLUSH_S):
                await services.ingestor.record_async([found.line(0)])
        except TimeoutError:
            raise StorageError(
                "reward: could not be written in time, expected a disk that keeps up. Send again."
            ) from None
    return RewardReply(
        accepted=not found.duplicate,
        duplicate=found.duplicate,
        counts=found.counts,
        why_not=found.why_not or None,
    )


def logged(services: Services, decision_id: str) -> DecisionRecord | None:
    """A decision of this process or another one, also one that was made a moment ago."""
    if not services.ingestor.stuck:  # then a decision of this process is not in the log for a while
        services.ingestor.drain(FLUSH_S)
    for _ in range(TRIES):
        found = find_decision(services.home, decision_id)
        if found is not None:
            return found
        time.sleep(PAUSE_S)
    return None


def _report(services: Services, decision_id: str, reported: RewardRequest) -> Reported:
    decision = logged(services, decision_id)
    initiative = None if decision is None else services.initiatives.get(decision.initiative)
    given = Report(reported.value, reported.reward, reported.at, reported.action, reported.reward_id)
    return report(services.home, initiative, decision_id, given, now_us=services.clock.now_us)
