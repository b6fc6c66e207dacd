"""Modules of steps that a test writes, edits and imports again, as a developer would."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from matinee.platform.pipeline.pipeline import Pipeline
from matinee.platform.pipeline.record import RunRecord


def write_and_import(folder: Path, name: str, text: str) -> ModuleType:
    """Write `name.py` and import it anew, whatever was imported under the name before."""
    path = folder / f"{name}.py"
    path.write_text("from __future__ import annotations\n" + text, encoding="utf-8")
    sys.modules.pop(name, None)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), module.__dict__)
    return module


def states(record: RunRecord) -> dict[str, str]:
    """Step -> ran, cached or failed."""
    return {one.name: one.state for one in record.steps}


def artefacts(record: RunRecord) -> dict[str, str]:
    """Step -> name of its result."""
    return {one.name: one.artefact for one in record.steps}


def pipeline_of(module: ModuleType, *names: str) -> Pipeline:
    """Pipeline of a module's functions."""
    return Pipeline(module.__name__, [getattr(module, name) for name in names])
