"""Upgrade: bring a home to the format of this program, with a backup of what changes and a way back.

HOME/backups/<from>-<to>-<time>/    the files as they were, and backup.json, which says how far it got
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from matinee import settings
from matinee.errors import InputError, StorageError
from matinee.observe.copies import BESIDE, copy_file
from matinee.observe.home import Home
from matinee.observe.home_format import FORMAT_FILE, check_format, write_format
from matinee.platform.config import PlatformConfig
from matinee.platform.lifecycle.project import open_registry
from matinee.platform.pipeline.cache import read_struct, write_struct
from matinee.types import format_at

FOLDER, RECORD = "backups", "backup.json"
ELSEWHERE = (
    "The registry is in PostgreSQL: its tables are brought up to date too, and are in no backup of the home. "
    "Make one first: pg_dump."
)


@dataclass(frozen=True, slots=True)
class Migration:
    """One step from a format to the next.

    Attributes
    ----------
    to : int
        The format that it leads to.
    what : str
        In words, for people.
    touches : tuple of str
        Files below the home that it changes or makes; they are in the backup.
    makes : tuple of str
        Folders that it makes; the way back removes those that are empty.
    run : callable
        Does it. It may be killed and run again, and is not undone by itself.
    """

    to: int
    what: str
    touches: tuple[str, ...]
    makes: tuple[str, ...]
    run: Callable[[Home], None]


class Backup(msgspec.Struct, frozen=True):
    """What an upgrade set aside.

    Attributes
    ----------
    state : {"made", "done", "restoring", "restored"}
        "made": the upgrade has begun. "restoring": the way back has.
    files : dict of str to bool
        File below the home -> whether it was there.
    folders : list of str
        Folders that were not there.
    """

    begins: int
    ends: int
    state: Literal["made", "done", "restoring", "restored"]
    files: dict[str, bool]
    folders: list[str]


@dataclass(frozen=True, slots=True)
class Upgraded:
    """What an upgrade, or a way back, did or would do.

    Attributes
    ----------
    before, after : int
        Formats.
    steps : list of str
    backup : str or None
        Folder below the home; None where nothing is to be done, or in a dry run.
    note : str
        What the backup does not hold.
    """

    before: int
    after: int
    steps: list[str]
    backup: str | None = None
    note: str = ""


def servers_and_receipts(home: Home) -> None:
    """To format 2: folders for servers and receipts, and the registry's tables up to date."""
    for name in ("work/serve", "receipts"):
        (home.root / name).mkdir(parents=True, exist_ok=True)
    platform = settings.load(home.settings, "platform", PlatformConfig)
    if platform.registry or home.meta_db.exists():
        open_registry(home, platform).close()


MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        2,
        "folders for servers and receipts, tables of the registry",
        ("meta.db",),
        ("work", "work/serve", "receipts"),
        servers_and_receipts,
    ),
)
"""In order; each leads to the next format. One that was published is never edited."""


def upgrade(
    home: Home,
    *,
    now_us: int,
    dry_run: bool = False,
    migrations: tuple[Migration, ...] = MIGRATIONS,
) -> Upgraded:
    """Bring a home to the newest format; stop its servers first.

    It may be killed at any moment and run again: the backup is made once, before anything changes, and the
    home has the new format only when all is done.

    Raises
    ------
    StorageError
        The home is of a newer Matinee, a way back has begun and not ended, or the disk is full.
    """
    before = check_format(home.root)
    newest = migrations[-1].to
    steps = [one for one in migrations if one.to > before]
    note = ELSEWHERE if settings.load(home.settings, "platform", PlatformConfig).registry else ""
    if dry_run or not steps:
        if not dry_run:
            _close_done(home, before)
        return Upgraded(before, newest if steps else before, [one.what for one in steps], note=note)
    try:
        folder, backup = _set_aside(home, before, newest, steps, now_us)
        for one in steps:
            one.run(home)
        write_format(home.root, newest)
        write_struct(folder / RECORD, msgspec.structs.replace(backup, state="done"))
    except StorageError:
        raise
    except OSError as problem:
        raise StorageError(
            f"{home.root}: the upgrade stopped ({problem.strerror or problem}). Free space, or make the home "
            "writable, and run it again; the backup is in backups/."
        ) from problem
    name = folder.relative_to(home.root).as_posix()
    return Upgraded(before, newest, [one.what for one in steps], name, note)


def go_back(home: Home, *, dry_run: bool = False) -> Upgraded:
    """Undo the last upgrade: put back what it changed. What was registered since then is lost.

    Raises
    ------
    InputError
        There is no upgrade to undo.
    StorageError
        The disk is full. Run it again: it goes on.
    """
    now = check_format(home.root)
    found = [(f, b) for f, b in _backups(home) if b.state in ("restoring", "done", "made")]
    begun = [pair for pair in found if pair[1].state == "restoring"]
    there = begun or [pair for pair in found if pair[1].ends == now or pair[1].state == "made"]
    if not there:
        raise InputError(
            f"{home.root}: no upgrade to undo, expected a backup of one to format {now} in {FOLDER}/. "
            "Nothing was changed."
        )
    folder, backup = there[-1]
    name = folder.relative_to(home.root).as_posix()
    files = [f"{'restore' if was else 'remove'} {file}" for file, was in backup.files.items()]
    if dry_run:
        return Upgraded(now, backup.begins, files, name)
    try:
        write_struct(folder / RECORD, msgspec.structs.replace(backup, state="restoring"))
        for file, was_there in backup.files.items():
            _put_back(folder / file, home.root / file, was_there=was_there)
        for made in reversed(backup.folders):
            if (home.root / made).is_dir() and not any((home.root / made).iterdir()):
                (home.root / made).rmdir()
        write_struct(folder / RECORD, msgspec.structs.replace(backup, state="restored"))
    except OSError as problem:
        raise StorageError(
            f"{home.root}: the way back stopped ({problem.strerror or problem}). Free space, or make the "
            "home writable, and run it again."
        ) from problem
    return Upgraded(now, backup.begins, files, name)


def _set_aside(
    home: Home, before: int, newest: int, steps: list[Migration], now_us: int
) -> tuple[Path, Backup]:
    """The backup of an upgrade that was killed, else a new one."""
    for folder, backup in _backups(home):
        if backup.state == "restoring":
            raise StorageError(
                f"{folder}: a way back has begun, expected it to be done first. Run: matinee upgrade --back"
            )
        if backup.state == "made" and backup.begins == before:
            return folder, backup
    stamp = format_at(now_us).translate({ord("-"): None, ord(":"): None})
    folder = home.root / FOLDER / f"{before}-{newest}-{stamp}"
    shutil.rmtree(folder, ignore_errors=True)  # of one that was killed before it had a record
    files = dict.fromkeys((*(file for one in steps for file in one.touches), FORMAT_FILE), False)
    for file in files:
        if (home.root / file).is_file():
            copy_file(home.root / file, folder / file)
            files[file] = True
    folders = [name for one in steps for name in one.makes if not (home.root / name).exists()]
    backup = Backup(before, newest, "made", files, folders)
    write_struct(folder / RECORD, backup)
    return folder, backup


def _close_done(home: Home, now: int) -> None:
    """Note that an upgrade is done which was killed after its last step."""
    for folder, backup in _backups(home):
        if backup.state == "made" and backup.ends <= now:
            write_struct(folder / RECORD, msgspec.structs.replace(backup, state="done"))


def _backups(home: Home) -> list[tuple[Path, Backup]]:
    """Backups of upgrades, the oldest first."""
    found = [(path.parent, read_struct(path, Backup)) for path in (home.root / FOLDER).glob(f"*/{RECORD}")]
    known = [(folder, backup) for folder, backup in found if backup is not None]
    return sorted(known, key=lambda pair: (pair[1].ends, pair[0].name))


def _put_back(source: Path, target: Path, *, was_there: bool) -> None:
    for end in BESIDE:  # of the newer database; with the older one they would be taken for its own
        target.with_name(target.name + end).unlink(missing_ok=True)
    if was_there:
        copy_file(source, target)
    else:
        target.unlink(missing_ok=True)
