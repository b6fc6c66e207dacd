"""What a log says about a policy, whether of one slot or of several: the parts that both reports share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypeVar

import msgspec

from matinee.errors import ConfigError, unknown_name
from matinee.prove.offpolicy.intervals import Interval

ALL = "all"
REFUSED = "the log was refused"


class Estimate(msgspec.Struct, frozen=True):
    """What one estimator says.

    Attributes
    ----------
    value, low, high : float
        Reward per decision.
    standard_error : float
    interval : str
        How `low` and `high` were found.
    caution : str
        What they leave out; "" if nothing that the diagnostics do not say.
    """

    value: float
    low: float
    high: float
    standard_error: float
    interval: str
    caution: str = ""


class PolicyReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a log says about a policy.

    Attributes
    ----------
    verdict : {"estimated", "refused"}
    reasons : list of str
        Why it is refused.
    estimates : dict of str to Estimate
        Reward per decision, all slots together, by the estimator's name; empty where refused.
    logged : Interval or None
        Reward per decision of the logging policy itself. None where refused.
    not_run : dict of str to str
        Estimators and bounds that were asked for and could not be run, with the reason.
    confidence : float
    left_out : dict of str to int
        Decisions that are no examples, by the reason.
    """

    verdict: Literal["estimated", "refused"]
    reasons: list[str]
    estimates: dict[str, Estimate]
    logged: Interval | None
    not_run: dict[str, str]
    confidence: float
    left_out: dict[str, int]


E = TypeVar("E")


def chosen(asked: Sequence[str], known: Mapping[str, E], kind: str) -> dict[str, E]:
    """Estimators by name; "all" is each of them, in their order.

    Raises
    ------
    ConfigError
        One is unknown.
    """
    names = list(known) if ALL in asked else list(dict.fromkeys(asked))
    for name in names:
        if name not in known:
            raise ConfigError(unknown_name("ope", kind, name, [*known, ALL]))
    return {name: known[name] for name in names}


def run(
    estimators: Mapping[str, E], lacking: Callable[[E], str], estimate: Callable[[E], Estimate]
) -> tuple[dict[str, Estimate], dict[str, str]]:
    """Estimates of those that lack nothing, and what the others lack."""
    estimates: dict[str, Estimate] = {}
    not_run: dict[str, str] = {}
    for name, one in estimators.items():
        lacks = lacking(one)
        if lacks:
            not_run[name] = lacks
        else:
            estimates[name] = estimate(one)
    return estimates, not_run
