"""A generated viewing log: tastes, title groups, sessions, a long tail.

Only for speed and memory: figures of quality on it say nothing about real services.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np

from matinee.learn.interactions import Histories, Interactions

DAY_US = 86_400_000_000


def generated(n_members: int, n_titles: int, n_events: int, seed: int = 0) -> Interactions:
    """Members watch different titles, in sessions of about 12, mostly inside two of 40 groups."""
    rng = np.random.default_rng(seed)
    share = rng.pareto(1.2, n_members) + 0.3
    wanted = np.maximum(5, share / share.sum() * n_events * 1.05).astype(np.int64)
    lengths = np.minimum(wanted, n_titles // 2)
    lengths += np.maximum(0, n_events - lengths.sum()) // n_members
    lengths = np.minimum(lengths, n_titles // 2)
    group_of = rng.integers(0, 40, n_titles)
    weight = 1.0 / np.arange(1, n_titles + 1) ** 0.8
    order = rng.permutation(n_titles)
    titles, times = [], []
    for m in range(n_members):
        liked = rng.choice(40, 2, replace=False)
        score = np.log(weight) + rng.gumbel(size=n_titles) + 2.0 * np.isin(group_of, liked)
        own = np.argpartition(-score, lengths[m] - 1)[: lengths[m]]
        own = own[np.argsort(-score[own] + rng.normal(0, 1.0, len(own)) + group_of[own] * 0.3)]
        titles.append(order[own].astype(np.int32))
        start = rng.integers(0, 300) * DAY_US
        session = np.cumsum(rng.random(len(own)) < 1 / 12) * rng.integers(1, 5) * DAY_US
        times.append(start + session + np.arange(len(own)) * 60_000_000)
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    histories = Histories(indptr, np.concatenate(titles), np.concatenate(times).astype(np.int64) + 10**15)
    return Interactions(
        np.array([f"m{i:07d}" for i in range(n_members)], dtype=object),
        np.array([f"t{i:06d}" for i in range(n_titles)], dtype=object),
        histories,
        np.ones(int(lengths.sum()), np.float32),
    )


def write_log(log: Interactions, path: Path) -> None:
    """The log as a Parquet file that `matinee recommend` reads; the database makes the ids."""
    h = log.histories
    columns = {"member": h.member_of_event(), "title": h.title, "at_s": h.at_us // 1_000_000}
    with duckdb.connect() as con:
        con.register("log", columns)
        con.execute(
            "COPY (SELECT format('m{:07d}', member) AS member_id, format('t{:06d}', title) AS title_id, "
            f"at_s AS \"at\" FROM log) TO '{path}' (FORMAT parquet)"
        )
