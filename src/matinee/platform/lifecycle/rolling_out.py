"""Try a version beside the one in production: as a shadow that nobody sees, or as a canary for a share."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from pathlib import Path

from matinee.errors import InputError, VerdictError
from matinee.platform.answering import Answering
from matinee.platform.deciding import Request
from matinee.platform.gates.gate import GateResult
from matinee.platform.lifecycle.project import Project
from matinee.platform.lifecycle.releasing import UNKNOWN_UNIT, gate_rows, release
from matinee.platform.registry.registry import Registry
from matinee.platform.registry.rollouts import (
    End,
    RolloutRow,
    check_free,
    check_not_in_production,
    check_share,
    nothing_beside,
)

MONITOR = "canary"
"""Name of the alert that a guardrail ended a canary."""


@dataclass(frozen=True, slots=True)
class Begun:
    """What came of an attempt to start a rollout.

    Attributes
    ----------
    version : str
    gates : list of GateResult
        Empty for a shadow: it needs only that the model loads and answers.
    rollout : RolloutRow or None
        None: a gate refused, or it was a rehearsal.
    """

    version: str
    gates: list[GateResult] = field(default_factory=list)
    rollout: RolloutRow | None = None

    @property
    def refused(self) -> list[GateResult]:
        """Gates that said no."""
        return [gate for gate in self.gates if gate.verdict == "failed"]


def start_shadow(
    project: Project,
    *,
    started_us: int,
    version: str | None = None,
    share: float = 1.0,
    by: str | None = None,
    note: str = "",
    dry_run: bool = False,
) -> Begun:
    """Let a version answer beside the one in production; its answers are logged and not shown.

    Parameters
    ----------
    version : str, optional
        Default: the one that was trained last.
    share : float, above 0 and at most 1
        Of the requests.

    Raises
    ------
    InputError
        Another rollout runs, the version is in production, or the initiative forecasts.
    VerdictError
        The model does not load or does not answer.
    """
    name = project.initiative.name
    folder = _candidate(project, version, share)
    trouble = why_no_answer(project, folder)
    if trouble is not None:
        raise VerdictError(
            f"{name}, version {folder.name}: does not answer ({trouble}). No shadow was started. "
            f"Train again: matinee train {name}"
        )
    row = _row(project, folder.name, "shadow", share, started_us=started_us, by=by, note=note)
    return Begun(folder.name, [], None if dry_run else project.registry.rollouts.start(row))


def start_canary(
    project: Project,
    *,
    started_us: int,
    share: float,
    version: str | None = None,
    approver: str | None = None,
    note: str = "",
    instead_of: RolloutRow | None = None,
    dry_run: bool = False,
) -> Begun:
    """Let a version answer a share of the units, if every gate of a release agrees.

    A unit is in it or not for the whole rollout. What the gates said is kept, also when they refuse.

    Parameters
    ----------
    share : float, above 0 and at most 1
        Of the units.
    version : str, optional
        Default: the one that was trained last.
    instead_of : RolloutRow, optional
        The rollout of this version that runs: it ends at the moment at which the canary begins. If it was a
        canary of a smaller share, its units stay in.

    Raises
    ------
    InputError
        Another rollout runs, the version is in production, nothing is, or the initiative forecasts.
    VerdictError
        `instead_of` ended while the gates were asked; nothing was started.
    StorageError
        A file of the model is not the one that was trained.
    """
    registry, name = project.registry, project.initiative.name
    folder = _candidate(project, version, share, instead_of)
    if registry.releases.current(name) is None:
        raise InputError(nothing_beside(name))
    asked = release(
        project, released_us=started_us, version=folder.name, approver=approver, note=note, dry_run=True
    )
    if dry_run:
        return Begun(folder.name, asked.gates)
    attempt_id, rows = gate_rows(name, folder.name, asked.gates, measured_us=started_us)
    if asked.refused:
        registry.releases.record_gates(rows)
        return Begun(folder.name, asked.gates)
    row = _row(
        project, folder.name, "canary", share,
        started_us=started_us, by=approver, note=note, attempt_id=attempt_id,
        salt=None if instead_of is None or instead_of.kind != "canary" else instead_of.salt,
    )  # fmt: skip
    with registry.transaction():
        registry.releases.record_gates(rows)
        if instead_of is not None:
            reason = f"goes on as a canary for {100 * share:.3g}%"
            end = End(ended_us=started_us, verdict="stopped", reason=reason, ended_by=approver)
            if not registry.rollouts.end(instead_of.id, end):
                raise VerdictError(
                    f"{name}: the rollout of {folder.name} ended meanwhile, expected it to run. Nothing was "
                    f"started. See: matinee rollout {name}"
                )
        begun = registry.rollouts.start(row)
        for alert in registry.alerts.open(name):
            if alert.monitor == MONITOR:  # of the canary before: what it told has been dealt with
                registry.alerts.close(alert.id, closed_us=started_us)
    return Begun(folder.name, asked.gates, begun)


def stop_rollout(
    registry: Registry,
    name: str,
    *,
    ended_us: int,
    by: str | None = None,
    note: str = "",
    dry_run: bool = False,
) -> RolloutRow:
    """End the rollout of an initiative; what is in production answers everybody again.

    Returns
    -------
    RolloutRow
        The one that was ended.

    Raises
    ------
    VerdictError
        None runs.
    """
    found = registry.rollouts.running(name)
    end = End(ended_us=ended_us, verdict="stopped", reason=note or "stopped by hand", ended_by=by)
    if found is None or not (dry_run or registry.rollouts.end(found.id, end)):
        raise VerdictError(f"{name}: no rollout runs, expected one to stop. See: matinee rollout {name}")
    return found


def why_no_answer(project: Project, folder: Path) -> str | None:
    """Open a version and ask it once; None: it answered, else why it did not."""
    opened = project.open_model(folder, folder.name)
    assert isinstance(opened, Answering)
    if opened.trouble is not None:
        return opened.trouble
    record = opened.answer(Request(UNKNOWN_UNIT, project.at_us), decision_id="trial")
    return str(record.context.get("fallback_reason")) if record.fallback else None


def _candidate(
    project: Project, version: str | None, share: float, instead_of: RolloutRow | None = None
) -> Path:
    """Folder of the version; what would be refused at the start is told before a gate takes its time."""
    registry, name = project.registry, project.initiative.name
    if project.initiative.kind != "decides":
        raise InputError(
            f"{name}: forecasts, expected an initiative that decides. A forecast is not served; evaluate the "
            f"version instead: matinee evaluate {name}"
        )
    check_share(name, share)
    folder, _ = project.model("newest", version)
    running = registry.rollouts.running(name)
    check_free(name, None if running == instead_of else running)
    check_not_in_production(name, folder.name, registry.releases.current(name))
    return folder


def _row(
    project: Project,
    version: str,
    kind: str,
    share: float,
    *,
    started_us: int,
    by: str | None,
    note: str,
    attempt_id: str | None = None,
    salt: str | None = None,
) -> RolloutRow:
    return RolloutRow(
        initiative=project.initiative.name,
        version=version,
        kind=kind,
        share=share,
        salt=salt or secrets.token_hex(8),
        attempt_id=attempt_id,
        started_us=started_us,
        started_by=by,
        note=note,
    )
