"""The format of a home: how its folders are laid out. `matinee upgrade` brings an older one up to date."""

from __future__ import annotations

from pathlib import Path

import msgspec

from matinee import __version__
from matinee.errors import StorageError
from matinee.observe.lake.manifest import sync_file, sync_folder

FORMAT_FILE = "format.json"
FORMAT = 2
"""What this program writes. 1: without a format.json. 2: with one, with folders for servers and receipts."""


class HomeFormat(msgspec.Struct, frozen=True):
    """What `format.json` says: the format, and which Matinee made or upgraded the home."""

    format: int
    matinee: str = __version__


def read_format(root: Path) -> int:
    """Format of the home in a folder; 1 where no file tells it.

    Raises
    ------
    StorageError
        The file is damaged.
    """
    path = root / FORMAT_FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=HomeFormat).format
    except FileNotFoundError:
        return 1
    except (OSError, msgspec.MsgspecError) as problem:
        raise StorageError(
            f'{path}: cannot be read ({problem}), expected {{"format": {FORMAT}}}. Restore it from a backup.'
        ) from problem


def write_format(root: Path, number: int = FORMAT) -> None:
    """Say which format a home has; a crash leaves the old word or the new one."""
    path = root / FORMAT_FILE
    fresh = path.with_name(f".{FORMAT_FILE}.new")
    fresh.write_bytes(msgspec.json.encode(HomeFormat(number)) + b"\n")
    sync_file(fresh)
    fresh.replace(path)
    sync_folder(root)


def check_format(root: Path) -> int:
    """See that this program knows the format of a home; an older one is read as it is.

    Raises
    ------
    StorageError
        A newer Matinee made it, or the file is damaged.
    """
    found = read_format(root)
    if found > FORMAT:
        raise StorageError(
            f"{root}: has format {found}, expected at most {FORMAT}, which Matinee {__version__} knows. A "
            "newer one made it: pip install -U matinee. Or go back with that one: matinee upgrade --back."
        )
    return found


def require_format(root: Path) -> None:
    """See that a home has the format of today, for what an older one has no place for (servers).

    Raises
    ------
    StorageError
        It is older, or newer.
    """
    found = check_format(root)
    if found < FORMAT:
        raise StorageError(
            f"{root}: has format {found}, expected {FORMAT}. Run: matinee upgrade --home {root} (it keeps a "
            "backup, and there is a way back)."
        )
