"""The list of files that make up the lake; replacing it is the one step that makes a write visible."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from matinee.errors import StorageError
from matinee.observe.lake.connection import one_file

MANIFEST_FILE = "manifest.json"


class DataFile(msgspec.Struct, frozen=True):
    """One Parquet file.

    Attributes
    ----------
    table : str
    path : str
        Relative to the lake, with forward slashes.
    rows : int
    min_at_us, max_at_us, min_seen_us, max_seen_us : int
        What is in it, so that readers leave files out. For facts: `from_us`.
    """

    table: str
    path: str
    rows: int
    min_at_us: int
    max_at_us: int
    min_seen_us: int
    max_seen_us: int


class Manifest(msgspec.Struct, frozen=True):
    """State of the lake after one write.

    Attributes
    ----------
    version : int
        Counts writes.
    next_seq : int
        Order of arrival of the next imported event.
    files : list of DataFile
    retired : list of str
        Files replaced by the last write: kept until the next one, for readers that have begun.
    segments : list of str
        Log segments whose events are in `files`; readers leave them out until they are deleted.
    compactions : int
        Grows with each write that took segments of the log in: what follows the log by itself (the state of
        members) notes it, and is found behind where it lost what it had noted.
    """

    version: int = 0
    next_seq: int = 0
    files: list[DataFile] = []
    retired: list[str] = []
    segments: list[str] = []
    compactions: int = 0
    format: int = 1

    def of(self, table: str) -> list[DataFile]:
        """Files of one table."""
        return [file for file in self.files if file.table == table]


def parquet(lake: Path, files: Sequence[DataFile]) -> str:
    """SQL that reads some files of the lake; a column that one of them lacks is NULL there."""
    return f"read_parquet([{', '.join(one_file(lake / f.path) for f in files)}], union_by_name = true)"


def read_manifest(lake: Path) -> Manifest:
    """State of the lake; an empty one if nothing was ever written.

    Raises
    ------
    StorageError
        The manifest is unreadable.
    """
    path = lake / MANIFEST_FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=Manifest)
    except FileNotFoundError:
        return Manifest()
    except (OSError, msgspec.DecodeError) as error:
        raise StorageError(
            f"{path}: not a readable manifest ({error}). Restore the file from a backup of the lake."
        ) from error


def swap_manifest(lake: Path, manifest: Manifest) -> None:
    """Replace the manifest in one step; a crash leaves the old one or the new one."""
    path = lake / MANIFEST_FILE
    fresh = lake / (MANIFEST_FILE + ".new")
    with fresh.open("wb") as file:
        file.write(msgspec.json.encode(manifest))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    sync_folder(lake)


def sync_file(path: Path) -> None:
    """Make the content of a file survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """Make names in a folder survive a power cut (where the system can)."""
    if os.name == "posix":
        sync_file(folder)
