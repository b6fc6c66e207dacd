"""Which artefact a step gave for which ingredients: what need not be computed again."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from matinee.errors import StorageError
from matinee.observe.lake.manifest import sync_folder
from matinee.platform.pipeline.artefacts import FORMAT

T = TypeVar("T")


class Ingredients(msgspec.Struct, frozen=True):
    """All that the result of a step depends on.

    Attributes
    ----------
    code : str
        Fingerprint of its function and what that uses.
    version : str
        As declared with the step.
    result : str
        Codec and type of the result.
    inputs : dict of str to str
        Artefact of each step whose result it takes.
    givens : dict of str to str
        Digest of each given, and of each table that it reads ("home.plays").
    """

    code: str
    version: str
    result: str
    inputs: dict[str, str]
    givens: dict[str, str]
    format: int = FORMAT

    @property
    def key(self) -> str:
        """Digest of all, 64 hexadecimal digits."""
        return hashlib.sha256(msgspec.json.encode(self, order="sorted")).hexdigest()

    def changes(self, before: Ingredients) -> list[str]:
        """What differs from earlier ingredients, in words."""
        out = ["code"] if self.code != before.code else []
        if self.version != before.version:
            out.append(f"version {before.version} -> {self.version}")
        if (self.result, self.format) != (before.result, before.format):
            out.append("type of the result")
        out += [f"input {name}" for name in _differing(self.inputs, before.inputs)]
        for name in _differing(self.givens, before.givens):
            out.append(f"table {name.removeprefix('home.')}" if name.startswith("home.") else name)
        return out


class Entry(msgspec.Struct, frozen=True):
    """One remembered result.

    Attributes
    ----------
    parts : dict of str to str
        Pieces of code behind `ingredients.code`, kept with a step's newest result only.
    """

    step: str
    artefact: str
    ingredients: Ingredients
    parts: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class StepCache:
    """A folder with one small file per key. An unreadable file counts as absent.

    Attributes
    ----------
    root : Path
    """

    root: Path

    def get(self, key: str) -> Entry | None:
        """Entry of a key."""
        return read_struct(self.root / f"{key}.json", Entry)

    def newest(self, pipeline: str, step: str) -> Entry | None:
        """Entry that was remembered last for a step of a pipeline."""
        return read_struct(self._newest(pipeline, step), Entry)

    def remember(self, pipeline: str, entry: Entry, parts: Mapping[str, str]) -> None:
        """Keep a result.

        Raises
        ------
        StorageError
            The disk is full or read-only.
        """
        write_struct(self.root / f"{entry.ingredients.key}.json", entry)
        write_struct(
            self._newest(pipeline, entry.step), msgspec.structs.replace(entry, parts=dict(parts)), sync=False
        )

    def entries(self) -> Iterator[tuple[Path, Entry]]:
        """Every readable entry with its file, but not the newest ones by name."""
        for path in sorted(self.root.glob("*.json")):
            entry = read_struct(path, Entry)
            if entry is not None:
                yield path, entry

    def _newest(self, pipeline: str, step: str) -> Path:
        return self.root / "newest" / f"{pipeline}.{step}.json"


def read_struct(path: Path, kind: type[T]) -> T | None:
    """Read a JSON file; None if it is missing or damaged."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.MsgspecError):
        return None


def write_struct(path: Path, value: object, *, exclusive: bool = False, sync: bool = True) -> bool:
    """Write a JSON file whole or not at all.

    Parameters
    ----------
    exclusive : bool
        Leave an existing file as it is.
    sync : bool
        Make it survive a power cut.

    Returns
    -------
    bool
        False: `exclusive`, and the file was there.

    Raises
    ------
    StorageError
        The disk is full or read-only.
    """
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with fresh.open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n")
            file.flush()
            if sync:
                os.fsync(file.fileno())
        if exclusive:
            os.link(fresh, path)
        else:
            fresh.replace(path)
        if sync:
            sync_folder(path.parent)
    except FileExistsError:
        return False
    except OSError as problem:
        raise StorageError(
            f"{path}: could not be written ({problem.strerror or problem}). Free space, or make the folder "
            "writable; what was there is untouched."
        ) from problem
    finally:
        with suppress(OSError):  # on a read-only disk even this fails, and says less
            fresh.unlink(missing_ok=True)
    return True


def _differing(now: Mapping[str, str], before: Mapping[str, str]) -> list[str]:
    return sorted(name for name in {*now, *before} if now.get(name) != before.get(name))
