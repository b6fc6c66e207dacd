"""Models of a home as folders: written whole or not at all, named by their content.

    HOME/releases/<initiative>/<time of the data>-<hash of files and code>/   model.json and the model's files

The same training by the same code gives the same name, so training twice stores one model. Which one is in
production is a row of the registry, not a file here.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import msgspec

from matinee import __version__
from matinee.errors import NotFoundError, StorageError
from matinee.observe.home import Home
from matinee.observe.lake.manifest import sync_file, sync_folder
from matinee.observe.locks import lock_file
from matinee.types import format_at

CARD = "model.json"
CARD_FORMAT = 1
REPAIR = "Restore it, or train again from the same log, which puts it back."


class ModelCard(msgspec.Struct, frozen=True, kw_only=True):
    """What `model.json` says.

    Attributes
    ----------
    at : str
        Moment up to which the model has learned, ISO-8601.
    data : {"home", "simulated"}
    code : str
        Fingerprint of the pipeline and settings that made it.
    files : dict of str to str
        SHA-256 of each file.
    """

    initiative: str
    at: str
    data: str
    seed: int
    code: str
    run_id: str
    files: dict[str, str] = {}
    matinee: str = __version__
    format: int = CARD_FORMAT


def publish(home: Home, card: ModelCard, source: Path, *, at_us: int) -> Path:
    """Copy a trained model into the home.

    Parameters
    ----------
    source : Path
        Folder with the model's files.
    at_us : int
        Moment up to which the model has learned; it begins the model's name.

    Returns
    -------
    Path
        Folder of the model; its name is the version.

    Raises
    ------
    StorageError
        The files cannot be written, or another training is writing here. Nothing is left half-written.
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
            try:
                return _write(base, scratch, card, source, at_us)
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
    except StorageError:
        raise
    except OSError as problem:
        raise StorageError(
            f"{base}: the model could not be written ({problem.strerror or problem}). Those that were there "
            "are untouched."
        ) from problem


def read_card(folder: Path) -> ModelCard:
    """The card of a model.

    Raises
    ------
    NotFoundError
        The folder is gone.
    StorageError
        `model.json` is damaged, or from another version.
    """
    path = folder / CARD
    if not path.is_file():
        raise NotFoundError(f"{folder}: no {CARD} here, expected a model. Train again, or roll back.")
    try:
        card = msgspec.json.decode(path.read_bytes(), type=ModelCard)
    except (OSError, msgspec.MsgspecError) as problem:
        raise StorageError(f"{path}: cannot be read ({problem}). Train again.") from problem
    if card.format != CARD_FORMAT:
        raise StorageError(
            f"{path}: format is {card.format}, expected {CARD_FORMAT}; it is from another version of Matinee "
            f"({card.matinee}). Train again: matinee train {card.initiative}"
        )
    return card


def check_files(folder: Path, expected: dict[str, str]) -> None:
    """See that a model's files are those that were trained.

    Raises
    ------
    StorageError
        A file is missing, added or changed.
    """
    found = file_digests(folder)
    for name in sorted({*expected, *found}):
        if expected.get(name) != found.get(name):
            state = (
                "missing" if name not in found else "not the model's" if name not in expected else "changed"
            )
            raise StorageError(f"{folder / name}: is {state}, expected the file that was trained. {REPAIR}")


def check_present(folder: Path, expected: dict[str, str]) -> None:
    """See that a model's files are there, without reading them.

    Raises
    ------
    StorageError
        A file is missing.
    """
    for name in sorted(expected):
        if not (folder / name).is_file():
            raise StorageError(f"{folder / name}: is missing, expected the file that was trained. {REPAIR}")


def file_digests(folder: Path) -> dict[str, str]:
    """File -> SHA-256, of everything but the card."""
    return {
        path.relative_to(folder).as_posix(): _sha256(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != CARD
    }


def _write(base: Path, scratch: Path, card: ModelCard, source: Path, at_us: int) -> Path:
    shutil.copytree(source, scratch)
    card = msgspec.structs.replace(card, files=file_digests(scratch))
    content = msgspec.json.encode([card.files, card.at, card.data, card.code], order="deterministic")
    stamp = format_at(at_us).translate({ord("-"): None, ord(":"): None})
    folder = base / f"{stamp}-{hashlib.sha256(content).hexdigest()[:10]}"
    if folder.is_dir():
        try:
            check_files(folder, read_card(folder).files)
            return folder
        except (NotFoundError, StorageError):  # somebody changed it since: what was trained takes its place
            folder.replace(base / f".writing-damaged-{os.getpid()}")
    (scratch / CARD).write_bytes(msgspec.json.format(msgspec.json.encode(card), indent=2))
    for path in scratch.rglob("*"):
        (sync_folder if path.is_dir() else sync_file)(path)
    sync_folder(scratch)
    scratch.replace(folder)
    sync_folder(base)
    return folder


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
