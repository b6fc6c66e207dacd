"""Events of members: plays, impressions, signals, searches, membership, one row each."""

from __future__ import annotations

from pathlib import Path

from matinee.observe.importers.part import Importer, Part
from matinee.observe.importers.table import Table


def parts(path: Path, _scratch: Path) -> list[Part]:
    """One file: CSV, Parquet or NDJSON."""
    return [Part("events", Table.open(path))]


IMPORTER = Importer(
    "events", "Events of members: plays, impressions, signals, searches, membership, one row each.", parts
)
