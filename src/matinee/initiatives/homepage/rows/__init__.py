"""The kinds of row, one file each. A file that declares `ROW_KIND` is found by itself."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from matinee.errors import ConfigError
from matinee.initiatives.homepage.rows.base import RowKind


@cache
def row_kinds() -> dict[str, RowKind]:
    """All declared kinds by name, sorted by name.

    Raises
    ------
    ConfigError
        Two files declare the same name.
    """
    found: dict[str, RowKind] = {}
    for info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{info.name}")
        kind = getattr(module, "ROW_KIND", None)
        if kind is None:
            continue
        if kind.name in found:
            raise ConfigError(
                f'Row kinds: the name "{kind.name}" is declared twice, expected once. Rename the one in '
                f"rows/{info.name}.py."
            )
        found[kind.name] = kind
    return dict(sorted(found.items()))
