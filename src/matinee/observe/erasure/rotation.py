"""Ask every process that writes to the log to close its segment, and wait until they all have.

The one who asks replaces a small file; the thread that writes looks at it several times a second:

    due = RotationRequest(home)
    ...
    if due.changed():           # in the thread that writes to the log, and nowhere else
        erased.reload()         # from here on it refuses
        writer.close()          # what it wrote before is in a closed segment

What a process that died left open is closed by its lock, which the system has freed.
"""

from __future__ import annotations

import os
import secrets
import time
from pathlib import Path

from matinee.errors import StorageError
from matinee.observe.home import Home
from matinee.observe.log import OPEN, closed_segments, segments

REQUEST_FILE = "rotate-requested"
PATIENCE_S = 15.0
PAUSE_S = 0.02
LOOK_EVERY_S = 0.1
"""How often a process that writes looks."""


class RotationRequest:
    """What a process that writes looks at.

    Parameters
    ----------
    home : Home
    look_every_s : float
        Between two looks at the file; calls in between cost a comparison of times.
    """

    def __init__(self, home: Home, *, look_every_s: float = LOOK_EVERY_S) -> None:
        self.path = _path(home)
        self.look_every_s = look_every_s
        self._seen = self._stamp()
        self._next = 0.0

    def changed(self) -> bool:
        """Whether somebody has asked since this was last asked."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + self.look_every_s
        stamp = self._stamp()
        if stamp == self._seen:
            return False
        self._seen = stamp
        return True

    def _stamp(self) -> tuple[int, int]:
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return (0, 0)
        return (found.st_mtime_ns, found.st_ino)


def close_segments(home: Home, *, patience_s: float = PATIENCE_S) -> int:
    """Have all segments closed that are there now; returns how many were open.

    Raises
    ------
    StorageError
        A process does not close its segment in time.
    """
    waiting = {path.name for path in segments(home.log) if path.name.endswith(OPEN)}
    if not waiting:
        return 0
    n_open = len(waiting)
    _ask(home)
    give_up = time.monotonic() + patience_s
    while True:
        closed_segments(home.log)
        waiting = {name for name in waiting if (home.log / name).exists()}
        if not waiting:
            return n_open
        if time.monotonic() > give_up:
            raise StorageError(_words(home, sorted(waiting), patience_s))
        time.sleep(PAUSE_S)


def _ask(home: Home) -> None:
    path = _path(home)
    fresh = path.with_name(f".{REQUEST_FILE}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(f"{os.getpid()}\n", encoding="ascii")
        fresh.replace(path)
    except OSError as problem:
        raise StorageError(
            f"{path}: could not be written ({problem.strerror or problem}). Free space, or make the folder "
            "writable, and run it again."
        ) from problem


def _words(home: Home, names: list[str], patience_s: float) -> str:
    owners = sorted({name.split("-")[0] for name in names})
    return (
        f"{home.log}: process {', '.join(owners)} does not close its segment ({', '.join(names)}) within "
        f"{patience_s:g} s, expected every server to answer. Restart it, or stop it, and run this again: "
        "what was done stays done."
    )


def _path(home: Home) -> Path:
    return home.work / "serve" / REQUEST_FILE
