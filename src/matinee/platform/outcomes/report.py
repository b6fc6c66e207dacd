"""A reward that somebody reports: checked against its decision, and turned into a line of the log."""

from __future__ import annotations

import math
from dataclasses import dataclass

from matinee.errors import InputError, NotFoundError
from matinee.observe.clock import FUTURE_SLACK_US
from matinee.observe.decision_log import RewardRow, find_decision, reward_id, reward_known, reward_line
from matinee.observe.decisions import DecisionRecord
from matinee.observe.home import Home
from matinee.platform.initiative import Initiative
from matinee.types import format_at, parse_at


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a decision, as it was reported.

    Attributes
    ----------
    value : float
        Of the figure `reward`.
    reward : str, optional
        Default: the initiative's reward.
    at : str, int, float, optional
        When it happened (ISO-8601 or epoch seconds). Default: now.
    action : str, optional
        Which slot it is about; needed where the decision has several.
    reward_id : str, optional
        The reporter's id of it. Without one a decision has each reward once for each action.
    """

    value: float
    reward: str | None = None
    at: str | int | float | None = None
    action: str | None = None
    reward_id: str | None = None


@dataclass(frozen=True, slots=True)
class Reported:
    """A report that was checked.

    Attributes
    ----------
    row : RewardRow
    decision : DecisionRecord
    member_id : str or None
        Where the unit is a member.
    duplicate : bool
        It was reported before with this value: there is nothing to log.
    counts : bool
        It lies inside the window and came before the outcome was final. Otherwise it is kept in the log, and
        no outcome has it; `why_not` says why.
    why_not : str
    """

    row: RewardRow
    decision: DecisionRecord
    member_id: str | None
    duplicate: bool
    counts: bool
    why_not: str = ""

    def line(self, seq: int) -> bytes:
        """The line of the log."""
        return reward_line(self.row, seq, self.member_id)


class ConflictError(InputError):
    """The reward was reported before with another value."""


def report(
    home: Home, initiative: Initiative | None, decision_id: str, given: Report, *, now_us: int
) -> Reported:
    """Check a report.

    A report that comes too late is not refused: what happened is a fact that an audit may ask for. It is
    logged, and counts for nothing.

    Parameters
    ----------
    initiative : Initiative or None
        That of the decision (`find_decision(...).initiative`). None: it is not known here; then `reward` must
        be given, and every report counts.
    now_us : int
        By the home's clock.

    Raises
    ------
    NotFoundError
        No decision of this id was logged.
    InputError
        The value is not finite, the time is unreadable, before the decision or in the future, or the action
        is missing or not one of the decision's.
    ConflictError
        It was reported before with another value.
    StorageError
        The lake or the log cannot be read.
    """
    where = f"reward of decision {decision_id}"
    decision = find_decision(home, decision_id)
    if decision is None:
        raise NotFoundError(
            f'decision "{decision_id}" was never logged here, expected the decision_id of an answer of this '
            "service."
        )
    if not math.isfinite(given.value):
        raise InputError(f"{where}: value is {given.value}, expected a finite number.")
    name = given.reward or (initiative.reward.name if initiative is not None else "")
    if not name:
        raise InputError(f'{where}: reward is missing, expected its name, as in "reward": "retained".')
    at_us = _time(where, given, decision, now_us)
    made = (find_decision(home, decision.sticky_of) if decision.sticky_of else None) or decision
    action = _action(where, given, made)
    first = decision.sticky_of or decision_id
    row = RewardRow(
        event_id=reward_id(first, name, action, given.reward_id),
        decision_id=decision_id,
        initiative=decision.initiative,
        unit_id=decision.unit_id,
        reward=name,
        value=float(given.value),
        at_us=at_us,
        seen_us=now_us,
        action=action,
    )
    duplicate = _known(home, row, first)
    member = initiative is not None and initiative.unit == "member"
    why_not = _late(initiative, made, at_us, now_us)
    return Reported(row, decision, decision.unit_id if member else None, duplicate, not why_not, why_not)


def _time(where: str, given: Report, decision: DecisionRecord, now_us: int) -> int:
    if given.at is None:
        return max(now_us, decision.at_us)
    try:
        at_us = parse_at(given.at)
    except (InputError, ValueError, OverflowError):
        raise InputError(
            f'{where}: at is "{given.at}", expected ISO-8601 (2024-12-31T20:15:00Z) or epoch seconds.'
        ) from None
    if at_us < decision.at_us:
        raise InputError(
            f'{where}: at is "{given.at}", expected a time not before the decision '
            f"({format_at(decision.at_us)}). Report when the reward came, in UTC."
        )
    if at_us > now_us + FUTURE_SLACK_US:
        raise InputError(
            f'{where}: at is "{given.at}", expected a time not later than '
            f"{format_at(now_us + FUTURE_SLACK_US)} (now plus 24 hours). Report it when it has come."
        )
    return at_us


def _action(where: str, given: Report, decision: DecisionRecord) -> str | None:
    """The action that is meant; None where the decision has one slot at most."""
    actions = [slot.action for slot in decision.slots]
    if given.action is None:
        if len(actions) > 1:
            some = ", ".join(actions[:5])
            raise InputError(
                f"{where}: action is missing, expected one of the {len(actions)} of the decision "
                f"({some} ...)."
            )
        return None
    if given.action not in actions:
        some = ", ".join(actions[:5]) or "none"
        raise InputError(f'{where}: action is "{given.action}", expected one of the decision\'s: {some}.')
    return given.action if len(actions) != 1 else None


def _known(home: Home, row: RewardRow, first: str) -> bool:
    """Whether this was reported before.

    Raises
    ------
    ConflictError
        With another value.
    """
    before = reward_known(home, row.event_id, first)
    if before is not None and before.value != row.value:
        raise ConflictError(
            f"reward {row.reward} of decision {row.decision_id}: value is {row.value:g}, expected "
            f"{before.value:g}, which was reported before. Send another reward_id with what is to be added."
        )
    return before is not None


def _late(initiative: Initiative | None, decision: DecisionRecord, at_us: int, now_us: int) -> str:
    if initiative is None:
        return ""
    reward = initiative.reward
    if at_us > decision.at_us + reward.window_us:
        return f"it came more than {reward.window_h:g} hours after the decision, which is the window"
    if now_us > decision.at_us + reward.final_us:
        end = format_at(decision.at_us + reward.final_us)
        return f"it was reported after {end}, when the outcome of the decision became final"
    return ""
