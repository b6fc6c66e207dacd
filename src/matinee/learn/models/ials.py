"""iALS: matrix factorisation of implicit feedback by alternating least squares, through `implicit`.

Hu, Koren, Volinsky (2008), "Collaborative Filtering for Implicit Feedback Datasets", ICDM, doi
10.1109/ICDM.2008.22; settings after Rendle et al. (2021), "Revisiting the performance of iALS", RecSys.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import scipy.sparse
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from matinee.errors import ConfigError, MissingExtraError, NotFittedError
from matinee.learn.interactions import Histories, Interactions
from matinee.learn.models.base import Scorer
from matinee.learn.models.storage import load_arrays, save_arrays
from matinee.learn.play_matrix import play_matrix
from matinee.types import Scores

Matrix = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class IalsConfig:
    """Settings of iALS.

    Attributes
    ----------
    factors, iterations : int, at least 1
    reg : float, 0 or more
    alpha : float, above 0
        Weight of a play against the weight 1 of a title that was not watched.
    threads : int
    """

    factors: int = 64
    iterations: int = 16
    reg: float = 0.05
    alpha: float = 2.0
    threads: int = 1

    def __post_init__(self) -> None:
        if self.factors < 1 or self.iterations < 1:
            raise ConfigError(
                f"Ials: factors is {self.factors} and iterations is {self.iterations}, expected at least 1."
            )
        if not self.alpha > 0:
            raise ConfigError(f"Ials: alpha is {self.alpha}, expected a number above 0.")


class IalsScorer(Scorer):
    """Taste scores for catalogues above 20,000 titles, where closed forms over titles grow too large.

    Below that `EaseScorer` is better. A member is folded in from their history when scoring, so that
    members unknown to `fit` are served. Needs the extra `als`.

    Parameters
    ----------
    config : IalsConfig, optional
    seed : int, default 0

    Attributes
    ----------
    title_factors_ : ndarray of float32, shape (n_titles, factors)

    Notes
    -----
    Cost: time O(iterations * (n_events * factors ** 2 + (n_members + n_titles) * factors ** 3)).
    """

    def __init__(self, config: IalsConfig | None = None, *, seed: int = 0) -> None:
        self.config = config or IalsConfig()
        self.seed = seed
        self.title_factors_: Matrix | None = None

    def fit(self, train: Interactions) -> Self:
        """Learn the factors of the titles."""
        try:
            from implicit.als import AlternatingLeastSquares
        except ImportError as error:
            raise MissingExtraError("IalsScorer", "als") from error
        c = self.config
        plays = scipy.sparse.csr_matrix(play_matrix(train.histories, train.n_titles))
        with threadpool_limits(1, "blas"):  # implicit has threads of its own; BLAS threads slow them down
            model = AlternatingLeastSquares(
                factors=c.factors,
                regularization=c.reg,
                alpha=c.alpha,
                iterations=c.iterations,
                num_threads=c.threads,
                random_state=self.seed % 2**31,
                use_gpu=False,
            )
            model.fit(plays, show_progress=False)
        self.title_factors_ = np.asarray(model.item_factors, np.float32)
        return self

    def score(self, histories: Histories) -> Scores:
        """Preference, about 0 to 1, float32, shape (n_members, n_titles)."""
        y = self._fitted()
        c = self.config
        gram = y.T @ y + np.float32(c.reg) * np.eye(y.shape[1], dtype=np.float32)
        members = np.zeros((len(histories), y.shape[1]), np.float32)
        for m in range(len(histories)):
            own = y[np.unique(histories.of(m))]
            if len(own):
                # equation 4 of the paper: confidence alpha for a play, 1 for everything else
                left = gram + np.float32(c.alpha - 1.0) * (own.T @ own)
                members[m] = np.linalg.solve(left, np.float32(c.alpha) * own.sum(axis=0))
        return members @ y.T

    def save(self, folder: Path) -> None:
        """Write the factors of the titles; members are never stored."""
        save_arrays(folder, self.config, title_factors=self._fitted(), seed=np.array(self.seed))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        config, a = load_arrays(folder, IalsConfig)
        self = cls(config, seed=int(a["seed"]))
        self.title_factors_ = a["title_factors"]
        return self

    def _fitted(self) -> Matrix:
        if self.title_factors_ is None:
            raise NotFittedError("IalsScorer: score was called before fit. Call fit(train) first.")
        return self.title_factors_
