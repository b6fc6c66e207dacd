"""Fit one model on one protocol in a process of its own, and write the ranks of all targets.

Runs in the environment of the peers or in that of Matinee, with `PYTHONPATH=src:benchmarks`. Ranks are
computed by `matinee.prove.metrics.ranking` for every model, so all are measured by the same rules.

    python benchmarks/peers/answer.py --log log.npz --protocol loo --model ease:Ease --out ease.npz
"""

from __future__ import annotations

import argparse
import importlib
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from tuning import Score, Tuned, popularity_for_strangers

from matinee.learn.interactions import Histories
from matinee.prove.metrics.ranking import ask
from protocols import Task, load_log, make_task

LIST_LENGTH = 20
LAST_EVENT = "loo"
"""Protocol in which everybody is asked right after their last known event, as in the literature."""


def main() -> None:
    """Parse the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--protocol", required=True)
    parser.add_argument("--model", required=True, help="module:Class")
    parser.add_argument("--arguments", default="{}", help="JSON for the constructor")
    parser.add_argument("--titles", type=Path, help="metadata, for models of ours")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    module, name = args.model.split(":")
    arguments = json.loads(args.arguments)
    if args.titles:
        arguments["titles"] = str(args.titles)
    model = getattr(importlib.import_module(module), name)(**arguments)
    task = make_task(load_log(args.log), args.protocol)
    facts: dict[str, Any] = {}
    if isinstance(model, Tuned):
        start = time.process_time()
        facts["config"] = model.tune(task.train, "window" if args.protocol == "window" else "next")
        facts["tune_cpu_s"] = time.process_time() - start
    start, wall = time.process_time(), time.perf_counter()
    model.fit(task.train)
    facts |= {"fit_cpu_s": time.process_time() - start, "fit_wall_s": time.perf_counter() - wall}
    facts["fit_peak_mb"] = peak_mb()
    score = popularity_for_strangers(model.score, task.train) if isinstance(model, Tuned) else model.score
    arrays = {}
    start = time.process_time()
    for form, queries in task.queries.items():
        if getattr(model, "makes_lists", False):
            arrays |= from_lists(model, task, form)
            continue
        timed = args.protocol != LAST_EVENT and hasattr(model, "score_at")
        answers = ask(at_a_time(model, task, form) if timed else score, queries, k=LIST_LENGTH)
        arrays[f"{form}/rank"], arrays[f"{form}/lists"] = answers.ranks.rank, answers.lists
    n_queries = sum(len(q) for q in task.queries.values())
    facts |= {
        "score_ms_per_query": 1000 * (time.process_time() - start) / n_queries,
        "peak_mb": peak_mb(),
    }
    np.savez(args.out, facts=np.array(json.dumps(facts)), **arrays)


def at_a_time(model: Any, task: Task, form: str) -> Score:
    """Scores from models that use the time of asking: for the window the end of training, else the request.

    A service knows when it is asked for a page; a model that can use it may. `ask` tries the first query,
    then goes through all of them in order, once.
    """
    queries = task.queries[form]
    now_us = int(task.train.histories.at_us.max())
    asked_us = np.full(len(queries), now_us, np.int64) if form == "window" else queries.asked_us
    place = -1

    def score(histories: Histories) -> np.ndarray:
        nonlocal place
        if place < 0:
            place = 0
            return np.asarray(model.score_at(histories, asked_us[:1]))
        part = asked_us[place : place + len(histories)]
        place += len(histories)
        return np.asarray(model.score_at(histories, part))

    return score


def from_lists(model: Any, task: Task, form: str) -> dict[str, np.ndarray]:
    """Ranks of a model that makes lists: the place in the list of 10, and in that of 20 for figures at 20."""
    queries, histories = task.queries[form], task.queries[form].histories()
    asked_us = np.full(len(queries), int(task.train.histories.at_us.max()), np.int64)
    out = {}
    for k, name in ((10, "rank"), (20, "rank20")):
        lists = model.lists(histories, k, asked_us)
        place = lists[queries.query_of_target()] == queries.target[:, None]
        out[f"{form}/{name}"] = np.where(place.any(axis=1), place.argmax(axis=1) + 1, task.train.n_titles)
        out.setdefault(f"{form}/lists", lists)
    return out


def peak_mb() -> float:
    """Highest resident memory of this process so far, in MB (not that of its parent, as ru_maxrss may be)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return float("nan")


if __name__ == "__main__":
    main()
