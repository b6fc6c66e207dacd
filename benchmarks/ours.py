"""Ours as `matinee recommend` builds it, in the form that `peers/answer.py` asks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from matinee.learn.interactions import Histories, Interactions
from matinee.learn.reading import read_titles
from matinee.learn.recommenders.coverage import diverse_slots
from matinee.learn.recommenders.next_title import NextTitle
from matinee.learn.recommenders.recommend import aligned
from matinee.learn.recommenders.window import Window


class Ours:
    """`--objective`, `--diversity` and `--extra-model sequence` of `matinee recommend`."""

    def __init__(
        self,
        objective: str,
        diversity: float = 0.0,
        *,
        sequence: bool = False,
        returns: bool = False,
        titles: str | None = None,
    ) -> None:
        self.objective, self.diversity, self.sequence = objective, diversity, sequence
        self.returns, self.titles = returns, titles

    def fit(self, train: Interactions) -> None:
        facts = None if self.titles is None else aligned(read_titles(Path(self.titles)), train.title_ids)
        kind = NextTitle if self.objective == "next" else Window
        config = replace(kind.default_config, returns=self.returns)
        model = kind(config, catalogue=facts)
        if self.sequence:
            from matinee.learn.models.sasrec import SasRecScorer

            model.also(SasRecScorer())
        self.model_ = model.fit(train)

    def score(self, histories: Histories) -> np.ndarray:
        return self.model_.score(histories)

    def score_at(self, histories: Histories, asked_us: np.ndarray) -> np.ndarray:
        return self.model_.score_at(histories, asked_us)

    @property
    def makes_lists(self) -> bool:
        """With diversity a list depends on those of the members before it: there are no scores to rank by."""
        return self.diversity > 0

    def lists(self, histories: Histories, k: int, asked_us: np.ndarray) -> Any:
        """Titles of each member, shape (n_members, k)."""
        slots = diverse_slots(k, self.diversity)
        return self.model_.best(histories, k, asked_us=asked_us, n_diverse=slots)[0]
