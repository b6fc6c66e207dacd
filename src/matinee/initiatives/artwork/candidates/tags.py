"""Tags that can be measured honestly. What a picture means (genre, emotion, setting) is for people to say."""

from __future__ import annotations

import math

import numpy as np

from matinee.initiatives.artwork.candidates.picture import Picture, luma, resized
from matinee.initiatives.artwork.candidates.quality import colourfulness

DARK, BRIGHT = 0.25, 0.55
"""Mean brightness (encoded, 0 to 1) up to which a picture is dark, and from which it is bright."""
WARM = 6.0
"""Mean of b* (yellow against blue, -128 to 127) from which a picture is warm; cold below -6."""
MUTED, VIVID = 15.0, 59.0
"""Colourfulness of "slightly" and "quite" colourful in the scale of Hasler and Süsstrunk."""
MANY = 3


def measured_tags(picture: Picture, *, n_faces: int | None, text: bool | None) -> list[str]:
    """Tags of a picture.

    Parameters
    ----------
    n_faces : int or None
        None: no detector looked. It counts faces, and misses people who turn away.
    text : bool or None
        None: nobody looked.

    Examples
    --------
    >>> measured_tags(np.full((9, 16, 3), (20, 60, 120), np.uint8), n_faces=4, text=None)
    ['people:3+', 'colour:dark', 'colour:warm']
    """
    out = [] if n_faces is None else [f"people:{n_faces if n_faces < MANY else '3+'}"]
    if text is not None:
        out.append("text:yes" if text else "text:no")
    small = resized(picture, 160)
    mean = float(luma(small).mean())
    if mean <= DARK:
        out.append("colour:dark")
    elif mean >= BRIGHT:
        out.append("colour:bright")
    yellow = _mean_b(small)
    if abs(yellow) >= WARM:
        out.append("colour:warm" if yellow > 0 else "colour:cold")
    colours = colourfulness(small)
    if not MUTED < colours < VIVID:
        out.append("colour:muted" if colours <= MUTED else "colour:vivid")
    return out


def _mean_b(small: Picture) -> float:
    import cv2

    lab = cv2.cvtColor(small.astype(np.float32) / np.float32(255), cv2.COLOR_BGR2LAB)
    found = float(lab[:, :, 2].mean())
    return 0.0 if math.isnan(found) else found
