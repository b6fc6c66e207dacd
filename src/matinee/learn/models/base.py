"""What every model can do: learn from interactions, score titles for histories, be saved without pickle."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Self

from matinee.learn.interactions import Histories, Interactions
from matinee.types import Scores


class Scorer(ABC):
    """Scores every title of the catalogue for members known only by their history.

    `score` never learns and never stores: a member unknown to `fit`, or with an empty history, gets the
    scores that their history (possibly none) implies. Higher is better; scores of one member are
    comparable with each other, not between members. Titles already watched are scored like any other:
    removing them is the caller's mask.
    """

    @abstractmethod
    def fit(self, train: Interactions) -> Self:
        """Learn from the whole of `train`. Returns self."""

    @abstractmethod
    def score(self, histories: Histories) -> Scores:
        """Scores, float32, shape (n_members, n_titles)."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write what was learned to `folder` (made if missing) as .npy, JSON or LightGBM text."""

    @classmethod
    @abstractmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote. Refuses pickles."""
