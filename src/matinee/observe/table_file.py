"""Write a table as a CSV or Parquet file that appears whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
from numpy.typing import NDArray

from matinee.errors import InputError, StorageError
from matinee.observe.lake.connection import connect, literal, quoted

FORMATS = {".parquet": "FORMAT parquet, COMPRESSION zstd", ".csv": "FORMAT csv, HEADER"}


def table_format(path: Path) -> str:
    """Options of DuckDB's COPY for a file name; also refuses a folder that is missing.

    Raises
    ------
    InputError
        The name ends neither in .parquet nor in .csv, or its folder does not exist.
    """
    if path.suffix.lower() not in FORMATS:
        raise InputError(f'{path}: ends in "{path.suffix}", expected .parquet or .csv. Give another name.')
    check_place(path)
    return FORMATS[path.suffix.lower()]


def check_place(path: Path) -> None:
    """Refuse a file to write whose folder is missing, before long work is done for it.

    Raises
    ------
    InputError
        Its folder does not exist, or the path is a folder.
    """
    if not path.absolute().parent.is_dir():
        raise InputError(f"{path}: the folder {path.absolute().parent} does not exist. Make it first.")
    if path.is_dir():
        raise InputError(f"{path}: is a folder, expected the name of a file. Give another name.")


def write_table(path: Path, columns: Mapping[str, NDArray[Any]]) -> None:
    """Write named columns of equal length.

    Raises
    ------
    InputError
        The file's name tells no format, or its folder does not exist.
    StorageError
        The disk is full, or the folder cannot be written; a file that was there before is untouched.
    """
    table_format(path)
    with connect() as con:
        con.register("given", dict(columns))
        copy_table(con, f"SELECT {', '.join(map(quoted, columns))} FROM given", path)


def copy_table(con: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    """Write the rows of a query on a connection.

    Parameters
    ----------
    query : str
        SQL of the rows, in the order of the file.

    Raises
    ------
    InputError
        The file's name tells no format, or its folder does not exist.
    StorageError
        The disk is full, or the folder cannot be written; a file that was there before is untouched.
    """
    options = table_format(path)
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        con.execute(f"COPY ({query}) TO {literal(temporary)} ({options})")
        temporary.replace(path)
    except (duckdb.IOException, OSError) as problem:
        first = str(problem).splitlines()[0]
        raise StorageError(
            f"{path}: could not be written ({first}). Choose another folder, or free some space."
        ) from problem
    finally:
        temporary.unlink(missing_ok=True)
