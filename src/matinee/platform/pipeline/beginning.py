"""The beginning of a run: what it is given is checked, and fixed for all of its steps."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from matinee.errors import ConfigError
from matinee.platform.pipeline.ingredients import UNTRACKED, check_given, own_givens
from matinee.platform.pipeline.pipeline import Pipeline
from matinee.platform.pipeline.record import RunRecord, versions
from matinee.platform.pipeline.workspace import Workspace
from matinee.types import format_at

KEPT = ("at_us", "seed")
"""Givens that a run's record holds as they are, so that a later step of the run need not be given them."""


@dataclass(frozen=True, slots=True)
class Began:
    """A run that may compute now: its record, and its givens completed from it."""

    record: RunRecord
    given: Mapping[str, Any]


def begin(
    pipeline: Pipeline,
    given: Mapping[str, Any],
    *,
    workspace: Workspace,
    now: Callable[[], int],
    run_id: str | None = None,
    first: Mapping[str, Any] | None = None,
) -> Began:
    """Check what a run is given, against the pipeline and against what the run began with. Writes nothing.

    Raises
    ------
    ConfigError
        As in `run`.
    """
    known = None if run_id is None else workspace.runs.find(run_id)
    values = {name: value for name, value in given.items() if name not in UNTRACKED}
    values = {name: value for name, value in values.items() if value is not None or name not in KEPT}
    if known is None:
        values = {**(first or {}), **values}
    else:
        kept = {"at_us": known.at_us, "seed": known.seed}
        values = {**{name: value for name, value in kept.items() if value is not None}, **values}
    check_given(pipeline, values)
    digests = own_givens(pipeline, values)
    if known is not None:
        _check_same(pipeline, known, digests, values)
        return Began(known, values)
    started_us = now()
    stamp = format_at(started_us).translate({ord("-"): None, ord(":"): None})
    record = RunRecord(
        run_id=run_id or f"{stamp}-{secrets.token_hex(3)}",
        pipeline=pipeline.name,
        started_us=started_us,
        expected=[one.name for one in pipeline.steps],
        at_us=values.get("at_us"),
        seed=values.get("seed"),
        config=msgspec.to_builtins(values.get("config"), str_keys=True, enc_hook=str),
        givens=digests,
        versions=versions(),
    )
    return Began(record, values)


def _check_same(
    pipeline: Pipeline, known: RunRecord, digests: Mapping[str, str], values: Mapping[str, Any]
) -> None:
    where = f"run {known.run_id}"
    if known.pipeline != pipeline.name:
        raise ConfigError(
            f"{where}: is of pipeline {known.pipeline}, expected one of {pipeline.name}. Choose "
            "another run id."
        )
    if known.expected != [one.name for one in pipeline.steps]:
        raise ConfigError(
            f"{where}: began with the steps {', '.join(known.expected)}, but the pipeline has now "
            f"{', '.join(one.name for one in pipeline.steps)}. Begin a run with another id."
        )
    kept: dict[str, Any] = {"at_us": known.at_us, "seed": known.seed}
    for name in sorted({*known.givens, *digests, *KEPT}):
        if name in known.givens or name in digests:
            same = known.givens.get(name) == digests.get(name)
        else:  # no step takes it, but the record holds it
            same = values.get(name) == kept.get(name)
        if same:
            continue
        before: Any = (kept | {"config": known.config}).get(name)
        state = f"is {str(values[name])[:80]}" if name in values else "is not given"
        began = f" ({str(before)[:80]})" if before is not None else ""
        raise ConfigError(
            f"{where}: {name} {state}, expected what the run began with{began}. Give that again, or begin "
            "a run with another id."
        )
