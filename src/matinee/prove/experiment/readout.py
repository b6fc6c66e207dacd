"""Read an experiment: is the data sound, what do the arms differ by, and what is to be done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from matinee.observe.home import Home
from matinee.prove.experiment.closing import closed
from matinee.prove.experiment.comparing import (
    LEAST_UNITS,
    Missing,
    Seen,
    anytime,
    anytime_words,
    compared,
    corrected,
)
from matinee.prove.experiment.definition import Experiment
from matinee.prove.experiment.expecting import expected
from matinee.prove.experiment.findings import (
    AfterStop,
    ArmUnits,
    Check,
    Comparison,
    CurvePoint,
    Finding,
    GuardrailFinding,
    Look,
    Readout,
)
from matinee.prove.experiment.guardrails import guarded
from matinee.prove.experiment.interleaving_readout import read_preference
from matinee.prove.experiment.looking import (
    LEAST_GROWTH,
    Window,
    each_alpha,
    information,
    seen_before,
    spending_bound,
    turns,
)
from matinee.prove.experiment.measuring import moments
from matinee.prove.experiment.reading import Reading, metrics_of, opened
from matinee.prove.experiment.segments import segment_findings
from matinee.prove.experiment.soundness import check_exposure, check_late, check_tables, refusals
from matinee.prove.experiment.verdict import SAID, Judged, judge
from matinee.prove.stats.confidence_sequence import sequence_multiplier
from matinee.prove.stats.shrinkage import Prior, shrink_one
from matinee.types import format_at


@dataclass(frozen=True, slots=True)
class Primary:
    """What a read says of the primary metric, and how it was looked at.

    Attributes
    ----------
    comparisons : list of Comparison
    look : Look or None
        As it would be stored, without its verdict.
    is_new : bool
        It adds something to the looks there are.
    fraction : float
        Share of the planned information.
    checks : list of Check
        What cannot be compared, and why.
    shares : list of float
        Information of the earlier looks as shares of the planned.
    """

    comparisons: list[Comparison]
    look: Look | None
    is_new: bool
    fraction: float
    checks: list[Check]
    shares: list[float]


def read(
    home: Home,
    experiment: Experiment,
    looks: Sequence[Look] = (),
    *,
    started_us: int,
    until_us: int,
    stopped: Mapping[str, str] | None = None,
    prior: Prior | None = None,
    estimate: bool = True,
) -> Readout:
    """Read an experiment as of a moment.

    Parameters
    ----------
    looks : sequence of Look
        All that were stored; those after `until_us` are not used.
    started_us : int
        Start of the experiment.
    until_us : int
        Only what had happened, and had arrived, by then is seen.
    stopped : mapping of str to str, optional
        Arms that were stopped before -> why.
    prior : Prior, optional
        Of relative effects, for the shrunken estimates.
    estimate : bool
        False: only checks and guardrails, which may be looked at as often as one likes; it is no look.

    Returns
    -------
    Readout
        `look` is what the caller has to store: reading an experiment that can be decided is a look, and later
        bounds depend on it. It is None where nothing was looked at, or nothing new.

    Raises
    ------
    InputError
        The moment is before the start.
    NotFoundError
        A metric is not known.
    StorageError
        The lake or the log cannot be read.
    """
    if experiment.kind == "interleaving":
        return read_preference(
            home,
            experiment,
            looks,
            started_us=started_us,
            until_us=until_us,
            stopped=stopped or {},
            estimate=estimate,
        )
    window = Window.of(experiment, started_us, until_us)
    past = seen_before(looks, window)
    hidden = not estimate or (experiment.design.analysis == "fixed" and not window.at_end)
    names = [one.metric for one in experiment.guardrails] if hidden else list(experiment.metrics)
    metrics = metrics_of(home, experiment, experiment.metrics)
    metrics = {name: metrics[name] for name in dict.fromkeys(names)}
    late_after_us = past[-1].at_us if past else None
    segments = () if hidden else experiment.segments
    with opened(home, experiment, metrics, window, late_after_us=late_after_us, segments=segments) as reading:
        checks = check_exposure(experiment, reading.exposed)
        checks += check_tables(reading.con, list(metrics.values()), experiment.primary)
        since = None if late_after_us is None else format_at(late_after_us)[:16].replace("T", " ")
        checks.append(check_late(reading.late, since))
        return _readout(reading, past, checks, hidden=hidden, stopped=stopped or {}, prior=prior)


def _readout(
    reading: Reading,
    past: Sequence[Look],
    checks: list[Check],
    *,
    hidden: bool,
    stopped: Mapping[str, str],
    prior: Prior | None,
) -> Readout:
    experiment, window = reading.experiment, reading.window
    unsound = bool(refusals(checks))
    guardrails = [] if unsound else guarded(reading)
    if hidden:
        guardrails = [_veiled(one) if one.metric == experiment.primary else one for one in guardrails]
    primary = Primary([], None, False, _elapsed(reading), [], [])
    if not unsound and not hidden:
        primary = _primary(reading, past, prior)
        checks = [*checks, *primary.checks]
    judged = judge(
        experiment,
        window,
        refusals=refusals(checks),
        primary=primary.comparisons,
        guardrails=guardrails,
        stopped=stopped,
        past=past,
        hidden=hidden,
    )
    shown = bool(primary.comparisons) and judged.verdict != "refused"
    secondary, missing = _secondary(reading, prior) if shown else ([], [])
    look = _said(primary.look, judged) if shown and primary.look is not None else None
    new = look if primary.is_new or turns(past, look) else None
    seen = [*past, *([new] if new is not None else [])]
    return Readout(
        verdict=judged.verdict,
        arm=judged.arm,
        reasons=judged.reasons,
        experiment=experiment.name,
        initiative=experiment.initiative,
        owner=experiment.owner,
        hypothesis=experiment.hypothesis,
        unit=experiment.unit,
        analysis=experiment.design.analysis,
        primary_metric=experiment.primary,
        started_us=window.started_us,
        until_us=window.until_us,
        seen_us=window.seen_us,
        ends_us=window.ends_us,
        fraction=primary.fraction,
        estimate_hidden=hidden,
        arms=_arms(reading),
        primary=primary.comparisons if shown else [],
        secondary=secondary,
        guardrails=guardrails,
        segments=segment_findings(reading) if shown and experiment.segments else [],
        curves=_curves(reading) if shown else [],
        checks=[*checks, *missing],
        look=new,
        looks=seen,
        stopped_arms=sorted(
            {one.arm for one in guardrails if one.standing == "broken" and one.stops} | {*stopped}
        ),
        after_stop=_closed(reading, judged, primary, seen) if shown else [],
        prior=(prior or Prior()) if shown else None,
        expected=expected(prior) if shown else "",
    )


def _closed(reading: Reading, judged: Judged, primary: Primary, looks: Sequence[Look]) -> list[AfterStop]:
    """Figures of the look that decided; none where a guardrail did."""
    if judged.verdict not in ("ship", "do not ship"):
        return []
    as_share = all(one.lift is not None for one in primary.comparisons)
    shares = [*primary.shares, primary.fraction]
    return closed(reading.experiment, looks, shares, as_share=as_share, ends_us=reading.window.ends_us)


def _veiled(one: GuardrailFinding) -> GuardrailFinding:
    """A guardrail on the primary metric must not show the estimate that is hidden."""
    text = one.text if one.standing == "broken" else f"{one.arm}: {one.metric} is {one.standing}."
    return msgspec.structs.replace(one, lift=None, low=None, high=None, text=text)


def _elapsed(reading: Reading) -> float:
    """Share of the planned days."""
    return min(1.0, reading.window.elapsed_days / reading.experiment.design.days)


def _arms(reading: Reading) -> list[ArmUnits]:
    arms = zip(reading.experiment.arms, reading.exposed.units, strict=True)
    return [ArmUnits(name=arm.name, answers=arm.answers, share=arm.share, units=n) for arm, n in arms]


def _primary(reading: Reading, past: Sequence[Look], prior: Prior | None) -> Primary:
    """Compare the primary metric by the declared analysis."""
    experiment, window = reading.experiment, reading.window
    metric = reading.metrics[experiment.primary]
    found = reading.seen([metric.name])[metric.name]
    seen = [one for one in found if isinstance(one, Seen) and not _why_not(one)]
    checks = _missing(reading, found)
    shares, now = information(reading.con, window, metric.matures_days, [look.until_us for look in past])
    if not seen or now <= 0:
        return Primary([], None, False, now, checks, shares)
    figures = _look(reading, seen, now)
    last = past[-1] if past else None
    again = last is not None and _is_again(experiment, window, last, figures, shares[-1], now)
    out, bounds = [], dict[str, float | None]()
    for one in seen:
        if again and last is not None and last.bound.get(one.arm) is not None:
            multiplier = float(last.bound[one.arm] or 0.0)
        else:
            multiplier = _multiplier(reading, past, one, shares, now)
        bounds[one.arm] = multiplier
        p = one.plain.p if experiment.design.analysis == "fixed" else None
        if experiment.design.analysis == "sequence":
            p = anytime(one, reading.information(metric), each_alpha(experiment)).p
        words = _words(experiment, multiplier)
        out.append(compared(one, multiplier, words, p=p, shrunk=_shrunk(one, prior)))
    fraction = now if experiment.design.analysis == "spending" else _elapsed(reading)
    look = msgspec.structs.replace(figures, bound=bounds, fraction=fraction)
    return Primary(out, look, not again, fraction, checks, shares)


def _missing(reading: Reading, found: Sequence[Seen | Missing]) -> list[Check]:
    """Treatments that cannot be compared; refused at the planned end, since nothing more will come."""
    finding: Finding = "refused" if reading.window.at_end else "warning"
    out = [
        Check(name="enough to compare", finding=finding, text=f"{one.arm}: {why}")
        for one in found
        if (why := _why_not(one))
    ]
    text = f"Every arm has at least {LEAST_UNITS} units that count."
    return out or [Check(name="enough to compare", finding="ok", text=text)]


def _why_not(one: Seen | Missing) -> str:
    """Why a difference cannot be shown; empty if it can."""
    if isinstance(one, Missing):
        return one.why
    return "" if one.plain.error > 0 else f"{one.metric.name} is the same for every unit."


def _look(reading: Reading, seen: Sequence[Seen], fraction: float) -> Look:
    """Figures of a look, still without bounds and verdict: shares of the control, where that is above 0.

    The error is what makes estimate / error the statistic that is compared with the bound.
    """
    control = reading.names[0]
    n = {control: seen[0].plain.n_control} | {one.arm: one.plain.n_treated for one in seen}
    return Look(
        at_us=reading.window.seen_us,
        until_us=reading.window.until_us,
        fraction=fraction,
        n=n,
        estimate={one.arm: (one.lift or one.plain).value for one in seen},
        error={one.arm: _error(one) for one in seen},
        bound={},
        verdict="go on",
    )


def _error(one: Seen) -> float:
    if one.lift is None:
        return one.plain.error
    return abs(one.lift.value / one.plain.z) if one.plain.z else one.lift.error


def _is_again(
    experiment: Experiment, window: Window, last: Look, figures: Look, share: float, now: float
) -> bool:
    """Whether the read adds no look to the last one: the same figures, or hardly any more information."""
    if window.at_end:
        return last.until_us >= window.until_us
    if last.same_data(figures) or last.until_us == window.until_us:
        return True
    return experiment.design.analysis == "spending" and now < share * (1 + LEAST_GROWTH)


def _multiplier(
    reading: Reading, past: Sequence[Look], seen: Seen, shares: Sequence[float], now: float
) -> float:
    """Standard errors on each side of the interval, by the declared analysis."""
    experiment, alpha = reading.experiment, each_alpha(reading.experiment)
    if experiment.design.analysis == "fixed":
        return seen.plain.multiplier(alpha)
    if experiment.design.analysis == "sequence":
        return sequence_multiplier(reading.information(seen.metric), alpha=alpha)
    return spending_bound(experiment, past, seen.arm, shares, now, last=reading.window.at_end)


def _words(experiment: Experiment, multiplier: float) -> str:
    alpha = each_alpha(experiment)
    confidence = f"{100 * (1 - experiment.design.alpha):.4g} %"
    several = len(experiment.arms) - 1
    shared = f", error divided by {several} arms" if several > 1 else ""
    if experiment.design.analysis == "fixed":
        return f"Interval of {confidence} at a single look{shared}."
    if experiment.design.analysis == "sequence":
        return anytime_words(alpha)
    return (
        f"Repeated interval of {confidence} over all looks until the planned end (O'Brien-Fleming spending"
        f"{shared}), {multiplier:.2f} standard errors at this one."
    )


def _shrunk(one: Seen, prior: Prior | None) -> float | None:
    """What to expect next time; None for a plain difference, of which no prior is known."""
    if one.lift is None:
        return None
    return shrink_one(one.lift.value, one.lift.error, prior=prior).value


def _said(look: Look, judged: Judged) -> Look:
    return msgspec.structs.replace(look, verdict=SAID[judged.verdict], winner=judged.arm)


def _secondary(reading: Reading, prior: Prior | None) -> tuple[list[Comparison], list[Check]]:
    """Secondary metrics: intervals that hold at every look, what counts corrected for their number.

    Also what could not be compared: nothing is left out without a word.
    """
    experiment = reading.experiment
    names = [name for name in experiment.secondary if name in reading.metrics]
    alpha = each_alpha(experiment)
    found, missing = list[Comparison](), list[Check]()
    for name, of_metric in reading.seen(names).items():
        scale = reading.information(reading.metrics[name])
        for one in of_metric:
            why = _why_not(one)
            if why or not isinstance(one, Seen) or scale <= 0:
                text = f"{name}: {why or 'no window of a unit has closed yet.'}"
                missing.append(Check(name="other metrics", finding="not run", text=text))
                continue
            if experiment.design.analysis == "fixed":
                words = f"Interval of {100 * (1 - alpha):.4g} % at a single look."
                new = compared(one, one.plain.multiplier(alpha), words, p=one.plain.p)
            else:
                new = anytime(one, scale, alpha)
            found.append(msgspec.structs.replace(new, shrunk=_shrunk(one, prior)))
    return corrected(found, experiment.design.alpha), missing


def _curves(reading: Reading) -> list[CurvePoint]:
    """Shares of units that come back, day by day, for metrics of that kind."""
    out = []
    for name, metric in reading.metrics.items():
        place = reading.place(name)
        for day in metric.days:
            arms = moments(
                reading.con,
                {place: metric},
                n_arms=len(reading.names),
                at_us=reading.window.until_us,
                covariate=False,
                day=day,
            )[""][place]
            out += [
                CurvePoint(metric=name, arm=arm, day=day, units=one.n, share=one.y / one.n)
                for arm, one in zip(reading.names, arms, strict=True)
                if one.n
            ]
    return out
