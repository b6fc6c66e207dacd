"""Run an initiative's pipeline, or one step of it alone, for a scheduler."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from matinee.cli.console import print_json, print_table, progress, say
from matinee.cli.context import find_home
from matinee.errors import InputError


def run(
    initiative: str,
    *,
    step: str | None = None,
    run_id: str | None = None,
    pipeline: Literal["train", "evaluate"] = "train",
    plan: bool = False,
    home: Path | None = None,
    at: str | None = None,
    seed: int | None = None,
    cut: float = 0.8,
    data: Literal["home", "simulated"] | None = None,
    json: bool = False,
) -> int:
    """Run the pipeline of INITIATIVE. With --step, one step of the run that --run-id names.

    The first step of a run fixes its moment and seed; steps whose inputs have not run are refused. So cron,
    Argo, Airflow or Metaflow can be the scheduler. The last step of a training makes its version.

    Example: matinee run homepage --step window --run-id 2026-11-22 --home shop

    Parameters
    ----------
    initiative
        Whose pipeline.
    step
        Only this step; `--plan` lists them.
    run_id
        Name of the run, shared by its steps; needed with --step.
    pipeline
        The one that trains, or the one that evaluates.
    plan
        Print what would run and why, and run nothing.
    home
        Service home; else MATINEE_HOME, else the current folder.
    at
        Read only what was known at this time.
    seed
        Of everything random; 0 unless set.
    cut
        For evaluate: share of the events that the models learn from.
    data
        Read the home's log or the simulated service; else what the initiative declares.
    json
        Print machine-readable JSON.
    """
    from matinee.platform.lifecycle.project import open_project
    from matinee.platform.lifecycle.running import plan_pipeline, run_one_step, run_pipeline, workspace
    from matinee.platform.lifecycle.training import check_at, keep

    if step is not None and run_id is None:
        raise InputError(
            f"matinee run {initiative}: --step {step} without --run-id, expected the run's name."
        )
    where = find_home(home)
    with open_project(where, initiative, at=at, data=data) as project:
        chosen = project.initiative.pipeline if pipeline == "train" else project.initiative.evaluation
        check_at(project, at)
        if plan:
            steps = plan_pipeline(project, chosen, seed=seed or 0, cut=cut)
            if json:
                print_json({"initiative": initiative, "pipeline": chosen.name, "plan": steps})
            else:
                rows = [
                    (s.name, ", ".join(s.inputs), ", ".join(s.reads), "cached" if s.cached else "runs", s.why)
                    for s in steps
                ]
                print_table(rows, ["step", "needs", "reads", "state", "why"], left=5)
            return 0
        with progress("Running", quiet=json) as report:
            if step is None:
                done = run_pipeline(project, chosen, seed=seed, cut=cut, run_id=run_id, progress=report)
                record = done.record
            else:
                assert run_id is not None
                record = run_one_step(
                    project, chosen, step, run_id=run_id, seed=seed, cut=cut, progress=report
                )
        version = None
        if record.state == "done" and pipeline == "train":
            version = keep(project, workspace(project).store.folder(record.result), record).version
    if json:
        print_json({"initiative": initiative, "run": record, "version": version})
        return 0
    rows = [
        (s.name, s.state, f"{s.duration_s:.1f}", f"{s.peak_mb:.0f}", s.artefact[:12]) for s in record.steps
    ]
    print_table(rows, ["step", "state", "seconds", "peak MB", "result"], left=2)
    say(f"Run {record.run_id}: {record.state}." + (f" Version {version}." if version else ""))
    return 0
