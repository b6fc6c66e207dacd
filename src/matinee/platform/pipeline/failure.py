"""Errors of a step, told with the names of the pipeline and the step."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from matinee.errors import MatineeError, MissingExtraError
from matinee.platform.pipeline.step import Step


class StepError(MatineeError, RuntimeError):
    """The code of a step failed with an error of its own; `__cause__` is that error."""


@contextmanager
def naming(pipeline: str, step: Step) -> Iterator[None]:
    """Put the names of the pipeline and the step in front of what an error says.

    Raises
    ------
    MatineeError
        The same error, for one of ours; else `StepError` with the file and line where it happened.
    """
    where = f"{pipeline}, step {step.name} ({step.place})"
    try:
        yield
    except MatineeError as problem:
        if not str(problem).startswith(f"{pipeline}, step "):
            problem.args = (f"{where}: {problem}",)
            if isinstance(problem, MissingExtraError):
                problem.msg = problem.args[0]
        raise
    except Exception as problem:
        raise StepError(
            f"{where}: {type(problem).__name__}: {problem} (raised in {_line_of(problem)}). Correct the step "
            "and run again: the results of the steps before it are kept."
        ) from problem


def _line_of(problem: Exception) -> str:
    frames = traceback.extract_tb(problem.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "an unknown place"
