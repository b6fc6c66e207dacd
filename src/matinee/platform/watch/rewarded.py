"""Which reward of the log is an initiative's, and decisions with it as SQL."""

from __future__ import annotations

from matinee.observe.lake.connection import literal
from matinee.observe.lake.contexts import IN_SHADOW
from matinee.platform.watch.monitor import Finding, not_measured
from matinee.platform.watch.periods import Period
from matinee.platform.watch.subject import DECISIONS, OUTCOMES, REWARDS, Subject, seen

NO_DECISIONS = "no decisions are logged yet."
MADE = f"(SELECT * FROM {seen(DECISIONS)} WHERE sticky_of IS NULL AND NOT {IN_SHADOW})"
"""Decisions that were made and shown: not served again, and not made in the shadow of another."""


def reward_name(subject: Subject) -> str | Finding:
    """Name under which the log has the initiative's reward, or why there is none.

    It is the declared one; a log with a single name needs no match. A reward that follows from events stands
    in the joined outcomes.
    """
    if not subject.rows[DECISIONS]:
        return not_measured(NO_DECISIONS)
    if subject.initiative.reward.from_events is not None:
        if subject.rows[OUTCOMES]:
            return subject.reward
        return not_measured("no outcomes are joined yet: matinee compact, or a running server, does it.")
    names = sorted(row[0] for row in subject.ask(f"SELECT DISTINCT reward FROM {seen(REWARDS)}"))
    wanted = subject.reward
    if wanted in names:
        return wanted
    if len(names) == 1:
        return str(names[0])
    if not names:
        return not_measured("no rewards are logged yet.")
    return not_measured(f'no reward is named "{wanted}"; logged are {", ".join(names)}.')


def settled(subject: Subject, period: Period) -> Period:
    """The period so much earlier that the reward of every decision in it is known."""
    reward = subject.initiative.reward
    return period.earlier(reward.window_us if reward.from_events is None else reward.final_us)


def rewarded(subject: Subject, reward: str) -> str:
    """SQL of the decisions with `value`, what came of each within the declared window; none counts as 0.

    The value of a decision is the sum over its slots.
    """
    window_us = subject.initiative.reward.window_us
    if subject.initiative.reward.from_events is not None:
        return (
            "(SELECT d.decision_id, d.unit_id, d.at_us, d.context, sum(o.value) AS value, "
            f"count(o.reward_at_us) > 0 AS came FROM {MADE} AS d JOIN {seen(OUTCOMES)} AS o "
            f"ON o.decision_id = d.decision_id AND o.reward = {literal(reward)} GROUP BY ALL)"
        )
    return (
        "(SELECT d.decision_id, d.unit_id, d.at_us, d.context, coalesce(sum(r.value), 0) AS value, "
        f"count(r.value) > 0 AS came FROM {MADE} AS d LEFT JOIN {seen(REWARDS)} AS r "
        f"ON r.decision_id = d.decision_id AND r.reward = {literal(reward)} "
        f"AND r.at_us <= d.at_us + {window_us} GROUP BY ALL)"
    )
