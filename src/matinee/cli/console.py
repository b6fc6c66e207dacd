"""What every command does the same way: print, report progress, turn errors into a line and an exit code."""

from __future__ import annotations

import errno
import math
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from matinee.errors import MatineeError

if TYPE_CHECKING:
    from rich.console import Console

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141
WIDTH_IN_A_FILE = 112
"""Width of tables and pages that are not printed to a terminal, in characters."""
WIDEST_LEFT = 30
"""Room that a text column of a table is given before it is folded, in characters."""

Report = Callable[[str, float], None]
"""Called with what is being done and the share that is done, 0 to 1."""


def out() -> Console:
    """Console for results, on standard output. With --json print nothing here; use `print_json`."""
    from rich.console import Console

    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else WIDTH_IN_A_FILE
    return Console(highlight=False, markup=False, emoji=False, width=width)


def err() -> Console:
    """Console for notes and progress, on standard error."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, markup=False, emoji=False)


def say(text: str, *, quiet: bool = False) -> None:
    """Print one plain line to standard output unless `quiet` (as with --json)."""
    if not quiet:
        sys.stdout.write(text + "\n")


def note(text: str, *, quiet: bool = False) -> None:
    """Print one plain line to standard error unless `quiet`."""
    if not quiet:
        sys.stdout.flush()
        sys.stderr.write(text + "\n")


def print_json(value: object) -> None:
    """Print a value (dict, list, dataclass, msgspec struct, numpy scalar or array) as one JSON document.

    NaN and infinities become null, as JSON has no word for them.
    """
    import msgspec

    data = msgspec.json.encode(value, enc_hook=_plain)
    sys.stdout.write(msgspec.json.format(data, indent=2).decode() + "\n")


def print_table(
    rows: Sequence[Sequence[object]], columns: Sequence[str], *, title: str | None = None, left: int = 1
) -> None:
    """Print rows under column names; the first `left` columns are text, the others are aligned right."""
    from rich import box
    from rich.table import Table

    cells = [[_cell(value) for value in row] for row in rows]
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for i, name in enumerate(columns):
        column = [row[i] for row in cells]
        words = [len(word) for text in [name, *column] for word in text.split()]
        least = min(max(map(len, column), default=0), WIDEST_LEFT) if i < left else max(words, default=0)
        table.add_column(name, justify="left" if i < left else "right", overflow="fold", min_width=least)
    for row in cells:
        table.add_row(*row)
    # A table never loses a column: where the terminal is too narrow, its lines run over.
    out().print(table, crop=False)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "-" if math.isnan(value) else f"{value:.4f}"
    return str(value)


@contextmanager
def progress(what: str, *, quiet: bool = False) -> Iterator[Report]:
    """Show a progress bar on standard error while the block runs; nothing when that is not a terminal.

    Examples
    --------
    >>> with progress("Training") as report:
    ...     report("counting pairs", 0.5)
    """
    if quiet or not sys.stderr.isatty():
        yield lambda _step, _share: None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"))
    with Progress(*columns, TimeElapsedColumn(), console=err(), transient=True) as bar:
        task = bar.add_task(what, total=1.0)

        def report(step: str, share: float) -> None:
            bar.update(task, description=f"{what}: {step}" if step else what, completed=share)

        yield report


def guarded(run: Callable[[], object], *, json: bool, debug: bool) -> int:
    """Run a command and turn what it returns or raises into an exit code, with one line about an error."""
    try:
        result = run()
        sys.stdout.flush()
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted\n")
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader has gone (as in `matinee ... | head`); keep Python quiet about it while it shuts down.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BROKEN_PIPE
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else EXIT_FAILED if stop.code else EXIT_OK
    except Exception as problem:
        if isinstance(problem, RuntimeError) and "Query interrupted" in str(problem):
            sys.stderr.write("\ninterrupted\n")
            return EXIT_INTERRUPTED
        if debug:
            traceback.print_exc()
        message, code = explain(problem)
        if code == EXIT_FAILED and not debug and not isinstance(problem, MatineeError | OSError):
            message += " This is a bug in Matinee: run again with --debug (or MATINEE_DEBUG=1) for the trace."
        report_error(message, code, json=json)
        return code
    return result if isinstance(result, int) and not isinstance(result, bool) else EXIT_OK


def explain(problem: Exception) -> tuple[str, int]:
    """Message and exit code of an exception.

    Examples
    --------
    >>> explain(ValueError("x is 3"))
    ('ValueError: x is 3', 1)
    """
    text = " ".join(str(problem).split())
    if is_disk_full(problem):
        where = getattr(problem, "filename", None)
        at = f" while writing {where}" if where else ""
        return (
            f"The disk is full{at}. Nothing was left half-written. Free some space and run it again.",
            EXIT_FAILED,
        )
    if isinstance(problem, MatineeError):
        return str(problem), problem.exit_code
    if isinstance(problem, OSError) and problem.filename is not None:
        return f"{problem.filename}: {(problem.strerror or text).lower()}.", EXIT_FAILED
    if isinstance(problem, MemoryError):
        return "Out of memory. Use fewer events or a machine with more memory.", EXIT_FAILED
    return f"{type(problem).__name__}: {text}", EXIT_FAILED


def is_disk_full(problem: BaseException) -> bool:
    """Whether an exception, or one that caused it, says that no space is left (DuckDB says it in words)."""
    seen: BaseException | None = problem
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        if "No space left on device" in str(seen):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def report_error(message: str, code: int, *, json: bool) -> None:
    """Write `error: …`, or with --json an object with `error` and `exit_code`, to standard error."""
    if json:
        import msgspec

        line = msgspec.json.encode({"error": message, "exit_code": code}).decode()
    else:
        line = f"error: {message}"
    sys.stderr.write(line + "\n")


def _plain(value: object) -> Any:
    import numpy as np

    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    return str(value)
