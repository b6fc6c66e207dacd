"""Read an experiment: the verdict, then figures, checks and guardrails."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from matinee.cli.console import EXIT_FAILED, EXIT_OK, note, print_json, print_table, progress, say
from matinee.cli.context import find_home

if TYPE_CHECKING:
    from matinee.prove.experiment.findings import Comparison, Readout

MARKS = {"ok": "ok", "warning": "warning", "refused": "REFUSED", "not run": "not run"}


def read(
    name: str,
    *,
    html: Path | None = None,
    no_look: bool = False,
    stop: bool = False,
    by: str | None = None,
    home: Path | None = None,
    at: str | None = None,
    json: bool = False,
) -> int:
    """Say what is to be done with an experiment, why, and what the arms differ by.

    Reading is a look: it is stored, since with every look the bound for the next ones follows. A second read
    of the same data is the same look. As of a past moment (--at) the looks stored by then are used, and none
    is added if a later one is stored; a moment that has not come is refused. Exit code 1: the data are
    refused, or a guardrail stops it.

    Reading stops no arm: a running server looks at the guardrails by itself and does. Where none runs, an arm
    that has broken one is named, and --stop stops it.

    Example: matinee experiment read art-2 --home shop

    Example: matinee experiment read art-2 --html art-2.html --home shop

    Example: matinee experiment read art-2 --no-look --stop --by kim --home shop

    Parameters
    ----------
    name
        A started experiment.
    html
        Write the readout as one page to this file too.
    no_look
        Only checks and guardrails, which may be looked at as often as one likes; no estimate, no look.
    stop
        Stop the arms that have broken a guardrail, as a server would: their units get the control's answer.
    by
        Who looks, and stops.
    home
        Service home; else MATINEE_HOME, else the current folder.
    at
        As of this time, instead of the home's clock.
    json
        Print machine-readable JSON.
    """
    from msgspec import structs

    from matinee.errors import InputError
    from matinee.observe.home_clock import moment_that_has_come
    from matinee.platform.lifecycle.experiment_reading import broken_arms, read_experiment, stop_broken
    from matinee.platform.lifecycle.project import open_registry
    from matinee.prove.experiment.page import write_page

    if stop and at is not None:
        raise InputError(
            f"matinee experiment read: --at is {at} and --stop is given, expected one of them: an arm is "
            "stopped now, by what is known now. Leave --at away."
        )
    where = find_home(home)
    with progress("Reading", quiet=json) as told, open_registry(where) as registry:
        told("counting", 0.2)
        later = "a look at what has not happened yet would be kept as the last"
        now_us = moment_that_has_come(where, at, why=later)
        readout, alpha = read_experiment(where, registry, name, now_us=now_us, estimate=not no_look, by=by)
        broken = broken_arms(registry, readout)
        stopped = stop_broken(registry, name, broken, at_us=now_us, by=by) if stop else []
    if html is not None:
        write_page(readout, html, alpha=alpha)
    if json:
        print_json(structs.asdict(readout) | {"broken_arms": broken, "stopped_now": stopped})
    else:
        show(readout)
        _say_broken(name, broken, stopped)
        if html is not None:
            say(f"Page: {html}")
    return EXIT_FAILED if readout.verdict in ("refused", "stopped by guardrail") else EXIT_OK


def _say_broken(name: str, broken: dict[str, str], stopped: list[str]) -> None:
    """Arms that have broken a guardrail and were not stopped before this read."""
    for arm in stopped:
        say(f"Stopped: arm {arm}. Its units get the control's answer from now on, and stay counted as its.")
    left = [arm for arm in broken if arm not in stopped]
    if left:
        say(
            f"Arm{'s' if len(left) > 1 else ''} {', '.join(left)} would be stopped. This read stops nothing: "
            "running servers do it at their next look at guardrails. Where none runs: matinee experiment "
            f"read {name} --stop"
        )


def show(readout: Readout) -> None:
    """Print a readout: the decision first."""
    from matinee.prove.experiment.page import signed
    from matinee.types import format_at

    arm = f": {readout.arm}" if readout.arm else ""
    say(f"{readout.experiment}: {readout.verdict.upper()}{arm}")
    for reason in readout.reasons:
        say(f"- {reason}")
    if readout.primary:
        _comparisons(readout.primary, f"What decides: {readout.primary_metric}")
        say(readout.primary[0].interval)
        if readout.after_stop:
            _after_stop(readout)
        if readout.expected:
            note(readout.expected)
        if readout.counts:
            print_table(readout.counts, ["counted", ""], left=2)
    elif readout.estimate_hidden:
        say("The estimate is not shown.")
    if readout.guardrails:
        rows = [
            (one.metric, one.arm, one.standing.upper() if one.standing == "broken" else one.standing,
             signed(one.lift), f"{100 * one.margin:g} %")
            for one in readout.guardrails
        ]  # fmt: skip
        print_table(rows, ["guardrail", "arm", "standing", "difference", "margin"], left=3)
    if readout.secondary:
        _comparisons(readout.secondary, "Other metrics, corrected for their number")
    if readout.segments:
        groups = [
            (f"{one.segment}: {one.value}", one.arm, f"{one.units:,}", signed(one.lift), signed(one.shrunk))
            for one in readout.segments
        ]
        print_table(groups, ["group", "arm", "units", "alone", "drawn together"], left=2)
    checks = [(one.name, MARKS[one.finding], one.text) for one in readout.checks]
    print_table(checks, ["check", "finding", "what it found"], left=3)
    n = len(readout.looks)
    looked = (
        ""
        if not n
        else f" {n} look{'s' if n > 1 else ''} so far{', this one included' if readout.look else ''}."
    )
    note(f"Events until {format_at(readout.until_us)}, arrived by {format_at(readout.seen_us)}.{looked}")


def _after_stop(readout: Readout) -> None:
    from matinee.prove.experiment.page import between

    rows = [
        (one.arm, between(one, one.estimate), f"{between(one, one.low)} to {between(one, one.high)}",
         f"{one.p:.2g}")
        for one in readout.after_stop
    ]  # fmt: skip
    print_table(rows, ["arm", "difference", "interval", "p"], title="What the stop says", left=1)
    say(readout.after_stop[0].words)


def _comparisons(found: list[Comparison], title: str) -> None:
    from matinee.prove.experiment.page import ends, figure, lift, shrunk

    rows = [
        (one.metric, one.arm, one.shows, figure(one.control), figure(one.treated), lift(one), ends(one),
         shrunk(one))
        for one in found
    ]  # fmt: skip
    columns = ["metric", "arm", "shows", "control", "arm's", "difference", "interval", "expected"]
    print_table(rows, columns, title=title, left=3)
