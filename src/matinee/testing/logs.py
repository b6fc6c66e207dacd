"""Small made-up viewing logs on which the contract suites try out a component."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from matinee.learn.interactions import Histories, Interactions
from matinee.types import DAY_US, HOUR_US

START_US = 20_000 * DAY_US
"""Time of the first event of every log made here: 2024-10-04."""


def log_of(
    rows: Sequence[Sequence[int]],
    n_titles: int,
    *,
    at_us: Sequence[Sequence[int]] | None = None,
) -> Interactions:
    """Log with one row of title positions per member, oldest first.

    Parameters
    ----------
    rows : sequence of sequence of int, 0 to n_titles - 1
        May hold empty rows and repeats.
    n_titles : int
        Titles t000, t001, ..., watched or not.
    at_us : sequence of sequence of int, optional
        Time of each event. Default: all members start at `START_US` and watch a title an hour.

    Examples
    --------
    >>> log = log_of([[0, 2], [], [1]], n_titles=4)
    >>> log.n_members, log.n_titles, log.n_events
    (3, 4, 3)
    """
    times = [[START_US + i * HOUR_US for i in range(len(row))] for row in rows] if at_us is None else at_us
    indptr = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    title = np.array([t for row in rows for t in row], np.int32)
    return Interactions(
        np.array([f"m{i:03d}" for i in range(len(rows))], dtype=object),
        np.array([f"t{i:03d}" for i in range(n_titles)], dtype=object),
        Histories(indptr, title, np.array([t for row in times for t in row], np.int64)),
        np.ones(len(title), np.float32),
    )


def generated_log(
    n_members: int = 40, n_titles: int = 20, *, longest: int = 14, seed: int = 0
) -> Interactions:
    """Log with what real ones have: tastes, favourites, repeats, equal times, pauses, unwatched titles.

    Each member likes a stretch of neighbouring titles. The last title is watched by nobody.

    Examples
    --------
    >>> log = generated_log(seed=1)
    >>> int(log.histories.lengths.min()), 19 in log.histories.title
    (1, False)
    """
    rng = np.random.default_rng(seed)
    rows: list[list[int]] = []
    times: list[list[int]] = []
    for member in range(n_members):
        length = 1 if member == 0 else int(rng.integers(2, longest + 1))
        centre = rng.integers(0, n_titles)
        near = np.abs(np.arange(n_titles - 1) - centre)
        liking = np.exp(-0.5 * near) + 0.3 / (1.0 + np.arange(n_titles - 1))
        rows.append([int(t) for t in rng.choice(n_titles - 1, length, p=liking / liking.sum())])
        gaps = rng.choice([0, HOUR_US // 2, 3 * DAY_US], length, p=[0.4, 0.4, 0.2])
        times.append([int(t) for t in START_US + int(rng.integers(0, 30)) * DAY_US + np.cumsum(gaps)])
    return log_of(rows, n_titles, at_us=times)
