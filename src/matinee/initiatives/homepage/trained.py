"""What training the homepage leaves behind, as files: models and titles, and no member's id."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from matinee.errors import NotFoundError
from matinee.learn.models.popularity import PopularityScorer
from matinee.learn.models.storage import load_arrays, save_arrays
from matinee.learn.recommenders.next_title import NextTitle
from matinee.learn.recommenders.together import share_neighbours
from matinee.learn.recommenders.window import Window
from matinee.types import Ids


@dataclass(frozen=True, slots=True)
class TrainedHomepage:
    """The homepage's models, to be asked through `HomepageModel.of`.

    Attributes
    ----------
    title_ids : ndarray of object (str)
        Titles the models know, by position.
    next_title, window : NextTitle, Window
    popularity : PopularityScorer
    vectors : ndarray of float32, shape (n_titles, d)
    neighbours, neighbour_scores : ndarrays of int32 and float32, shape (n_titles, k)
        Similar titles of each, best first; -1 where there is none.
    """

    title_ids: Ids
    next_title: NextTitle
    window: Window
    popularity: PopularityScorer
    vectors: NDArray[np.float32]
    neighbours: NDArray[np.int32]
    neighbour_scores: NDArray[np.float32]

    def save(self, folder: Path) -> None:
        """Write the models and the titles they know."""
        self.next_title.save(folder / "next_title")
        self.window.save(folder / "window")
        self.popularity.save(folder / "popularity")
        save_arrays(
            folder,
            {},
            title_ids=self.title_ids.astype(str),
            vectors=self.vectors,
            neighbours=self.neighbours,
            neighbour_scores=self.neighbour_scores,
        )

    @staticmethod
    def load(folder: Path) -> TrainedHomepage:
        """Read what `save` wrote.

        Raises
        ------
        NotFoundError
            The folder holds no model.
        StorageError
            A file is damaged.
        """
        if not (folder / "next_title").is_dir():
            raise NotFoundError(f"{folder}: no homepage model here. Run: matinee train homepage")
        _, a = load_arrays(folder, dict[str, str])
        next_title, window = NextTitle.load(folder / "next_title"), Window.load(folder / "window")
        share_neighbours(next_title, window)
        return TrainedHomepage(
            title_ids=a["title_ids"].astype(object),
            next_title=next_title,
            window=window,
            popularity=PopularityScorer.load(folder / "popularity"),
            vectors=a["vectors"],
            neighbours=a["neighbours"],
            neighbour_scores=a["neighbour_scores"],
        )
