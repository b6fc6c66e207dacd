"""The limited process: reads one job from standard input, answers in lines of JSON on standard output."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from matinee.errors import InputError, MissingExtraError
from matinee.initiatives.artwork.candidates.config import ExtractConfig, Limits
from matinee.initiatives.artwork.candidates.sandbox import limit_self


def main() -> int:
    """Do the job; an error is an answer too."""
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what libraries print is no answer
    given = msgspec.json.decode(sys.stdin.buffer.read())
    limits = msgspec.convert(given["limits"], Limits)
    limit_self(limits)
    try:
        _answer(answers, {"result": _do(given["job"], Path(given["work"]), limits, answers)})
    except MissingExtraError as problem:
        _answer(answers, {"error": str(problem).split(" needs the extra")[0], "kind": "missing"})
    except InputError as problem:
        _answer(answers, {"error": str(problem), "kind": "input"})
    except MemoryError:
        text = (
            f"{given['job']['video']}: decoding needs more than {limits.memory_mb} MB. Nothing was written."
        )
        _answer(answers, {"error": text, "kind": "input"})
    except OSError as problem:
        where = problem.filename or given["work"]
        _answer(answers, {"error": f"{where}: {problem.strerror}. Nothing was written.", "kind": "storage"})
    return 0


def _do(job: dict[str, Any], work: Path, limits: Limits, answers: BinaryIO) -> dict[str, Any]:
    from matinee.initiatives.artwork.candidates.produce import produce

    def progress(step: str, share: float) -> None:
        _answer(answers, {"progress": [step, round(share, 4)]})

    config = msgspec.convert(job["config"], ExtractConfig)
    found = produce(Path(job["video"]), config, work, limits=limits, progress=progress)
    return dict(msgspec.to_builtins(found))


def _answer(answers: BinaryIO, message: dict[str, Any]) -> None:
    line = msgspec.json.encode(message) + b"\n"
    while line:
        line = line[answers.write(line) or 0 :]


if __name__ == "__main__":
    sys.exit(main())
