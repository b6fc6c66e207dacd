"""Figures of one page that need no future: how varied it is, how like the member, how much of it is new."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matinee.observe.catalogue.catalogue import Catalogue
from matinee.observe.decisions import Slot
from matinee.prove.metrics.calibration_error import calibration_error, genre_mix
from matinee.prove.metrics.effective_catalogue_size import effective_catalogue_size
from matinee.prove.metrics.intra_list_diversity import intra_list_diversity
from matinee.prove.metrics.ndcg_2d import page_discount
from matinee.types import Index, Scores

SCREEN = (3, 4)
"""Rows and columns that a device shows without an action."""
HEAD_ROWS = 6
"""First rows, whose kinds are counted."""
MOST_GENRES = 8
"""Genres of which the shares are told."""


@dataclass(frozen=True, slots=True)
class Share:
    """Share of a genre in what the member watched, and on the page; 0 to 1."""

    genre: str
    watched: float
    shown: float


@dataclass(frozen=True, slots=True)
class Measures:
    """What one page measures; None where it is not defined.

    Attributes
    ----------
    n_tiles, n_titles : int
        Tiles; different titles among them.
    effective_titles : float or None
        Over how many titles the attention is really spread: a tile counts by its place.
    diversity_of_screen, diversity_of_page : float or None
        1 - mean cosine of the genres of all pairs of tiles: of the first 3 by 4, and of all.
    calibration_error : float or None
        KL divergence of the page's mix of genres from the member's, in nats: 0 is the same mix.
    explored : int
        Tiles that were drawn at random.
    new : int
        Tiles of titles that the member has not played.
    head_kinds : int
        Different kinds among the first six rows.
    expected_plays : float or None
        Sum over the tiles of the chance that each is looked at and played, by the model.
    genres : tuple of Share
        Those with the largest shares.
    """

    n_tiles: int = 0
    n_titles: int = 0
    effective_titles: float | None = None
    diversity_of_screen: float | None = None
    diversity_of_page: float | None = None
    calibration_error: float | None = None
    explored: int = 0
    new: int = 0
    head_kinds: int = 0
    expected_plays: float | None = None
    genres: tuple[Share, ...] = ()


def measure(
    slots: Sequence[Slot],
    scores: Sequence[dict[str, float]],
    catalogue: Catalogue,
    history: Index,
    weight: Scores,
) -> Measures:
    """Measure a page.

    Parameters
    ----------
    slots : sequence of Slot
        Titles that the catalogue does not have count as tiles and have no genre.
    scores : sequence of dict
        `Explained.scores`; may be empty.
    history, weight : ndarray
        What the member watched (positions of the catalogue) and how much each was liked, 0 to 1.

    Notes
    -----
    The same figures as `matinee evaluate homepage` has of its pages: genres stand for the titles, and a
    place counts as in NDCG2D (Felicioni and others 2021, doi:10.1145/3460231.3474248).
    """
    if not slots:
        return Measures()
    position = {str(title_id): i for i, title_id in enumerate(catalogue.title_ids)}
    at = np.array([position.get(slot.action, -1) for slot in slots], np.int32)
    row = np.array([slot.row or 1 for slot in slots])
    col = np.array([slot.col or 1 for slot in slots])
    attention = page_discount(int(row.max()), int(col.max()))[row - 1, col - 1]
    known = at >= 0
    genres = catalogue.genres.dense()
    unit = catalogue.unit()
    length = np.sqrt((genres**2).sum(axis=1, keepdims=True))
    vectors = (genres / np.where(length > 0, length, 1.0)).astype(np.float32)
    on_screen = known & (row <= SCREEN[0]) & (col <= SCREEN[1])
    liked = np.maximum(weight, 0.0).astype(np.float64)
    wanted = _mix(unit[history], genres, liked)
    shown = _mix(unit[at[known]], genres, attention[known])
    exposure = np.zeros(len(unit))
    np.add.at(exposure, at[known], attention[known])
    seen = set(unit[history].tolist())
    expected = [one["expected"] for one in scores if "expected" in one]
    return Measures(
        len(slots),
        len({slot.action for slot in slots}),
        _number(effective_catalogue_size(exposure)),
        _number(_diversity(at[on_screen], vectors)),
        _number(_diversity(at[known], vectors)),
        _number(float(calibration_error(wanted, shown)[0])),
        sum(slot.explored for slot in slots),
        sum(1 for t in at.tolist() if t < 0 or int(unit[t]) not in seen),
        len({slot.row_kind for slot in slots if (slot.row or 1) <= HEAD_ROWS}),
        math.fsum(expected) if expected else None,
        _shares(catalogue.genres.names, wanted[0], shown[0]),
    )


def _mix(titles: Index, genres: NDArray[np.float32], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    return genre_mix(np.zeros(len(titles), np.int32), titles, genres, 1, weight=weight)


def _diversity(titles: Index, vectors: NDArray[np.float32]) -> float:
    return float(intra_list_diversity(titles.reshape(1, -1), vectors)[0]) if len(titles) else math.nan


def _shares(
    names: Sequence[str], wanted: NDArray[np.float64], shown: NDArray[np.float64]
) -> tuple[Share, ...]:
    order = np.argsort(-np.maximum(wanted, shown), kind="stable")[:MOST_GENRES]
    return tuple(
        Share(names[i], float(wanted[i]), float(shown[i]))
        for i in order.tolist()
        if wanted[i] > 0 or shown[i] > 0
    )


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
