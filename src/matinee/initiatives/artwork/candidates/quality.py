"""How good a frame is as a picture: sharp, well exposed, colourful, composed, still. No model is asked.

References
----------
Pech-Pacheco et al. (2000), diatom autofocusing (variance of the Laplacian), ICPR,
doi:10.1109/ICPR.2000.903548.
Hasler, Süsstrunk (2003), measuring colourfulness in natural images, SPIE 5007, equation of M3,
doi:10.1117/12.477378.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from matinee.initiatives.artwork.candidates.picture import Picture, luma, resized

WIDTH = 640
"""Pixels across at which full frames are measured, so that figures of different films compare."""
SHARP_AT = 120.0
"""Variance of the Laplacian (8 bit, 640 pixels across) of a frame that is half as sharp as can be."""
COLOURFUL_AT = 60.0
"""M3 of "quite to highly colourful" in the paper's scale."""
STILL_AT = 14.0
"""Mean change (8 bit) to the neighbouring frames of a frame that is half still."""
MIDDLE, SPREAD = 0.42, 0.26
"""Mean brightness that is neither dark nor bright, and how far from it is half as good."""
FLAT_CONTRAST, BLACK = 0.035, 0.06
"""Standard deviation of brightness below which a frame shows nothing; mean brightness that is black."""
WEIGHTS = {"sharpness": 0.3, "exposure": 0.2, "colourfulness": 0.15, "composition": 0.25, "stillness": 0.1}
LEAST = 0.05
"""Value that stands for a measure of 0, so that one poor measure lowers a score and does not end it."""


@dataclass(frozen=True, slots=True)
class Quality:
    """Measures of a frame, each 0 (bad) to 1 (good).

    Attributes
    ----------
    flat : bool
        Black, white or one colour: never chosen.
    """

    sharpness: float
    exposure: float
    colourfulness: float
    composition: float
    stillness: float
    flat: bool

    @property
    def score(self) -> float:
        """Geometric mean of the measures by `WEIGHTS`, 0 to 1; 0 for a flat frame."""
        if self.flat:
            return 0.0
        logs = sum(weight * math.log(max(LEAST, getattr(self, name))) for name, weight in WEIGHTS.items())
        return math.exp(logs)


def measure(picture: Picture, *, composition: float = 0.5, change: float = 0.0) -> Quality:
    """Measure a frame.

    Parameters
    ----------
    composition : float, 0 to 1
        From `composition.thirds`; 0.5 where it was not computed.
    change : float, 0 or more
        Mean absolute difference to the neighbouring frames, 0 to 255.

    Examples
    --------
    >>> measure(np.zeros((90, 160, 3), np.uint8)).score
    0.0
    """
    small = resized(picture, WIDTH)
    light = luma(small)
    mean, spread = float(light.mean()), float(light.std())
    return Quality(
        sharpness=sharpness(small),
        exposure=_exposure(light, mean, spread),
        colourfulness=min(1.0, colourfulness(small) / COLOURFUL_AT),
        composition=composition,
        stillness=1 / (1 + change / STILL_AT),
        flat=spread < FLAT_CONTRAST or (mean < BLACK and spread < 2 * FLAT_CONTRAST),
    )


def sharpness(picture: Picture) -> float:
    """Variance of the Laplacian in the sharpest ninth of a picture, as a share, 0 to 1.

    Notes
    -----
    Departs from the paper: the sharpest of 3 x 3 parts counts, since a face before a soft ground is sharp.
    """
    import cv2

    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    edges = cv2.Laplacian(grey, cv2.CV_32F)
    parts = [part for rows in np.array_split(edges, 3) for part in np.array_split(rows, 3, axis=1)]
    variance = max(float(part.var()) for part in parts)
    return variance / (variance + SHARP_AT)


def colourfulness(picture: Picture) -> float:
    """M3 of Hasler and Süsstrunk: 0 grey, 33 moderately, 59 quite, 109 extremely colourful."""
    blue, green, red = (picture[:, :, c].astype(np.float32) for c in range(3))
    rg, yb = red - green, (red + green) / 2 - blue
    return math.hypot(float(rg.std()), float(yb.std())) + 0.3 * math.hypot(float(rg.mean()), float(yb.mean()))


def change(one: Picture, other: Picture) -> float:
    """Mean absolute difference of two pictures of the same size, 0 to 255."""
    import cv2

    return float(np.mean(cv2.absdiff(one, other)))


def _exposure(light: np.ndarray[tuple[int, ...], np.dtype[np.float32]], mean: float, spread: float) -> float:
    clipped = float(np.mean((light < 0.02) | (light > 0.98)))
    middle = math.exp(-(((mean - MIDDLE) / SPREAD) ** 2) * math.log(2))
    return middle * min(1.0, spread / 0.2) * (1 - min(1.0, max(0.0, clipped - 0.05)))
