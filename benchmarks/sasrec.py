"""Quality and cost of the transformer: `python benchmarks/sasrec.py [LOG.csv]` (needs the extra `sequence`).

Without a file: CPU seconds per million events and peak memory on generated logs. With one (columns
member_id, title_id, at): leave-last-k-out, HR@10 and NDCG@10 over the whole catalogue, watched titles
removed, ties counted against the model, for several numbers of epochs.
"""

from __future__ import annotations

import argparse
import csv
import resource
import time
from pathlib import Path

import numpy as np

from generated import generated
from matinee.learn.interactions import Interactions
from matinee.learn.models.sasrec import SasRecConfig, SasRecScorer
from matinee.types import parse_at


def read(path: Path) -> Interactions:
    with path.open(newline="") as file:
        rows = [(row["member_id"], row["title_id"], parse_at(row["at"])) for row in csv.DictReader(file)]
    member, title, at_us = zip(*rows, strict=True)
    return Interactions.from_arrays(
        np.array(member, object), np.array(title, object), np.array(at_us, np.int64)
    )


def ranks(scorer: SasRecScorer, log: Interactions, held_out: int) -> np.ndarray:
    """Rank (0: best) of each of the last `held_out` titles, given the true history before it."""
    found = []
    for k in range(held_out):
        until = log.histories.drop_last(k)
        members = np.flatnonzero(until.lengths >= 2)
        target = until.title[until.indptr[1:][members] - 1]
        before = until.drop_last(1).take(members)
        scores, rows = scorer.score(before), np.arange(len(members))
        of_target = scores[rows, target]
        scores[before.member_of_event(), before.title] = -np.inf
        scores[rows, target] = of_target
        found.append((scores >= of_target[:, None]).sum(1) - 1)
    return np.concatenate(found)


def quality(log: Interactions, held_out: int, epochs: list[int]) -> None:
    train = log.keep(log.histories.age() >= held_out)
    print(f"{train.n_events} training events, {log.n_titles} titles, {log.n_members} members")
    for n_epochs in epochs:
        started = time.process_time()
        scorer = SasRecScorer(SasRecConfig(n_epochs=n_epochs)).fit(train)
        cpu_s = time.process_time() - started
        rank = ranks(scorer, log, held_out)
        gain = np.where(rank < 10, 1 / np.log2(rank + 2.0), 0.0)
        error = gain.std() / len(gain) ** 0.5
        print(
            f"epochs {len(scorer.losses_):3}  HR@10 {(rank < 10).mean():.4f}  "
            f"NDCG@10 {gain.mean():.4f} (standard error {error:.4f})  fit {cpu_s:.0f} CPU s"
        )


def cost() -> None:
    print("events    titles  CPU s per epoch and million events  score, CPU s per 1,000 members  peak MB")
    for n_members, n_titles, n_events in (
        (600, 3_400, 100_000),
        (600, 12_000, 100_000),
        (6_000, 3_400, 1_000_000),
    ):
        log = generated(n_members, n_titles, n_events)
        SasRecScorer(SasRecConfig(n_epochs=1)).fit(log.take(np.arange(5)))  # compile and import first
        started = time.process_time()
        scorer = SasRecScorer(SasRecConfig(n_epochs=1)).fit(log)
        fit_s, started = time.process_time() - started, time.process_time()
        scorer.score(log.histories.take(np.arange(600)))
        score_s = time.process_time() - started
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        per_million = fit_s * 1e6 / log.n_events
        print(f"{log.n_events:9} {n_titles:7} {per_million:20.1f} {score_s / 0.6:32.2f} {peak_mb:22.0f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("log", nargs="?", type=Path)
    parser.add_argument("--held-out", type=int, default=5, help="last titles of each member (default 5)")
    parser.add_argument("--epochs", type=int, nargs="+", default=[0], help="0: chosen from the data")
    arguments = parser.parse_args()
    if arguments.log is None:
        cost()
    else:
        quality(read(arguments.log), arguments.held_out, arguments.epochs)
