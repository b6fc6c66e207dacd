"""What a readout says: plain data that becomes JSON, a page and lines on a screen."""

from __future__ import annotations

import math
from typing import Literal

import msgspec

from matinee.prove.stats.shrinkage import Prior

Verdict = Literal["ship", "do not ship", "keep running", "stopped by guardrail", "refused"]
Shows = Literal["better", "worse", "nothing"]
Finding = Literal["ok", "warning", "refused", "not run"]
Standing = Literal["kept", "broken", "open", "not measured"]


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """One metric of one arm against the control.

    Attributes
    ----------
    metric, title, kind, unit : str
        Of the metric.
    good : {"up", "down"}
        Wanted direction.
    arm : str
    control, treated : float
        Values of the arms, adjusted as the difference is.
    lift, low, high : float or None
        Relative difference and its interval; None where the control's value is 0.
    difference, difference_low, difference_high : float
        The same in the metric's own measure; infinite ends are written as None.
    error : float
        Standard error of `difference`.
    z : float
        Difference in standard errors.
    p : float or None
        Of no difference, by the analysis that `interval` names.
    interval : str
        How the interval was found, in words.
    shrunk : float or None
        `lift` (or `difference`, where there is no lift) as it is to be expected when it is looked at again:
        what stood out in a noisy look is on average smaller.
    reduction : float
        Share of the variance that what the units did before took away.
    n_treated, n_control : int
    shows : {"better", "worse", "nothing"}
        Whether the interval excludes no difference, and on which side; corrected for the number of
        comparisons.
    note : str
        What to know about it.
    """

    metric: str
    title: str
    kind: str
    unit: str
    good: str
    arm: str
    control: float
    treated: float
    lift: float | None
    low: float | None
    high: float | None
    difference: float
    difference_low: float | None
    difference_high: float | None
    error: float
    z: float
    p: float | None
    interval: str
    shrunk: float | None = None
    reduction: float = 0.0
    n_treated: int = 0
    n_control: int = 0
    shows: Shows = "nothing"
    note: str = ""


class GuardrailFinding(msgspec.Struct, frozen=True, kw_only=True):
    """Whether an arm keeps a guardrail.

    Attributes
    ----------
    standing : {"kept", "broken", "open", "not measured"}
        "kept": shown not to be worse by more than the margin; "broken": shown to be; "open": neither yet.
        Holds at every look.
    lift, low, high : float or None
        Relative difference and an interval that holds at every look.
    stops : bool
        A broken one stops the arm.
    """

    metric: str
    title: str
    arm: str
    margin: float
    good: str
    standing: Standing
    stops: bool
    lift: float | None = None
    low: float | None = None
    high: float | None = None
    text: str = ""


class SegmentFinding(msgspec.Struct, frozen=True, kw_only=True):
    """The primary metric in one declared group of units, drawn towards the whole.

    Attributes
    ----------
    lift : float
        As seen in the group alone.
    shrunk, low, high : float
        Drawn towards the mean of the groups by how much of their spread is noise, with its interval.
    """

    segment: str
    value: str
    arm: str
    units: int
    lift: float
    shrunk: float
    low: float
    high: float


class CurvePoint(msgspec.Struct, frozen=True, kw_only=True):
    """Share of an arm's units that come back, on one day after the first exposure."""

    metric: str
    arm: str
    day: int
    units: int
    share: float


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at before any estimate."""

    name: str
    finding: Finding
    text: str


class ArmUnits(msgspec.Struct, frozen=True, kw_only=True):
    """An arm and its units."""

    name: str
    answers: str
    share: float
    units: int


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """One look at the primary metric: stored, since the bounds of later looks depend on it.

    Attributes
    ----------
    at_us : int
        When somebody looked: what had arrived by then was seen.
    until_us : int
        Moment up to which events count.
    fraction : float, 0 or more
        Share of the planned length.
    n : dict of str to int
        Arm -> units that were compared; in an interleaving, units that prefer it.
    estimate, error, bound : dict of str to (float or None)
        Arm other than the control -> difference as a share of the control (in the metric's own measure, where
        the control is not above 0), its standard error, and how many of these count as a difference.
    verdict : {"ship", "keep", "go on", "refused"}
    winner : str or None
        Arm to ship.
    """

    at_us: int
    until_us: int
    fraction: float
    n: dict[str, int]
    estimate: dict[str, float | None]
    error: dict[str, float | None]
    bound: dict[str, float | None]
    verdict: Literal["ship", "keep", "go on", "refused"]
    winner: str | None = None
    made_by: str | None = None

    def same_data(self, other: Look) -> bool:
        """Whether both looked at the same figures: then they are one look.

        Sums in parallel differ in their last digits from run to run.
        """
        return self.n == other.n and all(
            mine.keys() == theirs.keys() and all(_close(mine[arm], theirs[arm]) for arm in mine)
            for mine, theirs in ((self.estimate, other.estimate), (self.error, other.error))
        )


def _close(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)


class AfterStop(msgspec.Struct, frozen=True, kw_only=True):
    """An arm's difference, corrected for the chance to have stopped earlier: who stops at a bound was lucky.

    Attributes
    ----------
    until_us : int
        Moment of the look that decided; its figures are used, not later ones.
    p : float
        Of no difference.
    estimate, low, high : float
        Median-unbiased, with its interval: a share of the control, or in the metric's own measure.
    share : bool
        Whether they are shares of the control.
    words : str
        What they are.
    """

    arm: str
    until_us: int
    p: float
    estimate: float
    low: float
    high: float
    share: bool
    words: str


class Readout(msgspec.Struct, frozen=True, kw_only=True):
    """An experiment as it stands, the decision first.

    Attributes
    ----------
    verdict : {"ship", "do not ship", "keep running", "stopped by guardrail", "refused"}
    arm : str or None
        The arm to ship.
    reasons : list of str
        Why, the weightiest first.
    estimate_hidden : bool
        The design has one look, at its end, which is not yet: figures would only mislead.
    until_us, seen_us : int
        Moment up to which events count, and up to which they had arrived.
    ends_us : int or None
        Planned end; None for a sequence, which has none.
    look : Look or None
        What this read adds to the looks; None if it adds none.
    looks : list of Look
        All looks, this one too.
    stopped_arms : list of str
        Arms that a guardrail stops.
    after_stop : list of AfterStop
        Once a look of a spending plan has decided; empty before, and for other analyses.
    prior : Prior or None
        What shrunken estimates are drawn towards; None where nothing is drawn.
    expected : str
        Where `prior` comes from.
    counts : list of (str, str)
        Of an interleaving: what, and its value.
    """

    verdict: Verdict
    arm: str | None = None
    reasons: list[str]
    experiment: str
    initiative: str
    owner: str
    hypothesis: str
    unit: str
    analysis: str
    primary_metric: str
    started_us: int
    until_us: int
    seen_us: int
    ends_us: int | None
    fraction: float
    estimate_hidden: bool = False
    arms: list[ArmUnits] = []
    primary: list[Comparison] = []
    secondary: list[Comparison] = []
    guardrails: list[GuardrailFinding] = []
    segments: list[SegmentFinding] = []
    curves: list[CurvePoint] = []
    checks: list[Check] = []
    look: Look | None = None
    looks: list[Look] = []
    stopped_arms: list[str] = []
    after_stop: list[AfterStop] = []
    prior: Prior | None = None
    expected: str = ""
    counts: list[tuple[str, str]] = []
    format: int = 1
