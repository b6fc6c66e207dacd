"""The same probabilities for many questions about one title each: for judging logs and for simulations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matinee.initiatives.artwork.choosing import Gallery

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def image_table(start: Ints) -> Ints:
    """Images of each title side by side, shape (n_titles, most images of a title); -1: none there."""
    count = np.diff(start)
    number = np.arange(int(count.max(initial=1)))
    return np.where(number < count[:, None], start[:-1, None] + number, -1).astype(np.int64)


def worths(gallery: Gallery, images: Ints, taste: Floats) -> Floats:
    """Expected lift of each image for each member; -inf where there is none.

    Parameters
    ----------
    images : ndarray of int64, shape (m, width)
        Positions; -1: none.
    taste : ndarray of float64, shape (m, r)
    """
    at = np.maximum(images, 0)
    found = np.einsum("mwr,mr->mw", gallery.features[at], taste) + gallery.own[at]
    out: Floats = np.where(images >= 0, found, -np.inf)
    return out


def probabilities(gallery: Gallery, title: Ints, images: Ints, taste: Floats, keep: float | Floats) -> Floats:
    """Probability of each image of a title that stands alone (no variety), shape (m, width); rows sum to 1.

    Parameters
    ----------
    title : ndarray of int64, shape (m,)
    images, taste
        As in `worths`.
    keep : float or ndarray of float64, shape (m,)
        1 for members of the holdout.
    """
    there = images >= 0
    z = worths(gallery, images, taste) / gallery.temperature[title][:, None]
    z = z + np.where(there, gallery.bonus[np.maximum(images, 0)], 0.0)
    e = np.exp(z - z.max(axis=1, keepdims=True))
    share = np.broadcast_to(np.asarray(keep, np.float64), (len(title),))[:, None]
    out: Floats = share * there / there.sum(axis=1, keepdims=True)
    out = out + (1.0 - share) * e / e.sum(axis=1, keepdims=True)
    return out
