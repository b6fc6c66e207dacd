"""The images of a viewer, packed into its one file: the most shown first, as many as a size permits."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

MAX_BYTES = 8_000_000
"""Of all packed images, by estimate; beyond it the viewer draws posters, as for titles without an image."""
MAX_IMAGE_BYTES = 400_000
TEXT_SHRINKS = 4
"""An SVG takes about so many times less when it is packed; other formats are packed already."""


class Picture(NamedTuple):
    """The file of an image, and what it is (`image/svg+xml`)."""

    media_type: str
    content: bytes


@dataclass(slots=True)
class Uses:
    """How often each image stands on pages, by title; numbers for images in the order of their first use.

    Attributes
    ----------
    number : dict of str to int
        Image -> its number, from 1: 0 stands for none.
    times : dict of (int, int) to int
        (Title, number of its image) -> tiles.
    """

    number: dict[str, int] = field(default_factory=dict)
    times: dict[tuple[int, int], int] = field(default_factory=dict)

    def of(self, title: int, artwork_id: str | None) -> int:
        """The number of the image of a tile, which is counted."""
        if artwork_id is None:
            return 0
        one = self.number.setdefault(artwork_id, len(self.number) + 1)
        self.times[title, one] = self.times.get((title, one), 0) + 1
        return one

    def usual(self) -> dict[int, int]:
        """The image that each title has most often, for where it stands outside of rows."""
        found: dict[int, int] = {}
        for (title, one), n in self.times.items():
            if title not in found or n > self.times[title, found[title]]:
                found[title] = one
        return found

    def by_use(self) -> list[str]:
        """Images, the most shown first."""
        total: dict[int, int] = {}
        for (_, one), n in self.times.items():
            total[one] = total.get(one, 0) + n
        return sorted(self.number, key=lambda one: (-total[self.number[one]], one))


def packed(
    uses: Uses, pictures: Mapping[str, Picture] | Callable[[str], Picture | None]
) -> dict[str, object]:
    """Images as the script of the viewer reads them.

    Parameters
    ----------
    pictures : mapping or callable
        Image -> its file; None: it may not be shown, or is not there.

    Returns
    -------
    dict
        `types`, `sizes` (bytes unpacked) and `type_of`, by number (0 bytes: not packed), and `bytes`: all of
        them one after another, deflated (RFC 1950), in base64.
    """
    load = pictures.get if isinstance(pictures, Mapping) else pictures
    types: dict[str, int] = {}
    kept: dict[int, Picture] = {}
    left = float(MAX_BYTES)
    for one in uses.by_use():
        found = load(one)
        if found is None or len(found.content) > MAX_IMAGE_BYTES:
            continue
        cost = len(found.content) / (TEXT_SHRINKS if "svg" in found.media_type else 1)
        if cost > left:
            continue
        left -= cost
        kept[uses.number[one]] = found
    numbers = range(1, len(uses.number) + 1)
    return {
        "sizes": [len(kept[n].content) if n in kept else 0 for n in numbers],
        "type_of": [types.setdefault(kept[n].media_type, len(types)) if n in kept else 0 for n in numbers],
        "types": list(types),
        "bytes": base64.b64encode(zlib.compress(b"".join(kept[n].content for n in sorted(kept)), 9)).decode(),
    }
