"""Title vectors: what is watched by the same members, and what has the same genres, points the same way.

Truncated singular value decomposition of the member-title matrix with columns scaled by popularity
(PureSVD; Cremonesi, Koren, Turrin 2010, doi 10.1145/1864708.1864721), beside the genres.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse.linalg
from numpy.typing import NDArray

from matinee.learn.interactions import Interactions
from matinee.learn.play_matrix import play_matrix
from matinee.observe.catalogue.catalogue import Catalogue
from matinee.types import derive_seed

FACTORS = 32
GENRE_SHARE = 0.5
"""Part of the likeness of two titles that comes from their genres, where both have some."""


def plays_and_genres(
    train: Interactions, catalogue: Catalogue | None, *, seed: int = 0
) -> NDArray[np.float32]:
    """Unit vectors of all titles, float32, shape (n_titles, d); zero for a title without plays or genres."""
    parts = [np.sqrt(1 - GENRE_SHARE) * _unit(_svd(train, seed))]
    if catalogue is not None and catalogue.genres.names:
        parts.append(np.sqrt(GENRE_SHARE) * _unit(catalogue.genres.dense()))
    return _unit(np.hstack(parts).astype(np.float32))


def _svd(train: Interactions, seed: int) -> NDArray[np.float32]:
    k = min(FACTORS, min(train.n_members, train.n_titles) - 1)
    if k < 1 or train.n_events == 0:
        return np.zeros((train.n_titles, 1), np.float32)
    x = play_matrix(train.histories, train.n_titles)
    count = np.bincount(x.indices, minlength=train.n_titles)
    x.data /= np.sqrt(np.maximum(1, count))[x.indices].astype(np.float32)
    start = np.random.default_rng(derive_seed(seed, "svd")).standard_normal(min(x.shape)).astype(np.float32)
    _, strength, titles = scipy.sparse.linalg.svds(x, k=k, v0=start, tol=1e-3)
    out = titles.T * strength[None, :]
    return np.asarray(out * np.sign(out.sum(axis=0) + 1e-12)[None, :], np.float32)


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    norm = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(norm > 0, norm, 1.0), np.float32)
