"""Whether the state knows the facts of all members, so that their limits hold."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Sequence

import duckdb

from matinee.errors import StorageError
from matinee.observe.home import Home
from matinee.observe.lake.connection import connect
from matinee.observe.lake.manifest import MANIFEST_FILE, DataFile, parquet, read_manifest
from matinee.observe.state.marks import MEMBERS, told
from matinee.observe.state.store import StateStore

LOOK_S = 0.25
"""Between two looks at the lake and at the state, in seconds."""
_VERSION = re.compile(r"/v(\d+)-[^/]*$")


class Whole:
    """Says whether what was imported about members is in the state that a process reads.

    A state that was lost (a server in memory that was started again, say), or that does not have the last
    import yet, knows no limits for members who have some. While that is so, a page must be made as if the
    state could not be reached.

    Parameters
    ----------
    home : Home
    store : StateStore
    """

    def __init__(self, home: Home, store: StateStore) -> None:
        self.home, self.store = home, store
        self._lock = threading.Lock()
        self._known, self._next_s = False, 0.0
        self._stamp: tuple[int, int, int] | None = None
        self._files: list[DataFile] = []
        self._newest, self._exact = -1, False

    def facts_known(self, *, afresh: bool = False) -> bool:
        """Whether the facts of all members are in the state. Looks at most each `LOOK_S`; never raises.

        Parameters
        ----------
        afresh : bool
            Look now: for a member of whom the state knows nothing, who may have been known a moment ago.
        """
        if not afresh and time.monotonic() < self._next_s:
            return self._known
        with self._lock:
            if afresh or time.monotonic() >= self._next_s:
                try:
                    self._known = self._look()
                except StorageError:
                    self._known = False
                self._next_s = time.monotonic() + LOOK_S
            return self._known

    def _look(self) -> bool:
        try:
            found = (self.home.lake / MANIFEST_FILE).stat()
        except OSError:
            return True  # nothing was ever imported
        stamp = (found.st_mtime_ns, found.st_ino, found.st_size)
        if stamp != self._stamp:
            files = read_manifest(self.home.lake).of("members")
            if files != self._files:
                self._files, self._newest, self._exact = files, newest_write(files), False
            self._stamp = stamp
        if not self._files:
            return True
        known = told(self.store, MEMBERS)
        if known is None:
            return False
        if known < self._newest and not self._exact:  # files that were only written again (an erasure)?
            self._newest = self._newest_batch()
        return known >= self._newest

    def _newest_batch(self) -> int:
        try:
            with connect(threads=1) as con:
                (batch,) = con.execute(
                    f"SELECT max(batch) FROM {parquet(self.home.lake, self._files)}"
                ).fetchall()[0]
        except duckdb.IOException:  # replaced meanwhile: the next look reads the manifest again
            self._stamp = None
            return self._newest
        self._exact = True  # until the files are others: requests wait for this query
        return -1 if batch is None else int(batch)


def newest_write(files: Sequence[DataFile]) -> int:
    """Version of the lake with which the last of the files was written; -1 without files.

    Examples
    --------
    >>> newest_write([DataFile("members", "members/day=2024-01-01/v000012-000.parquet", 1, 0, 0, 0, 0)])
    12
    """
    found = [_VERSION.search(file.path) for file in files]
    return max((int(one[1]) for one in found if one is not None), default=-1)
