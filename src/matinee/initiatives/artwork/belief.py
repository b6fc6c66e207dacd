"""How a belief about lifts becomes a gallery: temperatures, bonuses, and the share that every image keeps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matinee.initiatives.artwork.choosing import MATCH, Gallery
from matinee.initiatives.artwork.lift import Floats, Images, Ints, Lift

BONUS = 1.0
"""Largest bonus of an image over its title's others, in logs of a share."""


def gallery_of(
    images: Images,
    lift: Lift,
    start: Ints,
    *,
    boldness: float,
    style: NDArray[np.int32],
    key: NDArray[np.uint64],
) -> Gallery:
    """Images with what the kernel needs.

    Parameters
    ----------
    start : ndarray of int64, shape (n_titles + 1,)
        Images of each title.
    boldness : float, above 0
        1: as Thompson sampling; above: the believed best comes more often.
    """
    count = np.diff(start)
    title = np.repeat(np.arange(len(count)), count)
    square = np.bincount(title, lift.sd**2, len(count)) / np.maximum(count, 1)
    temperature = np.maximum(np.sqrt(square) * MATCH / boldness, 1e-3)
    surplus = (lift.sd**2 - square[title]) / (2.0 * temperature[title] ** 2)
    return Gallery(
        np.asarray(start, np.int64),
        np.ascontiguousarray(images.features),
        np.ascontiguousarray(lift.own),
        np.clip(surplus, -BONUS, BONUS),
        temperature,
        style,
        key,
    )


def tastes(lift: Lift, context: Floats) -> Floats:
    """Worth of each feature for members, shape (m, r)."""
    found: Floats = lift.coef[0] + context @ lift.coef[1:]
    return found
