"""The head of the catalogue: titles watched often enough to take part in a closed form over titles."""

from __future__ import annotations

import numpy as np

from matinee.learn.interactions import Interactions
from matinee.types import Index

ALWAYS_IN = 500
"""The most watched titles are in the head however few plays they have."""


def most_watched(train: Interactions, max_titles: int, min_plays: int) -> Index:
    """Titles by plays, most first: at most `max_titles`, each with `min_plays` or among the first 500."""
    count = np.bincount(train.histories.title, minlength=train.n_titles)
    order = np.argsort(-count, kind="stable")[:max_titles]
    rank = np.arange(len(order))
    return order[(count[order] > 0) & ((count[order] >= min_plays) | (rank < ALWAYS_IN))].astype(np.int32)
