"""Both recommenders of one log: what they have in common is kept once, and computed once for a member."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from matinee.learn.interactions import Histories
from matinee.learn.models.sequence_neighbours import SequenceNeighboursScorer
from matinee.learn.recommenders.candidates import queries_now
from matinee.learn.recommenders.features import votes_of
from matinee.learn.recommenders.next_title import NextTitle
from matinee.learn.recommenders.window import Window
from matinee.types import Scores, Times


def share_neighbours(next_title: NextTitle, window: Window) -> bool:
    """Let both use one index of neighbours if theirs are equal, as when both learned from the same log."""
    ours, theirs = next_title.generators_, window.generators_
    if ours is None or theirs is None or not _equal(ours.neighbours, theirs.neighbours):
        return False
    window.generators_ = replace(theirs, neighbours=ours.neighbours)
    return True


def score_together(
    next_title: NextTitle, window: Window, histories: Histories, asked_us: Times
) -> tuple[Scores, Scores]:
    """`score_at` of both, each of shape (n_members, n_titles)."""
    ours, theirs = next_title.generators_, window.generators_
    votes = None
    if ours is not None and theirs is not None and ours.neighbours is theirs.neighbours:
        votes = votes_of(ours.neighbours, queries_now(histories, asked_us))
    return (
        next_title.score_at(histories, asked_us, votes=votes),
        window.score_at(histories, asked_us, votes=votes),
    )


def _equal(one: SequenceNeighboursScorer, other: SequenceNeighboursScorer) -> bool:
    if one is other:
        return True
    first, second = one.histories_, other.histories_
    if one.config != other.config or one.n_titles_ != other.n_titles_ or first is None or second is None:
        return False
    return all(
        np.array_equal(getattr(first, name), getattr(second, name)) for name in ("indptr", "title", "at_us")
    )
