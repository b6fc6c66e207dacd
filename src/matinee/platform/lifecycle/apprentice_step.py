"""Give an apprentice what is due to it: a shadow, a larger share, everything, or the end."""

from __future__ import annotations

from dataclasses import dataclass, field

from matinee.platform.gates.gate import GateResult
from matinee.platform.lifecycle.apprentice import Apprentice
from matinee.platform.lifecycle.project import Project
from matinee.platform.lifecycle.releasing import release
from matinee.platform.lifecycle.rolling_out import start_canary, start_shadow, stop_rollout


@dataclass(frozen=True, slots=True)
class Stepped:
    """What was done.

    Attributes
    ----------
    did : str
        In a few words; "" if nothing was due, or a gate said no.
    gates : list of GateResult
        What the gates of a release said; empty where none was asked.
    """

    did: str
    gates: list[GateResult] = field(default_factory=list)

    @property
    def refused(self) -> list[GateResult]:
        """Gates that said no."""
        return [gate for gate in self.gates if gate.verdict == "failed"]


def step(
    project: Project, found: Apprentice, *, now_us: int, approver: str | None = None, note: str = ""
) -> Stepped:
    """Do what `look` proposed. A canary and a release ask every gate; where one says no, all stays as it is.

    Raises
    ------
    InputError
        The rollout is another one than `look` saw.
    VerdictError
        The model does not answer, or a rollout or release came in between.
    StorageError
        A file of the model is not the one that was trained.
    """
    registry, name, version = project.registry, found.initiative, found.version
    if found.verdict == "stop":
        stop_rollout(registry, name, ended_us=now_us, by=approver, note=note or found.reasons[0])
        return Stepped(f"stopped the {found.stage}")
    if found.verdict == "wait" or found.next_share is None:
        return Stepped("")
    if found.next_share == 0.0:
        start_shadow(project, started_us=now_us, version=version, by=approver, note=note)
        return Stepped("started a shadow")
    if found.next_share == 1.0:
        attempt = release(project, released_us=now_us, version=version, approver=approver, note=note)
        return Stepped("" if attempt.release is None else "released it to everybody", attempt.gates)
    begun = start_canary(
        project,
        started_us=now_us,
        share=found.next_share,
        version=version,
        approver=approver,
        note=note,
        instead_of=registry.rollouts.running(name),
    )
    did = "" if begun.rollout is None else f"started a canary for {100 * found.next_share:.3g}% of the units"
    return Stepped(did, begun.gates)
