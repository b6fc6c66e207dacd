"""Start an experiment: freeze its file and assign units."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from matinee.cli.console import print_json, print_table, say
from matinee.cli.context import find_home


def start(
    name: str,
    *,
    by: Annotated[str | None, Parameter(name=["--by", "--approver"])] = None,
    note: str = "",
    salt: str | None = None,
    dry_run: bool = False,
    home: Path | None = None,
    at: str | None = None,
    data: Literal["home", "simulated"] | None = None,
    json: bool = False,
) -> int:
    """Start the experiment in HOME/experiments/NAME.toml. Running servers assign units within two seconds.

    All is checked first: the metrics, that each version opens and answers, room in the layer, and that no
    rollout of the initiative runs. In tiers 1 and 2, the gates of a release that do not ask whether a version
    is better are asked about each that is not in production. From then on the file is not read any more and
    must not change.

    Example: matinee experiment start art-2 --by kim --home shop

    Parameters
    ----------
    name
        Of the file.
    by
        Who starts it and answers for it; tiers 1 and 2 need somebody.
    note
        Why now; it is kept.
    salt
        Of the assignment, instead of a drawn one: for tests, which want the same arms each time.
    dry_run
        Check everything and start nothing.
    home
        Service home; else MATINEE_HOME, else the current folder.
    at
        Record the start at this time, instead of the home's clock; it must have come.
    data
        Open versions on the home's log or the simulated service; else what the initiative declares.
    json
        Print machine-readable JSON.
    """
    from matinee.observe.home_clock import moment_that_has_come
    from matinee.platform.lifecycle.experimenting import start_experiment
    from matinee.platform.lifecycle.project import open_project
    from matinee.prove.experiment.draft import draft_path, read_draft

    where = find_home(home)
    started_us = moment_that_has_come(where, at, why="units are assigned from now on, and not from then")
    draft = read_draft(draft_path(where.root, name))
    with open_project(where, draft.initiative, at=at, data=data) as project:
        row = start_experiment(
            project,
            draft,
            started_us=started_us,
            by=by,
            note=note,
            salt=salt,
            dry_run=dry_run,
        )
    if json:
        print_json({"started": not dry_run, "experiment": row})
        return 0
    arms = [(arm.name, arm.answers, f"{arm.share:.4g}") for arm in row.definition.arms]
    print_table(arms, ["arm", "answers", "share"], left=2)
    if len({answers for _, answers, _ in arms}) == 1:
        say("All arms answer alike: an A/A test, in which there is no difference to be found.")
    if "..." in row.definition.hypothesis:
        say(f'Its hypothesis is "{row.definition.hypothesis}": whoever reads the result will not know why.')
    if dry_run:
        say(f"Nothing stands against it: {row.told()}. Nothing was started (--dry-run).")
    else:
        say(f"Started: {row.told()}. Read it: matinee experiment read {name}")
    return 0
