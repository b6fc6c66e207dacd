"""Titles with their facts; a title imported again is a new version from now on."""

from __future__ import annotations

from pathlib import Path

from matinee.observe.importers.part import Importer, Part
from matinee.observe.importers.table import Table


def parts(path: Path, _scratch: Path) -> list[Part]:
    """One file: CSV, Parquet or NDJSON."""
    return [Part("titles", Table.open(path))]


IMPORTER = Importer(
    "titles", "Titles with their facts; a title imported again is a new version from now on.", parts
)
