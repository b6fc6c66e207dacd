"""Where the eye goes in a picture, and whether that is a good place for it.

References
----------
Hou, Zhang (2007), saliency detection: a spectral residual approach, CVPR, doi:10.1109/CVPR.2007.383267.
Achanta et al. (2009), frequency-tuned salient region detection, CVPR, eq. 5, doi:10.1109/CVPR.2009.5206596.
Zhu et al. (2014), saliency optimization from robust background detection, CVPR, doi:10.1109/CVPR.2014.360
(what is coloured like the border is background).
Liu et al. (2010), optimizing photo composition, Computer Graphics Forum 29(2), section 4 (rule of thirds),
doi:10.1111/j.1467-8659.2009.01616.x.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from matinee.initiatives.artwork.candidates.picture import Map, Picture, resized

WIDTH = 192
"""Pixels across of a saliency map."""
SPECTRUM_WIDTH = 64
"""Pixels across at which the spectrum is taken, as in the paper."""
BORDER, COMMON = 0.08, 0.02
"""Depth of the border, of the height; share of it that a colour has which is common there."""
BINS = (8, 12, 12)
"""Of the histogram of border colours: lightness, green to red, blue to yellow."""
REACH = 0.17
"""Distance to a point of thirds, in shares of the picture, at which it counts half as much or so."""
LARGEST_SHARE = 0.2
"""Of the picture: the part that holds most of what is looked at."""


def saliency(picture: Picture, moving: Map | None = None) -> Map:
    """How much each place of a picture draws the eye.

    Parameters
    ----------
    moving : ndarray of float32, shape (rows, cols), optional
        From `motion`: what moves draws the eye too.

    Returns
    -------
    ndarray of float32, shape (rows, at most 192)
        Sums to 1; a picture without any contrast has the same value everywhere.

    Notes
    -----
    The sum of maps: the spectral residual finds what breaks the texture (small things and edges), the
    distance of colour from the mean colour and from the colours of the border finds whole objects, motion
    finds who acts. Departs from the papers: the border enters by a histogram of its colours instead of
    regions, and the corners count half as much as the middle, since films are framed.
    """
    import cv2

    small = resized(picture, WIDTH)
    rows, cols = small.shape[:2]
    found = _unit(_residual(small)) + 0.7 * _unit(_colour_distance(small)) + _unlike_border(small)
    if moving is not None:
        found = found + _unit(np.asarray(cv2.resize(moving, (cols, rows)), np.float32))
    y, x = np.mgrid[0:rows, 0:cols]
    off = ((x / max(1, cols - 1) - 0.5) ** 2 + (y / max(1, rows - 1) - 0.5) ** 2) / 0.5
    weighed = cv2.GaussianBlur(found.astype(np.float32), (0, 0), cols / 64) * (1 - 0.5 * off)
    total = float(weighed.sum())
    if total <= 1e-6:
        return np.full((rows, cols), 1 / (rows * cols), np.float32)
    return np.asarray(weighed / total, np.float32)


def motion(pictures: Sequence[Picture]) -> Map | None:
    """Where successive small pictures differ more than most of the picture does; None for fewer than two."""
    import cv2

    if len(pictures) < 2:
        return None
    grey = [cv2.GaussianBlur(cv2.cvtColor(one, cv2.COLOR_BGR2GRAY), (0, 0), 2) for one in pictures]
    steps = [cv2.absdiff(a, b).astype(np.float32) for a, b in pairwise(grey)]
    moved = np.mean(steps, axis=0)
    above = np.maximum(0.0, moved - 2 * float(np.median(moved)) - 0.5)
    return np.asarray(cv2.GaussianBlur(above.astype(np.float32), (0, 0), 4), np.float32)


def thirds(found: Map) -> float:
    """Share of what is looked at that lies at a point of thirds, and how gathered it is, 0 to 1.

    Examples
    --------
    >>> spot = np.zeros((30, 30), np.float32); spot[10, 20] = 1
    >>> middle_of_edge = np.zeros((30, 30), np.float32); middle_of_edge[15, 0] = 1
    >>> thirds(spot) > 0.9, thirds(middle_of_edge) < 0.6
    (True, True)
    """
    rows, cols = found.shape
    y = (np.arange(rows, dtype=np.float32)[:, None] + 0.5) / rows
    x = (np.arange(cols, dtype=np.float32)[None, :] + 0.5) / cols
    best = 0.0
    for px in (1 / 3, 2 / 3):
        for py in (1 / 3, 2 / 3):
            near = np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * REACH**2))
            best = max(best, float((near * found).sum()))
    return 0.5 * min(1.0, best / 0.6) + 0.5 * gathered(found)


def gathered(found: Map) -> float:
    """Share of what is looked at in the most salient fifth of the picture, 0 (spread evenly) to 1.

    Examples
    --------
    >>> gathered(np.full((10, 10), 0.01, np.float32))
    0.0
    """
    flat = np.sort(found.ravel())[::-1]
    top = float(flat[: max(1, int(LARGEST_SHARE * flat.size))].sum())
    return round(max(0.0, (top - LARGEST_SHARE) / (1 - LARGEST_SHARE)), 6)


def _residual(small: Picture) -> Map:
    import cv2

    rows, cols = small.shape[:2]
    grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
    height = max(8, round(rows * SPECTRUM_WIDTH / cols))
    tiny = cv2.resize(grey, (SPECTRUM_WIDTH, height), interpolation=cv2.INTER_AREA).astype(np.float32)
    if float(tiny.std()) < 1.0:
        return np.zeros((rows, cols), np.float32)
    spectrum = np.fft.fft2(tiny)
    log = np.log(np.abs(spectrum) + 1e-6).astype(np.float32)
    residual = log - cv2.blur(log, (3, 3))
    back = np.abs(np.fft.ifft2(np.exp(residual + 1j * np.angle(spectrum)))) ** 2
    smooth = cv2.GaussianBlur(back.astype(np.float32), (0, 0), 2.5)
    return np.asarray(cv2.resize(smooth, (cols, rows)), np.float32)


def _colour_distance(small: Picture) -> Map:
    import cv2

    lab = cv2.cvtColor(cv2.GaussianBlur(small, (5, 5), 0), cv2.COLOR_BGR2LAB).astype(np.float32)
    return np.asarray(np.sqrt(((lab - lab.mean(axis=(0, 1))) ** 2).sum(axis=2)), np.float32)


def _unlike_border(small: Picture) -> Map:
    """Of each pixel, how rare its colour is along the border, 0 to 1."""
    import cv2

    lab = cv2.cvtColor(cv2.GaussianBlur(small, (5, 5), 0), cv2.COLOR_BGR2LAB)
    rows, cols = lab.shape[:2]
    band = np.full((rows, cols), 255, np.uint8)
    depth = max(1, round(BORDER * rows))
    band[depth : rows - depth, depth : cols - depth] = 0
    share = cv2.calcHist([lab], [0, 1, 2], band, list(BINS), [0, 256, 64, 192, 64, 192])
    share = np.asarray(share, np.float32) / max(1, int((band > 0).sum()))
    scaled = lab.astype(np.float32)
    light = np.minimum(scaled[:, :, 0] * BINS[0] / 256, BINS[0] - 1).astype(int)
    green, blue = (
        np.clip((scaled[:, :, c] - 64) * BINS[c] / 128, 0, BINS[c] - 1).astype(int) for c in (1, 2)
    )
    return np.asarray(np.exp(-share[light, green, blue] / COMMON), np.float32)


def _unit(values: Map) -> Map:
    top = float(np.quantile(values, 0.99))
    return np.clip(values / top, 0, 1) if top > 1e-6 else np.zeros_like(values)
