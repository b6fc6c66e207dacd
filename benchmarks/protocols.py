"""The three questions that models are judged by, made from a viewing log in the same way for every model.

Needs numpy only, so that it also runs in the environment of the peers.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from matinee.learn.interactions import Histories, Interactions
from matinee.learn.splits.global_time import global_time
from matinee.learn.splits.leave_last_out import leave_last_out
from matinee.learn.splits.queries import Queries
from matinee.types import Mask, format_at

CUT = 0.8
"""Share of the events before the moment T of the temporal split."""
PROTOCOLS = {
    "loo": "next title, leave-last-out",
    "next-after-cut": f"next title after a global cut at {CUT:.0%}",
    "window": f"long window: everything after a global cut at {CUT:.0%}",
}


@dataclass(frozen=True, slots=True)
class Task:
    """What a model learns from and is asked.

    Attributes
    ----------
    train : Interactions
    queries : dict of form to Queries
    groups : dict of form to dict of group to ndarray of bool, shape (n_queries,)
        Kinds of query that are reported apart. The first group of a form is the one that is compared.
    notes : dict
        What the split left out or found unseen, in numbers.
    """

    train: Interactions
    queries: dict[str, Queries]
    groups: dict[str, dict[str, Mask]]
    notes: dict[str, int | str]


def make_task(data: Interactions, protocol: str) -> Task:
    """Split a log for one of `PROTOCOLS`."""
    if protocol == "loo":
        loo = leave_last_out(data)
        everybody = np.ones(len(loo.test), np.bool_)
        unseen = np.bincount(loo.train.histories.title, minlength=data.n_titles)[loo.test.target] == 0
        notes: dict[str, int | str] = {
            "members_with_one_event": loo.n_short_members,
            "targets_never_seen_in_training": loo.n_unseen_targets,
            "repeats_left_out": loo.test.n_repeats,
        }
        groups = {"all members": everybody, "target never seen in training": unseen}
        return Task(loo.train, {"last": loo.test}, {"last": groups}, notes)
    split = global_time(data, CUT)
    members = np.concatenate([split.warm, split.cold])
    queries, parts = {}, {}
    for form in ("window",) if protocol == "window" else ("last", "first", "successive", "window"):
        asked = split.queries(form, members)  # type: ignore[arg-type]
        warm, history = split.n_before[asked.member] > 0, asked.known > 0
        queries[form] = asked
        if form == "window":  # asked in both protocols, shown in its own: some models learn once for both
            parts[form] = {"warm members": warm, "cold members (no history)": ~warm}
            continue
        seen = split.seen_title[asked.target]
        parts[form] = {
            "members with a history at that moment": history,
            "members known before the cut": warm,
            "members new since the cut": ~warm & history,
            "first event of all (no history)": ~history,
            "target never seen in training": history & ~seen,
        }
    notes = {
        "cut": format_at(split.cut_us),
        "warm_members": len(split.warm),
        "cold_members": len(split.cold),
        "titles_in_training": int(split.seen_title.sum()),
        "repeats_left_out": sum(q.n_repeats for q in queries.values()),
    }
    return Task(split.train, queries, parts, notes)


def save_log(data: Interactions, path: Path) -> None:
    """Write a log as plain arrays, for a process of another environment."""
    h = data.histories
    ids = {"members": data.member_ids.astype(str), "titles": data.title_ids.astype(str)}
    np.savez(path, indptr=h.indptr, title=h.title, at_us=h.at_us, weight=data.weight, **ids)


def load_log(path: Path) -> Interactions:
    """Read what `save_log` wrote."""
    with np.load(path) as file:
        histories = Histories(file["indptr"], file["title"], file["at_us"])
        members, titles = file["members"].astype(object), file["titles"].astype(object)
        return Interactions(members, titles, histories, file["weight"])
