"""The frames to offer: good ones that differ in colour, layout and time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from matinee.decide.slates.dpp import diverse_slate
from matinee.initiatives.artwork.candidates.picture import Picture

DIVERSITY = 0.6
"""Weight of being different against being good."""
BINS, GRID = 4, 4
PLACES = 8
"""Numbers that say when in the film a frame stands."""
WEIGHTS = {"colours": 1.0, "layout": 1.0, "time": 0.6}


def choose(
    pictures: Sequence[Picture], scores: Sequence[float], times_us: Sequence[int], duration_us: int, n: int
) -> list[int]:
    """Positions of at most n pictures, the first chosen first."""
    if not pictures:
        return []
    vectors = np.stack(
        [
            look(picture, at_us / max(1, duration_us))
            for picture, at_us in zip(pictures, times_us, strict=True)
        ]
    )
    chosen = diverse_slate(np.asarray(scores, np.float32), vectors, n, diversity=DIVERSITY)
    return [int(i) for i in chosen]


def look(picture: Picture, place: float) -> NDArray[np.float32]:
    """How a frame looks and where in the film it stands, as a vector of length 1.

    Parameters
    ----------
    place : float, 0 to 1
        Share of the film that lies before it.

    Returns
    -------
    ndarray of float32, shape (120,)
        Histogram of colours (64), layout of colours about their mean (48), place (8).
    """
    import cv2

    lab = cv2.cvtColor(picture, cv2.COLOR_BGR2LAB)
    colours = cv2.calcHist([lab], [0, 1, 2], None, [BINS] * 3, [0, 256, 64, 192, 64, 192]).ravel()
    layout = cv2.resize(lab, (GRID, GRID), interpolation=cv2.INTER_AREA).astype(np.float32)
    layout -= layout.mean(axis=(0, 1))
    stands = np.exp(-((np.linspace(0, 1, PLACES) - place) ** 2) / (2 * (0.7 / PLACES) ** 2))
    parts = {"colours": np.sqrt(colours), "layout": layout.ravel(), "time": stands}
    whole = np.concatenate([WEIGHTS[name] * _unit(part) for name, part in parts.items()])
    return np.asarray(_unit(whole), np.float32)


def _unit(values: NDArray[np.floating]) -> NDArray[np.floating]:
    length = float(np.linalg.norm(values))
    return values / length if length > 1e-9 else np.zeros_like(values)
