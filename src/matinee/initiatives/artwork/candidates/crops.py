"""The part of a frame to show at an aspect ratio: what is looked at stays in, faces above all.

References
----------
Suh et al. (2003), automatic thumbnail cropping and its effectiveness, UIST, section 3,
doi:10.1145/964696.964707 (crop where the saliency is).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from matinee.initiatives.artwork.candidates.picture import Box, Map

PEAKS = 1.5
"""Power of saliency: much in one place matters more than little everywhere."""
FACE = 1.0
"""Importance of all faces together, where all saliency together has 1."""
MARGIN = 0.35
"""Room around a face, in its own size, that belongs to it: hair, chin."""
CUT = 2.5
"""What a crop loses for importance that its edge runs through, per band."""
BAND = 0.04
"""Width of the band along an edge, of the crop's side."""
CENTRED = 0.05
"""What a crop loses where its importance lies far from its middle third; settles ties."""


def ratio(aspect: str) -> float:
    """Width over height.

    Examples
    --------
    >>> ratio("16:9") > ratio("1:1") > ratio("2:3")
    True
    """
    across, _, down = aspect.partition(":")
    return int(across) / int(down)


def importance(saliency: Map, faces: Sequence[Box]) -> Map:
    """What should stay in a crop: saliency, and faces with the room around them."""
    out = saliency**PEAKS
    out /= out.sum()
    rows, cols = out.shape
    total = sum(face.width * face.height for face in faces)
    for face in faces:
        left, top, right, bottom = _with_margin(face).pixels(cols, rows)
        area = max(1, right - left) * max(1, bottom - top)
        out[top : max(bottom, top + 1), left : max(right, left + 1)] += (
            FACE * face.width * face.height / total / area
        )
    return np.asarray(out / out.sum(), np.float32)


def best_crop(important: Map, aspect: str, width: int, height: int) -> Box:
    """The largest crop of an aspect ratio, moved to where it holds most and cuts least.

    Parameters
    ----------
    important : ndarray of float32, shape (rows, cols)
        From `importance`; sums to 1.
    width, height : int
        Of the frame, in pixels.
    """
    wanted, given = ratio(aspect), width / height
    if abs(wanted / given - 1) < 0.005:
        return Box(0.0, 0.0, 1.0, 1.0)
    if wanted < given:
        share = wanted / given
        return Box(_place(important.sum(axis=0), share), 0.0, share, 1.0)
    share = given / wanted
    return Box(0.0, _place(important.sum(axis=1), share), 1.0, share)


def holds(crop: Box, face: Box) -> bool:
    """Whether the middle of a face is inside a crop."""
    x, y = face.x + face.width / 2, face.y + face.height / 2
    return crop.x <= x <= crop.x + crop.width and crop.y <= y <= crop.y + crop.height


def _place(along: NDArray[np.float32], share: float) -> float:
    """Start of the best window, as a share of the axis."""
    n = len(along)
    size = max(1, round(share * n))
    band = max(1, round(BAND * size))
    before = np.concatenate([[0.0], np.cumsum(along, dtype=np.float64)])
    moment = np.concatenate([[0.0], np.cumsum(along * (np.arange(n) + 0.5), dtype=np.float64)])
    start = np.arange(n - size + 1)
    held = before[start + size] - before[start]
    centre = (moment[start + size] - moment[start]) / np.maximum(held, 1e-9) - start
    off = np.maximum(0.0, np.abs(centre / size - 0.5) - 1 / 6)
    at_start = np.where(start > 0, before[start + band] - before[start], 0.0)
    at_end = np.where(start + size < n, before[start + size] - before[start + size - band], 0.0)
    even = size / n * band / size  # importance of a band if it were spread evenly
    cut = np.maximum(0.0, at_start - even) + np.maximum(0.0, at_end - even)
    value = held - CUT * cut - CENTRED * off
    best = np.flatnonzero(value >= value.max() - 1e-9)
    middle = best[np.argmin(np.abs(best + size / 2 - n / 2))]
    return min(float(middle) / n, 1 - share)


def _with_margin(face: Box) -> Box:
    left, top = max(0.0, face.x - MARGIN * face.width), max(0.0, face.y - MARGIN * face.height)
    right = min(1.0, face.x + (1 + MARGIN) * face.width)
    bottom = min(1.0, face.y + (1 + MARGIN) * face.height)
    return Box(left, top, right - left, bottom - top)
