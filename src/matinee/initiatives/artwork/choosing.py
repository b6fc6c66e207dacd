"""From beliefs to images: probabilities in closed form, and the draw that a member keeps.

For each title, in the order of the tiles:

1. worth of an image = expected lift for this member, less `variety` times the share of the images placed so
   far that have the same style (so the probabilities are those given the images before);
2. p = keep / n + (1 - keep) * softmax(worth / temperature of the title + bonus of the image), n the images
   that may be shown, and no image below keep / n;
3. the image is the one in whose part of [0, 1) a number falls that is hashed from salt, member, title and
   period. So a member keeps an image while the probabilities hardly change, and nothing has to be stored.

The temperature is that at which softmax comes nearest to Thompson sampling: two normal beliefs of standard
deviation s differ by a normal number of s * sqrt(2), a logistic one of the same spread has the scale
s * sqrt(6) / pi. An image that is less known than its title's others has a bonus: the expectation of
exp(worth / temperature) under the belief, instead of that of the worth.

References
----------
Thompson (1933), Biometrika 25. McFadden (1974), Conditional logit analysis of qualitative choice behavior
(the logistic difference). Steele, Lea, Flood (2014), Fast splittable pseudorandom number generators, OOPSLA
(SplitMix64). Chou, Chiang, Lin, Lu (2015), Pseudo-reward algorithms for contextual bandits; the bonus is the
moment generating function of the normal distribution.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from matinee.types import GOLDEN, mixed

MATCH = float(np.sqrt(6.0) / np.pi)
"""Temperature of a softmax over the standard deviation of a belief."""
MOST = 64
"""Images of one title that are considered, in the order of their ids."""
OWN, BONUS, STYLE, FEATURES = range(4)
"""Columns of `Gallery.image`; those of the features begin at the last one."""


class Gallery(NamedTuple):
    """All images as the kernel reads them: what it needs of a title, or of an image, side by side. Use `of`.

    Attributes
    ----------
    title : ndarray of int64, shape (n_titles, 3)
        First image, the one after the last, and the bits of the hash of the title's id.
    temperature : ndarray of float64, shape (n_titles,)
        Above 0, in units of lift.
    image : ndarray of float64, shape (n, 3 + r)
        `own`, `bonus`, `style`, and the features.
    """

    title: NDArray[np.int64]
    temperature: NDArray[np.float64]
    image: NDArray[np.float64]

    @staticmethod
    def of(
        start: NDArray[np.int64],
        features: NDArray[np.float64],
        *,
        own: NDArray[np.float64],
        bonus: NDArray[np.float64],
        temperature: NDArray[np.float64],
        style: NDArray[np.int32],
        key: NDArray[np.uint64],
    ) -> Gallery:
        """From what is known of titles and images.

        Parameters
        ----------
        start : ndarray of int64, shape (n_titles + 1,)
            Images of title t are start[t] to start[t + 1].
        features : ndarray of float64, shape (n, r)
            Centred in the title.
        own : ndarray of float64, shape (n,)
            Lift beyond the features.
        bonus : ndarray of float64, shape (n,)
            Added to worth / temperature.
        temperature : ndarray of float64, shape (n_titles,)
        style : ndarray of int32, shape (n,)
            Images of one number look alike; -1: like no other.
        key : ndarray of uint64, shape (n_titles,)
            Hash of the title's id.
        """
        return Gallery(
            np.column_stack([start[:-1], start[1:], key.view(np.int64)]).astype(np.int64),
            np.ascontiguousarray(temperature, np.float64),
            np.column_stack([own, bonus, style, features]).astype(np.float64),
        )

    @property
    def own(self) -> NDArray[np.float64]:
        """Shape (n,)."""
        return self.image[:, OWN]

    @property
    def bonus(self) -> NDArray[np.float64]:
        """Shape (n,)."""
        return self.image[:, BONUS]

    @property
    def features(self) -> NDArray[np.float64]:
        """Shape (n, r)."""
        return self.image[:, FEATURES:]


class Chosen(NamedTuple):
    """One image for each tile.

    Attributes
    ----------
    image : ndarray of int64, shape (n_tiles,)
        Position; -1: none may be shown.
    propensity : ndarray of float64, shape (n_tiles,)
        1 where there was no choice.
    n : ndarray of int64, shape (n_tiles,)
        Images that may be shown.
    """

    image: NDArray[np.int64]
    propensity: NDArray[np.float64]
    n: NDArray[np.int64]


_mixed: Any = njit(cache=True)(mixed)


@njit(cache=True)  # type: ignore[untyped-decorator,unused-ignore]
def _table(size: Any) -> Any:
    """An empty hash table for numbers from 0: rows are (key, value), and the key of an empty one is -1."""
    table = np.zeros((size, 2), np.int64)
    table[:, 0] = -1
    return table


@njit(cache=True)  # type: ignore[untyped-decorator,unused-ignore]
def _find(table: Any, key: Any) -> Any:
    """The row of a key, else the empty row where it belongs; rows are a power of two, and never all taken."""
    last = len(table) - 1
    at = ((np.int64(key) * np.int64(0x9E3779B1)) >> 15) & last
    while table[at, 0] >= 0 and table[at, 0] != key:
        at = (at + 1) & last
    return at


def choose_images(
    gallery: Gallery,
    titles: NDArray[np.int64],
    cleared: NDArray[np.bool_],
    taste: NDArray[np.float64],
    keep: float,
    variety: float,
    unit_key: np.uint64,
) -> Chosen:
    """Choose for the tiles of a page, each given those before it.

    Parameters
    ----------
    gallery : Gallery
    titles : ndarray of int64, shape (n_tiles,)
        Positions; -1: unknown.
    cleared : ndarray of bool, shape (n_images,)
    taste : ndarray of float64, shape (r,)
        Worth of each feature for this member.
    keep : float, 0 to 1
        Share that is spread evenly, so that no image has less than `keep / n`. 1: all images alike.
    variety : float, 0 or more
    unit_key : uint64
        Hash of salt, member and period.

    Notes
    -----
    The kernel is given arrays one by one: to find out what is in a named tuple takes Numba twice as long as
    the call itself.
    """
    n_tiles = len(titles)
    found = Chosen(np.empty(n_tiles, np.int64), np.empty(n_tiles), np.empty(n_tiles, np.int64))
    _choose(*gallery, titles, cleared, taste, keep, variety, unit_key, *found)
    return found


@njit(cache=True)  # type: ignore[untyped-decorator,unused-ignore]
def _choose(
    title: NDArray[np.int64],
    temperature: NDArray[np.float64],
    images: NDArray[np.float64],
    titles: NDArray[np.int64],
    cleared: NDArray[np.bool_],
    taste: NDArray[np.float64],
    keep: float,
    variety: float,
    unit_key: np.uint64,
    image: NDArray[np.int64],
    propensity: NDArray[np.float64],
    n_of: NDArray[np.int64],
) -> None:
    """`choose_images`, written into `image`, `propensity` and `n_of`; the first three are a `Gallery`."""
    n_tiles = len(titles)
    place = np.empty(MOST, np.int64)
    p = np.empty(MOST)
    size = 4
    while size < 2 * n_tiles:
        size *= 2
    tile_of, alike = _table(size), _table(size)
    before = 0
    for k in range(n_tiles):
        image[k], propensity[k], n_of[k] = -1, 1.0, 0
        t = titles[k]
        if t < 0:
            continue
        row = _find(tile_of, t)
        if tile_of[row, 0] == t:
            again = tile_of[row, 1]
            image[k], n_of[k] = image[again], n_of[again]
            continue
        tile_of[row, 0], tile_of[row, 1] = t, k
        n = 0
        for i in range(title[t, 0], title[t, 1]):
            if cleared[i] and n < MOST:
                place[n] = i
                n += 1
        if n == 0:
            continue
        n_of[k] = n
        _probabilities(images, temperature[t], place, n, taste, keep, variety, alike, before, p)
        u = np.float64(_mixed((unit_key ^ np.uint64(title[t, 2])) + GOLDEN) >> np.uint64(11)) * 2.0**-53
        edge, at = 0.0, n - 1
        for j in range(n):
            edge += p[j]
            if u < edge:
                at = j
                break
        image[k] = place[at]
        propensity[k] = p[at] if n > 1 else 1.0
        before += 1
        look = np.int64(images[image[k], STYLE])
        if look >= 0:
            row = _find(alike, look)
            alike[row, 0] = look
            alike[row, 1] += 1


@njit(cache=True)  # type: ignore[untyped-decorator,unused-ignore]
def _probabilities(
    images: NDArray[np.float64],
    temperature: float,
    place: NDArray[np.int64],
    n: int,
    taste: NDArray[np.float64],
    keep: float,
    variety: float,
    alike: NDArray[np.int64],
    before: int,
    p: NDArray[np.float64],
) -> None:
    """Fill p[:n]; they sum to 1. `alike`: table of style -> images of it among the `before` placed so far."""
    top = -np.inf
    r = len(taste)
    for j in range(n):
        i = place[j]
        worth = images[i, OWN]
        for f in range(r):
            worth += images[i, FEATURES + f] * taste[f]
        if variety > 0.0 and before > 0 and images[i, STYLE] >= 0:
            worth -= variety * alike[_find(alike, np.int64(images[i, STYLE])), 1] / before
        p[j] = worth / temperature + images[i, BONUS]
        top = max(top, p[j])
    total = 0.0
    for j in range(n):
        p[j] = np.exp(p[j] - top)
        total += p[j]
    for j in range(n):
        p[j] = keep / n + (1.0 - keep) * p[j] / total
