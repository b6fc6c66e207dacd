"""What stands on the page so far: the memory that every later choice depends on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matinee.decide.slates.calibration import Mix
from matinee.initiatives.homepage.kernels import place
from matinee.observe.catalogue.catalogue import Tags
from matinee.types import Index, Mask, Times


class Board:
    """Placed titles and the mix of genres shown.

    Parameters
    ----------
    genres : Tags
    target : ndarray of float64, shape (n_genres,)
        The member's own mix of genres; all zero when unknown.
    look : ndarray of float64, shape (rows, cols)
        Browsing model.

    Attributes
    ----------
    last_row : ndarray of int32, shape (n_titles,)
        Lowest row in which a title stands, counted from 1; 0 for nowhere.
    covered : ndarray of float64, shape (n_titles,)
        Chance that the member has seen the title on the page.
    reserved : ndarray of bool, shape (n_titles,)
        Kept for a pin further down.
    mass : ndarray of float64, shape (n_genres,)
        Genre mass of the discovery rows, each tile weighted by the chance that it is looked at.
    """

    def __init__(self, genres: Tags, target: Mix, look: NDArray[np.float64]) -> None:
        n_titles = len(genres.indptr) - 1
        self.genres, self.target, self.look = genres, target, look
        self.rows, self.cols = look.shape
        self.last_row: Index = np.zeros(n_titles, np.int32)
        self.covered = np.zeros(n_titles, np.float64)
        self.reserved: Mask = np.zeros(n_titles, np.bool_)
        self.mass: Mix = np.zeros(len(target), np.float64)

    def place(self, titles: Index, row: int, cols: Times) -> None:
        """Remember that titles stand at (row, cols), counted from 1."""
        place(titles, cols, row, self.look[row - 1], self.last_row, self.covered)

    def count_in_mix(self, title: int, row: int, col: int) -> None:
        """Add the genres of a tile that the slate kernel did not choose."""
        labels = self.genres.tag[self.genres.indptr[title] : self.genres.indptr[title + 1]]
        self.mass[labels] += self.look[row - 1, col - 1] / max(len(labels), 1)

    def blocked(self, titles: Index, limit: int) -> Mask:
        """Titles that may not be placed in a row whose repetition limit is `limit`."""
        return np.asarray(self.reserved[titles] | (self.last_row[titles] > limit), np.bool_)
