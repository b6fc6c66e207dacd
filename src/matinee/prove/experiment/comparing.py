"""Arms against the control, metric by metric: estimates, intervals that suit the analysis, guardrails."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from matinee.prove.experiment.definition import Guardrail
from matinee.prove.experiment.findings import Comparison, GuardrailFinding, Shows, Standing
from matinee.prove.experiment.metrics.definition import Metric
from matinee.prove.stats.benjamini_hochberg import benjamini_hochberg
from matinee.prove.stats.confidence_sequence import sequence_log_e, sequence_multiplier
from matinee.prove.stats.difference import Estimate, cuped_theta, difference
from matinee.prove.stats.moments import Moments
from matinee.prove.stats.non_inferiority import non_inferiority
from matinee.prove.stats.quantile_difference import quantile_difference

LEAST_UNITS = 100
"""Units of an arm below which nothing is compared: intervals rest on many units."""
LEAST_EVENTS = 10
"""Events in both arms together below which a guardrail that counts events says nothing yet."""
STANDINGS: dict[str, tuple[Standing, str]] = {
    "holds": ("kept", "is not worse by more than {}"),
    "broken": ("broken", "is worse by more than {}"),
    "open": ("open", "may be worse by more than {} or not"),
}
"""Verdict of a test of non-inferiority -> standing of the guardrail, and the words."""
COUNTS = ("events", "days", "distinct")


@dataclass(frozen=True, slots=True)
class Seen:
    """One metric of one arm: the difference, and as a share of the control (None where that is 0)."""

    metric: Metric
    arm: str
    plain: Estimate
    lift: Estimate | None


@dataclass(frozen=True, slots=True)
class Missing:
    """Why there is no difference to show."""

    metric: Metric
    arm: str
    why: str


def see(metric: Metric, names: Sequence[str], arms: Sequence[Moments]) -> list[Seen | Missing]:
    """Differences of each treatment from the control, the first arm; adjusted with what all arms share.

    Parameters
    ----------
    names : sequence of str
        Of the arms.
    arms : sequence of Moments
    """
    out: list[Seen | Missing] = []
    control = arms[0]
    theta = None
    if all(arm.n >= 2 and arm.d for arm in arms):
        theta = cuped_theta(*arms)
    for name, arm in zip(names[1:], arms[1:], strict=True):
        why = _unfit(metric, {names[0]: control, name: arm})
        if why:
            out.append(Missing(metric, name, why))
            continue
        plain = difference(arm, control, theta=theta)
        lift = difference(arm, control, theta=theta, relative=True) if plain.base > 0 else None
        out.append(Seen(metric, name, plain, lift))
    return out


def see_quantiles(
    metric: Metric, names: Sequence[str], values: Sequence[NDArray[np.float64]]
) -> list[Seen | Missing]:
    """Differences of a quantile of the units' values, with errors from Woodruff's intervals of 95 %.

    For other levels and for shares of the control's quantile these errors are taken to be normal; control's
    part of them is that of its own interval.
    """
    out: list[Seen | Missing] = []
    control = values[0]
    for name, arm in zip(names[1:], values[1:], strict=True):
        few = next((k for k, v in ((names[0], control), (name, arm)) if len(v) < LEAST_UNITS), None)
        if few is not None:
            n = len(control if few == names[0] else arm)
            why = f"{few} has {n:,} units with a value, at least {LEAST_UNITS} are needed."
            out.append(Missing(metric, name, why))
            continue
        found = quantile_difference(arm, control, metric.level)
        plain = Estimate(
            value=found.value,
            error=found.error,
            base=found.control,
            treated=found.treated,
            n_treated=found.n_treated,
            n_control=found.n_control,
            degrees=float(found.n_treated + found.n_control - 2),
        )
        own = quantile_difference(control, control, metric.level).error / math.sqrt(2)
        out.append(Seen(metric, name, plain, _share(plain, own) if plain.base > 0 else None))
    return out


def _share(plain: Estimate, base_error: float) -> Estimate:
    """The difference of independent figures as a share of the control's, as `difference` makes it."""
    lift, bend = plain.value / plain.base, (base_error / plain.base) ** 2
    variance = (plain.error / plain.base) ** 2 + 2 * lift * bend + lift**2 * bend
    return msgspec.structs.replace(
        plain,
        value=lift,
        error=math.sqrt(max(variance, 0.0)),
        relative=True,
        bend=bend,
        tilt=lift * bend + bend,
    )


def _unfit(metric: Metric, arms: dict[str, Moments]) -> str:
    for name, arm in arms.items():
        if arm.n < LEAST_UNITS:
            of_window = f" whose {metric.matures_days} days are over" if metric.matures_days else ""
            return f"{name} has {arm.n:,} units{of_window}, at least {LEAST_UNITS} are needed."
        if not arm.d:
            return f"nothing of what {metric.name} is divided by has happened in {name}."
    if all(not arm.y and not arm.yy for arm in arms.values()):
        return f"nothing of what {metric.name} counts has happened in either arm."
    return ""


def compared(
    seen: Seen,
    multiplier: float,
    interval: str,
    *,
    p: float | None,
    shrunk: float | None = None,
    note: str = "",
) -> Comparison:
    """A difference with the interval of a multiplier; it shows something when the interval leaves out 0."""
    plain, lift, metric = seen.plain, seen.lift, seen.metric
    low, high = (None, None) if lift is None else _finite(*lift.interval(multiplier))
    difference_low, difference_high = _finite(*plain.interval(multiplier))
    z = plain.z if plain.error else 0.0
    return Comparison(
        metric=metric.name,
        title=metric.title,
        kind=metric.kind,
        unit=metric.unit,
        good=metric.good,
        arm=seen.arm,
        control=plain.base,
        treated=plain.treated,
        lift=None if lift is None else lift.value,
        low=low,
        high=high,
        difference=plain.value,
        difference_low=difference_low,
        difference_high=difference_high,
        error=plain.error,
        z=z,
        p=p,
        interval=interval,
        shrunk=shrunk,
        reduction=plain.reduction,
        n_treated=plain.n_treated,
        n_control=plain.n_control,
        shows=shows(metric, z) if abs(z) > multiplier else "nothing",
        note=note or ("" if lift is not None else "The control's value is not above 0: plain differences."),
    )


def shows(metric: Metric, z: float) -> Shows:
    """What a difference that counts says."""
    return "better" if (z > 0) == (metric.good == "up") else "worse"


def anytime(seen: Seen, information: float, alpha: float) -> Comparison:
    """Interval and p-value that hold at every look."""
    multiplier = sequence_multiplier(information, alpha=alpha)
    z = seen.plain.z if seen.plain.error else 0.0
    p = min(1.0, math.exp(-sequence_log_e(z, information, alpha=alpha)))
    return compared(seen, multiplier, anytime_words(alpha), p=p)


def anytime_words(alpha: float) -> str:
    """How such an interval was found."""
    return f"Interval of an asymptotic confidence sequence, {100 * (1 - alpha):.4g} % over all looks."


def corrected(found: Sequence[Comparison], alpha: float) -> list[Comparison]:
    """Secondary metrics: what counts is decided by Benjamini and Hochberg's correction of their p-values."""
    p = benjamini_hochberg([1.0 if one.p is None else one.p for one in found])
    out = []
    for one, level in zip(found, p, strict=True):
        counts: Shows = "nothing"
        if level <= alpha and one.z:
            counts = "better" if (one.z > 0) == (one.good == "up") else "worse"
        out.append(msgspec.structs.replace(one, p=level, shows=counts))
    return out


def guard(
    guardrail: Guardrail, seen: Seen | Missing, information: float, alpha: float, events: float
) -> GuardrailFinding:
    """Whether an arm keeps a guardrail; may be asked at any time and as often as one likes.

    Parameters
    ----------
    information : float
        See `sequence_information`.
    alpha : float
        Probability of ever calling a guardrail broken that is not, of one arm.
    events : float
        What both arms counted together.
    """
    metric, percent = seen.metric, f"{100 * guardrail.margin:g} %"

    def finding(
        standing: Standing, text: str, ends: Sequence[float | None] = (None,) * 3
    ) -> GuardrailFinding:
        return GuardrailFinding(
            metric=metric.name, title=metric.title, arm=seen.arm, margin=guardrail.margin, good=metric.good,
            standing=standing, stops=guardrail.stop, lift=ends[0], low=ends[1], high=ends[2], text=text,
        )  # fmt: skip

    if isinstance(seen, Missing):
        return finding("not measured", f"{seen.arm}: {seen.why}")
    if metric.of.count in COUNTS and events < LEAST_EVENTS:
        few = f"{events:g} events in both arms, at least {LEAST_EVENTS} are needed"
        return finding("open", f"{seen.arm}: {metric.name} has {few}.")
    if information <= 0 or not seen.plain.error:
        if information > 0 and _all_worse(seen):
            values = f"{seen.plain.treated:.4g} against {seen.plain.base:.4g}, for every unit"
            return finding("broken", f"{seen.arm}: {metric.name} is worse ({values}).")
        return finding("open", f"{seen.arm}: {metric.name} does not vary yet.")
    multiplier = sequence_multiplier(information, alpha=alpha, sides=1)
    if seen.lift is None:
        return _against_nothing(seen, multiplier, finding)
    judged = non_inferiority(seen.lift, margin=guardrail.margin, multiplier=multiplier, better=metric.good)
    value, (low, high) = seen.lift.value, _finite(judged.low, judged.high)
    standing, words = STANDINGS[judged.verdict]
    range_ = "" if low is None or high is None else f", interval {100 * low:+.2f} % to {100 * high:+.2f} %"
    text = f"{seen.arm}: {metric.name} {words.format(percent)} ({100 * value:+.2f} %{range_})."
    return finding(standing, text, (value, low, high))


def _all_worse(seen: Seen) -> bool:
    """Every unit of the arm has one value, every unit of the control another, and the arm's is worse."""
    return seen.plain.value > 0 if seen.metric.good == "down" else seen.plain.value < 0


def _against_nothing(
    seen: Seen, multiplier: float, finding: Callable[[Standing, str], GuardrailFinding]
) -> GuardrailFinding:
    """A control without any event permits none: any difference that is shown breaks the guardrail."""
    z = seen.plain.z if seen.metric.good == "down" else -seen.plain.z
    values = f"{seen.plain.treated:.4g} against {seen.plain.base:.4g}"
    if z > multiplier:
        return finding("broken", f"{seen.arm}: {seen.metric.name} is worse ({values}).")
    return finding("open", f"{seen.arm}: {seen.metric.name} is {values}.")


def _finite(low: float, high: float) -> tuple[float | None, float | None]:
    return low if math.isfinite(low) else None, high if math.isfinite(high) else None
