"""The editors' plan: titles and rows at fixed places; the plan is replaced as a whole."""

from __future__ import annotations

from pathlib import Path

from matinee.observe.importers.part import Importer, Part
from matinee.observe.importers.table import Table


def parts(path: Path, _scratch: Path) -> list[Part]:
    """One file: CSV, Parquet or NDJSON."""
    return [Part("pins", Table.open(path))]


IMPORTER = Importer(
    "pins", "The editors' plan: titles and rows at fixed places; the plan is replaced as a whole.", parts
)
