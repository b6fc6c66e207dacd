"""When and where titles may be shown; a title's windows are replaced as a whole."""

from __future__ import annotations

from pathlib import Path

from matinee.observe.importers.part import Importer, Part
from matinee.observe.importers.table import Table


def parts(path: Path, _scratch: Path) -> list[Part]:
    """One file: CSV, Parquet or NDJSON."""
    return [Part("availability", Table.open(path))]


IMPORTER = Importer(
    "availability", "When and where titles may be shown; a title's windows are replaced as a whole.", parts
)
