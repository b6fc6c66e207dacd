"""What an importer hands over: tables in files, and where their rows belong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from matinee.observe.home import Home
from matinee.observe.importers.staging import Staged, Strictness
from matinee.observe.importers.table import Table
from matinee.observe.lake.writer import LakeWriter


@dataclass(frozen=True, slots=True)
class Preparing:
    """What an importer is given that looks at rows itself, after each value was parsed and checked.

    Attributes
    ----------
    con : DuckDBPyConnection
        The good rows stand in its view `staged`; what is prepared replaces it.
    write : LakeWriter
        For its scratch folder and the state before; nothing is added to it.
    now_us : int
        By the home's clock.
    dry_run : bool
        Check everything and keep no file.
    override_clearance : bool
        Of images: what the file says of approval, limits and withdrawal goes before what was decided.
    """

    home: Home
    con: duckdb.DuckDBPyConnection
    write: LakeWriter
    table: Table
    staged: Staged
    strictness: Strictness
    now_us: int
    dry_run: bool
    override_clearance: bool = False


@dataclass(frozen=True, slots=True)
class Prepared:
    """What became of the rows.

    Attributes
    ----------
    staged : Staged
    from_us : int or None
        Since when they hold. None: now.
    notes : tuple of str
        Sentences for the person who imports.
    """

    staged: Staged
    from_us: int | None = None
    notes: tuple[str, ...] = ()


Prepare = Callable[[Preparing], Prepared]


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a data set.

    Attributes
    ----------
    target : {"events", "titles", "members", "availability", "pins", "artwork"}
    table : Table
    values : mapping or None
        Field name -> SQL over the columns of the file. None: the columns are named as in our own files.
    rating_scale : float or None
        Maximum of the rating scale. None: told from the highest rating.
    prepare : callable or None
        Looks at the rows together before they are written, and at what belongs to them.
    """

    target: str
    table: Table
    values: Mapping[str, str] | None = None
    rating_scale: float | None = None
    prepare: Prepare | None = None


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
        Looks at names and headers only; raises InputError when they are not what it expects. Titles come
        before the events that name them.
    """

    kind: str
    about: str
    parts: Callable[[Path, Path], list[Part]]
