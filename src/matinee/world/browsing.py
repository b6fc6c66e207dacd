"""Reading a page: which tiles are looked at, and which one is chosen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matinee.world.draws import Bools, Draws, Floats, Ints
from matinee.world.people import DEVICES, People
from matinee.world.titles import Titles


@dataclass(frozen=True, slots=True)
class BrowsingConfig:
    """How members read pages. The shape is that of published studies; the values are made up.

    Attributes
    ----------
    row_decay : float, above 0 and below 1
        Probability to look at the next row, given this one.
    col_decay : tuple of float
        The same for the next tile in a row, for each of `DEVICES`.
    viewport_rows : int
        Rows that come into view at once, whether they are looked at or not.
    threshold : float
        Utility of not choosing anything.
    taste, appeal, satiation, seen : float
        Weight in the utility of: closeness of taste, general appeal, having watched much of the genre lately,
        having watched the title.
    """

    row_decay: float = 0.72
    col_decay: tuple[float, ...] = (0.86, 0.84, 0.8, 0.7)
    viewport_rows: int = 2
    threshold: float = 3.9
    taste: float = 3.0
    appeal: float = 0.55
    satiation: float = 0.5
    seen: float = 3.0


def examination(config: BrowsingConfig, rows: int, cols: int, device: int) -> Floats:
    """True probability that each place of a page is looked at, shape (rows, cols).

    Examples
    --------
    >>> examination(BrowsingConfig(row_decay=0.5, col_decay=(0.8, 0.8, 0.8, 0.8)), 2, 2, 0).round(2).tolist()
    [[1.0, 0.8], [0.5, 0.4]]
    """
    down = config.row_decay ** np.arange(rows, dtype=np.float64)
    right = config.col_decay[device] ** np.arange(cols, dtype=np.float64)
    return np.outer(down, right)


def examined(
    config: BrowsingConfig, draws: Draws, member: Ints, day: int, device: Ints, shape: tuple[int, int]
) -> Bools:
    """Which places each visitor looks at, shape (n_visits, rows, cols).

    A member goes down until they stop, and in each row to the right until they stop, so the probability of a
    place is row_decay**row * col_decay**col (from 0), as in `examination`.

    References
    ----------
    Rank-biased stopping: Moffat, Zobel (2008), doi 10.1145/1416950.1416952; in two dimensions: Felicioni,
    Ferrari Dacrema, Cremonesi (2021), doi 10.1145/3450613.3456852.
    """
    rows, cols = shape
    row, col = np.arange(rows), np.arange(cols)
    depth = np.log(draws.uniform("depth", member, day)) / np.log(config.row_decay)
    decay = np.array(config.col_decay)[: len(DEVICES)][device]
    width = np.log(draws.uniform("width", member[:, None], day, row)) / np.log(decay)[:, None]
    looked: Bools = (depth[:, None] >= row)[:, :, None] & (width[:, :, None] >= col)
    return looked


def artwork_effect(people: People, titles: Titles, member: Ints, title: Ints, artwork: Ints) -> Floats:
    """What an artwork adds to the utility of choosing a title; arguments broadcast."""
    effect: Floats = people.tag_taste[member, titles.artwork_tag[title, artwork]]
    return effect + titles.artwork_pull[title, artwork]


def utility(
    config: BrowsingConfig, closeness: Floats, appeal: Floats, satiation: Floats, seen: Bools
) -> Floats:
    """Utility of choosing a title that is looked at, before artwork and luck; 0 is indifference."""
    u: Floats = (
        config.taste * closeness
        + config.appeal * appeal
        - config.satiation * satiation
        - config.seen * seen
        - config.threshold
    )
    return u


def choose(u: Floats, luck: Floats, outside: Floats) -> Ints:
    """Position of the chosen option of each row, -1 for none: a multinomial logit over what was seen.

    Parameters
    ----------
    u, luck : ndarray of float64, shape (n, options)
        Utility (-inf: not an option) and its Gumbel draw.
    outside : ndarray of float64, shape (n,)
        Gumbel draw of choosing nothing, whose utility is 0.

    References
    ----------
    McFadden (1974), Conditional logit analysis of qualitative choice behavior.
    """
    if u.shape[1] == 0:
        return np.full(len(u), -1, np.int64)
    total = u + luck
    best = total.argmax(1)
    return np.where(total[np.arange(len(u)), best] > outside, best, -1).astype(np.int64)
