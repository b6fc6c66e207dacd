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

    Example: matinee experiment read art-2 --home shop

    Example: matinee experiment read art-2 --html art-2.html --home shop

    Parameters
    ----------
    name
        A started experiment.
    html
        Write the readout as one page to this file too.
    no_look
        Only checks and guardrails, which may be looked at as often as one likes; no estimate, no look.
    by
        Who looks.
    home
        Service home; else MATINEE_HOME, else the current folder.
    at
        As of this time, instead of the home's clock.
    json
        Print machine-readable JSON.
    """
    from matinee.errors import InputError
    from matinee.observe.home_clock import home_clock
    from matinee.platform.lifecycle.experiment_reading import read_experiment
    from matinee.platform.lifecycle.project import open_registry
    from matinee.prove.experiment.page import write_page
    from matinee.types import DAY_US, format_at

    where = find_home(home)
    with progress("Reading", quiet=json) as told, open_registry(where) as registry:
        told("counting", 0.2)
        now_us = home_clock(where, at).now_us
        latest_us = home_clock(where).now_us + DAY_US  # a planned end may lie after the last event
        if not no_look and now_us > latest_us:
            raise InputError(
                f"--at is {format_at(now_us)} and the home's clock shows {format_at(latest_us - DAY_US)}, "
                "expected at most a day more: a look at what has not happened yet would be kept as the last. "
                "Leave --at away."
            )
        readout, alpha = read_experiment(where, registry, name, now_us=now_us, estimate=not no_look, by=by)
    if html is not None:
        write_page(readout, html, alpha=alpha)
    if json:
        print_json(readout)
    else:
        show(readout)
        if html is not None:
            say(f"Page: {html}")
    return EXIT_FAILED if readout.verdict in ("refused", "stopped by guardrail") else EXIT_OK


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
