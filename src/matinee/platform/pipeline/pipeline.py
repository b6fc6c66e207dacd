"""A pipeline: steps whose parameters name each other, checked as a whole before anything is computed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matinee.errors import ConfigError, unknown_name
from matinee.observe.home import Home
from matinee.platform.pipeline.annotations import fits, spell
from matinee.platform.pipeline.step import Step, StepFunction, step

Progress = Callable[[str, float], None]
"""Called with what is being done and the share that is done, 0 to 1."""

GIVEN: dict[str, object] = {
    "home": Home,
    "at_us": int,
    "seed": int,
    "config": object,
    "cut": float,
    "progress": Progress,
    "scratch": Path,
}
"""What every run may give to its steps, and its type.

`home` is limited to the tables that the step declares. `progress` reports and must not change a result.
`scratch` is an empty folder that is removed after the step, for files on the way to a `Table`.
"""


@dataclass(frozen=True, slots=True, init=False)
class Pipeline:
    """Steps in an order in which each comes after those that it needs.

    Parameters
    ----------
    name : str
    steps : sequence of function or Step
        In any order. A step is known by its function's name; its parameters name other steps or givens.
    result : str, optional
        The step whose result is the pipeline's. Default: the last of `steps` as written.
    given : mapping of str to type, optional
        Names of values of this pipeline's own that a run gives, besides `GIVEN`.

    Attributes
    ----------
    steps : tuple of Step
        In the order in which they run.

    Raises
    ------
    ConfigError
        An unknown input, a cycle, types that do not fit, two steps with one name, a step that `step`
        refuses. The message names step, parameter, file and line.

    Examples
    --------
    >>> def numbers(seed: int) -> list[int]:
    ...     return [seed, seed + 1]
    >>> def total(numbers: list[int]) -> int:
    ...     return sum(numbers)
    >>> [one.name for one in Pipeline("sums", (total, numbers), result="total").steps]
    ['numbers', 'total']
    """

    name: str
    steps: tuple[Step, ...]
    result: str
    given: Mapping[str, object]

    def __init__(
        self,
        name: str,
        steps: Sequence[StepFunction | Step],
        *,
        result: str | None = None,
        given: Mapping[str, object] | None = None,
    ) -> None:
        made = [one if isinstance(one, Step) else step(one) for one in steps]
        known = {**GIVEN, **(given or {})}
        where = f"pipeline {name}"
        if not made:
            raise ConfigError(f"{where}: has no steps, expected at least one function.")
        _check_names(where, made, known)
        by_name = {one.name: one for one in made}
        wanted = result or made[-1].name
        if wanted not in by_name:
            raise ConfigError(unknown_name(f"{where}, result", "step", wanted, by_name))
        for one in made:
            _check_inputs(where, one, by_name, known)
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "steps", tuple(_ordered(where, by_name)))
        object.__setattr__(self, "result", wanted)
        object.__setattr__(self, "given", known)

    def __getitem__(self, name: str) -> Step:
        for one in self.steps:
            if one.name == name:
                return one
        raise ConfigError(unknown_name(f"pipeline {self.name}", "step", name, [s.name for s in self.steps]))

    def inputs(self, one: Step) -> tuple[str, ...]:
        """Names of the steps whose results a step takes."""
        names = {other.name for other in self.steps}
        return tuple(p.name for p in one.parameters if p.name in names)

    def givens(self, one: Step) -> tuple[str, ...]:
        """Names of the givens that a step takes; one with a default need not be given."""
        names = {other.name for other in self.steps}
        return tuple(p.name for p in one.parameters if p.name not in names)

    @property
    def shape(self) -> str:
        """Digest of the names, inputs, reads and versions of all steps; 12 hexadecimal digits."""
        lines = [
            f"{s.name}({','.join(p.name for p in s.parameters)})->{spell(s.returns)} {s.reads} {s.version}"
            for s in self.steps
        ]
        return hashlib.sha256("\n".join([self.name, self.result, *lines]).encode()).hexdigest()[:12]


def _check_names(where: str, steps: Sequence[Step], known: Mapping[str, object]) -> None:
    seen: dict[str, Step] = {}
    for one in steps:
        if one.name in seen:
            raise ConfigError(
                f"{where}: two steps are named {one.name} ({seen[one.name].place} and {one.place}), expected "
                "a name of its own for each. Rename one, or wrap it: step(f, name=...)."
            )
        if one.name in known:
            raise ConfigError(
                f"{where}: step {one.name} ({one.place}) has the name of a given, expected another. "
                f"Given: {', '.join(known)}."
            )
        seen[one.name] = one


def _check_inputs(where: str, one: Step, steps: Mapping[str, Step], known: Mapping[str, object]) -> None:
    for parameter in one.parameters:
        at = f"{where}, step {one.name}, parameter {parameter.name} ({one.place})"
        if parameter.name in steps:
            producer = steps[parameter.name]
            if not fits(producer.returns, parameter.annotation):
                raise ConfigError(
                    f"{at}: is annotated {spell(parameter.annotation)}, but step {producer.name} "
                    f"({producer.place}) returns {spell(producer.returns)}. Make them the same type, or one "
                    "a subclass of the other."
                )
        elif parameter.name in known:
            wanted: Any = known[parameter.name]
            if wanted is not object and not fits(wanted, parameter.annotation):
                raise ConfigError(
                    f"{at}: is annotated {spell(parameter.annotation)}, but what is given under this name is "
                    f"{spell(wanted)}."
                )
        elif parameter.required:
            raise ConfigError(unknown_name(at, "input", parameter.name, {*steps, *known} - {one.name}))


def _ordered(where: str, steps: Mapping[str, Step]) -> list[Step]:
    """Each step after those it needs; otherwise as written (depth first, so a cycle shows its path)."""
    done: dict[str, Step] = {}

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            circle = [*path[path.index(name) :], name]
            first = steps[name]
            raise ConfigError(
                f"{where}: steps need each other in a circle: {' -> '.join(circle)} (each needs the next; "
                f"{first.place}). Take one of these parameters away."
            )
        if name in done:
            return
        for parameter in steps[name].parameters:
            if parameter.name in steps:
                visit(parameter.name, (*path, name))
        done[name] = steps[name]

    for name in steps:
        visit(name, ())
    return list(done.values())
