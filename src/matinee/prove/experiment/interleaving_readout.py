"""The readout of an interleaving: which arm the units prefer, by the declared analysis."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import msgspec
from scipy.stats import norm

from matinee.errors import InputError
from matinee.observe.home import Home
from matinee.prove.experiment.closing import closed
from matinee.prove.experiment.comparing import anytime_words
from matinee.prove.experiment.definition import Experiment
from matinee.prove.experiment.findings import ArmUnits, Check, Comparison, Finding, Look, Readout, Shows
from matinee.prove.experiment.interleaving_preference import FEW, Preference
from matinee.prove.experiment.interleaving_reading import InterleavingReading, read_interleaving
from matinee.prove.experiment.looking import (
    LEAST_GROWTH,
    RECENT_DAYS,
    Window,
    seen_before,
    spending_bound,
    turns,
)
from matinee.prove.experiment.soundness import refusals
from matinee.prove.experiment.verdict import SAID, judge
from matinee.prove.stats.confidence_sequence import sequence_log_e, sequence_multiplier
from matinee.types import DAY_US, format_at

METRIC = "preference"
PLANNED = 1_000
"""Units at which the interval that always holds is narrowest; fixed before any look."""
MOST_ODD = 0.001
"""Share of decisions whose letters do not fit their slots above which nothing is concluded."""


def read_preference(
    home: Home,
    experiment: Experiment,
    looks: Sequence[Look],
    *,
    started_us: int,
    until_us: int,
    stopped: Mapping[str, str],
    estimate: bool = True,
) -> Readout:
    """Read an interleaving as of a moment; parameters and errors as those of `read`.

    Notes
    -----
    The statistic is the preference of `prefer` over its standard error. Its information is counted in merged
    answers whose outcome is final, as a share of those expected at the planned end; what was said of
    unit-days in `information` holds here too. Metrics, guardrails and segments are not compared: every unit
    gets both arms' answers.
    """
    window = Window.of(experiment, started_us, until_us)
    if window.until_us < started_us:
        raise InputError(
            f"experiment {experiment.name}: read at {format_at(until_us)}, expected after its start on "
            f"{format_at(started_us)}. Give a later --at, or see [clock] now in matinee.toml."
        )
    past = seen_before(looks, window)
    recent_us = window.until_us - round(min(RECENT_DAYS, window.elapsed_days) * DAY_US)
    moments = [*(look.until_us for look in past), recent_us]
    found = read_interleaving(home, experiment, window.until_us, planned=PLANNED, moments_us=moments)
    hidden = not estimate or (experiment.design.analysis == "fixed" and not window.at_end)
    shares, now = _information(found, window)
    checks = _checks(experiment, found)
    primary, look, is_new = None, None, False
    if not hidden and not refusals(checks):
        checks.append(_enough(found, window))
        if checks[-1].finding == "ok" and now > 0:
            primary, look, is_new = _compare(experiment, window, found, past, shares, now)
    judged = judge(
        experiment,
        window,
        refusals=refusals(checks),
        primary=[] if primary is None else [primary],
        guardrails=[],
        stopped=stopped,
        past=past,
        hidden=hidden,
    )
    shown = primary is not None and judged.verdict != "refused"
    if look is not None:
        look = msgspec.structs.replace(look, verdict=SAID[judged.verdict], winner=judged.arm)
    new = look if shown and (is_new or turns(past, look)) else None
    seen = [*past, *([] if new is None else [new])]
    decided = shown and judged.verdict in ("ship", "do not ship")
    return Readout(
        verdict=judged.verdict,
        arm=judged.arm,
        reasons=judged.reasons,
        experiment=experiment.name,
        initiative=experiment.initiative,
        owner=experiment.owner,
        hypothesis=experiment.hypothesis,
        unit=experiment.unit,
        analysis=f"{experiment.design.analysis}, interleaved",
        primary_metric=METRIC,
        started_us=started_us,
        until_us=window.until_us,
        seen_us=window.seen_us,
        ends_us=window.ends_us,
        fraction=now if window.ends_us else min(1.0, window.elapsed_days / experiment.design.days),
        estimate_hidden=hidden,
        arms=[
            ArmUnits(name=arm.name, answers=arm.answers, share=arm.share, units=found.preference.n_units)
            for arm in experiment.arms
        ],
        primary=[primary] if shown and primary is not None else [],
        checks=checks,
        look=new,
        looks=seen,
        stopped_arms=sorted(stopped),
        after_stop=closed(experiment, seen, [*shares, now], as_share=False, ends_us=window.ends_us)
        if decided
        else [],
        counts=found.counts() if shown else [],
    )


def _information(found: InterleavingReading, window: Window) -> tuple[list[float], float]:
    """Of the earlier looks, and now, as shares of what is expected at the planned end."""
    *past, before = found.n_final
    most = float(found.n_decisions)
    if window.ends_us is not None and not window.at_end:
        days = max(min(RECENT_DAYS, window.elapsed_days), 1e-9)
        most += (found.n_decisions - before) / days * (window.ends_us - window.until_us) / DAY_US
    if most <= 0:
        return [0.0 for _ in past], 0.0
    return [one / most for one in past], found.n_decisions / most


def _checks(experiment: Experiment, found: InterleavingReading) -> list[Check]:
    p, total = found.preference, found.n_decisions + found.n_odd
    if not total:
        if not found.n_open:
            text = f'No answer of experiment "{experiment.name}" was merged.'
            return [Check(name="merged answers", finding="refused", text=text)]
        text = f"{found.n_open:,} are open, or not joined yet (matinee compact); none has a final outcome."
        return [Check(name="merged answers", finding="warning", text=text)]
    text = f"{found.n_decisions:,} with a final outcome, of {p.n_units:,} units; {found.n_open:,} are open."
    coin = (
        f"{found.arms[0]} had the first slot for {p.coin.a:,} units and {found.arms[1]} for {p.coin.b:,}; "
        f"with a fair coin a split as uneven has probability {p.coin.p:.2g}."
    )
    odd: Finding = "refused" if found.n_odd > MOST_ODD * total else "warning" if found.n_odd else "ok"
    checks = [
        Check(name="merged answers", finding="ok", text=text),
        Check(name="fair coin", finding="ok" if p.coin.fair else "refused", text=coin),
        Check(
            name="teams and slots",
            finding=odd,
            text=f"{found.n_odd:,} answers have letters that do not fit their slots and are left out."
            if found.n_odd
            else "The letters of every answer fit its slots.",
        ),
    ]
    if found.n_unknown:
        text = f"{found.n_unknown:,} slots have no known reward and are left out."
        checks.append(Check(name="rewards", finding="warning", text=text))
    if experiment.guardrails or experiment.secondary or experiment.segments:
        text = "Metrics, guardrails and groups: every unit gets both arms' answers. An A/B compares them."
        checks.append(Check(name="other metrics", finding="not run", text=text))
    return checks


def _enough(found: InterleavingReading, window: Window) -> Check:
    n = found.preference.for_a + found.preference.for_b
    if n >= FEW:
        return Check(name="enough to compare", finding="ok", text=f"{n:,} units prefer one of the arms.")
    finding: Finding = "refused" if window.at_end else "warning"
    text = f"{n:,} units prefer one of the arms, at least {FEW} are needed."
    return Check(name="enough to compare", finding=finding, text=text)


def _compare(
    experiment: Experiment,
    window: Window,
    found: InterleavingReading,
    past: Sequence[Look],
    shares: Sequence[float],
    now: float,
) -> tuple[Comparison, Look, bool]:
    """The preference with the interval of the declared analysis, its look, and whether that is a new one."""
    p, (control, arm) = found.preference, found.arms
    error = p.standard_error or 1 / math.sqrt(p.for_a + p.for_b)  # all prefer one arm: that of a fair coin
    look = Look(
        at_us=window.seen_us,
        until_us=window.until_us,
        fraction=now,
        n={control: p.for_a, arm: p.for_b},
        estimate={arm: p.estimate},
        error={arm: error},
        bound={},
        verdict="go on",
    )
    last = past[-1] if past else None
    again = last is not None and _is_again(experiment, window, last, look, shares, now)
    multiplier, words = _multiplier(experiment, past, shares, now, found, last=window.at_end)
    if again and last is not None and last.bound.get(arm) is not None:
        multiplier = float(last.bound[arm] or 0.0)
    z, alpha = p.estimate / error, experiment.design.alpha
    p_value = None
    if experiment.design.analysis == "sequence":
        p_value = min(1.0, math.exp(-sequence_log_e(z, p.n_units / PLANNED, alpha=alpha)))
    elif experiment.design.analysis == "fixed":
        p_value = p.p
    low, high = max(-1.0, p.estimate - multiplier * error), min(1.0, p.estimate + multiplier * error)
    shows: Shows = "nothing" if abs(z) <= multiplier else "better" if z > 0 else "worse"
    comparison = Comparison(
        metric=METRIC,
        title=f"What was earned by slots of {arm} alone, less that of {control}, over both",
        kind="interleaving",
        unit="-1 to 1",
        good="up",
        arm=arm,
        control=_per_unit(p, p.credit_a),
        treated=_per_unit(p, p.credit_b),
        lift=None,
        low=None,
        high=None,
        difference=p.estimate,
        difference_low=low,
        difference_high=high,
        error=error,
        z=z,
        p=p_value,
        interval=words,
        n_treated=p.n_units,
        n_control=p.n_units,
        shows=shows,
        note=f"{p.for_b:,} units prefer {arm}, {p.for_a:,} {control}, {p.ties:,} neither.",
    )
    return comparison, msgspec.structs.replace(look, bound={arm: multiplier}), not again


def _per_unit(p: Preference, credit: float) -> float:
    return credit / p.n_units if p.n_units else 0.0


def _is_again(
    experiment: Experiment, window: Window, last: Look, look: Look, shares: Sequence[float], now: float
) -> bool:
    """Whether the read adds no look to the last one, see the same of an A/B."""
    if window.at_end:
        return last.until_us >= window.until_us
    if last.same_data(look) or last.until_us == window.until_us:
        return True
    return experiment.design.analysis == "spending" and now < shares[-1] * (1 + LEAST_GROWTH)


def _multiplier(
    experiment: Experiment,
    past: Sequence[Look],
    shares: Sequence[float],
    now: float,
    found: InterleavingReading,
    *,
    last: bool,
) -> tuple[float, str]:
    """Standard errors on each side of the interval, and how it was found."""
    alpha = experiment.design.alpha
    confidence = f"{100 * (1 - alpha):.4g} %"
    if experiment.design.analysis == "fixed":
        return float(norm.isf(alpha / 2)), f"Interval of {confidence} at a single look."
    if experiment.design.analysis == "sequence":
        return sequence_multiplier(found.preference.n_units / PLANNED, alpha=alpha), anytime_words(alpha)
    bound = spending_bound(experiment, past, found.arms[1], shares, now, last=last)
    words = (
        f"Repeated interval of {confidence} over all looks until the planned end (O'Brien-Fleming spending), "
        f"{bound:.2f} standard errors at this one."
    )
    return bound, words
