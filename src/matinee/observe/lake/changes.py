"""Whether facts (titles, availability, pins) have changed: cheap enough to ask every second."""

from __future__ import annotations

from dataclasses import dataclass

from matinee.observe.home import Home
from matinee.observe.lake.manifest import read_manifest

SHARED_FACTS = ("titles", "availability", "pins")
"""Facts that are the same for all members; those of single members are read when they are needed."""


@dataclass(frozen=True, slots=True)
class FactsVersion:
    """What the shared facts rest on; equal while no import changed them and no new version came into force.

    Attributes
    ----------
    files : tuple of (path, begun, wholly begun)
        The lake's files of facts, and whether the first and the last from-date in each have passed.
    """

    files: tuple[tuple[str, bool, bool], ...]

    @staticmethod
    def of(home: Home, at_us: int, *tables: str) -> FactsVersion:
        """The version that holds at a time; of `SHARED_FACTS` unless tables are named.

        Reads the manifest and no data file, so it takes a fraction of a millisecond.

        Raises
        ------
        StorageError
            The manifest is unreadable.

        Examples
        --------
        >>> from pathlib import Path
        >>> empty = Home(Path("no-such-folder"))
        >>> FactsVersion.of(empty, 0) == FactsVersion.of(empty, 1)
        True
        """
        manifest = read_manifest(home.lake)
        return FactsVersion(
            tuple(
                (file.path, file.min_at_us <= at_us, file.max_at_us <= at_us)
                for table in tables or SHARED_FACTS
                for file in manifest.of(table)
            )
        )
