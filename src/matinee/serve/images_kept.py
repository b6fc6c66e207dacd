"""The folder of scaled images: whole files only, and not more than so many bytes of them."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final

from matinee.errors import StorageError

MOST_BYTES: Final = 512_000_000
"""Of all files together. A tile of 320 pixels has about 15 kB, so it holds some 30,000."""
LEAST_BYTES: Final = 4_096
"""What a file counts at least: a block of the disk, also for an empty one."""
LOOK_EVERY: Final = 16
"""The folder is looked through whenever a sixteenth of the bound was written."""
FULL: Final = 0.9
"""Of the bound: what is left after those that were not asked for longest are removed."""


class KeptImages:
    """Scaled images by the name of the file they were made of, and their width.

    An empty file says that the image as it is does as well. Processes that write the same file at the same
    time do not harm each other: each writes one of its own and renames it.

    Parameters
    ----------
    folder : Path
        Made when the first image is kept. All of it can be deleted at any time.
    most_bytes : int
    """

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        self.folder, self.most_bytes = folder, most_bytes
        self._written = most_bytes  # by whoever was here before

    def find(self, name: str, width: int) -> tuple[Path, int] | None:
        """The file of an image in a width and its bytes, marked as just used; None if it is not kept."""
        path = self._path(name, width)
        try:
            size = path.stat().st_size
        except OSError:
            return None
        with suppress(OSError):  # a disk that takes no writes still gives what it has
            os.utime(path)
        return path, size

    def put(self, name: str, width: int, data: bytes) -> Path:
        """Keep an image; to be called by one thread. It gets its name when all its bytes are on the disk.

        Raises
        ------
        StorageError
            It cannot be written.
        """
        path = self._path(name, width)
        fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with fresh.open("wb") as file:
                file.write(data)
                file.flush()
                os.fdatasync(file.fileno())
            fresh.replace(path)
        except OSError as problem:
            raise StorageError(
                f"{path}: the scaled image could not be kept ({problem.strerror or problem})."
            ) from problem
        finally:
            with suppress(OSError):
                fresh.unlink(missing_ok=True)
        self._written += max(len(data), LEAST_BYTES)
        if self._written * LOOK_EVERY >= self.most_bytes:
            self._written = 0
            self._make_room(path)
        return path

    def _make_room(self, new: Path) -> None:
        """Remove those that were not asked for longest, and what a killed process left half-written."""
        found = []
        with os.scandir(self.folder) as entries:
            for entry in entries:
                with suppress(OSError):  # another process removed it
                    about = entry.stat(follow_symlinks=False)
                    found.append((about.st_mtime, max(about.st_size, LEAST_BYTES), Path(entry.path)))
        total = sum(size for _, size, _ in found)
        if total <= self.most_bytes:
            return
        for _, size, path in sorted(found):
            if total <= FULL * self.most_bytes:
                return
            if path != new:
                with suppress(OSError):
                    path.unlink(missing_ok=True)
                total -= size

    def _path(self, name: str, width: int) -> Path:
        return self.folder / f"{name}-{width}.webp"
