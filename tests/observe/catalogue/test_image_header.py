"""Sizes are told from the structure of a file, and a file that is cut anywhere is found."""

from __future__ import annotations

import struct
from contextlib import suppress

import pytest
from tests.observe.catalogue import images

from matinee.observe.catalogue.image_header import Header, UnreadableImageError, format_of, read_header

WHOLE = {
    "png": images.png(32, 18),
    "jpeg": images.jpeg(32, 18),
    "gif": images.gif(32, 18),
    "webp": images.webp(32, 18),
    "avif": images.avif(32, 18),
}


@pytest.mark.parametrize("kind", WHOLE)
def test_format_and_size_are_told(kind: str) -> None:
    assert format_of(WHOLE[kind]) == kind
    assert read_header(WHOLE[kind]) == Header(kind, 32, 18)


def test_the_other_kinds_of_webp() -> None:
    assert read_header(images.webp(300, 200, kind="VP8L")) == Header("webp", 300, 200)
    assert read_header(images.webp(300, 200, canvas=(300, 200))) == Header("webp", 300, 200)
    with pytest.raises(UnreadableImageError, match="two sizes"):
        read_header(images.webp(3000, 2000, canvas=(3, 2)))


@pytest.mark.parametrize("kind", WHOLE)
def test_every_truncated_file_is_refused(kind: str) -> None:
    data = WHOLE[kind]
    for n in range(len(data) - 1):
        with pytest.raises(UnreadableImageError):
            read_header(data[:n])


@pytest.mark.parametrize("kind", WHOLE)
def test_a_changed_byte_gives_a_size_or_a_refusal_and_never_another_error(kind: str) -> None:
    data = bytearray(WHOLE[kind])
    for place in range(len(data)):
        for value in (0, 0x7F, 0xFF):
            changed = bytes(data[:place]) + bytes([value]) + bytes(data[place + 1 :])
            with suppress(UnreadableImageError):
                assert read_header(changed).width_px > 0


def test_animations_and_damage_are_named() -> None:
    cases = {
        "is animated": [
            images.gif(frames=2), images.png(extra=images.chunk(b"acTL", bytes(8))),
            images.avif(brand=b"avis"),
        ],
        "checksum": [images.png().replace(b"IDAT", b"IDAt")],
        "0 x 18": [images.jpeg(0, 18)],
        "no image of a known format": [b"", b"hello", b"<html>"],
        "does not tell its size": [images.avif().replace(b"ispe", b"free")],
        "larger than its header says": [images.gif(64, 64).replace(b"89a\x40\0", b"89a\x20\0", 1)],
        "boxes inside each other": [images.avif() + nested(2_000)],
    }  # fmt: skip
    for words, files in cases.items():
        for data in files:
            with pytest.raises(UnreadableImageError, match=words):
                read_header(data)


def nested(n: int) -> bytes:
    """Boxes inside each other."""
    return b"".join(struct.pack(">I", 8 * (n - i)) + b"ipco" for i in range(n))


def test_a_box_that_says_it_is_endless_ends_with_the_file() -> None:
    data = images.avif()
    place = data.index(b"mdat") - 4
    assert read_header(data[:place] + struct.pack(">I", 0) + data[place + 4 :]).width_px == 32
