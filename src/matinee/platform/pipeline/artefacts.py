"""Results of steps, stored under the digest of their files: `<sha256>/artefact.json` and `files/`."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from matinee.errors import InputError, NotFoundError, StorageError
from matinee.observe.lake.manifest import sync_file, sync_folder
from matinee.platform.pipeline.codecs.base import Codec

FORMAT = 1
CARD, FILES = "artefact.json", "files"
PICKLES = (".pkl", ".pickle", ".joblib", ".dill")


class DamagedError(StorageError):
    """A stored result is not what it was; the step can compute it again."""


class Card(msgspec.Struct, frozen=True):
    """What `artefact.json` says. The SHA-256 of this file is the artefact's name.

    Attributes
    ----------
    codec : str
        How the files were written.
    files : dict of str to str
        SHA-256 of each file, by its name.
    """

    codec: str
    files: dict[str, str]
    format: int = FORMAT


@dataclass(frozen=True, slots=True)
class ArtefactStore:
    """A folder of results. Adding is atomic, what is there never changes, equal results are stored once.

    Attributes
    ----------
    root : Path
    """

    root: Path

    def put(self, value: Any, codec: Codec, scratch: Path) -> str:
        """Store a value; returns its name.

        Parameters
        ----------
        scratch : Path
            An existing folder on the same disk, for the files while they are written.

        Raises
        ------
        InputError
            The value is not of the codec's type, or writes a pickle.
        StorageError
            The disk is full or read-only. Nothing half-written is seen under the store's name.
        """
        fresh = scratch / f"put-{secrets.token_hex(4)}"
        try:
            (fresh / FILES).mkdir(parents=True)
            codec.save(value, fresh / FILES)
            for path in sorted(fresh.rglob("*")):
                if path.is_symlink():
                    raise InputError(f"{path.name}: is a link, expected the file itself in the result.")
                if path.is_file():
                    refuse_pickle(path, InputError)
            card = Card(codec.name, _digests(fresh / FILES))
            text = msgspec.json.format(msgspec.json.encode(card), indent=1) + b"\n"
            (fresh / CARD).write_bytes(text)
            name = hashlib.sha256(text).hexdigest()
            self._add(fresh, name)
        except (InputError, StorageError):
            raise
        except OSError as problem:
            raise StorageError(
                f"{self.root}: the result could not be written ({problem.strerror or problem}). Free space, "
                "or make the folder writable, and run again: results that are there are kept."
            ) from problem
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
        return name

    def has(self, name: str) -> bool:
        """Whether there is an artefact of this name; its files are not looked at."""
        return (self.root / name / CARD).is_file()

    def folder(self, name: str) -> Path:
        """Where its files are."""
        return self.root / name / FILES

    def load(self, name: str, codec: Codec) -> Any:
        """Read a value, after checking every file against its digest.

        Raises
        ------
        NotFoundError
            There is no artefact of this name.
        DamagedError
            A file is missing, was changed or cannot be read.
        StorageError
            It was written by another codec or format, or holds a pickle.
        """
        card = self.verify(name)
        if card.codec != codec.name:
            raise StorageError(
                f'{self.root / name}: was written as "{card.codec}", expected "{codec.name}": the step\'s '
                "result has another type now. Run the step again."
            )
        for file in card.files:
            refuse_pickle(self.folder(name) / file, StorageError)
        try:
            return codec.load(self.folder(name))
        except OSError as problem:
            raise DamagedError(f"{self.folder(name)}: cannot be read ({problem}).") from problem

    def verify(self, name: str) -> Card:
        """Check every file of an artefact against its digest. Errors as in `load`."""
        path = self.root / name / CARD
        try:
            text = path.read_bytes()
            shape = msgspec.json.decode(text, type=dict[str, Any])
        except FileNotFoundError:
            raise NotFoundError(f"{path.parent}: no artefact here. Run the step that makes it.") from None
        except (OSError, msgspec.DecodeError) as problem:
            raise DamagedError(f"{path}: cannot be read ({problem}).") from problem
        if shape.get("format") != FORMAT:
            raise StorageError(
                f"{path}: has format {shape.get('format')}, expected {FORMAT}: it is from another version of "
                "Matinee. Use that version, or run the pipeline again."
            )
        if hashlib.sha256(text).hexdigest() != name:
            raise DamagedError(f"{path}: its content does not match its name; it was changed.")
        card = msgspec.json.decode(text, type=Card)
        try:
            found = _digests(self.folder(name))
        except OSError as problem:
            raise DamagedError(f"{path.parent}: cannot be read ({problem}).") from problem
        for file in sorted({*found, *card.files}):
            if found.get(file) != card.files.get(file):
                state = "missing" if file not in found else "changed" if file in card.files else "too many"
                raise DamagedError(f"{self.folder(name) / file}: is {state}; the artefact is damaged.")
        return card

    def names(self) -> list[str]:
        """All artefacts."""
        return sorted(path.name for path in self.root.glob("*") if (path / CARD).is_file())

    def remains(self) -> list[str]:
        """Folders that are no artefacts: adding is atomic, so a removal was killed there."""
        return sorted(path.name for path in self.root.glob("*/") if not (path / CARD).is_file())

    def _add(self, fresh: Path, name: str) -> None:
        for path in fresh.rglob("*"):
            (sync_folder if path.is_dir() else sync_file)(path)
        sync_folder(fresh)
        self.root.mkdir(parents=True, exist_ok=True)
        target = self.root / name
        if target.exists():
            try:
                self.verify(name)
            except (DamagedError, NotFoundError):
                target.rename(fresh.with_name(f"{fresh.name}-damaged"))
            else:
                return
        try:
            fresh.rename(target)
        except OSError:  # another process was faster: the same name has the same content
            if not self.has(name):
                raise
        sync_folder(self.root)


def refuse_pickle(path: Path, error: type[InputError] | type[StorageError]) -> None:
    """Refuse a file that is a pickle, an archive that holds one, or an array of Python objects."""
    with path.open("rb") as file:
        begins = file.read(8)
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - 1))
        ends = file.read(1)
    pickled = path.suffix.lower() in PICKLES or (
        begins[:1] == b"\x80" and begins[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05") and ends == b"."
    )
    if begins[:4] == b"PK\x03\x04" and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            pickled = pickled or any(name.lower().endswith(PICKLES) for name in archive.namelist())
    if begins[:6] == b"\x93NUMPY":
        with path.open("rb") as file:
            pickled = pickled or b"'|O'" in file.read(4096)
    if pickled:
        raise error(
            f"{path.name}: is a pickle, which runs code when it is read, expected .npy, Parquet, JSON or a "
            "model's own format. Change what the step's result writes."
        )


def _digests(folder: Path) -> dict[str, str]:
    found = {}
    for path in sorted(folder.rglob("*"), key=lambda one: one.relative_to(folder).as_posix()):
        if path.is_file():
            with path.open("rb") as file:
                found[path.relative_to(folder).as_posix()] = hashlib.file_digest(file, "sha256").hexdigest()
    return found
