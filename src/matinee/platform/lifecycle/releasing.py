"""Ask the gates and, if all of them agree, put a model in production; or take it back."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from matinee.errors import InputError, NotFoundError, StorageError, VerdictError
from matinee.learn.reading import load_members
from matinee.observe.home import Home
from matinee.platform.evaluation import Evaluated
from matinee.platform.gates.gate import Ask, Candidate, GateResult
from matinee.platform.lifecycle.evaluating import JUDGED_BY
from matinee.platform.lifecycle.fresh_process import answers_in_fresh_process
from matinee.platform.lifecycle.model_folder import ModelCard, check_files, read_card
from matinee.platform.lifecycle.project import Project
from matinee.platform.lifecycle.running import fingerprint
from matinee.platform.lifecycle.skew import measure_skew
from matinee.platform.lifecycle.weighing import weigh
from matinee.platform.registry.registry import Registry
from matinee.platform.registry.releases import GateRow, Reasons, ReleaseRow
from matinee.types import format_at, parse_at

UNKNOWN_UNIT = "a unit that nobody has heard of"
UNITS_TRIED = 20


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of an attempt to release.

    Attributes
    ----------
    version : str
    gates : list of GateResult
    release : ReleaseRow or None
        None: a gate refused, or it was a rehearsal.
    """

    version: str
    gates: list[GateResult]
    release: ReleaseRow | None

    @property
    def refused(self) -> list[GateResult]:
        """Gates that said no."""
        return [gate for gate in self.gates if gate.verdict == "failed"]


def release(
    project: Project,
    *,
    released_us: int,
    version: str | None = None,
    approver: str | None = None,
    note: str = "",
    dry_run: bool = False,
) -> Attempt:
    """Put a version in production if every gate agrees. A rollout of the initiative ends with it.

    Parameters
    ----------
    released_us : int
        Now.
    version : str, optional
        Default: the one that was trained last.
    approver : str, optional
        Who takes the responsibility.
    dry_run : bool
        Ask the gates and store nothing.

    Raises
    ------
    NotFoundError
        Nothing was trained, or no such version.
    VerdictError
        Another release came first.
    InputError
        The version is in production already.
    StorageError
        A file of the model is not the one that was trained.
    """
    registry, name = project.registry, project.initiative.name
    previous = registry.releases.current(name)
    folder, card = project.model("newest", version)
    if previous is not None and previous.version == folder.name and not dry_run:
        # Told before the gates take their time; the registry asks again inside its transaction.
        raise InputError(
            f"{name}: version {folder.name} is in production since {format_at(previous.released_us)}, "
            f"expected another one. Train again (matinee train {name}), or name one with --version."
        )
    check_files(folder, card.files)
    candidate = _candidate(project, folder, card, previous, approver)
    gates = [gate.check(candidate) for gate in project.initiative.gates]
    if dry_run:
        return Attempt(folder.name, gates, None)
    attempt_id, rows = gate_rows(name, folder.name, gates, measured_us=released_us)
    found = Attempt(folder.name, gates, None)
    if found.refused:
        registry.releases.record_gates(rows)
        return found
    with registry.transaction():
        registry.releases.record_gates(rows)
        row = registry.releases.release(
            name,
            folder.name,
            expected_previous=previous.id if previous else None,
            released_us=released_us,
            reasons=Reasons(
                note=note,
                approver=approver,
                attempt_id=attempt_id,
                evidence={"gates": msgspec.to_builtins(gates), "data": card.data, "at": card.at},
            ),
        )
        registry.rollouts.settle(row)
    return Attempt(folder.name, gates, row)


def arm_gates(project: Project, version: str, *, approver: str | None) -> list[GateResult]:
    """What the gates say of a version that is to be shown to the units of an experiment.

    They are those of a release that do not ask whether it is better: it loads, is fast enough, learned from
    real data, somebody answers for it; and, once it was evaluated, keeps its bounds there.

    Raises
    ------
    StorageError
        A file of the model is not the one that was trained.
    """
    folder, card = project.model(version=version)
    check_files(folder, card.files)
    candidate = _candidate(
        project, folder, card, project.registry.releases.current(project.initiative.name), approver
    )
    asked = {"always"} | ({"evaluated"} if candidate.evaluation is not None else set())
    gates = project.initiative.gates
    return [gate.check(candidate) for gate in gates if getattr(gate, "asked_of_arms", "always") in asked]


def gate_rows(
    name: str, version: str, gates: Sequence[GateResult], *, measured_us: int
) -> tuple[str, list[GateRow]]:
    """What gates said, as rows of the registry, and the id of the attempt that joins them."""
    attempt_id = f"{name}-{secrets.token_hex(6)}"
    return attempt_id, [
        GateRow(
            attempt_id=attempt_id,
            initiative=name,
            version=version,
            gate=one.gate,
            verdict=one.verdict,
            text=one.text,
            figure=one.figure,
            bound=one.bound,
            measured_us=measured_us,
        )
        for one in gates
    ]


def rollback(
    home: Home,
    registry: Registry,
    name: str,
    *,
    released_us: int,
    version: str | None = None,
    approver: str | None = None,
    note: str = "",
) -> ReleaseRow:
    """Put an earlier release back in production: a new row of the history.

    Gates are not asked, and neither the initiative's code nor its settings are looked at: a rollback must
    work on the worst day. The files are checked.

    Raises
    ------
    VerdictError
        There is nothing to go back to, or another release came first.
    StorageError
        A file of the model is not the one that was trained.
    """
    previous = registry.releases.current(name)
    with registry.transaction():
        row = registry.releases.rollback(
            name,
            version,
            expected_previous=previous.id if previous else None,
            released_us=released_us,
            reasons=Reasons(note=note, approver=approver),
        )
        folder = home.releases / name / row.version
        check_files(folder, read_card(folder).files)
        registry.rollouts.settle(row)
    return row


def newest_evaluation(
    project: Project, code: str, data: str, *, judged_by: str | None = None
) -> Evaluated | None:
    """The latest evaluation of a pipeline and its settings, on this kind of data; None without one.

    Parameters
    ----------
    judged_by : str, optional
        Only one that was made by this evaluation pipeline and its settings (`fingerprint`): what was found
        with other settings of the policy says nothing about these.
    """
    for row in project.registry.models.evaluations(project.initiative.name, code=code):
        if row.data != data or (judged_by is not None and row.figures.get(JUDGED_BY) != judged_by):
            continue
        try:
            return Evaluated.load(project.home.root / row.folder)
        except (NotFoundError, StorageError):
            continue  # its files are gone or damaged: an older one may do, else the gate asks for a new one
    return None


def _candidate(
    project: Project, folder: Path, card: ModelCard, previous: ReleaseRow | None, approver: str | None
) -> Candidate:
    released_evaluation = None
    if previous is not None:
        try:
            before = project.model(version=previous.version)[1]
            released_evaluation = newest_evaluation(project, before.code, before.data)
        except NotFoundError:
            pass  # its folder is gone: the gate says that there is no evaluation
    judged_by = fingerprint(project, project.initiative.evaluation)
    evaluation = newest_evaluation(project, card.code, card.data, judged_by=judged_by)
    units = trial_units(project, evaluation)
    initiative, version = project.initiative, folder.name

    def opened() -> Ask:
        answering = project.open_model(folder, version)
        if answering.trouble is not None:
            raise VerdictError(f"{initiative.name}, version {version}: does not open ({answering.trouble}).")
        return lambda unit_id, turn: answering.ask(unit_id, project.at_us, turn)

    return Candidate(
        initiative=initiative.name,
        tier=initiative.tier,
        version=version,
        folder=folder,
        home=project.lake,
        data=card.data,
        evaluation=evaluation,
        released=None if previous is None else previous.version,
        released_evaluation=released_evaluation,
        approver=approver,
        latency_budget_ms=initiative.latency_budget_ms,
        unit_ids=units,
        at_us=project.at_us,
        open=opened,
        feature_skew=lambda: measure_skew(project),
        logged=lambda: weigh(project, folder).problem,
        load_in_fresh_process=lambda: answers_in_fresh_process(project, version, units[0]),
        experiments=lambda: project.registry.experiments.all(initiative.name),
        config=project.config,
        learned_us=parse_at(card.at),
    )


def trial_units(project: Project, evaluation: Evaluated | None) -> tuple[str, ...]:
    """Units to try answers on: some that were evaluated, else some of the home's members; one is unknown."""
    if evaluation is not None and len(evaluation.unit_ids):
        every = max(1, len(evaluation.unit_ids) // UNITS_TRIED)
        known = [str(unit_id) for unit_id in evaluation.unit_ids[::every][:UNITS_TRIED]]
    else:
        known = sorted(load_members(project.lake, project.at_us))[:UNITS_TRIED]
    return (*known, UNKNOWN_UNIT)
