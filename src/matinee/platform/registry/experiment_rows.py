"""What the registry keeps about an experiment: its frozen definition, shares, stopped arms, looks and end."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from matinee.prove.experiment.definition import FALLBACK, Experiment
from matinee.types import DAY_US, format_at

LOOK_VERDICTS = ("ship", "keep", "go on", "refused")
"""What a look may say: ship an arm; keep the control; it is too early; the data are unfit."""
VERDICTS = ("ship", "keep", "undecided", "refused")
"""How an experiment may end. "undecided": the last look said to go on, or there was none."""


class Ramp(msgspec.Struct, frozen=True):
    """From when on an experiment had which share of its layer. The first one is its start."""

    at_us: int
    share: float
    made_by: str | None = None


class ArmStop(msgspec.Struct, frozen=True):
    """From when on an arm's units get the control's answer, and why; they stay counted as the arm's."""

    at_us: int
    reason: str
    made_by: str | None = None


class End(msgspec.Struct, frozen=True, kw_only=True):
    """How an experiment ended. Attributes as in `ExperimentRow`."""

    ended_us: int
    verdict: str = "undecided"
    winner: str | None = None
    reason: str = ""
    ended_by: str | None = None
    result: dict[str, Any] | None = None


class ExperimentRow(msgspec.Struct, frozen=True, kw_only=True):
    """One experiment.

    Attributes
    ----------
    definition : Experiment
        As it started: with its salt, its place in the layer, and versions instead of "production".
    digest : str
        Of the definition as it was written in the file, to notice that the file was changed after the start.
    ramps : tuple of Ramp
        The start and every raised share, in order.
    stopped_arms : dict of str to ArmStop
    ended_us : int or None
        None while it runs.
    verdict : {"ship", "keep", "undecided", "refused"} or None
        None while it runs.
    winner : str or None
        Arm that is to be shipped.
    reason : str
        Why it ended.
    result : dict or None
        The last look, or the whole readout.
    """

    name: str
    initiative: str
    owner: str
    layer: str
    definition: Experiment
    digest: str
    started_us: int
    started_by: str | None = None
    note: str = ""
    ramps: tuple[Ramp, ...] = ()
    stopped_arms: dict[str, ArmStop] = {}
    ended_us: int | None = None
    ended_by: str | None = None
    verdict: str | None = None
    winner: str | None = None
    reason: str = ""
    result: dict[str, Any] | None = None

    @property
    def state(self) -> Literal["running", "stopped"]:
        """Whether it assigns units."""
        return "running" if self.ended_us is None else "stopped"

    @property
    def current(self) -> Experiment:
        """The definition with the share that it has now: what units are assigned by."""
        if not self.ramps:
            return self.definition
        return msgspec.structs.replace(self.definition, share=self.ramps[-1].share)

    def share_at(self, at_us: int) -> float:
        """Share of the layer at a moment; 0 before the start and from the end on."""
        if self.ended_us is not None and at_us >= self.ended_us:
            return 0.0
        return next((ramp.share for ramp in reversed(self.ramps) if ramp.at_us <= at_us), 0.0)

    @property
    def versions(self) -> tuple[str, ...]:
        """Versions that its arms answer with, without the fallback, each once."""
        return tuple(dict.fromkeys(a.answers for a in self.definition.arms if a.answers != FALLBACK))

    def told(self) -> str:
        """It in a few words: "art-2 on 10% of layer art since 2026-01-01T00:00:00Z"."""
        share = f"{100 * self.current.share:.4g}%"
        return f"{self.name} on {share} of layer {self.layer} since {format_at(self.started_us)}"

    def line(self, now_us: int) -> str:
        """It in one line of a portfolio: where it stands, or what it found."""
        kind = "interleaving " if self.definition.kind == "interleaving" else ""
        if self.ended_us is not None:
            found = self.verdict or ""
            if self.winner is not None:
                answers = {arm.name: arm.answers for arm in self.definition.arms}[self.winner]
                found = f"ship {self.winner} ({answers})"
            return f"{kind}{self.name} ended {format_at(self.ended_us)[:10]}: {found}"
        design, day = self.definition.design, max(0, now_us - self.started_us) // DAY_US + 1
        over = design.analysis != "sequence" and day > design.days
        where = f"its {design.days} days are over: read it" if over else f"day {day} of {design.days}"
        share = f"{100 * self.current.share:.4g}% of layer {self.layer}"
        return f"{kind}{self.name} runs on {share}, {where}"
