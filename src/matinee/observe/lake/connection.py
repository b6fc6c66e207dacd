"""A DuckDB connection as this project needs it: in memory, UTC, no downloads, bounded memory."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from matinee.errors import StorageError

DEFAULT_MEMORY_MB = 1_500
"""DuckDB's share of the 2 GB that an import may use."""


def connect(
    temp: Path | None = None, *, memory_mb: int = DEFAULT_MEMORY_MB, threads: int | None = None
) -> duckdb.DuckDBPyConnection:
    """Open an in-memory database; what does not fit spills to `temp` (default: the system's temp folder).

    Extensions are never installed or loaded: on closed networks they cannot be downloaded.
    """
    config: dict[str, str | bool | int | float | list[str]] = {
        "temp_directory": str(temp or Path(tempfile.gettempdir()) / "matinee-spill"),
        "memory_limit": f"{memory_mb}MB",
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    if threads is not None:
        config["threads"] = threads
    con = duckdb.connect(":memory:", config=config)
    con.execute("SET TimeZone = 'UTC'")
    con.execute("SET enable_progress_bar = false")
    return con


@contextmanager
def spilling() -> Iterator[duckdb.DuckDBPyConnection]:
    """Open an in-memory database whose temporary files go to a folder that is removed afterwards.

    Raises
    ------
    StorageError
        Inside the block memory or the space for temporary files ran out, or a file could not be read.
    """
    with tempfile.TemporaryDirectory(prefix="matinee-") as folder, connect(Path(folder)) as con:
        try:
            yield con
        except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
            raise StorageError(
                f"{Path(folder).parent}: out of room for temporary files, or a file could not be read "
                f"({str(error).splitlines()[0]}). Free memory, or space there."
            ) from error


def quoted(name: str) -> str:
    """Name of a column or table inside SQL text."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str | Path) -> str:
    """Text value inside SQL text."""
    return "'" + str(text).replace("'", "''") + "'"


def one_file(path: str | Path) -> str:
    r"""Path of a file that is read, inside SQL text: DuckDB takes `*`, `?` and `[` for patterns.

    Examples
    --------
    >>> one_file("plays[1].csv"), one_file("a*.csv")
    ("'plays[[]1].csv'", "'a[*].csv'")
    """
    return literal(re.sub(r"([\[*?])", r"[\1]", str(path)))
