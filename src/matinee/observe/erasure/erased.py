"""Who was erased: a list of keyed hashes, by which an id that comes again is told and refused.

    HOME/erased.txt     one keyed hash per line; lines are only added
    HOME/erasure.key    the key, 32 random bytes, readable by the owner alone

Without the key the list says nothing; with it, only whether an id that somebody already has was erased.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from matinee.errors import InputError, StorageError
from matinee.observe.home import Home
from matinee.observe.lake.manifest import sync_folder
from matinee.observe.locks import lock_file

LIST_FILE, KEY_FILE, LOCK_FILE = "erased.txt", "erasure.key", ".erasure.lock"
KEY_BYTES = 32
DIGEST_BYTES = 16
LOOK_EVERY_S = 0.25
"""How often the list is looked at again: other processes see an erasure within this time."""
LOCK_PAUSE_S, LOCK_TRIES = 0.02, 500


class Erased:
    """The list as one process knows it. Threads may share it.

    Parameters
    ----------
    root : Path
        `Home.root`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Erased(Path(folder)).refuses("m1")
    False

    Notes
    -----
    Cost of `refuses`: a comparison of times while nobody was erased (0.1 microseconds), else one keyed
    BLAKE2b of the id (1 microsecond). The list takes 50 bytes a person in the file and about 150 in memory.

    References
    ----------
    Aumasson, Neves, Wilcox-O'Hearn, Winnerlein (2013), BLAKE2, section 2.9: keyed hashing, RFC 7693.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._hashes: frozenset[bytes] = frozenset()
        self._key = b""
        self._stamp: tuple[int, int] | None = None
        self._look_again = 0.0

    @staticmethod
    def of(home: Home) -> Erased:
        """The list of a home."""
        return Erased(home.root)

    def refuses(self, member_id: str) -> bool:
        """Whether this id belongs to somebody who was erased.

        Raises
        ------
        StorageError
            The list is there and cannot be read. Nothing may be taken in then.
        """
        if not len(self):
            return False
        return _digest(self._key, member_id) in self._hashes

    def __contains__(self, member_id: object) -> bool:
        """The same as `refuses`: the list as a container of ids, for whoever drops all that it holds."""
        return isinstance(member_id, str) and self.refuses(member_id)

    def refused(self, ids: Iterable[str]) -> list[str]:
        """Those of many ids that are refused."""
        self.reload()
        if not self._hashes:
            return []
        key, hashes = self._key, self._hashes
        return [one for one in ids if _digest(key, one) in hashes]

    def reload(self) -> bool:
        """Look at the list now; returns whether anybody is on it."""
        path = self.root / LIST_FILE
        try:
            stamp = _stamp(path)
            if stamp is None:
                self._hashes = frozenset()
            elif stamp != self._stamp:
                lines = path.read_bytes().split(b"\n")[:-1]  # a last line without its end is torn
                self._key = _read_key(self.root)
                self._hashes = frozenset(bytes.fromhex(line.decode()) for line in lines)
            self._stamp = stamp
        except (OSError, ValueError) as problem:
            raise StorageError(
                f"{path}: the list of erased members cannot be read ({problem}). Make it readable, or "
                f"restore it together with {KEY_FILE} from a backup; until then no event is taken in."
            ) from problem
        self._look_again = time.monotonic() + LOOK_EVERY_S
        return bool(self._hashes)

    def __len__(self) -> int:
        if time.monotonic() >= self._look_again:
            self.reload()
        return len(self._hashes)


def refusal(kind: str, event_id: str) -> InputError:
    """What the sender of a late event is told; the id is not repeated."""
    return InputError(
        f"{kind} {event_id}: belongs to a member who was erased, expected events of other members. Stop "
        "sending events of this member."
    )


def mark(home: Home, member_id: str) -> str:
    """Put a member on the list; from now on all writers refuse the id. Doing it twice is once.

    Returns
    -------
    str
        The keyed hash, 32 hexadecimal digits: the name of this person in receipts.

    Raises
    ------
    InputError
        The id is empty.
    StorageError
        The list cannot be written.
    """
    if not member_id:
        raise InputError("erase: member_id is empty, expected the id of a member.")
    path = home.root / LIST_FILE
    try:
        with (home.root / LOCK_FILE).open("a") as lock:
            _wait_for(lock.fileno(), path)
            name = _digest(_make_key(home.root), member_id).hex()
            if name not in _lines(path):
                with path.open("ab") as file:
                    file.truncate(path.read_bytes().rfind(b"\n") + 1)  # a torn line was never acknowledged
                    file.write(name.encode() + b"\n")
                    file.flush()
                    os.fsync(file.fileno())
                sync_folder(home.root)
    except StorageError:
        raise
    except OSError as problem:
        raise _not_written(path, problem) from problem
    return name


def name_for(home: Home, member_id: str) -> str:
    """The keyed hash that names a person in receipts; the home's key is made if there is none.

    Raises
    ------
    StorageError
        The key cannot be written, or is gone although members were erased.
    """
    try:
        with (home.root / LOCK_FILE).open("a") as lock:
            _wait_for(lock.fileno(), home.root / KEY_FILE)
            return _digest(_make_key(home.root), member_id).hex()
    except StorageError:
        raise
    except OSError as problem:
        raise _not_written(home.root / KEY_FILE, problem) from problem


def _not_written(path: Path, problem: OSError) -> StorageError:
    return StorageError(
        f"{path}: could not be written ({problem.strerror or problem}). Free space, or make the home "
        "writable; nothing was erased."
    )


def _digest(key: bytes, member_id: str) -> bytes:
    return hashlib.blake2b(member_id.encode(), digest_size=DIGEST_BYTES, key=key).digest()


def _stamp(path: Path) -> tuple[int, int] | None:
    """What changes when a file does; None if there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return (found.st_mtime_ns, found.st_size)


def _lines(path: Path) -> set[str]:
    try:
        return set(path.read_text(encoding="ascii").splitlines())
    except FileNotFoundError:
        return set()


def _read_key(root: Path) -> bytes:
    key = (root / KEY_FILE).read_bytes()
    if len(key) != KEY_BYTES:
        raise OSError(f"{KEY_FILE} has {len(key)} bytes, expected {KEY_BYTES}")
    return key


def _make_key(root: Path) -> bytes:
    """The key of a home; made, whole or not at all, when the first person is erased."""
    with suppress(FileNotFoundError):
        return _read_key(root)
    if (root / LIST_FILE).exists():
        raise StorageError(
            f"{root / KEY_FILE}: is gone, expected the key of {LIST_FILE}. Restore it from a backup: with "
            "another key those who were erased before would be let in again. Nothing was erased."
        )
    fresh = root / f".{KEY_FILE}.{secrets.token_hex(4)}"
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(handle, secrets.token_bytes(KEY_BYTES))
        os.fsync(handle)
    finally:
        os.close(handle)
    fresh.replace(root / KEY_FILE)
    sync_folder(root)
    return _read_key(root)


def _wait_for(handle: int, path: Path) -> None:
    for _ in range(LOCK_TRIES):
        if lock_file(handle):
            return
        time.sleep(LOCK_PAUSE_S)
    raise StorageError(f"{path}: another process keeps the list locked. Run it again.")
