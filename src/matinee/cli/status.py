"""Show the portfolio: every initiative, what is in production, its lift, its alerts, its cost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matinee.cli.console import note, print_json, print_table, say
from matinee.cli.context import find_home, in_home
from matinee.types import HOUR_US, format_at

if TYPE_CHECKING:
    from matinee.platform.lifecycle.status import Standing


def status(
    initiative: str | None = None,
    *,
    home: Path | None = None,
    at: str | None = None,
    json: bool = False,
) -> int:
    """Print one line for each initiative; with INITIATIVE, everything that is known about it.

    Example: matinee status --home shop

    Parameters
    ----------
    initiative
        Only this one, in full.
    home
        Service home; else MATINEE_HOME, else the current folder.
    at
        Age of models as of this time.
    json
        Print machine-readable JSON.
    """
    from matinee.platform.lifecycle.status import broken, portfolio

    where = find_home(home)
    found = portfolio(where, initiative, at=at)
    for problem in broken(where).values() if initiative is None else ():
        note(f"left out: {problem}")
    if json:
        print_json(found)
        return 0
    found = [replace(one, next_step=_typed(one.next_step, home)) for one in found]
    if initiative is None:
        _print_all(found)
    else:
        for one in found:
            _print_one(one)
    return 0


def _typed(step: str, home: Path | None) -> str:
    """A command as it is to be typed; other steps as they are."""
    return step + in_home(home) if step.startswith("matinee ") else step


def _print_all(found: list[Standing]) -> None:
    rows = [
        (
            one.name,
            f"{one.tier} {one.stage}",
            (one.version or "nothing") + (" (broken)" if one.trouble else ""),
            _lift(one),
            _age(one),
            len(one.alerts) if one.alerts or one.watched else "not watched",
            _cost(one),
            one.next_step,
        )
        for one in found
    ]
    columns = ["initiative", "tier, stage", "in production", "lift over baseline", "learned", "alerts"]
    print_table(rows, [*columns, "cost", "next step"], left=8)
    for one in found:
        if one.rollout:
            say(f"tried: {one.name}: {_tried(one)}")
        for tried in one.experiments:
            if tried.recent:
                say(f"experiment: {one.name}: {tried.text}")
        if one.trouble:
            say(f"broken: {one.name}: the fallback answers. {one.trouble}")
        if one.retrain:
            say(f"{one.name}: {_retrain(one)}")
        for alert in one.alerts:
            say(f"{alert.severity}: {one.name}, {alert.monitor}: {alert.text} ({alert.owner})")
    if not found:
        say("No initiative is installed.")


def _print_one(one: Standing) -> None:
    facts: list[tuple[str, Any]] = [
        ("title", one.title),
        ("hypothesis", one.hypothesis),
        ("owner", one.owner),
        ("tier", one.tier),
        ("stage", one.stage),
        ("next step", one.next_step),
        *([("planned", one.planned)] if one.planned != one.next_step else []),
        ("unit", one.unit),
        ("kind", one.kind),
        ("reward", one.reward),
        ("inputs", ", ".join(one.inputs)),
        ("baseline", one.baseline),
        ("fallback", one.fallback),
        ("in production", one.version or "nothing: the fallback answers"),
        ("released", format_at(one.released_us) if one.released_us else "-"),
        ("tried beside it", _tried(one)),
        ("learned", _age(one)),
        ("data", one.data or "-"),
        ("lift over baseline", _lift(one)),
        ("newest model", one.newest or "none is trained"),
        ("latency budget", f"{one.latency_budget_ms:g} ms"),
        ("last watched", _watched(one)),
        ("cost of all runs", _cost(one)),
    ]
    print_table(facts, [one.name, ""], left=2)
    if one.gates:
        gates = [(g.gate, g.verdict.replace("_", " "), g.text) for g in one.gates]
        print_table(gates, ["gate", "verdict", "at the last attempt"], left=3)
    for tried in one.experiments:
        say(f"experiment: {tried.text}")
    if one.trouble:
        say(f"broken: the fallback answers. {one.trouble}")
    if one.retrain:
        say(_retrain(one))
    for alert in one.alerts:
        say(f"{alert.severity}: {alert.monitor}: {alert.text}")


def _lift(one: Standing) -> str:
    if one.lift is None:
        return "not measured"
    return f"{one.metric} {one.lift:+.4f} [{one.lift_low:+.4f}, {one.lift_high:+.4f}]"


def _tried(one: Standing) -> str:
    from matinee.platform.registry.rollouts import told

    return "nothing" if one.rollout is None else told(one.rollout)


def _age(one: Standing) -> str:
    if one.age_us is None:
        return "simulated" if one.data == "simulated" else "-"
    hours = max(0.0, one.age_us / HOUR_US)
    text = f"{hours:.0f} h ago" if hours < 48 else f"{hours / 24:.0f} days ago"
    return text + (", stale" if one.stale else "")


def _watched(one: Standing) -> str:
    if one.watched is None:
        return f"never: matinee watch {one.name}"
    found = one.watched
    counts = (
        f"{found.count('ok')} fine, {found.count('alert')} alerts, {found.count('not_measured')} not measured"
    )
    return f"{format_at(found.watched_us)}: {counts}"


def _retrain(one: Standing) -> str:
    who = "an erased member" if one.retrain == 1 else f"{one.retrain} erased members"
    return f"holds what {who} did: train again, and release"


def _cost(one: Standing) -> str:
    spent = [f"{amount / 100:.2f} {currency}" for currency, amount in one.cost_minor.items()]
    return ", ".join([*spent, f"{one.cpu_s:,.0f} CPU s"])
