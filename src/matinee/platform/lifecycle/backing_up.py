"""Backup and restore: one consistent state of a home, taken while servers run, checked by reading it back.

The registry is copied before the models, so that each model it names is there. The lake is held by its lock
while its files get a second name on the same disk, and with it the log: an event is in the one or the other.
What can be computed again (the state of members, results of pipelines) is left out.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb
import msgspec

from matinee import __version__, settings
from matinee.errors import InputError, NotFoundError, StorageError
from matinee.observe.catalogue.artwork import FOLDER as ARTWORK
from matinee.observe.copies import copy_file, link_file
from matinee.observe.home import SETTINGS_FILE, Home
from matinee.observe.home_format import FORMAT_FILE, check_format
from matinee.observe.lake.connection import connect, literal
from matinee.observe.lake.manifest import read_manifest, swap_manifest, sync_folder
from matinee.observe.lake.writer import writing
from matinee.observe.log import segment_name, segments
from matinee.platform.config import PlatformConfig
from matinee.platform.lifecycle.project import open_registry
from matinee.platform.pipeline.cache import read_struct, write_struct
from matinee.platform.pipeline.scratch import scratch
from matinee.platform.pipeline.workspace import Workspace

RECORD = "backup.json"
FILES = ("meta.db", "erased.txt", "erasure.key")
FOLDERS = ("releases", "initiatives", "receipts")
NO_LIMIT = 1_000_000
REGISTRY_ELSEWHERE = "The registry is in PostgreSQL and not in this backup: pg_dump it as well."


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup holds; `backup.json`, written last.

    Attributes
    ----------
    taken_us : int
        Wall time at the end.
    files : dict of str to int
        Bytes of each file.
    events : int
        Rows of the lake's tables.
    note : str
        What is not in it.
    """

    taken_us: int
    files: dict[str, int]
    events: int
    note: str = ""
    matinee: str = __version__
    format: int = 1


@dataclass(frozen=True, slots=True)
class Restored:
    """A home that was made from a backup. `erased`: somebody was erased before it was taken."""

    home: Home
    saved: Saved
    erased: bool


def back_up(home: Home, target: Path, *, now_us: int) -> Saved:
    """Copy a home to a new folder; servers may run meanwhile.

    Raises
    ------
    InputError
        The folder holds something, or lies inside the home.
    StorageError
        The disk is full, or another process keeps the lake. A backup without backup.json is none.
    """
    _check_target(home, target)
    platform = settings.load(home.settings, "platform", PlatformConfig)
    try:
        target.mkdir(parents=True, exist_ok=True)
        copied = dict(_copies(home, target, _small(home)))
        copied |= dict(_copies(home, target, _evaluations(home)))
        folders = (p for name in FOLDERS for p in _below(home.root / name))
        copied |= dict(_copies(home, target, folders))
        with scratch(home.work / "scratch") as place:
            _snapshot(home, place)
            copied |= dict(_copies(Home(place), target, _below(place)))
        # After the lake: a file is there before the facts that name it.
        copied |= dict(_copies(home, target, _below(home.root / ARTWORK)))
        events = check_lake(Home(target))
        saved = Saved(
            taken_us=now_us,
            files=dict(sorted(copied.items())),
            events=events,
            note=REGISTRY_ELSEWHERE if platform.registry else "",
        )
        write_struct(target / RECORD, saved)
    except (StorageError, InputError):
        raise
    except OSError as problem:
        raise StorageError(
            f"{target}: the backup stopped ({problem.strerror or problem}). Delete the folder, free space "
            "and run it again; the home is untouched."
        ) from problem
    return saved


def restore(source: Path, folder: Path) -> Restored:
    """Make a home from a backup.

    Raises
    ------
    NotFoundError
        The folder holds no finished backup.
    InputError
        The new folder holds something.
    StorageError
        A file of the backup is missing or shorter than it was, or the disk is full. Then there is no home.
    """
    saved = read_struct(source / RECORD, Saved)
    if saved is None:
        raise NotFoundError(
            f"{source}: no {RECORD} here, expected a finished backup. Make one: matinee backup {source}"
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder}: is there and not empty, expected a new folder. Give another name.")
    check_format(source)
    for name, size in saved.files.items():
        found = (source / name).stat().st_size if (source / name).is_file() else None
        if found != size:
            raise StorageError(
                f"{source / name}: has {'no' if found is None else found} bytes, expected {size}: the backup "
                "is damaged. Take another one; nothing was made."
            )
    home = Home(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in saved.files:
            if name != SETTINGS_FILE:  # it makes the folder a home, so it comes last
                copy_file(source / name, folder / name)
        for path in (home.log, home.lake, home.releases):
            path.mkdir(exist_ok=True)
        check_lake(home)
        copy_file(source / SETTINGS_FILE, home.settings)
    except OSError as problem:
        if isinstance(problem, StorageError):
            raise
        raise StorageError(
            f"{folder}: could not be made ({problem.strerror or problem}). Delete it, free space and run it "
            "again."
        ) from problem
    return Restored(home, saved, (folder / "erased.txt").is_file())


def check_lake(home: Home) -> int:
    """Read every file that the manifest names; returns how many rows there are.

    Raises
    ------
    StorageError
        A file is missing, unreadable, or has another number of rows than the manifest says.
    """
    rows = 0
    with connect() as con:
        for file in read_manifest(home.lake).files:
            path = home.lake / file.path
            try:
                query = f"SELECT num_rows FROM parquet_file_metadata({literal(path)})"
                (found,) = con.execute(query).fetchall()[0]
            except (duckdb.Error, OSError) as problem:
                raise StorageError(
                    f"{path}: cannot be read ({str(problem).splitlines()[0]}), expected {file.rows} rows."
                ) from problem
            if found != file.rows:
                raise StorageError(f"{path}: has {found} rows, expected {file.rows}. Take another backup.")
            rows += found
    return rows


def _check_target(home: Home, target: Path) -> None:
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise InputError(f"{target}: is there and not empty, expected a new folder. Give another name.")
    if home.root.resolve() in (target.resolve(), *target.resolve().parents):
        raise InputError(
            f"{target}: lies inside the home, expected a folder elsewhere, best on another disk."
        )


def _small(home: Home) -> Iterator[Path]:
    yield from (p for p in (home.root / name for name in (*FILES, FORMAT_FILE, SETTINGS_FILE)) if p.is_file())


def _evaluations(home: Home) -> Iterator[Path]:
    """Files of the evaluations that gates compare with."""
    if not home.meta_db.exists():
        return
    store = Workspace(home.work).store
    with open_registry(home) as registry:
        for initiative in registry.initiatives.all():
            for row in registry.models.evaluations(initiative.name, limit=NO_LIMIT):
                if row.folder and (home.root / row.folder).is_relative_to(store.root):
                    yield from _below((home.root / row.folder).parent)


def _below(folder: Path) -> Iterator[Path]:
    yield from (p for p in sorted(folder.rglob("*")) if p.is_file() and not p.name.startswith("."))


def _snapshot(home: Home, place: Path) -> None:
    """The lake and the log of one moment, under second names in a folder on the same disk."""
    held = Home(place)
    held.lake.mkdir()
    held.log.mkdir()
    with writing(home.lake) as write:
        for file in write.before.files:
            link_file(home.lake / file.path, held.lake / file.path)
        for path in segments(home.log):
            if path.name in write.before.segments:
                continue  # its events are in the lake
            try:
                shutil.copyfile(path, held.log / path.name)  # not a link: it grows
            except FileNotFoundError:  # closed meanwhile, and nobody can take it into the lake now
                with suppress(FileNotFoundError):  # it was empty
                    shutil.copyfile(home.log / segment_name(path), held.log / segment_name(path))
        swap_manifest(held.lake, msgspec.structs.replace(write.before, retired=[], segments=[]))
    sync_folder(place)


def _copies(home: Home, target: Path, paths: Iterator[Path]) -> Iterator[tuple[str, int]]:
    for path in paths:
        name = path.relative_to(home.root).as_posix()
        yield name, copy_file(path, target / name)
