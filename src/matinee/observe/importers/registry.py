"""Finds the importers: every file of this folder that holds an `IMPORTER`."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from pathlib import Path

from matinee.errors import InputError, unknown_name
from matinee.observe.importers.part import Importer


@cache
def importers() -> dict[str, Importer]:
    """Kind -> importer, in alphabetical order."""
    package = __name__.rpartition(".")[0]
    found = {}
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        importer = getattr(importlib.import_module(f"{package}.{module.name}"), "IMPORTER", None)
        if isinstance(importer, Importer):
            found[importer.kind] = importer
    return dict(sorted(found.items()))


def importer_of(kind: str) -> Importer:
    """Importer of a kind.

    Raises
    ------
    InputError
        There is none; the message names the nearest and all others.
    """
    if kind not in importers():
        raise InputError(unknown_name("import", "kind", kind, importers()))
    return importers()[kind]
