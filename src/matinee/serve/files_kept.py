"""Small files that were given out lately, in memory: a page has dozens, each to be read in a thread."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

MOST_BYTES = 32_000_000
"""Of all files that one process keeps."""
LARGEST = 256_000
"""Bytes of a file that is kept."""


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file as it is sent."""

    data: bytes
    media_type: str


class FilesKept:
    """The files that were asked for last, for one thread. Their names tell their content, so none grows old.

    Parameters
    ----------
    most_bytes : int
        Of all together; those that nobody has asked for the longest go.

    Examples
    --------
    >>> kept = FilesKept(most_bytes=5)
    >>> for name in "ab":
    ...     kept.put((name, None), KeptFile(b"abc", "image/png"))
    >>> kept.get(("a", None)) is None, kept.get(("b", None)).data
    (True, b'abc')
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self.most_bytes = most_bytes
        self._files: OrderedDict[tuple[str, int | None], KeptFile] = OrderedDict()
        self._n_bytes = 0

    def get(self, key: tuple[str, int | None]) -> KeptFile | None:
        """A file by its name and width."""
        found = self._files.get(key)
        if found is not None:
            self._files.move_to_end(key)
        return found

    def put(self, key: tuple[str, int | None], file: KeptFile) -> None:
        """Keep a file, unless it is large."""
        if len(file.data) > min(LARGEST, self.most_bytes):
            return
        before = self._files.pop(key, None)
        self._n_bytes += len(file.data) - (0 if before is None else len(before.data))
        self._files[key] = file
        while self._n_bytes > self.most_bytes:
            self._n_bytes -= len(self._files.popitem(last=False)[1].data)
