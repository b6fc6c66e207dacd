"""What a run would compute, what it would take from the cache, and why; nothing is run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from matinee.platform.pipeline.cache import Ingredients, StepCache
from matinee.platform.pipeline.code import Fingerprint
from matinee.platform.pipeline.failure import naming
from matinee.platform.pipeline.ingredients import (
    UNTRACKED,
    check_given,
    check_reads,
    code_reader,
    ingredients,
)
from matinee.platform.pipeline.pipeline import Pipeline
from matinee.platform.pipeline.step import Step
from matinee.platform.pipeline.workspace import Workspace

MOST_PARTS = 3
HEADINGS = ("step", "from", "reads", "", "why")


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One line of a plan.

    Attributes
    ----------
    inputs : tuple of str
        Steps and givens that it takes.
    artefact : str
        Result in the cache; empty if it would be computed.
    why : str
        What changed since its newest result, or that there is none.
    """

    name: str
    reads: tuple[str, ...]
    inputs: tuple[str, ...]
    artefact: str
    why: str

    @property
    def cached(self) -> bool:
        """Whether it would come from the cache."""
        return bool(self.artefact)


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps of a pipeline in the order in which they would run. `str` gives a table."""

    pipeline: str
    steps: tuple[PlannedStep, ...]

    def __str__(self) -> str:
        lines = [HEADINGS]
        for one in self.steps:
            state = "cached" if one.cached else "runs"
            lines.append((one.name, ", ".join(one.inputs), ", ".join(one.reads), state, one.why))
        widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        )


def plan(pipeline: Pipeline, given: Mapping[str, Any], *, workspace: Workspace) -> Plan:
    """Say what `run` would do with the same givens.

    A step whose input would be computed is planned to run as well; if that input turns out as it was, the
    run takes it from the cache after all. Damage of stored files is not looked for.

    Raises
    ------
    ConfigError
        As in `run`.
    """
    values = {name: value for name, value in given.items() if name not in UNTRACKED}
    check_given(pipeline, values)
    codes = code_reader(pipeline)
    check_reads(pipeline, codes)
    known: dict[str, str] = {}
    lines = []
    for one in pipeline.steps:
        code = codes.fingerprint(one.function)
        with naming(pipeline.name, one):
            artefact, why = _look_up(pipeline, one, code, known, values, workspace)
        if artefact:
            known[one.name] = artefact
        takes = (*pipeline.inputs(one), *pipeline.givens(one))
        lines.append(PlannedStep(one.name, one.reads, takes, artefact, why))
    return Plan(pipeline.name, tuple(lines))


def _look_up(
    pipeline: Pipeline,
    one: Step,
    code: Fingerprint,
    known: Mapping[str, str],
    given: Mapping[str, Any],
    workspace: Workspace,
) -> tuple[str, str]:
    """Artefact of a step and the reason why there is none."""
    waits = [name for name in pipeline.inputs(one) if name not in known]
    if waits:
        found = ingredients(pipeline, one, code, {**known, **dict.fromkeys(waits, "")}, given)
        expected = {f"input {name} changed" for name in waits}
        reasons = _reasons(pipeline, one, found, code, workspace.cache)
        told = [reason for reason in reasons if reason not in expected]
        return "", "; ".join([*(f"{name} runs" for name in waits), *told])
    made = ingredients(pipeline, one, code, known, given)
    entry = workspace.cache.get(made.key)
    if entry is None:
        return "", "; ".join(_reasons(pipeline, one, made, code, workspace.cache))
    if not workspace.store.has(entry.artefact):
        return "", "its result was removed"
    return entry.artefact, ""


def _reasons(
    pipeline: Pipeline, one: Step, made: Ingredients, code: Fingerprint, cache: StepCache
) -> list[str]:
    newest = cache.newest(pipeline.name, one.name)
    if newest is None:
        return ["has not run before"]
    out = []
    for reason in made.changes(newest.ingredients):
        if reason == "code":
            names = sorted({*code.parts, *newest.parts})
            changed = [name for name in names if code.parts.get(name) != newest.parts.get(name)]
            more = f" and {len(changed) - MOST_PARTS} more" if len(changed) > MOST_PARTS else ""
            out.append(f"code changed: {', '.join(changed[:MOST_PARTS])}{more}")
        else:
            out.append(f"{reason} changed")
    return out
