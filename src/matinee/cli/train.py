"""Train an initiative's models on a home's log; the result can then be released."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from matinee.cli.console import note, print_json, progress, say
from matinee.cli.context import find_home, in_home


def train(
    initiative: str,
    *,
    home: Path | None = None,
    at: str | None = None,
    seed: int | None = None,
    data: Literal["home", "simulated"] | None = None,
    run_id: str | None = None,
    json: bool = False,
) -> int:
    """Learn from everything that is known until now, and keep the result as a version of INITIATIVE.

    The same log, code, settings and seed give the same version. What did not change since the last training
    is not computed again, also after a kill. What is in production stays there: see `matinee release`.

    Example: matinee train homepage --home shop

    Parameters
    ----------
    initiative
        What to train; `matinee status` lists the initiatives.
    home
        Service home; else MATINEE_HOME, else the current folder.
    at
        Learn only from what was known at this time.
    seed
        Of everything random; 0 unless set.
    data
        Learn from the home's log or from the simulated service; else what the initiative declares.
    run_id
        Name of the run. A run that was killed is taken up with the moment and seed that it began with.
    json
        Print machine-readable JSON.
    """
    from matinee.platform.lifecycle.project import open_project
    from matinee.platform.lifecycle.training import check_at
    from matinee.platform.lifecycle.training import train as learn

    where = find_home(home)
    with open_project(where, initiative, at=at, data=data) as project:
        check_at(project, at)
        if project.data == "simulated":
            note(SIMULATED.format(name=initiative), quiet=json)
        with progress("Training", quiet=json) as report:
            done = learn(project, seed=seed, run_id=run_id, progress=report)
        released = project.registry.releases.current(initiative)
    in_production = None if released is None else released.version
    if json:
        print_json(
            {
                "initiative": initiative,
                "version": done.version,
                "folder": str(done.folder),
                "card": done.card,
                "run": done.run,
                "in_production": in_production,
            }
        )
        return 0
    say(f"Trained {initiative} {done.version} on the log until {done.card.at}.")
    steps = ", ".join(
        f"{one.name} {'from the cache' if one.state == 'cached' else f'{one.duration_s:.1f} s'}"
        for one in done.run.steps
    )
    say(f"Steps: {steps}. Peak memory {done.run.peak_mb:,.0f} MB.")
    if in_production == done.version:
        say("It is in production already.")
    else:
        same = in_home(home)
        say(f"Next: matinee evaluate {initiative}{same}, then matinee release {initiative}{same}.")
    return 0


SIMULATED = (
    "{name} reads the simulated service: good for trying the path, not for real members. "
    "--data home reads this home's log."
)
