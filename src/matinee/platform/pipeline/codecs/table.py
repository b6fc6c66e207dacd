"""Tables on disk: a Parquet file or a folder of them, handed on without being read."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from matinee.errors import InputError, StorageError
from matinee.observe.lake.connection import connect, literal
from matinee.observe.table_file import write_table
from matinee.platform.pipeline.annotations import plain

MAGIC = b"PAR1"


@dataclass(frozen=True, slots=True)
class Table:
    """A Parquet file, or a folder that holds Parquet files (`day=.../x.parquet` or flat).

    A step writes it in its `scratch` folder; the store copies it, and later steps get the copy's place.

    Attributes
    ----------
    path : Path

    Examples
    --------
    A step with `scratch: Path` writes and returns:

    >>> import tempfile, numpy as np
    >>> with tempfile.TemporaryDirectory() as scratch:
    ...     table = Table.write(Path(scratch) / "t.parquet", {"x": np.array([1, 2])})
    ...     table.relation().startswith("read_parquet(")
    True
    """

    path: Path

    @staticmethod
    def write(path: Path, columns: Mapping[str, NDArray[Any]]) -> Table:
        """Write named columns of equal length to a new Parquet file."""
        write_table(path, columns)
        return Table(path)

    def relation(self) -> str:
        """SQL of the rows, for a query of DuckDB."""
        source = self.path / "**" / "*.parquet" if self.path.is_dir() else self.path
        return f"read_parquet({literal(source)}, union_by_name = true)"

    def columns(self) -> dict[str, NDArray[Any]]:
        """All columns in memory, in the order of the file."""
        with connect() as con:
            found = con.execute(f"SELECT * FROM {self.relation()}").fetchnumpy()
        return {name: np.asarray(column) for name, column in found.items()}


@dataclass(frozen=True, slots=True)
class TableCodec:
    """The Parquet file or folder under the name `table.parquet` or `table`."""

    name: str = "table"
    in_memory: bool = False

    def save(self, value: Any, folder: Path) -> None:
        """Copy the files."""
        if not isinstance(value, Table):
            raise InputError(f"result is a {type(value).__name__}, expected a Table as annotated.")
        files = sorted(value.path.rglob("*.parquet")) if value.path.is_dir() else [value.path]
        for file in files:
            _check_parquet(file)
        if not files:
            raise InputError(f"{value.path}: holds no .parquet file, expected at least one for a Table.")
        if not value.path.is_dir():
            shutil.copyfile(value.path, folder / "table.parquet")
            return
        for file in files:
            copy = folder / "table" / file.relative_to(value.path)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)

    def load(self, folder: Path) -> Table:
        """Where the files are now."""
        for name in ("table.parquet", "table"):
            if (folder / name).exists():
                return Table(folder / name)
        raise StorageError(
            f"{folder}: holds no table, expected table.parquet. Delete the folder and run again."
        )


def table_codec(annotation: object) -> TableCodec | None:
    """Codec of `Table`, else None."""
    return TableCodec() if plain(annotation) is Table else None


def _check_parquet(file: Path) -> None:
    try:
        with file.open("rb") as opened:
            begins = opened.read(4)
        if begins == MAGIC:
            with connect() as con:
                con.execute(f"SELECT 1 FROM parquet_file_metadata({literal(file)})")
            return
    except FileNotFoundError:
        raise InputError(f"{file}: does not exist, expected the Parquet file of a Table.") from None
    except duckdb.Error as problem:
        raise InputError(
            f"{file}: not a whole Parquet file ({str(problem).splitlines()[0]}). Write it again."
        ) from problem
    raise InputError(f"{file}: begins with {begins!r}, expected a Parquet file. Write it with Table.write.")
