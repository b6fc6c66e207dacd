"""Let a version learn beside the one in production, and take over by share when it is better."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from matinee.cli.console import EXIT_FAILED, EXIT_OK, print_json, print_table, progress, say

if TYPE_CHECKING:
    from matinee.platform.lifecycle.apprentice import Apprentice
    from matinee.platform.lifecycle.apprentice_step import Stepped


def apprentice(
    initiative: str,
    *,
    version: str | None = None,
    step: bool = False,
    ladder: Annotated[list[float] | None, Parameter(consume_multiple=True)] = None,
    alpha: float = 0.05,
    fresh: int = 30,
    reward_low: float | None = None,
    reward_high: float | None = None,
    narrowed: bool = False,
    as_of_h: float = 1.0,
    approver: str | None = None,
    note: str = "",
    home: Path | None = None,
    at: str | None = None,
    data: Literal["home", "simulated"] | None = None,
    json: bool = False,
) -> int:
    """Report on a version of INITIATIVE beside the one in production, and what is due to it.

    It begins as a shadow, then answers for 1, 5, 20, 50 and 100 % of the units. Each step is due only while
    the lower bound of its gain over the incumbent, by the incumbent's own log, is above 0; the bound holds
    however often one looks. Without --step nothing is changed. Exit code 1: a step was asked for and none
    was done.

    Example: matinee apprentice winback --home shop

    Example: matinee apprentice winback --step --approver kim --home shop

    Parameters
    ----------
    initiative
        Whose version.
    version
        This version; else that of the rollout that runs, else the newest.
    step
        Do what is due: start the shadow, enlarge the share, release, or stop.
    ladder
        Shares of the units, rising to 1; else 0.01 0.05 0.2 0.5 1.
    alpha
        Probability of ever giving a larger share to a version that is not better.
    fresh
        Decisions with a known outcome that a canary must have made at its share before the next.
    reward_low
        No reward can be below it; else what the initiative declares.
    reward_high
        No reward can be above it; else what the initiative declares.
    narrowed
        Callers say themselves which actions are permitted: judge decisions that it did not shadow by the
        actions they could have chosen.
    as_of_h
        The version sees the log as it was at most so many hours before each decision.
    approver
        Who takes the responsibility; for a canary or release, tiers 1 and 2 need somebody.
    note
        Why; it stands in the history.
    home
        Service home; else MATINEE_HOME, else the current folder.
    at
        Look and record as of this time.
    data
        Read the home's log or the simulated service; else what the initiative declares.
    json
        Print machine-readable JSON.
    """
    from matinee.cli.context import find_home, recorded_at
    from matinee.platform.lifecycle.apprentice import LADDER, ApprenticeConfig, look
    from matinee.platform.lifecycle.apprentice_step import step as take_step
    from matinee.platform.lifecycle.project import open_project
    from matinee.platform.lifecycle.weighing import WeighConfig

    config = ApprenticeConfig(tuple(ladder) if ladder else LADDER, alpha, fresh)
    weighing = WeighConfig(narrowed=narrowed, as_of_h=as_of_h)
    stepped = None
    with open_project(find_home(home), initiative, at=at, data=data) as project:
        with progress("Looking", quiet=json) as told:
            told("asking the version about logged decisions", 0.2)
            found = look(
                project, version=version, config=config, weighing=weighing, bounds=(reward_low, reward_high)
            )
        if step:
            stepped = take_step(project, found, now_us=recorded_at(at), approver=approver, note=note)
    if json:
        print_json({"apprentice": found, "stepped": stepped})
    else:
        show(found)
        if stepped is not None:
            _say_step(stepped)
    return EXIT_FAILED if stepped is not None and not stepped.did else EXIT_OK


def show(found: Apprentice) -> None:
    """Print where it stands, what is known, and what is due."""
    where = "beside nobody yet" if found.stage == "new" else f"as a {found.stage}"
    share = f" for {100 * found.share:.3g}% of the units" if found.stage == "canary" else ""
    say(f"{found.initiative}: {found.version} {where}{share}; {found.incumbent} is in production.")
    if found.agreement is not None:
        one = found.agreement.mean
        say(
            f"Agreement: it chose what was shown in {one.value:.1%} [{one.low:.1%}, {one.high:.1%}] of "
            f"{found.agreement.n:,} decisions."
        )
    if found.report is not None:
        _say_values(found)
    if found.direct:
        _say_arms(found)
    for reason in found.reasons:
        say(reason)
    if found.verdict == "advance":
        share_next = found.next_share or 0.0
        what = (
            "a shadow" if share_next == 0 else "a release" if share_next == 1 else f"{100 * share_next:.3g}%"
        )
        say(f"Due: {what}. Do it: matinee apprentice {found.initiative} --step")
    elif found.verdict == "stop":
        say(f"Due: its end. Do it: matinee apprentice {found.initiative} --step")
    else:
        say("Due: nothing. Look again when there are more decisions with a known outcome.")


def _say_values(found: Apprentice) -> None:
    report = found.report
    assert report is not None
    rows: list[list[object]] = [
        [f"apprentice, {name}", f"{one.value:.5g}", f"[{one.low:.5g}, {one.high:.5g}]"]
        for name, one in report.estimates.items()
    ]
    if report.bounds is not None and report.bounds.low is not None and report.bounds.high is not None:
        rows.append(["apprentice, at every look", "", f"[{report.bounds.low:.5g}, {report.bounds.high:.5g}]"])
    if report.logged is not None:
        one = report.logged
        rows.append(["incumbent, as logged", f"{one.value:.5g}", f"[{one.low:.5g}, {one.high:.5g}]"])
    if found.gain is not None:
        gain = found.gain
        rows.append(["gain, at every look", f"{gain.value:.5g}", f"[{gain.low:.5g}, {gain.high:.5g}]"])
    title = (
        f"Reward per decision, by {report.diagnostics.n_decisions:,} decisions of the incumbent "
        f"({found.n_shadowed:,} of them shadowed)"
    )
    print_table(rows, ["", "value", f"{100 * report.confidence:g} % interval"], title=title)


def _say_arms(found: Apprentice) -> None:
    rows = [
        (
            f"{arm}, {seen.n:,} decisions",
            f"{seen.mean.value:.5g}",
            f"[{seen.mean.low:.5g}, {seen.mean.high:.5g}]",
        )
        for arm, seen in found.direct.items()
    ]
    print_table(rows, ["", "value", "interval"], title="Reward per decision since the share was last changed")


def _say_step(stepped: Stepped) -> None:
    from matinee.cli.release import SIGNS

    if stepped.gates:
        rows = [(one.gate, SIGNS[one.verdict], one.text) for one in stepped.gates]
        print_table(rows, ["gate", "passes", "what it found"], left=3)
    if stepped.refused:
        say(f"Not done: {', '.join(one.gate for one in stepped.refused)} said no. All stays as it is.")
    else:
        say(f"Done: {stepped.did}." if stepped.did else "Nothing was done.")
