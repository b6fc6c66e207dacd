"""The image files of a home: looked at before they are let in, and kept under the hash of their content."""

from __future__ import annotations

import hashlib
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from matinee.errors import InputError, NotFoundError, StorageError
from matinee.observe.catalogue.artwork import ASPECTS, FOLDER
from matinee.observe.catalogue.image_header import SUFFIXES, UnreadableImageError, format_of, read_header
from matinee.observe.catalogue.svg_check import read_svg
from matinee.observe.home import Home
from matinee.observe.lake.manifest import sync_folder

MAX_BYTES = 20_000_000
MAX_PIXELS = 50_000_000
TOLERANCE = 0.02
"""How far width / height may be from an aspect, as a share of it: crops are rounded to whole pixels."""
MEDIA_TYPES = {
    "png": "image/png",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "avif": "image/avif",
    "svg": "image/svg+xml",
}
"""Format -> what an HTTP answer with the file says it is."""


@dataclass(frozen=True, slots=True)
class ImageFile:
    """An image that was looked at.

    Attributes
    ----------
    name : str
        Name that it is kept under: a hash of its content, and its suffix.
    format : str
    width_px, height_px : int
    """

    name: str
    format: str
    width_px: int
    height_px: int

    @property
    def aspect(self) -> str | None:
        """The aspect in use that the sides fit; None without one."""
        return next((one for one in ASPECTS if self.fits(one)), None)

    def fits(self, aspect: str) -> bool:
        """Whether the sides have an aspect, within `TOLERANCE`."""
        return abs(self.width_px / self.height_px / ASPECTS[aspect] - 1) <= TOLERANCE


def look_at(path: Path) -> ImageFile:
    """Format and size of an image file, told from its first bytes and its structure; nothing is decoded.

    Raises
    ------
    NotFoundError
        There is no such file.
    InputError
        It is empty, too large, truncated, damaged, animated, another thing than its suffix says, or an SVG
        that is more than a picture.
    StorageError
        It cannot be read.
    """
    data = _read(path)
    found = format_of(data)
    if found is None:
        raise InputError(f"{path}: is no image, expected one of: {', '.join(SUFFIXES)}.")
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES[found]:
        raise InputError(
            f'{path}: is an image of the format {found}, although its name ends in "{suffix}". Rename it to '
            f"end in {SUFFIXES[found][0]}."
        )
    try:
        header = read_svg(data) if found == "svg" else read_header(data)
    except UnreadableImageError as problem:
        raise InputError(
            f"{path}: {problem}, expected a whole, still image. Save it again from its source."
        ) from None
    if header.width_px * header.height_px > MAX_PIXELS:
        raise InputError(
            f"{path}: has {header.width_px:,} x {header.height_px:,} pixels, expected at most {MAX_PIXELS:,} "
            "in all. Make it smaller."
        )
    return ImageFile(_name(data, found), found, header.width_px, header.height_px)


def keep(home: Home, source: Path, image: ImageFile) -> bool:
    """Copy an image that was looked at into the home; returns whether it was not there yet.

    The file appears whole or not at all, and survives a power cut.

    Raises
    ------
    InputError
        It has changed since it was looked at.
    StorageError
        It cannot be read or written.
    """
    target = home.root / FOLDER / image.name
    if target.is_file():
        return False
    data = _read(source)
    if _name(data, image.format) != image.name:
        raise InputError(f"{source}: changed while it was imported. Import it again when it is whole.")
    fresh = target.with_name(f".{image.name}.{secrets.token_hex(4)}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with fresh.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(target)
        sync_folder(target.parent)
    except OSError as problem:
        raise StorageError(
            f"{target}: the image could not be kept ({problem.strerror or problem}). Free space on the disk "
            "and run it again."
        ) from problem
    finally:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
    return True


def path_of(home: Home, name: str) -> Path:
    """Path of an image's file from its name in the table `artwork`.

    Raises
    ------
    NotFoundError
        There is none, or the name is not one of a file in the folder.
    """
    path = home.root / FOLDER / name
    if Path(name).name != name or name.startswith(".") or not path.is_file():
        raise NotFoundError(
            f'{home.root / FOLDER}: no image file "{name[:80]}". Import the image again, or restore the '
            "folder from a backup."
        )
    return path


def _name(data: bytes, kind: str) -> str:
    return hashlib.sha256(data).hexdigest()[:32] + SUFFIXES[kind][0]


def _read(path: Path) -> bytes:
    """The bytes of a regular file of a reasonable size."""
    try:
        if not path.exists():
            raise NotFoundError(f"{path}: no such image file. Check the path.")
        if not path.is_file():
            raise InputError(f"{path}: is not a file, expected an image.")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as problem:
        if isinstance(problem, StorageError):
            raise
        raise StorageError(
            f"{path}: not readable ({problem.strerror or problem}). Check its permissions."
        ) from problem
    if not data:
        raise InputError(f"{path}: empty file, expected an image.")
    if len(data) > MAX_BYTES:
        raise InputError(
            f"{path}: has more than {MAX_BYTES:,} bytes, expected an image of at most that. Make it smaller."
        )
    return data
