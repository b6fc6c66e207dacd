from __future__ import annotations

import numpy as np
import pytest

from matinee.errors import ConfigError
from matinee.learn.interactions import Interactions
from matinee.learn.models.metadata_similarity import (
    MetadataSimilarityConfig,
    MetadataSimilarityScorer,
    title_vectors,
)
from matinee.observe.catalogue.catalogue import Catalogue
from matinee.testing.logs import log_of
from matinee.testing.scorers import ScorerContract
from matinee.types import parse_at


def catalogue_for(train: Interactions) -> Catalogue:
    """Titles of the log with some metadata; every fifth has none."""
    rows: list[dict[str, object]] = []
    for i, title_id in enumerate(train.title_ids):
        row: dict[str, object] = {"title_id": title_id}
        if i % 5 != 4:
            row |= {"genres": [f"g{i % 3}", f"g{3 + i % 2}"], "countries": [f"c{i % 4}"], "cast": f"p{i % 6}"}
        rows.append(row)
    return Catalogue.from_rows(rows)


class TestMetadataSimilarityScorer(ScorerContract):
    def scorer(self, train: Interactions, seed: int = 0) -> MetadataSimilarityScorer:
        return MetadataSimilarityScorer(catalogue_for(train))


class TestMetadataSimilarityScorerWithoutCatalogue(ScorerContract):
    def scorer(self, train: Interactions, seed: int = 0) -> MetadataSimilarityScorer:
        return MetadataSimilarityScorer(None)


def small() -> Catalogue:
    """Two dramas, one of them French; a French comedy; one title of which nothing is known."""
    return Catalogue.from_rows(
        [
            {"title_id": "a", "genres": ["drama"]},
            {"title_id": "b", "genres": ["drama"], "countries": ["FR"]},
            {"title_id": "c", "genres": ["comedy"], "countries": ["FR"]},
            {"title_id": "d"},
        ]
    )


def fitted(decay: float = 0.5) -> MetadataSimilarityScorer:
    config = MetadataSimilarityConfig(decay=decay)
    return MetadataSimilarityScorer(small(), config).fit(log_of([[0]], 4))


COMMON, RARE = np.log(1 + 4 / 2), np.log(1 + 4 / 1)
"""Weight of a label that two of the four titles have, and of one that only one has."""


def unit(*values: float) -> np.ndarray:
    return np.array(values) / np.linalg.norm(values)


A, B, C = unit(0, COMMON, 0), unit(0, COMMON, COMMON), unit(RARE, 0, COMMON)
"""Vectors over (comedy, drama, France)."""


def test_vectors_are_unit_tf_idf_rows() -> None:
    dense = title_vectors(small()).toarray()
    assert dense @ dense.T == pytest.approx(
        np.array([[1, A @ B, 0, 0], [A @ B, 1, B @ C, 0], [0, B @ C, 1, 0], [0, 0, 0, 0]]), abs=1e-6
    )


def test_one_title_by_hand() -> None:
    scores = fitted().score(log_of([[0], [1], [3], []], 4).histories)
    assert scores[0] == pytest.approx([1, A @ B, 0, 0], abs=1e-6)
    assert scores[1] == pytest.approx([A @ B, 1, B @ C, 0], abs=1e-6)
    assert np.abs(scores[2:]).max() == 0


def test_a_member_is_the_faded_mean_of_what_they_watched() -> None:
    taste = unit(*(A * 0.25 + C * 0.5 + B))
    scores = fitted(0.5).score(log_of([[0, 2, 1]], 4).histories)
    assert scores[0] == pytest.approx([A @ taste, B @ taste, C @ taste, 0], abs=1e-6)


def test_decade_language_and_people_are_labels() -> None:
    catalogue = Catalogue.from_rows(
        [
            {"title_id": "a", "release_us": parse_at("1994-05-01"), "cast": ["X Y", "Z"]},
            {"title_id": "b", "release_us": parse_at("1999-12-30")},
            {"title_id": "c", "directors": "X Y", "release_us": parse_at("2004-01-05")},
            {"title_id": "d", "languages": ["fr"]},
            {"title_id": "e", "languages": ["fr"], "release_us": parse_at("1969-05-01")},
        ]
    )
    like = (title_vectors(catalogue) @ title_vectors(catalogue).T).toarray() > 0
    related = {(i, j) for i, j in np.argwhere(like).tolist() if i < j}
    assert related == {(0, 1), (0, 2), (3, 4)}


def test_a_label_that_stands_twice_counts_once() -> None:
    rows = [{"title_id": "a", "cast": "X|X"}, {"title_id": "b", "cast": "X"}, {"title_id": "c"}]
    like = (title_vectors(Catalogue.from_rows(rows)) @ title_vectors(Catalogue.from_rows(rows)).T).toarray()
    assert like[0, 1] == pytest.approx(1.0)


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"decay is 1\.5, expected above 0 and at most 1"):
        MetadataSimilarityConfig(decay=1.5)
