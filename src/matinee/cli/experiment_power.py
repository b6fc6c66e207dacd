"""Plan an experiment: units and days that an effect needs, from the lake's own figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from matinee.cli.console import print_json, print_table, progress, say
from matinee.cli.context import find_home

if TYPE_CHECKING:
    from matinee.prove.experiment.planning import Planned


def power(
    initiative: str,
    *,
    metric: str = "quality_plays",
    effect: float = 0.05,
    days: int = 28,
    share: float = 1.0,
    arms: int = 2,
    alpha: float = 0.05,
    wanted: float = 0.8,
    looks: int = 28,
    units_per_day: float | None = None,
    unit: Literal["member", "account"] = "member",
    home: Path | None = None,
    at: str | None = None,
    json: bool = False,
) -> int:
    """Say how many units and days an effect needs, and which effects lengths from a week on can find.

    The last DAYS days of the lake stand for the experiment: mean, variance, what the days before tell of it,
    and how many new units come on each day.

    Example: matinee experiment power homepage --metric quality_plays --effect 0.03 --home shop

    Parameters
    ----------
    initiative
        Whose decisions expose units; plays do, where it has made none.
    metric
        What is to decide.
    effect
        Relative difference that is to be found: 0.03 is three percent.
    days
        Length of the experiment.
    share
        Of all units that are in the experiment, above 0 to 1.
    arms
        With the control.
    alpha
        Probability of finding a difference where there is none.
    wanted
        Probability of finding the effect.
    looks
        Of the spending plan and of the sequence, until the planned end.
    units_per_day
        New units on each day; else as in the lake.
    unit
        Who is assigned.
    home
        Service home; else MATINEE_HOME, else the current folder.
    at
        The days end at this time, instead of at the home's clock.
    json
        Print machine-readable JSON.
    """
    from matinee.observe.home_clock import home_clock
    from matinee.platform.loading import load
    from matinee.prove.experiment.planning import plan_experiment

    where = find_home(home)
    name = load(initiative, where).name
    with progress("Planning", quiet=json) as told:
        told("reading the lake", 0.2)
        planned = plan_experiment(
            where,
            name,
            metric,
            effect=effect,
            until_us=home_clock(where, at).now_us,
            days=days,
            share=share,
            arms=arms,
            alpha=alpha,
            power=wanted,
            looks=looks,
            units_per_day=units_per_day,
            unit=unit,
        )
    if json:
        print_json(planned)
    else:
        show(planned)
    return 0


def show(planned: Planned) -> None:
    """Print a plan."""
    from matinee.types import format_at

    span = f"{format_at(planned.from_us)[:10]} to {format_at(planned.until_us)[:10]}"
    say(
        f"{planned.metric} from {span}: mean {planned.mean:.4g}, standard deviation {planned.deviation:.4g} "
        f"between units; what they did before takes away {100 * planned.reduction:.3g} % of the variance."
    )
    say(
        f"{sum(planned.new_units):,.0f} units come in {planned.days} days ({planned.new_units[0]:,.0f} on "
        f"the first), counted by {planned.seen_by}."
    )
    if planned.days < planned.asked_days:
        say(f"The past ends there: {planned.asked_days} days were asked for.")
    rows = [
        (one.analysis, f"{one.units:,}", f"more than {planned.days}" if one.days is None else one.days)
        for one in planned.needed
    ]
    title = (
        f"To find {100 * planned.effect:g} % with probability {planned.power:g} "
        f"({planned.arms} arms, alpha {planned.alpha:g})"
    )
    print_table(rows, ["analysis", "units", "days"], title=title)
    effects = [
        (one.days, f"{one.units:,}", *(f"{100 * e:.2f} %" for e in (one.fixed, one.spending, one.sequence)))
        for one in planned.effects
    ]
    print_table(
        effects,
        ["days", "units", "fixed", "spending", "sequence"],
        title="Smallest effect that is found",
        left=0,
    )
