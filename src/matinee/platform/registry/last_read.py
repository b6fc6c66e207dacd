"""What was read stands until the registry is written to: for whoever would ask the same every second."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, TypeVar

from matinee.platform.registry.connection import Stamp
from matinee.platform.registry.registry import Registry

ANYWAY_S = 30.0
"""So often it is read even though nothing seems to have been written."""
T = TypeVar("T")


class LastRead(Generic[T]):
    """One question to the registry, answered anew only where the answer may be another.

    Two looks at files in place of the query; where files tell nothing (PostgreSQL, `Database.stamp`) each
    call asks. Several threads may call.

    Parameters
    ----------
    registry : Registry
    read : callable
        Asks. Its answer depends on nothing but the registry. What it raises is raised, and not kept.
    """

    def __init__(self, registry: Registry, read: Callable[[], T]) -> None:
        self._registry, self._read = registry, read
        self._kept: tuple[Stamp, float, T] | None = None

    def __call__(self) -> T:
        """The answer."""
        kept, stamp, now = self._kept, self._registry.database.stamp(), time.monotonic()
        if kept is not None and kept[0] == stamp and now < kept[1]:
            return kept[2]
        found = self._read()
        self._kept = None if stamp is None else (stamp, now + ANYWAY_S, found)
        return found
