"""Scores of lists as probabilities."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matinee.learn.interactions import Histories
from matinee.learn.models.base import Scorer
from matinee.learn.recommenders.candidates import mask_seen
from matinee.learn.recommenders.features import Candidates
from matinee.types import Index, Mask, Scores


def log_shares(extra: Scorer, histories: Histories, titles: Index) -> Scores:
    """Log of the softmax of the extra model's scores over unseen titles, for some titles of each member."""
    scores = mask_seen(extra.score(histories), histories)
    scores -= scores.max(axis=1, keepdims=True)
    total = np.log(np.exp(scores).sum(axis=1, keepdims=True))
    found = np.take_along_axis(scores, titles.astype(np.int64), axis=1) - total
    return np.asarray(np.maximum(found, -30.0), np.float32)


def fit_log_temperature(scores: Scores, relevant: Mask) -> float:
    """Factor that makes softmax(factor * score) the likeliest explanation of what was watched, as a log."""
    grid = np.linspace(-2.0, 2.0, 41)
    share = relevant / relevant.sum(axis=1, keepdims=True).clip(min=1)

    def loss(log_factor: float) -> float:
        z = scores.astype(np.float64) * np.exp(log_factor)
        z -= z.max(axis=1, keepdims=True)
        return float(-(share * (z - np.log(np.exp(z).sum(axis=1, keepdims=True)))).sum())

    return float(grid[int(np.argmin([loss(g) for g in grid]))])


def probabilities(candidates: Candidates, scores: Scores, rest: Scores) -> Scores:
    """Softmax over the candidates; all else below the least of them, in the order of `rest`."""
    top_score = np.where(np.isfinite(scores), scores, -np.inf).max(axis=1, keepdims=True)
    z = np.exp(scores - np.where(np.isfinite(top_score), top_score, 0.0))
    z[~np.isfinite(scores)] = 0.0
    p: NDArray[np.float32] = z / np.maximum(1e-30, z.sum(axis=1, keepdims=True))
    least = np.where(p > 0, p, np.inf).min(axis=1, keepdims=True)
    least = np.where(np.isfinite(least), least, 1.0 / rest.shape[1])
    low = rest - rest.min(axis=1, keepdims=True)
    low /= np.maximum(1e-30, low.max(axis=1, keepdims=True))
    out = low * least * 0.5
    rows = np.arange(len(p))[:, None]
    out[rows, candidates.title] = np.where(p > 0, p, out[rows, candidates.title])
    return np.asarray(out / out.sum(axis=1, keepdims=True).clip(min=1e-30), np.float32)
