"""Scales images in a process of its own, with little time and memory.

`python -m matinee.serve.images_worker` reads lines `[WIDTH, "PATH"]` from standard input, and answers each
with four bytes of length and as many of a WebP; the length 0 says that the file as it is does as well,
`REFUSED` that nobody can decode it. An image that takes too long ends the process; so does the end of its
input.
"""

from __future__ import annotations

import io
import json
import os
import resource
import signal
import struct
import sys
import warnings
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

if TYPE_CHECKING:
    from PIL.Image import Image

LENGTH: Final = struct.Struct("<I")
REFUSED: Final = 0xFFFF_FFFF
MOST_OUT: Final = 20_000_000
MOST_PIXELS: Final = 50_000_000
"""As on import: more are refused before anything is unpacked."""
MEMORY_BYTES: Final = 1_500_000_000
"""Of the address space: 50 million pixels of four bytes, turned and scaled, and the interpreter."""
WALL_S: Final = 20.0
"""For one image, on a machine that has other work first."""
NICE: Final = 5
QUALITY: Final = 82
METHOD: Final = 4
MOST_PROFILE: Final = 65_536
"""Bytes of a colour profile that goes along."""
TURNED: Final = frozenset({5, 6, 7, 8})
"""Values of the EXIF orientation (JEITA CP-3451, tag 274) that exchange the sides."""
ORIENTATION: Final = 0x0112
UNREADABLE: Final = (OSError, ValueError, SyntaxError, EOFError, MemoryError)
"""What Pillow raises for files that are damaged, strange, or too large for the memory there is."""


def main() -> None:
    """Answer until the input ends."""
    _limit()
    said, answers = sys.stdin.buffer, sys.stdout.buffer
    for line in said:
        width, path = json.loads(line)
        signal.setitimer(signal.ITIMER_REAL, WALL_S)
        _answer(answers, Path(path), int(width))
        signal.setitimer(signal.ITIMER_REAL, 0)


def scaled(data: bytes, width: int) -> bytes:
    """A WebP of a width; nothing if that would be no smaller than the image, in pixels or in bytes.

    Parameters
    ----------
    data : bytes
        A still image of any format that Pillow knows. Its orientation is applied, its colour profile kept,
        and all else that is written in it left out.

    Raises
    ------
    OSError, ValueError, SyntaxError, EOFError, MemoryError
        It cannot be decoded.
    Image.DecompressionBombError, Image.DecompressionBombWarning
        It has more than `MOST_PIXELS`.
    """
    from PIL import Image, ImageOps

    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    with warnings.catch_warnings(), Image.open(io.BytesIO(data)) as image:
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        turned = image.getexif().get(ORIENTATION) in TURNED
        wide, high = (image.height, image.width) if turned else image.size
        if width >= wide:
            return b""
        height = max(1, round(high * width / wide))
        longest = 2 * max(width, height)
        image.draft("RGB", (longest, longest))  # a JPEG is decoded to a fraction of its size at once
        upright = _plain(ImageOps.exif_transpose(image))
        small = upright.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
        profile = image.info.get("icc_profile") or b""
        out = io.BytesIO()
        small.save(
            out, "WEBP", quality=QUALITY, method=METHOD, exif=b"", xmp=b"",
            icc_profile=profile if len(profile) <= MOST_PROFILE else b"",
        )  # fmt: skip
    return out.getvalue() if out.tell() < len(data) else b""


def _plain(image: Image) -> Image:
    """In red, green and blue, with transparency where there is some."""
    if image.mode in ("RGB", "RGBA"):
        return image
    clear = image.mode in ("LA", "PA", "La", "RGBa") or "transparency" in image.info
    if image.mode.startswith("I;16"):
        image = image.point(lambda value: value / 256).convert("L")
    return image.convert("RGBA" if clear else "RGB")


def _answer(answers: IO[bytes], path: Path, width: int) -> None:
    from PIL import Image

    try:
        found = scaled(path.read_bytes(), width)
    except (*UNREADABLE, Image.DecompressionBombError, Image.DecompressionBombWarning):
        answers.write(LENGTH.pack(REFUSED))
    else:
        answers.write(LENGTH.pack(len(found)) + found)
    answers.flush()


def _limit() -> None:
    for what, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (least, least))
    os.nice(NICE)


if __name__ == "__main__":
    main()
