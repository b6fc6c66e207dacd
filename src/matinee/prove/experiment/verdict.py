"""From what was found to one of five verdicts, with the reasons in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from matinee.prove.experiment.definition import Experiment
from matinee.prove.experiment.findings import Comparison, GuardrailFinding, Look, Verdict
from matinee.prove.experiment.looking import Window
from matinee.types import format_at

SAID: dict[str, Literal["ship", "keep", "go on"]] = {
    "ship": "ship",
    "do not ship": "keep",
    "stopped by guardrail": "keep",
    "keep running": "go on",
}
"""Verdict of a readout -> that of its look."""


class Judged(NamedTuple):
    """A verdict, the arm to ship, and why."""

    verdict: Verdict
    arm: str | None
    reasons: list[str]


def judge(
    experiment: Experiment,
    window: Window,
    *,
    refusals: Sequence[str],
    primary: Sequence[Comparison],
    guardrails: Sequence[GuardrailFinding],
    stopped: Mapping[str, str],
    past: Sequence[Look] = (),
    hidden: bool = False,
) -> Judged:
    """The verdict.

    Parameters
    ----------
    refusals : sequence of str
        Why the data cannot be believed.
    primary : sequence of Comparison
        One for each treatment; none where there is nothing to compare yet, or figures are hidden.
    guardrails : sequence of GuardrailFinding
    stopped : mapping of str to str
        Arm -> why it was stopped before.
    past : sequence of Look
        Earlier looks: what one of them decided stays.
    hidden : bool
        The primary metric was not looked at.

    Notes
    -----
    In this order: data that cannot be believed; arms stopped by guardrails; what an earlier look decided; a
    treatment that is better and breaks no guardrail; all treatments shown to be worse; the planned end; else
    it goes on. A guardrail without `stop` that is broken keeps an arm from being shipped, also one that an
    earlier look wanted to ship.
    """
    if refusals:
        return Judged("refused", None, list(refusals))
    treatments = [arm.name for arm in experiment.arms[1:]]
    out = _stopped_arms(guardrails, stopped)
    broken = {one.arm: one for one in guardrails if one.standing == "broken"}
    open_arms = [arm for arm in treatments if arm not in out]
    if not open_arms:
        return Judged("stopped by guardrail", None, [out[arm] for arm in treatments])
    reasons = [out[arm] for arm in treatments if arm in out]
    earlier = next((look for look in past if look.verdict in ("ship", "keep")), None)
    if earlier is not None and (earlier.winner is None or earlier.winner in open_arms):
        when = format_at(earlier.until_us)
        if earlier.winner in broken:
            text = f"{earlier.winner} was better at the look of {when[:16].replace('T', ' ')}. But"
            return Judged("do not ship", None, [f"{text} {broken[earlier.winner].text}", *reasons])
        said: Verdict = "ship" if earlier.verdict == "ship" else "do not ship"
        text = f"Decided at the look of {when[:16].replace('T', ' ')}; what comes later does not change it."
        now = [f"Now: {one.arm} {change(one)}." for one in primary if one.arm in open_arms]
        return Judged(said, earlier.winner, [text, *now, *reasons])
    if hidden:
        return Judged("keep running", None, [_not_looked(window, experiment), *reasons])
    seen = [one for one in primary if one.arm in open_arms]
    better = [one for one in seen if one.shows == "better"]
    free = [one for one in better if one.arm not in broken]
    if free:
        best = max(free, key=_gain)
        return Judged("ship", best.arm, [_better(best), *_of_guardrails(guardrails, best.arm), *reasons])
    reasons = [*(_better(one) + " But " + broken[one.arm].text for one in better), *reasons]
    worse = [one for one in seen if one.shows == "worse"]
    if seen and len(worse) + len(better) == len(open_arms):  # an arm that cannot be compared yet may win
        return Judged("do not ship", None, [*(_worse(one) for one in worse), *reasons])
    if window.at_end:
        return Judged("do not ship", None, [*_nothing_shown(experiment, seen), *reasons])
    return Judged("keep running", None, [_goes_on(experiment, window, seen), *reasons])


def _stopped_arms(guardrails: Sequence[GuardrailFinding], stopped: Mapping[str, str]) -> dict[str, str]:
    out = {arm: f"{arm}: was stopped. {why}" for arm, why in stopped.items()}
    for one in guardrails:
        if one.standing == "broken" and one.stops:
            out.setdefault(one.arm, one.text)
    return out


def _gain(one: Comparison) -> float:
    value = one.shrunk if one.shrunk is not None else one.lift if one.lift is not None else one.difference
    return value if one.good == "up" else -value


def change(one: Comparison) -> str:
    """A difference and its interval in words."""
    if one.lift is None:
        low, high = one.difference_low, one.difference_high
        range_ = "" if low is None or high is None else f" (interval {low:+.4g} to {high:+.4g})"
        return f"{one.metric} {one.difference:+.4g}{range_}"
    range_ = ""
    if one.low is not None and one.high is not None:
        range_ = f" (interval {100 * one.low:+.2f} % to {100 * one.high:+.2f} %)"
    return f"{one.metric} {100 * one.lift:+.2f} %{range_}"


def _better(one: Comparison) -> str:
    return f"{one.arm} is better than the control: {change(one)}."


def _worse(one: Comparison) -> str:
    return f"{one.arm} is worse than the control: {change(one)}."


def _nothing_shown(experiment: Experiment, seen: Sequence[Comparison]) -> list[str]:
    wanted = f" ({100 * experiment.design.effect:g} % was wanted)" if experiment.kind == "ab" else ""
    out = [f"The planned end has come and no arm was shown to be better{wanted}."]
    return [*out, *(f"{one.arm}: {change(one)}." for one in seen)]


def _of_guardrails(guardrails: Sequence[GuardrailFinding], arm: str) -> list[str]:
    mine = [one for one in guardrails if one.arm == arm]
    waiting = [one.metric for one in mine if one.standing in ("open", "not measured")]
    kept = [one.metric for one in mine if one.standing == "kept"]
    out = [f"Guardrails kept: {', '.join(kept)}."] if kept else []
    if waiting:
        out.append(f"Neither kept nor broken yet: {', '.join(waiting)}. Watch it after shipping.")
    return out


def _not_looked(window: Window, experiment: Experiment) -> str:
    if experiment.design.analysis == "fixed" and not window.at_end and window.ends_us is not None:
        return f"It is looked at once, at its end on {format_at(window.ends_us)[:10]}."
    return "The primary metric was not looked at; data and guardrails give no reason to stop."


def _goes_on(experiment: Experiment, window: Window, seen: Sequence[Comparison]) -> str:
    if not seen:
        return "There are too few units to compare."
    shown = ", ".join(f"{one.arm} {change(one)}" for one in seen)
    if window.ends_us is None:
        longer = window.elapsed_days > experiment.design.days
        planned = f" The {experiment.design.days} days planned are over." if longer else ""
        return f"No difference is shown so far: {shown}.{planned}"
    return f"No difference is shown so far: {shown}. It ends on {format_at(window.ends_us)[:10]}."
