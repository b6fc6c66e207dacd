"""Metadata similarity: titles that look like what a member watched, for titles that nobody watched yet.

Titles are vectors of genres, decade, countries, languages, directors and cast, weighted by rarity
(tf-idf; Salton, Buckley 1988, doi 10.1016/0306-4573(88)90021-0); a member is the faded mean of the titles
they watched; the score is the cosine.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from matinee.errors import ConfigError, NotFittedError
from matinee.learn.interactions import Histories, Interactions
from matinee.learn.models.base import Scorer
from matinee.learn.models.storage import load_arrays, save_arrays
from matinee.learn.play_matrix import Csr, csr, fading, play_matrix
from matinee.observe.catalogue.catalogue import Catalogue
from matinee.types import ALWAYS_US, DAY_US, Scores

YEAR_US = 365.25 * DAY_US


@dataclass(frozen=True, slots=True)
class MetadataSimilarityConfig:
    """Settings of the metadata similarity.

    Attributes
    ----------
    decay : float, above 0 to 1
        Weight of a watched title falls by this with every later title.
    """

    decay: float = 0.95

    def __post_init__(self) -> None:
        if not 0 < self.decay <= 1:
            raise ConfigError(f"MetadataSimilarity: decay is {self.decay}, expected above 0 and at most 1.")


class MetadataSimilarityScorer(Scorer):
    """Cosine between a title's metadata and that of a member's history; learns nothing from plays.

    Parameters
    ----------
    catalogue : Catalogue or None
        Titles in the order of the interactions. None: every score is 0.
    config : MetadataSimilarityConfig, optional

    Attributes
    ----------
    vectors_ : csr_array of float32, shape (n_titles, n_labels)
        Unit rows; empty rows for titles without metadata.
    """

    def __init__(
        self, catalogue: Catalogue | None = None, config: MetadataSimilarityConfig | None = None
    ) -> None:
        self.catalogue = catalogue
        self.config = config or MetadataSimilarityConfig()
        self.vectors_: Csr | None = None

    def fit(self, train: Interactions) -> Self:
        """Build the vectors; the plays of `train` are not used, only its number of titles."""
        if self.catalogue is None:
            self.vectors_ = csr((train.n_titles, 1), (train.n_titles, 1))
        else:
            self.vectors_ = title_vectors(self.catalogue)
        return self

    def score(self, histories: Histories) -> Scores:
        """Cosine, 0 to 1, float32, shape (n_members, n_titles)."""
        vectors = self._fitted()
        taste = play_matrix(histories, vectors.shape[0], fading(histories, self.config.decay)) @ vectors
        norm = np.sqrt(np.asarray(taste.multiply(taste).sum(axis=1)).ravel())
        out = np.asarray((taste @ vectors.T).todense(), np.float32)
        out /= np.maximum(1e-9, norm)[:, None]
        return out

    def save(self, folder: Path) -> None:
        """Write the vectors."""
        v = self._fitted()
        shape = np.array(v.shape)
        save_arrays(folder, self.config, data=v.data, indices=v.indices, indptr=v.indptr, shape=shape)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        config, a = load_arrays(folder, MetadataSimilarityConfig)
        self = cls(None, config)
        shape = (int(a["shape"][0]), int(a["shape"][1]))
        self.vectors_ = csr((a["data"], a["indices"], a["indptr"]), shape)
        return self

    def _fitted(self) -> Csr:
        if self.vectors_ is None:
            raise NotFittedError(
                "MetadataSimilarityScorer: score was called before fit. Call fit(train) first."
            )
        return self.vectors_


def title_vectors(catalogue: Catalogue) -> Csr:
    """Unit tf-idf vectors of the titles' labels, float32, shape (n_titles, n_labels)."""
    rows: list[int] = []
    labels: list[str] = []
    people = [x for x in (catalogue.cast, catalogue.directors) if x is not None]
    for t in range(len(catalogue)):
        own = [f"genre {x}" for x in catalogue.genres.of(t)]
        own += [f"country {x}" for x in catalogue.countries.of(t)]
        own += [f"language {x}" for x in catalogue.languages.of(t)]
        own += [f"person {x}" for column in people for x in str(column[t]).split("|") if x]
        if catalogue.release_us[t] != ALWAYS_US:
            own.append(f"decade {int(1970 + catalogue.release_us[t] / YEAR_US) // 10}")
        rows += [t] * len(own)
        labels += own
    names, column = np.unique(np.array(labels, dtype=str), return_inverse=True)
    shape = (len(catalogue), max(1, len(names)))
    x = csr((np.ones(len(rows), np.float32), (rows, column)), shape)
    x.data[:] = 1.0
    frequency = np.bincount(x.indices, minlength=shape[1])
    x.data *= np.log(1.0 + len(catalogue) / np.maximum(1, frequency)).astype(np.float32)[x.indices]
    norm = np.sqrt(np.asarray(x.multiply(x).sum(axis=1)).ravel())
    x.data /= np.repeat(np.maximum(1e-9, norm), np.diff(x.indptr)).astype(np.float32)
    return x
