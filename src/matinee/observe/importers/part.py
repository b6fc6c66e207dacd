"""What an importer hands over: tables in files, and where their rows belong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from matinee.observe.importers.table import Table


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a data set.

    Attributes
    ----------
    target : {"events", "titles", "members", "availability", "pins"}
    table : Table
    values : mapping or None
        Field name -> SQL over the columns of the file. None: the columns are named as in our own files.
    rating_scale : float or None
        Maximum of the rating scale. None: told from the highest rating.
    """

    target: str
    table: Table
    values: Mapping[str, str] | None = None
    rating_scale: float | None = None


@dataclass(frozen=True, slots=True)
class Importer:
    """A kind of data that `matinee import` knows. A file in this folder that holds `IMPORTER` adds one.

    Attributes
    ----------
    kind : str
        The word on the command line.
    about : str
        One line for the help.
    parts : callable
        From the path that was given and a scratch folder (for unpacked archives) to the files to read.
        Looks at names and headers only; raises InputError when they are not what it expects.
    """

    kind: str
    about: str
    parts: Callable[[Path, Path], list[Part]]
