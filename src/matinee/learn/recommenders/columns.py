"""The columns of the rankers' features that need nothing but what was computed before, in one pass."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from matinee.learn.recommenders.candidates import Queries
from matinee.types import DAY_US, HOUR_US, Times

NEVER_DAYS = 3_650.0
"""Days since the last event of a member who has none."""
N_FACTS = 3
"""Columns of `query_facts`."""
LEAST_SPREAD = 1e-9
"""A column that is the same in all of a list stays 0 there."""


def fixed_columns(n_ridge: int, n_ease: int, n_links: int, n_counts: int) -> int:
    """Number of columns that `fill` writes."""
    return 4 + n_ridge + 2 + 3 + n_ease + 1 + n_links + n_counts + 1 + 1 + N_FACTS


def query_facts(queries: Queries) -> NDArray[np.float32]:
    """Facts of each query that are the same for all its candidates, shape (n_queries, 3).

    Log of: events so far, events of the hour before, days since the last event.
    """
    out = np.empty((len(queries), N_FACTS), np.float32)
    _query_facts(queries.histories.indptr, queries.histories.at_us, queries.asked_us, out)
    return out


def varying(n_ridge: int, n_fixed: int, n_columns: int) -> Times:
    """Columns whose size depends on the member and the moment: all but the place in the list and the facts of
    the query.

    Parameters
    ----------
    n_ridge, n_fixed, n_columns : int
        Columns of the ridge, those that `fill` writes, and all there are.
    """
    fixed = {4 + n_ridge + 4, *range(n_fixed - N_FACTS, n_fixed)}
    return np.array([k for k in range(n_columns) if k not in fixed], np.int64)


@njit(cache=True)
def standardise(columns, which, base, first):  # type: ignore[no-untyped-def]
    """Write columns once more, each with mean 0 and deviation 1 inside its list, from column `first` on.

    Filler (`base` is -inf) and NaN do not count; NaN stays NaN.
    """
    for q in range(columns.shape[0]):
        for j in range(len(which)):
            k = which[j]
            n, total, squares = 0, 0.0, 0.0
            for c in range(columns.shape[1]):
                value = columns[q, c, k]
                if np.isfinite(base[q, c]) and not np.isnan(value):
                    n += 1
                    total += value
            mean = total / max(1, n)
            for c in range(columns.shape[1]):
                value = columns[q, c, k]
                if np.isfinite(base[q, c]) and not np.isnan(value):
                    squares += (value - mean) ** 2
            scale = 1.0 / (np.sqrt(squares / max(1, n)) + LEAST_SPREAD)
            for c in range(columns.shape[1]):
                columns[q, c, first + j] = (columns[q, c, k] - mean) * scale


@njit(cache=True)
def _query_facts(indptr, at_us, asked_us, out):  # type: ignore[no-untyped-def]
    for q in range(len(indptr) - 1):
        recent = np.float32(0.0)
        for p in range(indptr[q], indptr[q + 1]):
            if at_us[p] > asked_us[q] - HOUR_US:
                recent += np.float32(1.0)
        length = indptr[q + 1] - indptr[q]
        days = np.float32(NEVER_DAYS)
        if length > 0:
            days = np.float32((asked_us[q] - at_us[indptr[q + 1] - 1]) / DAY_US)
        out[q, 0] = np.log1p(float(length))
        out[q, 1] = np.log1p(recent)
        out[q, 2] = np.log1p(max(days, np.float32(0.0)))


@njit(cache=True)
def fill(votes, title, base, parts, counts, later, popularity, facts, n_last, out):  # type: ignore[no-untyped-def]
    """Write the first columns of each candidate.

    Parameters
    ----------
    votes : ndarray of float32, shape (3, n_queries, n_titles)
        By reach.
    title, base : ndarrays, shape (n_queries, n_candidates)
        Candidates, best first, and the sum of their generators.
    parts : (ndarray, ndarray, ndarray) of float32, shape (n_queries, n_candidates, n)
        Ridge by scale, bias and last titles; EASE by decay; links.
    counts : ndarray of float32, shape (n_queries, n_candidates, n_windows)
        Recent plays.
    later : ndarray of int32, shape (n_queries, n_candidates)
        Plays of the query's own member that are not to be counted.
    popularity : ndarray of float32, shape (n_titles,)
    facts : ndarray of float32, shape (n_queries, n_facts)
        The same for all candidates of a query.
    n_last : int
        Of the ridge's columns the last ones, which are parts of the others.
    out : ndarray of float32, shape (n_queries, n_candidates, n_features)
    """
    ridge, ease, links = parts
    n_ridge, n_ease = ridge.shape[2], ease.shape[2]
    at_total = 4 + n_ridge
    at_ease = at_total + 5
    for q in range(title.shape[0]):
        best_ridge, best_base = np.float32(-np.inf), np.float32(-np.inf)
        for c in range(title.shape[1]):
            row = out[q, c]
            t = title[q, c]
            row[0] = votes[0, q, t]
            row[1] = np.log(votes[0, q, t] + np.float32(1e-6))
            row[2] = votes[1, q, t]
            row[3] = votes[2, q, t]
            total = np.float32(0.0)
            for k in range(n_ridge):
                row[4 + k] = ridge[q, c, k]
                if k < n_ridge - n_last:
                    total += ridge[q, c, k]
            row[at_total] = total
            best_ridge = max(best_ridge, total)
            finite = base[q, c] if np.isfinite(base[q, c]) else np.float32(0.0)
            row[at_total + 2] = finite
            best_base = max(best_base, finite)
            row[at_total + 4] = c
            j = at_ease
            for k in range(n_ease):
                row[j] = ease[q, c, k]
                j += 1
            j += 1  # the rank by EASE follows below
            for k in range(links.shape[2]):
                row[j] = links[q, c, k]
                j += 1
            for k in range(counts.shape[2]):
                row[j] = np.log1p(counts[q, c, k])
                j += 1
            row[j] = counts[q, c, 1] / (counts[q, c, 3] + np.float32(1.0))
            row[j + 1] = np.log1p(float(popularity[t]) - later[q, c])
            j += 2
            for k in range(facts.shape[1]):
                row[j] = facts[q, k]
                j += 1
        for c in range(title.shape[1]):
            out[q, c, at_total + 1] = out[q, c, at_total] - best_ridge
            out[q, c, at_total + 3] = out[q, c, at_total + 2] - best_base
    for q in range(title.shape[0]):
        order = np.argsort(-ease[q, :, 0], kind="mergesort")
        for place in range(len(order)):
            out[q, order[place], at_ease + n_ease] = place
