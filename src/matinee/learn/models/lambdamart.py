"""LambdaMART: gradient-boosted trees that learn to order each list of candidates (through LightGBM).

Burges (2010), "From RankNet to LambdaRank to LambdaMART: An Overview", MSR-TR-2010-82; Ke et al. (2017),
"LightGBM: A Highly Efficient Gradient Boosting Decision Tree", NeurIPS.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from matinee.errors import ConfigError, NotFittedError
from matinee.learn.models.lambdarank import LambdaRank
from matinee.learn.models.quick_trees import QuickTrees
from matinee.learn.models.storage import load_arrays, save_arrays
from matinee.types import Scores


@dataclass(frozen=True, slots=True)
class LambdaMartConfig:
    """Settings of the ranker; names follow LightGBM's.

    Attributes
    ----------
    trees, leaves, min_rows : int
    rate, feature_share, row_share, l2 : float
    bins : int
        Cells per feature.
    truncation : int
        Positions of a list that take part in pairs.
    threads : int
        1 by default: on busy machines two threads were many times slower than one.
    """

    trees: int = 200
    leaves: int = 15
    min_rows: int = 200
    rate: float = 0.05
    feature_share: float = 0.6
    row_share: float = 0.8
    l2: float = 5.0
    bins: int = 127
    truncation: int = 100
    threads: int = 1

    def __post_init__(self) -> None:
        if self.trees < 1 or self.leaves < 2:
            raise ConfigError(
                f"LambdaMart: trees is {self.trees} and leaves is {self.leaves}, expected at least 1 and 2."
            )


class LambdaMartRanker:
    """Orders candidates of a list by their features.

    Parameters
    ----------
    config : LambdaMartConfig, optional
    seed : int, default 0

    Attributes
    ----------
    booster_ : lightgbm.Booster
    """

    def __init__(self, config: LambdaMartConfig | None = None, *, seed: int = 0) -> None:
        self.config = config or LambdaMartConfig()
        self.seed = seed
        self.booster_: Any = None
        self._quick: QuickTrees | Literal[False] | None = None

    def fit(
        self, features: Scores | list[Scores], relevant: NDArray[np.int8], list_size: NDArray[np.int32]
    ) -> Self:
        """Learn from lists of candidates.

        Parameters
        ----------
        features : ndarray of float32, shape (n_rows, n_features), or a list of such parts
            A list is emptied once LightGBM has its own, smaller, copy.
        relevant : ndarray of int8, shape (n_rows,)
            Grade of each candidate: 0 not watched, 1 watched.
        list_size : ndarray of int32, shape (n_lists,)
            Rows of each list, in order; they sum to n_rows.
        """
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
        import lightgbm

        c = self.config
        params = {
            "learning_rate": c.rate,
            "num_leaves": c.leaves,
            "max_bin": c.bins,
            "min_data_in_leaf": min(c.min_rows, max(1, len(relevant) // 50)),
            "lambda_l2": c.l2,
            "feature_fraction": c.feature_share,
            "bagging_fraction": c.row_share,
            "bagging_freq": 1,
            "num_threads": c.threads,
            "seed": self.seed % 2**31,
            "deterministic": True,
            "force_row_wise": True,
            "verbosity": -1,
        }
        data = lightgbm.Dataset(features, relevant, group=list_size, params=params, free_raw_data=True)
        if isinstance(features, list):
            data.construct()
            features.clear()
        objective = LambdaRank(relevant, list_size, c.truncation)
        self._quick = None
        self.booster_ = lightgbm.train(params | {"objective": objective}, data, num_boost_round=c.trees)
        return self

    def score(self, features: Scores) -> Scores:
        """Score of each row, float32, shape (n_rows,).

        Columns behind those it learned from are passed over: a recommender of a later version may have more.
        """
        if self.booster_ is None:
            raise NotFittedError("LambdaMartRanker: score was called before fit. Call fit(...) first.")
        features = features[:, : self.booster_.num_feature()]
        if self._quick is None:
            self._quick = QuickTrees.of(self.booster_.model_to_string()) or False
        if self._quick and not np.isnan(features).any():
            return self._quick.score(features).astype(np.float32)
        out = self.booster_.predict(features, num_threads=self.config.threads, raw_score=True)
        return np.asarray(out, np.float32)

    def save(self, folder: Path) -> None:
        """Write LightGBM's own text format."""
        if self.booster_ is None:
            raise NotFittedError("LambdaMartRanker: save was called before fit. Call fit(...) first.")
        save_arrays(folder, self.config, seed=np.array(self.seed))
        (folder / "trees.txt").write_text(self.booster_.model_to_string())

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        import lightgbm

        config, arrays = load_arrays(folder, LambdaMartConfig)
        ranker = cls(config, seed=int(arrays["seed"]))
        text = (folder / "trees.txt").read_text()
        ranker.booster_ = lightgbm.Booster(model_str=text)
        ranker._quick = QuickTrees.of(text) or False  # now: the first query need not wait for it
        return ranker
