"""The life of an experiment: draft, start, ramp, stop. From the start on, the registry holds what it is."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec

from matinee.errors import InputError, NotFoundError, StorageError, VerdictError, unknown_name
from matinee.learn.reading import load_members
from matinee.observe.home import Home
from matinee.platform.lifecycle.project import Project
from matinee.platform.lifecycle.releasing import arm_gates
from matinee.platform.lifecycle.rolling_out import why_no_answer
from matinee.platform.registry.experiment_rows import End, ExperimentRow
from matinee.platform.registry.registry import Registry
from matinee.prove.experiment.definition import (
    FALLBACK,
    NAME,
    PRODUCTION,
    Arm,
    Design,
    Experiment,
    Guardrail,
    Kind,
)
from matinee.prove.experiment.draft import draft_path, draft_text, read_draft
from matinee.prove.experiment.findings import Look
from matinee.prove.experiment.metrics.catalogue import known_metrics
from matinee.prove.experiment.metrics.definition import Metric

CONTROL, TREATMENT = "control", "treatment"
PRIMARY = "quality_plays"
GUARDRAILS = (Guardrail("watch_hours", margin=0.05),)
"""Of a draft. Failures need none: a server stops an arm whose answers fail a point more often by itself."""
SHORT = Design(days=14, looks=14)
"""Of an interleaving: it needs some tenth of the units of an A/B."""
GATED_TIER = 2
"""In tiers 1 to this one, gates are asked before an experiment shows a version to anybody."""
ENDS = {"go on": "undecided"}
"""Verdict of the last look -> how the experiment ended, where the two differ."""


@dataclass(frozen=True, slots=True)
class Drafted:
    """A draft that was written.

    Attributes
    ----------
    path : Path
    draft : Experiment
    notes : tuple of str
        What has to be done before it can start.
    """

    path: Path
    draft: Experiment
    notes: tuple[str, ...] = ()


def new_draft(project: Project, name: str, *, owner: str | None = None, kind: Kind = "ab") -> Drafted:
    """Write the draft of an experiment: what is in production against the newest version.

    Parameters
    ----------
    kind : {"ab", "interleaving"}
        An interleaving is shorter, and has no metrics, guardrails and segments: units see both arms.

    Raises
    ------
    InputError
        The name cannot be one, or is taken; or the initiative forecasts.
    """
    home, initiative = project.home, project.initiative
    _check_decides(project, name)
    if not NAME.fullmatch(name):
        raise InputError(
            f'experiment: name is "{name}", expected small letters, digits and hyphens, 2 to 60 of them, a '
            "letter first."
        )
    path = draft_path(home.root, name)
    if path.exists():
        raise InputError(f"{path}: is there already, expected a new name. Change it, or name another one.")
    if any(row.name == name for row in project.registry.experiments.all()):
        raise InputError(f"experiment {name}: was started before, expected a new name.")
    current = project.registry.releases.current(initiative.name)
    newest = next((row.version for row in project.registry.models.versions(initiative.name)), None)
    notes = []
    if newest is None or (current is not None and newest == current.version):
        notes.append(
            f"No version of {initiative.name} is newer than the one in production: train one "
            f"(matinee train {initiative.name}) and name it in arms.answers of {TREATMENT}."
        )
    metrics = known_metrics(home)
    draft = Experiment(
        name=name,
        initiative=initiative.name,
        owner=owner or initiative.owner,
        hypothesis="If we ..., then ..., because ...",
        arms=(
            Arm(CONTROL, 0.5, FALLBACK if current is None else PRODUCTION),
            Arm(TREATMENT, 0.5, newest or FALLBACK),
        ),
        primary=PRIMARY if PRIMARY in metrics else next(iter(metrics)),
        unit="account" if initiative.unit == "account" else "member",
        share=1.0,
    )
    if kind == "ab":
        draft = msgspec.structs.replace(
            draft,
            guardrails=tuple(one for one in GUARDRAILS if one.metric in metrics),
            segments=("tenure",),
        )
    else:
        draft = msgspec.structs.replace(draft, kind=kind, design=SHORT, covariate_days=0)
    _write_new(path, draft_text(draft, metrics=list(metrics)))
    return Drafted(path, draft, tuple(notes))


def start_experiment(
    project: Project,
    draft: Experiment,
    *,
    started_us: int,
    by: str | None = None,
    note: str = "",
    salt: str | None = None,
    dry_run: bool = False,
) -> ExperimentRow:
    """Freeze a draft and let it assign units. With `dry_run` everything is checked and nothing kept.

    Parameters
    ----------
    draft : Experiment
        As `read_draft` gives it.
    by : str, optional
        Who starts it, and answers for it: initiatives of tiers 1 and 2 need somebody.
    salt : str, optional
        For tests; else drawn.

    Raises
    ------
    InputError
        A metric or version is unknown, the unit does not fit, the name is taken, the layer has no room, or a
        rollout runs.
    VerdictError
        The model of an arm does not open or does not answer; or, in tiers 1 and 2, a gate says no to it (see
        `arm_gates`; the version in production is not asked again).
    """
    _check_decides(project, draft.name)
    _check_unit(project, draft)
    defined = _defined(project.home, draft)
    arms = tuple(
        msgspec.structs.replace(arm, answers=_resolved(project, draft.name, arm)) for arm in draft.arms
    )
    frozen = msgspec.structs.replace(draft, arms=arms, salt=salt or secrets.token_hex(8), defined=defined)
    start = partial(
        project.registry.experiments.start,
        frozen,
        digest=draft.digest,
        started_us=started_us,
        by=by,
        note=note,
    )
    row = start(dry_run=True)
    for version in row.versions:
        trouble = why_no_answer(project, project.home.releases / project.initiative.name / version)
        if trouble is not None:
            raise VerdictError(
                f"experiment {draft.name}: version {version} does not answer ({trouble}). Nothing was "
                f"started. Train again: matinee train {project.initiative.name}"
            )
        _check_gates(project, draft.name, version, by)
    return row if dry_run else start()


def _check_gates(project: Project, experiment: str, version: str, by: str | None) -> None:
    """See that nothing speaks against showing a version to members, where the tier is high."""
    initiative = project.initiative
    current = project.registry.releases.current(initiative.name)
    if initiative.tier > GATED_TIER or (current is not None and current.version == version):
        return
    no = [one for one in arm_gates(project, version, approver=by) if one.verdict == "failed"]
    if no:
        said = " ".join(f"{one.gate}: {one.text}" for one in no)
        raise VerdictError(
            f"experiment {experiment}: {len(no)} {'gates say' if len(no) > 1 else 'gate says'} no to showing "
            f"version {version} of {initiative.name} (tier {initiative.tier}) to anybody. {said} Nothing was "
            "started."
        )


def ramp_experiment(
    home: Home,
    registry: Registry,
    name: str,
    share: float,
    *,
    at_us: int,
    by: str | None = None,
    dry_run: bool = False,
) -> ExperimentRow:
    """Raise the share of a running experiment.

    Raises
    ------
    InputError
        The file was changed after the start, the share is lowered, or there is no room.
    """
    check_unchanged(home, registry.experiments.read(name))
    return registry.experiments.ramp(name, share, at_us, by, dry_run=dry_run)


def stop_experiment(
    registry: Registry,
    name: str,
    *,
    ended_us: int,
    by: str | None = None,
    reason: str = "",
    dry_run: bool = False,
) -> ExperimentRow:
    """End an experiment with what its last look said; no new look is made.

    An arm that was stopped by itself is not shipped, whatever a look said before. Where all were, the control
    is kept.

    Raises
    ------
    InputError
        It was stopped before.
    """
    row = registry.experiments.read(name)
    looks = registry.experiments.looks(name)
    end = _end(row, looks[-1] if looks else None, ended_us=ended_us, by=by, reason=reason)
    if dry_run and row.state == "running":
        return msgspec.structs.replace(row, **msgspec.structs.asdict(end))
    return registry.experiments.stop(name, end)


def check_unchanged(home: Home, row: ExperimentRow) -> None:
    """See that the file of a started experiment says what it said. A file that is gone is no error.

    Raises
    ------
    InputError
        It was changed after the start.
    """
    path = draft_path(home.root, row.name)
    try:
        same = not row.digest or read_draft(path).digest == row.digest
    except NotFoundError:
        return
    except InputError:
        same = False
    if not same:
        raise InputError(
            f"{path}: was changed after the start of experiment {row.name}, expected it as it was: what an "
            "experiment is does not change while it runs. Put it back (matinee experiment show "
            f"{row.name} prints what runs), and write what is new as another: matinee experiment new"
        )


def is_changed(home: Home, row: ExperimentRow) -> bool:
    """Whether the file of a started experiment was changed."""
    try:
        check_unchanged(home, row)
    except InputError:
        return True
    return False


def _write_new(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as problem:
        raise StorageError(f"{path}: could not be written ({problem.strerror or problem}).") from problem


def _end(row: ExperimentRow, look: Look | None, *, ended_us: int, by: str | None, reason: str) -> End:
    stopped = {arm: stop.reason for arm, stop in row.stopped_arms.items()}
    refused = look is not None and look.verdict == "refused"
    over = not refused and all(arm.name in stopped for arm in row.definition.arms[1:])
    if over or (look is not None and look.winner in stopped):  # it was stopped after the look, or without one
        why = "; ".join(f"arm {arm} was stopped: {text}" for arm, text in stopped.items())
        return End(
            ended_us=ended_us,
            verdict="keep" if over else "undecided",
            reason=reason or why,
            ended_by=by,
            result=None if look is None else {"look": msgspec.to_builtins(look)},
        )
    if look is None:
        return End(ended_us=ended_us, reason=reason or "stopped without a look", ended_by=by)
    return End(
        ended_us=ended_us,
        verdict=ENDS.get(look.verdict, look.verdict),
        winner=look.winner,
        reason=reason or f"the last look said: {look.verdict}",
        ended_by=by,
        result={"look": msgspec.to_builtins(look)},
    )


def _check_decides(project: Project, name: str) -> None:
    initiative = project.initiative
    if initiative.kind != "decides":
        raise InputError(
            f"experiment {name}: {initiative.name} forecasts, expected an initiative that decides. A "
            f"forecast is not shown to anybody; evaluate its versions instead: "
            f"matinee evaluate {initiative.name}"
        )


def _check_unit(project: Project, draft: Experiment) -> None:
    """See that the units of the initiative's decisions can be assigned as the draft wants."""
    where, theirs = f"experiment {draft.name}", project.initiative.unit
    if theirs not in ("member", "account") or (theirs == "account" and draft.unit == "member"):
        more = 'Write unit = "account".' if theirs == "account" else "It cannot be in an experiment."
        raise InputError(
            f'{where}: unit is "{draft.unit}", expected "{theirs}": that is what {project.initiative.name} '
            f"decides about, and no member can be told from it. {more}"
        )
    if draft.unit == "account" and theirs == "member":
        members = load_members(project.lake, project.at_us).values()
        if not any(member.account_id for member in members):
            raise InputError(
                f'{where}: unit is "account" and no member of {project.lake.root} has an account, expected '
                "account_id in the members table. Import it (matinee import --help), or write "
                'unit = "member".'
            )


def _defined(home: Home, draft: Experiment) -> tuple[Metric, ...]:
    """The metrics of an experiment, as they are defined now."""
    known = known_metrics(home)
    for name in draft.metrics:
        if name not in known:
            raise InputError(unknown_name(f"experiment {draft.name}", "metric", name, known))
    needs, days = known[draft.primary].matures_days, draft.design.days
    if draft.kind == "ab" and draft.design.analysis != "sequence" and needs >= days:
        raise InputError(
            f"experiment {draft.name}: design.days is {days}, expected more than {needs}: so many days after "
            f"its first exposure a unit's {draft.primary} is known. Plan longer, or take another metric."
        )
    return tuple(known[name] for name in dict.fromkeys(draft.metrics))


def _resolved(project: Project, experiment: str, arm: Arm) -> str:
    """The version that an arm answers with."""
    name = project.initiative.name
    if arm.answers == FALLBACK:
        return FALLBACK
    if arm.answers == PRODUCTION:
        current = project.registry.releases.current(name)
        if current is None:
            raise InputError(
                f'experiment {experiment}: arm {arm.name} answers "{PRODUCTION}" and no {name} is in '
                f"production, expected a release. Release one (matinee release {name}), or write "
                f'"{FALLBACK}".'
            )
        return current.version
    folder, _ = project.model(version=arm.answers)
    return folder.name
