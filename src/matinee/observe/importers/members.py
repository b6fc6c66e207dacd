"""Members with their territory and limits."""

from __future__ import annotations

from pathlib import Path

from matinee.observe.importers.part import Importer, Part
from matinee.observe.importers.table import Table


def parts(path: Path, _scratch: Path) -> list[Part]:
    """One file: CSV, Parquet or NDJSON."""
    return [Part("members", Table.open(path))]


IMPORTER = Importer("members", "Members with their territory and limits.", parts)
