"""What each tile weighed when it was chosen: scores by stage, for people who ask. Nothing is decided here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matinee.decide.slates.greedy import D2_FLOOR, TagMix, Wish, add_to_mix, divergence_spared, likeness
from matinee.initiatives.homepage.board import Board
from matinee.initiatives.homepage.kernels import collect
from matinee.initiatives.homepage.rows.base import Viewer
from matinee.initiatives.homepage.stock import Stock
from matinee.types import Index, Times

Weighed = dict[str, float]
"""What is known about the worth of a tile, by name; the README of the initiative says what each is."""


@dataclass(frozen=True, slots=True)
class Filling:
    """One call of the kernel that fills a row, as it stood before.

    Attributes
    ----------
    row : int
    cols : ndarray of int64
        Free places, from 1.
    careful : int
        First places that pay for diversity, calibration and spread.
    given : ndarray of int32
        Titles that stood in the row already.
    order : ndarray of int32
        What could be placed, best first, as far as it can have been reached.
    play, quality, covered : ndarray of float64, shape (len(order),)
        P(play); the score that the row is ordered by; the chance that the title was seen above.
    mix : TagMix
        A copy.
    """

    row: int
    cols: Times
    careful: int
    given: Index
    order: Index
    play: NDArray[np.float64]
    quality: NDArray[np.float64]
    covered: NDArray[np.float64]
    mix: TagMix


def before_filling(
    stock: Stock,
    board: Board,
    shelf: int,
    *,
    row: int,
    limit: int,
    cols: Times,
    careful: int,
    given: Index,
    pool: int,
    ranker: str,
) -> Filling:
    """Note what the kernel is about to choose from.

    Parameters
    ----------
    pool : int
        Candidates among which the careful places are chosen.
    ranker : str
        Name of the scores that the careful places are chosen by.
    """
    order: Index = collect(stock.shelving, shelf, board.placed, limit, pool + len(cols))
    return Filling(
        row,
        cols,
        careful,
        given,
        order,
        shelf_play(stock, shelf, order),
        stock.viewer.scores[ranker][order],
        board.covered[order],
        board.mix._replace(mass=board.mix.mass.copy(), length=board.mix.length.copy()),
    )


def weigh(
    filling: Filling, titles: Index, board: Board, wish: Wish, vectors: NDArray[np.float32], k_diverse: int
) -> list[Weighed]:
    """What the titles weighed that the kernel chose for the places of `filling`, in their order.

    The terms of a careful place are those of `greedy_slate`, whose largest sum (`total`) wins.
    """
    place = {int(t): i for i, t in enumerate(filling.order)}
    out: list[Weighed] = []
    for i, title in enumerate(titles.tolist()):
        at = place[title]
        look = float(board.look[filling.row - 1, filling.cols[i] - 1])
        found = _worth(float(filling.play[at]), look, float(filling.covered[at]))
        found["order"] = float(at + 1)
        found["candidates"] = float(len(filling.order))
        if i < filling.careful:
            stood = np.concatenate([filling.given, titles[:i]]).astype(np.int32)
            diverse = len(stood) < k_diverse
            terms = slate_terms(
                title,
                float(filling.quality[at]),
                stood if diverse else None,
                look,
                filling.mix,
                wish,
                vectors,
            )
            found |= terms
            add_to_mix(filling.mix, title, look)
        out.append(found)
    return out


def slate_terms(
    title: int,
    quality: float,
    stood: Index | None,
    look: float,
    mix: TagMix,
    wish: Wish,
    vectors: NDArray[np.float32],
) -> Weighed:
    """The terms by which the kernel of the slate compares a candidate with the others.

    Parameters
    ----------
    stood : ndarray of int32 or None
        Titles that stand in the row; None: this place pays nothing for diversity.
    """
    placed = float(mix.mass.sum())
    usual = float((mix.length**2).sum()) / placed**2 if placed > 0 else 0.0
    relevance = (1.0 - wish.diversity) * float(np.log(quality))
    diversity = 0.0
    if stood is not None and wish.diversity > 0:
        diversity = wish.diversity * float(np.log(max(new_part(vectors, stood, title), D2_FLOOR)))
    spread = -wish.spread * float(likeness(mix, title, placed, usual)) if wish.spread > 0 else 0.0
    calibration = 0.0
    if wish.calibration > 0 and mix.target.sum() > 0:
        calibration = wish.calibration * float(divergence_spared(mix, title, placed, look))
    return {
        "relevance": relevance,
        "diversity": diversity,
        "spread": spread,
        "calibration": calibration,
        "total": relevance + diversity + spread + calibration,
    }


def new_part(vectors: NDArray[np.float32], stood: Index, title: int) -> float:
    """Part of a title's vector that a row does not hold yet, 0 to 1: d2 of `greedy_slate`."""
    item = [*stood.tolist(), title]
    v = vectors[item].astype(np.float64)
    alike = 0.5 * (1.0 + v @ v.T)
    n = len(item)
    d2, factor = np.ones(n), np.zeros((n, n))
    for step in range(n - 1):
        rest = slice(step + 1, n)
        root = np.sqrt(max(d2[step], D2_FLOOR))
        factor[step, rest] = (alike[step, rest] - factor[:step, step] @ factor[:step, rest]) / root
        d2[rest] -= factor[step, rest] ** 2
    return float(d2[-1])


def single(stock: Stock, board: Board, title: int, row: int, col: int) -> Weighed:
    """What is known of a tile that was pinned or drawn, before it is placed."""
    play = float(stock.viewer.play[title])
    return _worth(play, float(board.look[row - 1, col - 1]), float(board.covered[title]))


def scored(viewer: Viewer, title: int) -> Weighed:
    """The member's scores of a title: of the next play, and of the coming weeks."""
    return {name: float(scores[title]) for name, scores in viewer.scores.items()}


def shelf_play(stock: Stock, shelf: int, titles: Index) -> NDArray[np.float64]:
    """P(play) of titles in a shelf: the member's, or what the shelf knows better."""
    if shelf < stock.n_shared_shelves:
        return stock.viewer.play[titles]
    start, end = stock.shelving.start[shelf], stock.shelving.end[shelf]
    play = stock.own_play[start - stock.n_shared : end - stock.n_shared]
    own = dict(zip(stock.shelving.candidate[start:end].tolist(), play.tolist(), strict=True))
    return np.array([own[t] for t in titles.tolist()], np.float64)


def _worth(play: float, look: float, covered: float) -> Weighed:
    return {"play": play, "look": look, "seen_above": covered, "expected": look * play * (1.0 - covered)}
