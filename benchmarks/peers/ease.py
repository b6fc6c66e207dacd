"""EASE: item-item weights in closed form (Steck 2019, doi:10.1145/3308558.3313710), written independently."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from tuning import Tuned, counts

from matinee.learn.interactions import Histories, Interactions


class Ease(Tuned):
    """B = I - P / diag(P) with P = (X'X + reg I)^-1."""

    grid: ClassVar[list[dict[str, Any]]] = [{"reg": reg} for reg in (20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)]

    def fit(self, train: Interactions) -> None:
        x = counts(train.histories, train.n_titles)
        gram = (x.T @ x).toarray().astype(np.float64)
        gram[np.diag_indices_from(gram)] += self.config["reg"]
        inverse = np.linalg.inv(gram)
        weights = -inverse / np.diag(inverse)
        np.fill_diagonal(weights, 0.0)
        self.weights_ = weights.astype(np.float32)

    def score(self, histories: Histories) -> np.ndarray:
        return counts(histories, len(self.weights_)) @ self.weights_
