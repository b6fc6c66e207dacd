"""EASE: item-item weights in closed form (Steck 2019, doi:10.1145/3308558.3313710), written independently."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from scipy.linalg import lapack
from tuning import Tuned, counts

from matinee.learn.interactions import Histories, Interactions


class Ease(Tuned):
    """B = I - P / diag(P) with P = (X'X + reg I)^-1."""

    grid: ClassVar[list[dict[str, Any]]] = [{"reg": reg} for reg in (20.0, 100.0, 300.0, 1000.0)]

    def fit(self, train: Interactions) -> None:
        x = counts(train.histories, train.n_titles)
        gram = (x.T @ x).toarray()
        gram[np.diag_indices_from(gram)] += self.config["reg"]
        factor, _ = lapack.spotrf(gram, lower=1, overwrite_a=1)
        inverse, _ = lapack.spotri(factor, lower=1, overwrite_c=1)
        inverse = np.tril(inverse) + np.tril(inverse, -1).T
        weights = -inverse / np.diag(inverse)
        np.fill_diagonal(weights, 0.0)
        self.weights_ = weights

    def score(self, histories: Histories) -> np.ndarray:
        return counts(histories, len(self.weights_)) @ self.weights_
