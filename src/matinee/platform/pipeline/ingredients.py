"""What a step's result depends on in one run: its code, the results and the givens that go in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matinee.errors import ConfigError, InputError, unknown_name
from matinee.observe.outages import TABLE as OUTAGES
from matinee.platform.pipeline.annotations import fits, spell
from matinee.platform.pipeline.cache import Ingredients
from matinee.platform.pipeline.code import CodeReader, Fingerprint
from matinee.platform.pipeline.digest import digest
from matinee.platform.pipeline.lake_state import table_digests
from matinee.platform.pipeline.pipeline import Pipeline
from matinee.platform.pipeline.step import Step

UNTRACKED = ("progress", "scratch")
"""Givens that do not change a result, so they are no ingredient."""
READERS = ("open_events", "open_facts")


def code_reader(pipeline: Pipeline) -> CodeReader:
    """Reader of the code of a pipeline's steps."""
    return CodeReader(one.function for one in pipeline.steps)


def ingredients(
    pipeline: Pipeline, step: Step, code: Fingerprint, inputs: Mapping[str, str], given: Mapping[str, Any]
) -> Ingredients:
    """Ingredients of a step whose inputs are known.

    Parameters
    ----------
    inputs : mapping of str to str
        Artefact of each step whose result it takes.
    given : mapping
        Values of the run by name; those that the step does not take are left out.

    Raises
    ------
    InputError
        The content of a given cannot be told.
    StorageError
        The lake cannot be read.
    """
    digests: dict[str, str] = {}
    for name in pipeline.givens(step):
        if name in UNTRACKED or name not in given:
            continue
        if name == "home":
            at_us = given.get("at_us") if step.takes("at_us") else None
            also = [OUTAGES] if given["home"].learning else []  # they decide what is left out
            found = table_digests(given["home"], {*step.reads, *also}, at_us)
            digests |= {f"home.{table}": one for table, one in found.items()}
        else:
            digests[name] = digest(given[name], name)
    return Ingredients(
        code=code.digest,
        version=step.version,
        result=f"{step.codec.name} {spell(step.returns)}",
        inputs={name: inputs[name] for name in pipeline.inputs(step)},
        givens=digests,
    )


def check_given(pipeline: Pipeline, given: Mapping[str, Any]) -> None:
    """Refuse a run before anything is computed: a given that is missing, unknown or of another type.

    Raises
    ------
    ConfigError
        The message names step, parameter and value.
    """
    for name in given:
        if name not in pipeline.given and not any(one.takes(name) for one in pipeline.steps):
            raise ConfigError(unknown_name(f"pipeline {pipeline.name}", "given", name, pipeline.given))
    for step in pipeline.steps:
        steps = set(pipeline.inputs(step))
        for parameter in step.parameters:
            if parameter.name in steps or parameter.name in UNTRACKED:
                continue
            at = f"pipeline {pipeline.name}, step {step.name}, parameter {parameter.name} ({step.place})"
            if parameter.name not in given:
                if parameter.required:
                    raise ConfigError(
                        f"{at}: nothing is given under this name, expected {spell(parameter.annotation)}. "
                        f"Given: {', '.join(given) or 'nothing'}."
                    )
            elif not fits(type(given[parameter.name]), parameter.annotation):
                value = given[parameter.name]
                raise ConfigError(
                    f"{at}: {type(value).__name__} {str(value)[:60]} is given, expected "
                    f"{spell(parameter.annotation)}."
                )
            elif parameter.name != "home":
                try:
                    digest(given[parameter.name], parameter.name)
                except InputError as problem:
                    raise ConfigError(f"{at}: {problem}") from None


def check_reads(pipeline: Pipeline, codes: CodeReader) -> None:
    """Refuse a step one of whose functions names a table of the lake that the step does not declare.

    Seen are the names that functions reached from the step write where they call `open_events` or
    `open_facts`. Names put together at run time are refused when the table is opened.

    Raises
    ------
    ConfigError
        The message names the step, the function and the table.
    """
    for step in pipeline.steps:
        if not step.reads:
            continue
        for function in codes.functions(step.function):
            if not {*READERS} & {*function.__code__.co_names}:
                continue
            for table in sorted(codes.tables(function) - {*step.reads}):
                reads = ", ".join(f'"{name}"' for name in (*step.reads, table))
                raise ConfigError(
                    f"pipeline {pipeline.name}, step {step.name} ({step.place}): {function.__module__}."
                    f"{function.__name__} reads {table}, which the step does not declare. Write "
                    f"step({step.name}, reads=({reads}))."
                )


def own_givens(pipeline: Pipeline, given: Mapping[str, Any]) -> dict[str, str]:
    """Digests by which two runs under one id are compared: of all givens that a step takes but `home`."""
    taken = {name for one in pipeline.steps for name in pipeline.givens(one)}
    names = [name for name in given if name in taken and name not in (*UNTRACKED, "home")]
    return {name: digest(given[name], name) for name in sorted(names)}
