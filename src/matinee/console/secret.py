"""The key with which this home signs the cookies of its visitors."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress

from matinee.errors import StorageError
from matinee.observe.home import Home
from matinee.observe.lake.manifest import sync_folder

KEY_FILE = "console.key"
KEY_BYTES = 32


def signing_key(home: Home) -> bytes:
    """The key of a home, in `HOME/console.key`; the first process that asks makes it, all others read it.

    Whoever has it can make themselves a session, so only the owner may read it. Deleting it ends all
    sessions with the next start.

    Raises
    ------
    StorageError
        The file cannot be made or read, or is no such key.
    """
    path = home.root / KEY_FILE
    try:
        with suppress(FileNotFoundError):
            return _checked(path.read_bytes())
        fresh = home.root / f".{KEY_FILE}.{secrets.token_hex(4)}"
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(handle, secrets.token_bytes(KEY_BYTES))
            os.fsync(handle)
        finally:
            os.close(handle)
        try:
            with suppress(FileExistsError):  # another process was first: its key is the key
                os.link(fresh, path)
        finally:
            fresh.unlink()
        sync_folder(home.root)
        return _checked(path.read_bytes())
    except OSError as problem:
        if isinstance(problem, StorageError):
            raise
        raise StorageError(
            f"{path}: the key for the cookies of visitors cannot be made or read ({problem.strerror}). Make "
            "the folder writable for the server, or set [console] enabled = false."
        ) from problem


def _checked(key: bytes) -> bytes:
    if len(key) != KEY_BYTES:
        raise StorageError(
            f"{KEY_FILE}: has {len(key)} bytes, expected {KEY_BYTES}. Delete it: a new one is made, and "
            "visitors come in again."
        )
    return key
