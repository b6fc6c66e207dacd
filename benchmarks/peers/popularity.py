"""Most watched titles, the same for everybody; all time, or with more weight on late events."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from tuning import Tuned

from matinee.learn.interactions import Histories, Interactions
from matinee.types import DAY_US


class Popularity(Tuned):
    """Counts with a half-life in days (null: none)."""

    grid: ClassVar[list[dict[str, Any]]] = [{"half_life_days": h} for h in (None, 7, 30, 120)]

    def fit(self, train: Interactions) -> None:
        half_life, at_us = self.config["half_life_days"], train.histories.at_us
        age_days = (at_us.max() - at_us) / DAY_US
        weight = np.ones(len(at_us)) if half_life is None else 0.5 ** (age_days / half_life)
        self.plays_ = np.bincount(train.histories.title, weight, train.n_titles).astype(np.float32)

    def score(self, histories: Histories) -> np.ndarray:
        return np.tile(self.plays_, (len(histories), 1))
