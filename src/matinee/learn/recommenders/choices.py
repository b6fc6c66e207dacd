"""Settings that are chosen by validation inside the training part, never by the name of a data set.

Each has a default that served well on the logs we know. Validation moves away from it only to a value that is
better by more than chance: of all values within one standard error of the best, the one nearest to the
default is taken (the "one standard error rule" of Breiman, Friedman, Olshen, Stone 1984, section 3.4.3).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matinee.learn.recommenders.candidates import Queries, mask_seen
from matinee.learn.recommenders.features import Generators, base_scores
from matinee.learn.recommenders.title_facts import TitleFacts
from matinee.types import Index, Mask, Scores

FEWEST_QUERIES = 50
"""With fewer validation queries the default is kept."""
MOST_QUERIES = 1_000
"""More are not needed to tell values apart."""
RETURN_RECENT_GRID = (1.0, 2.0, 5.0, 10.0, 20.0)
EXTRA_WEIGHT_GRID = (0.0, 0.35, 0.7, 1.0, 1.4, 2.0)
BLOCK = 256


def one_standard_error(values: tuple[float, ...], gains: NDArray[np.float64], default: float) -> float:
    """Value nearest to the default among those within one standard error of the best.

    Parameters
    ----------
    values : tuple of float
    gains : ndarray of float64, shape (n_queries, n_values)
        What each value gained on each query; higher is better.
    default : float
        Returned as it is with fewer than `FEWEST_QUERIES` queries.

    Examples
    --------
    >>> gains = np.tile([0.0, 1.0, 0.0], (60, 1))
    >>> one_standard_error((1.0, 2.0, 3.0), gains, default=3.0)
    2.0
    """
    if len(gains) < FEWEST_QUERIES:
        return default
    best = int(gains.mean(axis=0).argmax())
    behind = gains[:, [best]] - gains
    error = behind.std(axis=0) / np.sqrt(len(gains))
    near = [v for v, b, e in zip(values, behind.mean(axis=0), error, strict=True) if b <= e]
    return min(near, key=lambda v: abs(v - default))


def return_recent(
    generators: Generators, facts: TitleFacts, queries: Queries, target: Index, n_candidates: int
) -> float:
    """Weight of recent popularity by how often the candidates hold the title that a returning member chose.

    Parameters
    ----------
    generators : Generators
        Ones that have not seen the members of the queries.
    facts : TitleFacts
    queries : Queries
        Asked after a pause.
    target : ndarray of int32, shape (n_queries,)
        What was watched then.
    n_candidates : int
    """
    queries, target = queries.take(np.arange(min(MOST_QUERIES, len(queries)))), target[:MOST_QUERIES]
    hits = np.zeros((len(queries), len(RETURN_RECENT_GRID)))
    for start in range(0, len(queries), BLOCK):
        part = queries.take(np.arange(start, min(start + BLOCK, len(queries))))
        total, _ = base_scores(generators, facts, part)
        mask_seen(total, part.histories)
        recent = facts.recent_share(part.asked_us)
        rows = np.arange(len(part))
        right = target[start : start + BLOCK]
        for i, weight in enumerate(RETURN_RECENT_GRID):
            scores = total + np.float32(weight - generators.return_recent) * recent
            better = (scores >= scores[rows, right][:, None]).sum(axis=1)
            hits[start : start + BLOCK, i] = (better <= n_candidates) & np.isfinite(total[rows, right])
    return one_standard_error(RETURN_RECENT_GRID, hits, generators.return_recent)


def extra_weight(scores: Scores, extra: Scores, relevant: Mask, default: float) -> float:
    """Weight of the extra model's log probabilities beside the ranker's scores, by NDCG@10.

    Parameters
    ----------
    scores, extra : ndarray of float32, shape (n_lists, n_candidates)
        Of lists that neither the ranker nor the extra model has learned from.
    relevant : ndarray of bool, shape (n_lists, n_candidates)
        One title per list; ties count against it.
    default : float
    """
    gains = np.zeros((len(scores), len(EXTRA_WEIGHT_GRID)))
    for i, weight in enumerate(EXTRA_WEIGHT_GRID):
        both = scores + np.float32(weight) * extra
        right = np.where(relevant, both, -np.inf).max(axis=1, keepdims=True)
        rank = (both >= right).sum(axis=1) - 1
        gains[:, i] = np.where(rank < 10, 1.0 / np.log2(rank + 2.0), 0.0)
    return one_standard_error(EXTRA_WEIGHT_GRID, gains, default)
