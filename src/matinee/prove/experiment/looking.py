"""How far an experiment has come, and how large a difference has to be at this look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from matinee.prove.experiment.definition import Experiment
from matinee.prove.experiment.findings import Look
from matinee.prove.stats.spending import Look as SpendingLook
from matinee.prove.stats.spending import spending_bounds
from matinee.types import DAY_US

RECENT_DAYS = 7
"""New units of the rest of the experiment are expected to come as in the latest days."""
TUNED_UNITS = 10_000
"""Units of all arms at which confidence sequences are narrowest; they are 7 % wider at ten times as many."""
LEAST_GROWTH = 1e-3
"""A read that has not at least this share more information than the last look adds no look."""


@dataclass(frozen=True, slots=True)
class Window:
    """Which events a read takes into account.

    Attributes
    ----------
    started_us, until_us : int
        Of the events.
    seen_us : int
        By when they had arrived.
    ends_us : int or None
        Planned end; None where there is none.
    """

    started_us: int
    until_us: int
    seen_us: int
    ends_us: int | None

    @staticmethod
    def of(experiment: Experiment, started_us: int, until_us: int) -> Window:
        """Of a read at `until_us`; what happened after the planned end only counts in a sequence."""
        if experiment.design.analysis == "sequence":
            return Window(started_us, until_us, until_us, None)
        ends_us = started_us + experiment.design.days * DAY_US
        return Window(started_us, min(until_us, ends_us), until_us, ends_us)

    @property
    def at_end(self) -> bool:
        """Whether the planned end has come."""
        return self.ends_us is not None and self.until_us >= self.ends_us

    @property
    def elapsed_days(self) -> float:
        """Days since the start."""
        return (self.until_us - self.started_us) / DAY_US


def seen_before(looks: Sequence[Look], window: Window) -> list[Look]:
    """The looks at the estimate that a read comes after; where the data were refused, nothing was seen."""
    return [
        look
        for look in looks
        if look.until_us <= window.until_us and look.at_us <= window.seen_us and look.verdict != "refused"
    ]


def turns(past: Sequence[Look], look: Look | None) -> bool:
    """Whether a read of hardly more data than the last look decides what that one left open."""
    return look is not None and look.verdict != "go on" and bool(past) and past[-1].verdict == "go on"


def information(
    con: duckdb.DuckDBPyConnection, window: Window, matures_days: int, past_us: Sequence[int]
) -> tuple[list[float], float]:
    """Information of each moment of `past_us`, and now, as shares of what is expected at the planned end.

    Parameters
    ----------
    matures_days : int
        Of the primary metric: 0 if a unit's value grows until the read.
    past_us : sequence of int
        Moments of the earlier looks.

    Returns
    -------
    past : list of float
    now : float
        1 at the planned end.

    Notes
    -----
    A metric with a window has as much information as units whose window has closed. In one that grows until
    the read it is counted in unit-days, the sum over units of the time since their exposure: were the days of
    a unit independent of each other, two looks would be correlated by the root of the ratio of their
    unit-days. Days of one unit are alike, which makes looks more alike than that, so that the bounds are on
    the safe side. New units are expected to come until the end as in the last `RECENT_DAYS` days; a wrong
    guess moves error probability between looks and does not add any, since what earlier bounds have spent is
    computed again at each look (Lan, DeMets 1989, Biometrics 45(3), 1017: a maximum that is not known).
    """
    recent = min(RECENT_DAYS, max(window.elapsed_days, 1e-9))
    moments = [*past_us, window.until_us, window.ends_us or window.until_us]
    *past, now, most = known_information(con, matures_days, moments)
    if window.ends_us is not None and not window.at_end:
        since_us = window.until_us - round(recent * DAY_US)
        (new,) = con.execute(f"SELECT count(*) FROM exposed WHERE first_us > {since_us}").fetchall()[0]
        left = (window.ends_us - window.until_us) / DAY_US
        most += new / recent * (max(0.0, left - matures_days) if matures_days else left**2 / 2)
    if most <= 0:
        return [0.0 for _ in past_us], 0.0
    return [one / most for one in past], now / most


def known_information(
    con: duckdb.DuckDBPyConnection, matures_days: int, moments_us: Sequence[int]
) -> list[float]:
    """Units whose window has closed, or unit-days, at each moment, of the units that are exposed by now."""
    if matures_days:
        one = f"count(*) FILTER (first_us <= {{at}} - {matures_days * DAY_US})"
    else:
        one = f"coalesce(sum(greatest(0, {{at}} - first_us)), 0)::DOUBLE / {DAY_US}"
    columns = ", ".join(one.format(at=int(at)) for at in moments_us)
    return [float(value) for value in con.execute(f"SELECT {columns} FROM exposed").fetchall()[0]]


def sequence_information(
    con: duckdb.DuckDBPyConnection, experiment: Experiment, window: Window, matures_days: int
) -> float:
    """Information now, as a multiple of that at which confidence sequences are narrowest; 0: none yet.

    That one is `TUNED_UNITS` units, or what these amount to in unit-days until the planned end if they come
    evenly: a number that does not follow from the data, as the method asks for.
    """
    (now,) = known_information(con, matures_days, [window.until_us])
    return now / (TUNED_UNITS * (1.0 if matures_days else experiment.design.days / 2))


def spending_bound(
    experiment: Experiment, past: Sequence[Look], arm: str, shares: Sequence[float], now: float, *, last: bool
) -> float:
    """Standard errors beyond which the difference of an arm counts at this look; see `spending_looks`."""
    return spending_looks(experiment, past, arm, shares, now, last=last)[-1].bound


def spending_looks(
    experiment: Experiment, past: Sequence[Look], arm: str, shares: Sequence[float], now: float, *, last: bool
) -> list[SpendingLook]:
    """The looks of an arm's spending plan up to this one, those that added information.

    Parameters
    ----------
    past : sequence of Look
        Earlier looks; their bounds stay.
    shares : sequence of float
        Their information, see `information`.
    last : bool
        The planned end has come: all that is left is spent.
    """
    kept = [
        (share, bound)
        for look, share in zip(past, shares, strict=True)
        if (bound := look.bound.get(arm)) is not None and share > 0
    ]
    # Each must be above the one before; looks without new information were made at the same bound.
    rising: list[tuple[float, float]] = []
    for share, bound in kept:
        if share < now * (1 - LEAST_GROWTH) and (not rising or share > rising[-1][0] * (1 + LEAST_GROWTH)):
            rising.append((min(share, 0.999999), bound))
    return spending_bounds(
        [*(share for share, _ in rising), now],
        alpha=each_alpha(experiment),
        past=[bound for _, bound in rising],
        last=last,
    )


def each_alpha(experiment: Experiment) -> float:
    """Error probability of one treatment: that of the design, divided by their number (Bonferroni)."""
    return experiment.design.alpha / (len(experiment.arms) - 1)
