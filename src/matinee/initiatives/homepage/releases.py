"""Trained models of the homepage in a home: written whole or not at all, the current one named by a pointer.

    HOME/releases/homepage/<time of the data>-<hash of the files>/   release.json and the model's files
    HOME/releases/homepage/current                                   name of the folder that is in use

The same training gives the same name, so training twice stores one release.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec

from matinee import __version__
from matinee.errors import NotFoundError, StorageError
from matinee.observe.home import Home
from matinee.observe.lake.manifest import sync_file, sync_folder
from matinee.observe.locks import lock_file
from matinee.types import format_at

POINTER = "current"
RELEASE_FORMAT = 1


class ReleaseCard(msgspec.Struct, frozen=True):
    """What `release.json` says.

    Attributes
    ----------
    at : str
        Moment up to which the model has learned, ISO-8601.
    files : dict of str to str
        SHA-256 of each file.
    """

    initiative: str
    at: str
    seed: int
    n_members: int
    n_titles: int
    n_events: int
    matinee: str = __version__
    files: dict[str, str] = {}
    format: int = RELEASE_FORMAT


def publish(home: Home, save: Callable[[Path], None], card: ReleaseCard, *, at_us: int) -> Path:
    """Save a model as a new release and make it the current one.

    Parameters
    ----------
    save : callable
        Writes the model's files into the folder that it is given.
    at_us : int
        Moment up to which the model has learned; it begins the release's name.

    Returns
    -------
    Path
        Folder of the release.

    Raises
    ------
    StorageError
        The files cannot be written, or another training is running. The release that was current stays so.
    """
    base = home.releases / card.initiative
    try:
        base.mkdir(parents=True, exist_ok=True)
        with (base / ".lock").open("a") as lock:
            if not lock_file(lock.fileno()):
                raise StorageError(
                    f"{base}: another training is writing here. Wait until it is done, then run it again."
                )
            for left_over in base.glob(".writing-*"):  # of a training that was interrupted
                shutil.rmtree(left_over)
            scratch = base / f".writing-{os.getpid()}"
            scratch.mkdir()
            try:
                return _write(base, scratch, save, card, at_us)
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
    except StorageError:
        raise
    except OSError as problem:
        raise StorageError(
            f"{base}: the release could not be written ({problem.strerror or problem}). The current one is "
            "untouched."
        ) from problem


def current_release(home: Home, initiative: str = "homepage") -> Path:
    """Folder of the release in use.

    Raises
    ------
    NotFoundError
        Nothing was trained yet, or the folder is gone.
    """
    base = home.releases / initiative
    pointer = base / POINTER
    if not pointer.is_file():
        raise NotFoundError(
            f"{home.root}: no trained {initiative} here, expected a release. "
            f"Run: matinee train {initiative} --home {home.root}"
        )
    folder = base / pointer.read_text(encoding="utf-8").strip()
    if not (folder / "release.json").is_file():
        raise NotFoundError(
            f"{folder}: the current release is gone, expected its folder. "
            f"Run: matinee train {initiative} --home {home.root}"
        )
    return folder


def read_card(folder: Path) -> ReleaseCard:
    """The release card of a release.

    Raises
    ------
    StorageError
        `release.json` is damaged.
    """
    path = folder / "release.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=ReleaseCard)
    except (OSError, msgspec.MsgspecError) as problem:
        raise StorageError(f"{path}: cannot be read ({problem}). Train again.") from problem


def _write(base: Path, scratch: Path, save: Callable[[Path], None], card: ReleaseCard, at_us: int) -> Path:
    save(scratch)
    files = {
        path.relative_to(scratch).as_posix(): _sha256(path)
        for path in sorted(scratch.rglob("*"))
        if path.is_file()
    }
    card = msgspec.structs.replace(card, files=files)
    text = msgspec.json.format(msgspec.json.encode(card), indent=2)
    (scratch / "release.json").write_bytes(text)
    stamp = format_at(at_us).translate({ord("-"): None, ord(":"): None})
    folder = base / f"{stamp}-{hashlib.sha256(text).hexdigest()[:10]}"
    if not folder.is_dir():
        for path in scratch.rglob("*"):
            (sync_folder if path.is_dir() else sync_file)(path)
        sync_folder(scratch)
        scratch.replace(folder)
    pointer = base / f"{POINTER}.tmp"
    with pointer.open("w", encoding="utf-8") as file:
        file.write(folder.name + "\n")
        file.flush()
        os.fsync(file.fileno())
    pointer.replace(base / POINTER)
    sync_folder(base)
    return folder


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
