"""What an image file says of itself: format and size, and whether it is whole. No pixel is decoded.

Every reader walks the parts of the file by their stated lengths, so that a truncated file is found and a huge
one is refused before anything is unpacked.

References
----------
PNG: W3C Recommendation "Portable Network Graphics", 3rd edition, section 5. JPEG: ITU-T T.81, annex B. GIF89a
specification (CompuServe, 1990). WebP: RFC 9649. AVIF: ISO/IEC 14496-12 and the AV1 Image File Format,
section 2.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from struct import unpack_from

PNG = b"\x89PNG\r\n\x1a\n"
SUFFIXES: dict[str, tuple[str, ...]] = {
    "png": (".png",),
    "jpeg": (".jpg", ".jpeg"),
    "gif": (".gif",),
    "webp": (".webp",),
    "avif": (".avif",),
    "svg": (".svg",),
}
"""Format -> suffixes of its files; the first is the one that files are kept under."""
SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""JPEG markers that begin a frame and tell its size."""
CONTAINERS = {b"meta": 4, b"iprp": 0, b"ipco": 0}
"""Boxes of AVIF that hold boxes -> bytes before the first of them."""
MAX_DEPTH = 8
"""Boxes of AVIF inside each other; a picture has three."""


class UnreadableImageError(ValueError):
    """What is wrong with an image, as the end of a sentence: "is truncated"."""


@dataclass(frozen=True, slots=True)
class Header:
    """Format (a key of `SUFFIXES`), width and height in pixels."""

    format: str
    width_px: int
    height_px: int


def format_of(data: bytes) -> str | None:
    """Format that the first bytes tell; None if they are those of no image that is known."""
    if data.startswith(PNG):
        return "png"
    if data.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return "gif"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if data[4:8] == b"ftyp" and {b"avif", b"avis"} & {data[i : i + 4] for i in range(8, 64, 4)}:
        return "avif"
    start = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n")
    return "svg" if start.startswith((b"<svg", b"<?xml", b"<!--", b"<!DOCTYPE svg")) else None


def read_header(data: bytes) -> Header:
    """Format and size of a raster image.

    Raises
    ------
    UnreadableImageError
        It is truncated, damaged, animated, or none of the known formats.

    Examples
    --------
    >>> read_header(b"GIF89a" + bytes([2, 0, 1, 0, 0, 0, 0, 0x2C, 0, 0, 0, 0, 2, 0, 1, 0, 0, 2, 0, 0x3B]))
    Header(format='gif', width_px=2, height_px=1)
    """
    kind = format_of(data)
    reader = READERS.get(kind or "")
    if kind is None or reader is None:
        raise UnreadableImageError("is no image of a known format")
    try:
        width, height = reader(data)
    except (struct.error, IndexError):
        raise UnreadableImageError("is truncated") from None
    if width < 1 or height < 1:
        raise UnreadableImageError(f"says that it has {width} x {height} pixels")
    return Header(kind, width, height)


def _png(data: bytes) -> tuple[int, int]:
    size, place, pixels = (0, 0), len(PNG), False
    while True:
        (length,) = unpack_from(">I", data, place)
        kind, end = data[place + 4 : place + 8], place + 12 + length
        if end > len(data):
            raise UnreadableImageError("is truncated")
        if zlib.crc32(data[place + 4 : end - 4]) != unpack_from(">I", data, end - 4)[0]:
            raise UnreadableImageError("is damaged (a checksum is wrong)")
        if place == len(PNG):
            if kind != b"IHDR" or length != 13:
                raise UnreadableImageError("is damaged (it does not begin with its header)")
            size = unpack_from(">II", data, place + 8)
        if kind == b"acTL":
            raise UnreadableImageError("is animated")
        pixels = pixels or kind == b"IDAT"
        if kind == b"IEND":
            if not pixels:
                raise UnreadableImageError("is damaged (it has no pixels)")
            return size
        place = end


def _jpeg(data: bytes) -> tuple[int, int]:
    size, place = (0, 0), 2
    while True:
        if data[place] != 0xFF:
            raise UnreadableImageError("is damaged (a marker is missing)")
        while data[place] == 0xFF:
            place += 1
        marker = data[place]
        place += 1
        if marker == 0x01 or 0xD0 <= marker <= 0xD7:
            continue
        if marker == 0xD9:
            raise UnreadableImageError("is damaged (it has no pixels)")
        (length,) = unpack_from(">H", data, place)
        if marker in SOF:
            height, width = unpack_from(">HH", data, place + 3)
            size = (width, height)
        if marker == 0xDA:
            if data.rfind(b"\xff\xd9") < place + length:
                raise UnreadableImageError("is truncated")
            return size
        place += length


def _gif(data: bytes) -> tuple[int, int]:
    size = unpack_from("<HH", data, 6)
    place, images = 13 + _colours(data[10]), 0
    while data[place] != 0x3B:
        if data[place] == 0x2C:
            images += 1
            left, top, width, height = unpack_from("<HHHH", data, place + 1)
            if left + width > size[0] or top + height > size[1]:
                raise UnreadableImageError("is damaged (its pixels are larger than its header says)")
            place = _blocks(data, place + 10 + _colours(data[place + 9]) + 1)
        elif data[place] == 0x21:
            place = _blocks(data, place + 2)
        else:
            raise UnreadableImageError("is damaged (an unknown block)")
    if images != 1:
        raise UnreadableImageError("is animated" if images else "is damaged (it has no pixels)")
    return size


def _colours(flags: int) -> int:
    """Bytes of a colour table."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _blocks(data: bytes, place: int) -> int:
    """Place after a chain of blocks."""
    while data[place]:
        place += 1 + data[place]
    return place + 1


def _webp(data: bytes) -> tuple[int, int]:
    (length,) = unpack_from("<I", data, 4)
    end, place = 8 + length, 12
    if end > len(data):
        raise UnreadableImageError("is truncated")
    canvas: tuple[int, int] | None = None
    while place + 8 <= end:
        kind = data[place : place + 4]
        (length,) = unpack_from("<I", data, place + 4)
        body = place + 8
        if body + length > end:
            raise UnreadableImageError("is truncated")
        if kind in (b"ANIM", b"ANMF"):
            raise UnreadableImageError("is animated")
        if kind == b"VP8X":
            canvas = (1 + _u24(data, body + 4), 1 + _u24(data, body + 7))
        elif kind in (b"VP8 ", b"VP8L"):
            size = _vp8(data, body) if kind == b"VP8 " else _vp8l(data, body)
            if canvas is not None and canvas != size:
                raise UnreadableImageError("is damaged (two sizes)")
            return size
        place = body + length + (length & 1)
    raise UnreadableImageError("is damaged (it has no pixels)")


def _u24(data: bytes, place: int) -> int:
    return int(unpack_from("<H", data, place)[0]) | data[place + 2] << 16


def _vp8(data: bytes, place: int) -> tuple[int, int]:
    if data[place + 3 : place + 6] != b"\x9d\x01\x2a":
        raise UnreadableImageError("is damaged (no key frame)")
    width, height = unpack_from("<HH", data, place + 6)
    return width & 0x3FFF, height & 0x3FFF


def _vp8l(data: bytes, place: int) -> tuple[int, int]:
    if data[place] != 0x2F:
        raise UnreadableImageError("is damaged (no signature)")
    (bits,) = unpack_from("<I", data, place + 1)
    return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1


def _avif(data: bytes) -> tuple[int, int]:
    sizes, kinds = [], set()
    for kind, body, _ in _boxes(data, 0, len(data)):
        kinds.add(kind)
        if kind == b"ispe":
            sizes.append(unpack_from(">II", data, body + 4))
    if data[8:12] == b"avis" or b"moov" in kinds:
        raise UnreadableImageError("is animated")
    if b"mdat" not in kinds and b"idat" not in kinds:
        raise UnreadableImageError("is truncated")
    if not sizes:
        raise UnreadableImageError("is damaged (it does not tell its size)")
    width, height = max(sizes, key=lambda one: one[0] * one[1])  # the others are tiles or thumbnails
    return int(width), int(height)


def _boxes(data: bytes, place: int, end: int, depth: int = 1) -> Iterator[tuple[bytes, int, int]]:
    """Boxes with their bodies, and those inside of containers."""
    if depth > MAX_DEPTH:
        raise UnreadableImageError(f"is damaged (more than {MAX_DEPTH} boxes inside each other)")
    while place < end:
        (length,) = unpack_from(">I", data, place)
        kind, body = data[place + 4 : place + 8], place + 8
        if length == 1:
            (length,) = unpack_from(">Q", data, body)
            body += 8
        stop = end if length == 0 else place + length
        if stop > end or stop < body:
            raise UnreadableImageError("is truncated")
        yield kind, body, stop
        if kind in CONTAINERS:
            yield from _boxes(data, body + CONTAINERS[kind], stop, depth + 1)
        place = stop


READERS: dict[str, Callable[[bytes], tuple[int, int]]] = {
    "png": _png,
    "jpeg": _jpeg,
    "gif": _gif,
    "webp": _webp,
    "avif": _avif,
}
