"""What SQLite leaves of rows where no row is any more, and how it goes.

`secure_delete` overwrites a row that is deleted. But when a page is full and its rows are spread over others,
copies of those that left may stay in the page, between the list of its rows and the rows. They are of no row,
so no deletion finds them; only a file that is written anew (`VACUUM`) has none.

References
----------
Database File Format, sqlite.org/fileformat2.html, 1.6 (pages of a b-tree, their unallocated space).
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

HEADER_BYTES = 100
"""Before the first page's own header."""
HEADS = {2: 12, 5: 12, 10: 8, 13: 8}
"""Kind of a page of a b-tree -> bytes of its header; inner pages name a further page there."""
PAGES_AT_ONCE = 4_096


class Leftovers:
    """Looks into the file of a database.

    Once opened, the file stays open until `close`, which comes after all connections of this process are
    closed: closing it would free the locks that they have on it.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None
        self._lock = threading.Lock()

    def of(self, texts: Iterable[str]) -> bool:
        """Whether one of some texts stands in a page where no row is; the write-ahead log has to be empty.

        A text that is part of what a row says is not meant: it is found in the row, and passed over.
        """
        wanted = [text.encode() for text in texts if text]
        with self._lock:
            if self._fd is None:
                self._fd = os.open(self.path, os.O_RDONLY)
            size = int.from_bytes(os.pread(self._fd, 2, 16), "big")
            size = 65_536 if size == 1 else size
            start = 0
            while data := os.pread(self._fd, PAGES_AT_ONCE * size, start) if size else b"":
                if any(_is_free(data, size, start, at) for text in wanted for at in _places(data, text)):
                    return True
                start += len(data)
        return False

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._fd is not None:
                os.close(self._fd)
                self._fd = None


def write_anew(con: sqlite3.Connection) -> None:
    """Write the whole file anew, outside of any transaction; others go on reading, and wait to write.

    The copy is made in a temporary file of SQLite's own, not in memory.
    """
    con.execute("PRAGMA temp_store = FILE").fetchall()
    try:
        con.execute("VACUUM")
    finally:
        con.execute("PRAGMA temp_store = MEMORY").fetchall()


def _places(data: bytes, text: bytes) -> Iterator[int]:
    at = data.find(text)
    while at >= 0:
        yield at
        at = data.find(text, at + 1)


def _is_free(data: bytes, size: int, start: int, at: int) -> bool:
    """Whether a place in some pages, of which the first begins at `start`, has none of a page's rows."""
    page = at - at % size
    head = page + (HEADER_BYTES if start + page == 0 else 0)
    length = HEADS.get(data[head])
    if length is None:
        return False
    n_rows = int.from_bytes(data[head + 3 : head + 5], "big")
    rows = int.from_bytes(data[head + 5 : head + 7], "big") or 65_536
    return head + length + 2 * n_rows <= at < page + rows
