"""Frames that look the same, by a perceptual hash.

References
----------
Zauner (2010), implementation and benchmarking of perceptual image hash functions, section 3.2.1 (DCT hash).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from matinee.initiatives.artwork.candidates.picture import Picture

SIDE, KEPT = 32, 8
ALIKE_BITS = 12
"""Of 64: hashes that differ in no more belong to one picture."""
ALIKE_COLOUR = 18.0
"""And their thumbnails differ by less, 0 to 255 on average: the hash knows no colour and no brightness."""
THUMBNAIL = (16, 9)


@dataclass(frozen=True, slots=True)
class Look:
    """What is kept of a picture to tell whether another looks the same: 64 bits and 144 colours."""

    bits: int
    thumbnail: Picture

    @staticmethod
    def of(picture: Picture) -> Look:
        """Look of a picture."""
        return Look(perceptual_hash(picture), _thumbnail(picture))

    def like(self, other: Look) -> bool:
        """Whether two pictures look the same."""
        if (self.bits ^ other.bits).bit_count() > ALIKE_BITS:
            return False
        apart = np.abs(self.thumbnail.astype(np.float32) - other.thumbnail.astype(np.float32))
        return float(apart.mean()) < ALIKE_COLOUR


def perceptual_hash(picture: Picture) -> int:
    """64 bits of the low frequencies of a picture: which of them are above their median."""
    import cv2

    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    tiny = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    low = cv2.dct(tiny)[:KEPT, :KEPT].ravel()
    bits = low > np.median(low[1:])
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def distinct(pictures: Sequence[Picture], scores: Sequence[float]) -> list[int]:
    """Positions of the pictures to keep: of each group that looks the same the one with the best score.

    Returns
    -------
    list of int
        By falling score; of equal scores the earlier one first.
    """
    looks = [Look.of(picture) for picture in pictures]
    kept: list[int] = []
    for i in sorted(range(len(pictures)), key=lambda i: (-scores[i], i)):
        if not any(looks[i].like(looks[j]) for j in kept):
            kept.append(i)
    return kept


def _thumbnail(picture: Picture) -> Picture:
    import cv2

    return np.asarray(cv2.resize(picture, THUMBNAIL, interpolation=cv2.INTER_AREA), np.uint8)
