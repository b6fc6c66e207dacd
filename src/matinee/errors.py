"""One tree of errors. The command line turns them into exit codes; a library user can catch the root.

    MatineeError                  exit 1
    ├── InputError      (ValueError)       exit 2: a given file or value is wrong; nothing was written
    │   └── ConfigError                    exit 2: a setting is wrong
    ├── NotFoundError   (LookupError)      exit 2: a home, member, title or model that does not exist
    ├── MissingExtraError (ImportError)    exit 2: an optional dependency is not installed
    ├── NotFittedError  (RuntimeError)     exit 1: a model was asked before it learned
    ├── StorageError    (OSError)          exit 1: disk full, unreadable or locked; nothing half-written
    ├── StepError       (RuntimeError)     exit 1: a pipeline's step failed (platform/pipeline/failure.py)
    └── VerdictError    (RuntimeError)     exit 1: a check ran and said no

A message says which thing and its value, what was expected, and what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class MatineeError(Exception):
    """Root of all errors that Matinee raises on purpose."""

    exit_code = 1


class InputError(MatineeError, ValueError):
    """A file, row or argument is wrong. Nothing was written."""

    exit_code = 2


class ConfigError(InputError):
    """A setting is unknown or out of range."""


class NotFoundError(MatineeError, LookupError):
    """Something that was named does not exist."""

    exit_code = 2

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class MissingExtraError(MatineeError, ImportError):
    """An optional dependency is needed and not installed."""

    exit_code = 2

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs the extra {extra!r}. Install it: pip install 'matinee[{extra}]'.")


class NotFittedError(MatineeError, RuntimeError):
    """A model was asked for scores before `fit`."""


class StorageError(MatineeError, OSError):
    """A file could not be read or written. What was there before is untouched."""


class VerdictError(MatineeError, RuntimeError):
    """A check ran to its end and its verdict is no."""


def unknown_name(where: str, noun: str, name: object, known: Iterable[str]) -> str:
    """Text for an unknown name, with the nearest known one; it may be no text at all.

    Examples
    --------
    >>> unknown_name("matinee.toml", "key", "learning_rat", ["epochs", "learning_rate"])
    'matinee.toml: unknown key "learning_rat". Did you mean "learning_rate"? Known: epochs, learning_rate.'
    """
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1) if isinstance(name, str) else []
    near = near or [one for one in names if one.partition(".")[2] == name][:1]
    hint = f' Did you mean "{near[0]}"?' if near else ""
    said = f'"{name}"' if isinstance(name, str) else repr(name)
    return f"{where}: unknown {noun} {said}.{hint} Known: {', '.join(names)}."
