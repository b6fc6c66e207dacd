"""Scores of lists as probabilities."""

from __future__ import annotations

import numpy as np
from numba import njit

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
    out = np.empty(rest.shape, np.float32)
    if out.size:
        _shares(candidates.title, scores, rest, out)
        out /= out.sum(axis=1, keepdims=True).clip(min=1e-30)
    return out


@njit(cache=True)
def _shares(title, scores, rest, out):  # type: ignore[no-untyped-def]
    n = scores.shape[1]
    share = np.empty(n, np.float32)
    for q in range(len(scores)):
        highest = np.float32(-np.inf)
        for c in range(n):
            if np.isfinite(scores[q, c]):
                highest = max(highest, scores[q, c])
        total = 0.0
        for c in range(n):
            share[c] = np.exp(scores[q, c] - highest) if np.isfinite(scores[q, c]) else np.float32(0.0)
            total += share[c]
        least = np.inf
        for c in range(n):
            share[c] /= max(1e-30, total)
            if share[c] > 0.0:
                least = min(least, share[c])
        if not np.isfinite(least):
            least = 1.0 / rest.shape[1]
        low, high = rest[q].min(), rest[q].max()
        width, half = max(np.float32(1e-30), high - low), np.float32(0.5)
        for t in range(rest.shape[1]):
            out[q, t] = (rest[q, t] - low) / width * np.float32(least) * half
        for c in range(n):
            if share[c] > 0.0:
                out[q, title[q, c]] = share[c]
