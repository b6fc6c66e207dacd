"""iALS of the library `implicit` (Hu, Koren, Volinsky 2008); members are folded in from their history."""

from __future__ import annotations

import itertools
from typing import Any, ClassVar

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from tuning import Tuned, counts

from matinee.learn.interactions import Histories, Interactions


class Ials(Tuned):
    """Alternating least squares with confidence 1 + alpha for watched titles."""

    grid: ClassVar[list[dict[str, Any]]] = [
        {"factors": factors, "regularization": reg, "alpha": alpha, "iterations": 15}
        for factors, reg, alpha in itertools.product((32, 64, 128), (0.1, 1.0, 10.0, 30.0), (1.0, 10.0))
    ]

    def fit(self, train: Interactions) -> None:
        self.n_titles_ = train.n_titles
        self.model_ = AlternatingLeastSquares(**self.config, random_state=0)
        self.model_.fit(counts(train.histories, train.n_titles), show_progress=False)

    def score(self, histories: Histories) -> np.ndarray:
        members = self.model_.recalculate_user(np.arange(len(histories)), counts(histories, self.n_titles_))
        return members @ self.model_.item_factors.T
