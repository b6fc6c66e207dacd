"""Random numbers by address: a draw depends on the seed and on what it is for, on nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from matinee.types import GOLDEN, derive_seed, mixed

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_53_BITS = 2.0**-53


@dataclass(frozen=True, slots=True)
class Draws:
    """Uniform, normal and Gumbel numbers addressed by a stream's name and integer keys.

    Two runs of one world under two policies meet the same luck wherever they do the same thing (common random
    numbers), so a difference between them is the policies' and not chance's; and the order in which members,
    days or titles are visited does not matter.

    Parameters
    ----------
    seed : int
        Of the world.

    Notes
    -----
    Each key is added to the state, which is then mixed as by SplitMix64. Keys broadcast as arrays do.

    References
    ----------
    Steele, Lea, Flood (2014), Fast splittable pseudorandom number generators, OOPSLA,
    doi 10.1145/2660193.2660195. Draws by counter: Salmon et al. (2011), doi 10.1145/2063384.2063405.

    Examples
    --------
    >>> draws = Draws(7)
    >>> bool(draws.uniform("visit", 3, 12) == draws.uniform("visit", [2, 3], 12)[1])
    True
    """

    seed: int

    def uniform(self, stream: str, *keys: ArrayLike) -> Floats:
        """Numbers above 0 and below 1, of the shape that the keys broadcast to."""
        state: NDArray[np.uint64] = np.array(derive_seed(self.seed, stream), np.uint64)
        with np.errstate(over="ignore"):
            for key in keys:
                state = mixed(state + GOLDEN * (np.asarray(key).astype(np.uint64) + np.uint64(1)))
        return ((state >> np.uint64(11)).astype(np.float64) + 0.5) * _53_BITS

    def normal(self, stream: str, *keys: ArrayLike) -> Floats:
        """Numbers of mean 0 and standard deviation 1."""
        out: Floats = ndtri(self.uniform(stream, *keys))
        return out

    def gumbel(self, stream: str, *keys: ArrayLike) -> Floats:
        """Standard Gumbel numbers: the largest of utility + Gumbel is a draw from the softmax of utility."""
        out: Floats = -np.log(-np.log(self.uniform(stream, *keys)))
        return out

    def category(self, shares: ArrayLike, stream: str, *keys: ArrayLike) -> Ints:
        """Positions drawn with the given shares, which sum to 1."""
        edges = np.cumsum(np.asarray(shares, np.float64))[:-1]
        return np.searchsorted(edges, self.uniform(stream, *keys), side="right").astype(np.int64)


def sigmoid(x: Floats) -> Floats:
    """Logistic function."""
    out: Floats = 1.0 / (1.0 + np.exp(-np.clip(x, -40.0, 40.0)))
    return out
