"""A picture is an array; what all measures share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image

Picture = NDArray[np.uint8]
"""Shape (height, width, 3): blue, green, red, 0 to 255."""
Map = NDArray[np.float32]
"""Shape (height, width): a value of each pixel of a picture, 0 or more."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of a picture, in shares of its width and height, 0 to 1."""

    x: float
    y: float
    width: float
    height: float

    def pixels(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Left, top, right, bottom in pixels.

        Examples
        --------
        >>> Box(0.25, 0.0, 0.5, 1.0).pixels(1920, 1080)
        (480, 0, 1440, 1080)
        """
        left, top = round(self.x * width), round(self.y * height)
        return left, top, left + round(self.width * width), top + round(self.height * height)


def cut(picture: Picture, box: Box) -> Picture:
    """The part of a picture inside a box."""
    left, top, right, bottom = box.pixels(picture.shape[1], picture.shape[0])
    return np.ascontiguousarray(picture[top:bottom, left:right])


def cut_map(values: Map, box: Box) -> Map:
    """The part of a map inside a box; at least one value."""
    left, top, right, bottom = box.pixels(values.shape[1], values.shape[0])
    return values[top : max(bottom, top + 1), left : max(right, left + 1)]


def to_image(picture: Picture) -> Image.Image:
    """A picture as Pillow has it."""
    from PIL import Image

    return Image.fromarray(np.ascontiguousarray(picture[:, :, ::-1]))


def luma(picture: Picture) -> Map:
    """Brightness of each pixel, 0 to 1 (Rec. 709 weights of the encoded values)."""
    weights = np.array([0.0722, 0.7152, 0.2126], np.float32) / np.float32(255)
    return np.asarray(picture.astype(np.float32) @ weights, np.float32)


def resized(picture: Picture, width: int) -> Picture:
    """A picture of this width, averaged; one that is narrower stays as it is."""
    import cv2

    height = max(1, round(picture.shape[0] * width / picture.shape[1]))
    if picture.shape[1] <= width:
        return picture
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
