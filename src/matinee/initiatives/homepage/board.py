"""What stands on the page so far: the memory that every later choice depends on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matinee.decide.slates.calibration import ALPHA, Mix
from matinee.decide.slates.greedy import TagMix, add_to_mix
from matinee.initiatives.homepage.kernels import Placed, place
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
    alpha : float, above 0
        Smoothing of the page's mix.

    Attributes
    ----------
    last_row : ndarray of int32, shape (n_titles,)
        Lowest row in which a title stands, counted from 1; 0 for nowhere.
    covered : ndarray of float64, shape (n_titles,)
        Chance that the member has seen the title on the page.
    reserved : ndarray of bool, shape (n_titles,)
        Kept for a pin further down.
    placed : Placed
        The three arrays above, for the kernels.
    mix : TagMix
        Genres of the discovery rows, each tile weighted by the chance that it is looked at.
    """

    def __init__(self, genres: Tags, target: Mix, look: NDArray[np.float64], *, alpha: float = ALPHA) -> None:
        n_titles = len(genres.indptr) - 1
        self.look = look
        self.rows, self.cols = look.shape
        self.last_row: Index = np.zeros(n_titles, np.int32)
        self.covered = np.zeros(n_titles, np.float64)
        self.reserved: Mask = np.zeros(n_titles, np.bool_)
        self.placed = Placed(self.last_row, self.reserved, self.covered)
        nothing = np.zeros(len(target), np.float64)
        self.mix = TagMix(genres.indptr, genres.tag, target, nothing, nothing.copy(), alpha)

    def place(self, titles: Index, row: int, cols: Times) -> None:
        """Remember that titles stand at (row, cols), counted from 1."""
        place(titles, cols, row, self.look[row - 1], self.placed)

    def count_in_mix(self, title: int, row: int, col: int) -> None:
        """Add the genres of a tile that the slate kernel did not choose."""
        add_to_mix(self.mix, title, self.look[row - 1, col - 1])

    def blocked(self, titles: Index, limit: int) -> Mask:
        """Titles that may not be placed in a row whose repetition limit is `limit`."""
        return np.asarray(self.reserved[titles] | (self.last_row[titles] > limit), np.bool_)
