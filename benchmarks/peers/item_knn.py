"""Item-kNN of the library `implicit`: cosine or BM25 similarity, the K nearest titles."""

from __future__ import annotations

import itertools
import warnings
from typing import Any, ClassVar

import numpy as np
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender
from tuning import Tuned, counts

from matinee.learn.interactions import Histories, Interactions


class ItemKnn(Tuned):
    """Sum of similarities to the watched titles."""

    grid: ClassVar[list[dict[str, Any]]] = [
        {"kind": kind, "k": k} for kind, k in itertools.product(("cosine", "bm25"), (20, 100, 500, 2000))
    ]

    def fit(self, train: Interactions) -> None:
        kind = CosineRecommender if self.config["kind"] == "cosine" else BM25Recommender
        model = kind(K=self.config["k"])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the library warns about a format that it made itself
            model.fit(counts(train.histories, train.n_titles), show_progress=False)
        self.similarity_ = model.similarity.astype(np.float32).tocsr()

    def score(self, histories: Histories) -> np.ndarray:
        return (counts(histories, self.similarity_.shape[0]) @ self.similarity_).toarray()
