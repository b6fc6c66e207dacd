"""Both recommenders asked about the same members: what they share is computed once."""

from __future__ import annotations

from matinee.learn.interactions import Histories
from matinee.learn.recommenders.next_title import NextTitle
from matinee.learn.recommenders.window import Window
from matinee.types import Scores, Times


def score_together(
    next_title: NextTitle, window: Window, histories: Histories, asked_us: Times
) -> tuple[Scores, Scores]:
    """`score_at` of both, each of shape (n_members, n_titles)."""
    return next_title.score_at(histories, asked_us), window.score_at(histories, asked_us)
