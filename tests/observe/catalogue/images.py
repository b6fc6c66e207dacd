"""Small images of each format, made here: whole files whose pixels do not matter."""

from __future__ import annotations

import struct
import zlib


def png(width: int = 32, height: int = 18, *, extra: bytes = b"") -> bytes:
    """A grey PNG; `extra` stands before its pixels."""
    pixels = zlib.compress(b"".join(b"\0" + bytes(width) for _ in range(height)), 9)
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


def claimed_png(width: int, height: int) -> bytes:
    """A small file that says that it is a huge image."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(1_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def jpeg(width: int = 32, height: int = 18) -> bytes:
    """The structure of a JPEG: application data, a frame, a scan, the end."""
    app = b"\xff\xe0" + struct.pack(">H", 16) + b"JFIF\0" + bytes(9)
    frame = b"\xff\xc2" + struct.pack(">HBHHB", 11, 8, height, width, 1) + b"\x01\x11\x00"
    scan = b"\xff\xda" + struct.pack(">HB", 8, 1) + b"\x01\x00\x00\x3f\x00"
    return b"\xff\xd8" + app + frame + scan + b"\x12\xff\x00\x34" + b"\xff\xd9"


def gif(width: int = 32, height: int = 18, *, frames: int = 1) -> bytes:
    image = b"\x2c" + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02\x4c\x01\x00"
    control = b"\x21\xf9\x04" + bytes(4) + b"\x00"
    table = b"\x80\x00\x00" + bytes(6)
    return b"GIF89a" + struct.pack("<HH", width, height) + table + (control + image) * frames + b"\x3b"


def webp(
    width: int = 32, height: int = 18, *, kind: str = "VP8 ", canvas: tuple[int, int] | None = None
) -> bytes:
    if kind == "VP8 ":
        body = b"\x00\x00\x00\x9d\x01\x2a" + struct.pack("<HH", width, height) + bytes(6)
    else:
        body = b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14) + bytes(3)
    parts = kind.encode() + struct.pack("<I", len(body)) + body
    if canvas is not None:
        sides = struct.pack("<I", canvas[0] - 1)[:3] + struct.pack("<I", canvas[1] - 1)[:3]
        parts = b"VP8X" + struct.pack("<I", 10) + bytes(4) + sides + parts
    return b"RIFF" + struct.pack("<I", 4 + len(parts)) + b"WEBP" + parts


def avif(width: int = 32, height: int = 18, *, brand: bytes = b"avif") -> bytes:
    ispe = box(b"ispe", bytes(4) + struct.pack(">II", width, height))
    thumbnail = box(b"ispe", bytes(4) + struct.pack(">II", 8, 5))
    meta = box(b"meta", bytes(4) + box(b"iprp", box(b"ipco", thumbnail + ispe)))
    return box(b"ftyp", brand + bytes(4) + b"avif" + b"mif1") + meta + box(b"mdat", bytes(20))


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + kind + body


def svg(inside: str = '<rect width="320" height="180"/>', *, start: str = "") -> bytes:
    """An SVG of 320 x 180 with this inside."""
    space = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f'{start}<svg {space} viewBox="0 0 320 180">{inside}</svg>'.encode()
