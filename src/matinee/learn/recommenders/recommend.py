"""Train the default recommender on a log and rank the best unseen titles: `matinee recommend`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from matinee.errors import InputError
from matinee.learn.interactions import Histories, Interactions
from matinee.learn.recommenders.coverage import diverse_slots
from matinee.learn.recommenders.next_title import NextTitle
from matinee.learn.recommenders.two_stage import Progress, TwoStage
from matinee.learn.recommenders.window import Window
from matinee.observe.catalogue.catalogue import Catalogue
from matinee.types import Ids, Index, Scores

Objective = Literal["next", "window"]


@dataclass(frozen=True, slots=True)
class Recommendations:
    """Best unseen titles per member.

    Attributes
    ----------
    member_ids : ndarray of object (str), shape (n_members,)
    title_ids : ndarray of object (str), shape (n_titles,)
    title : ndarray of int32, shape (n_members, k)
        Positions in `title_ids`, best first; -1 where a member has fewer unseen titles. k is at most the
        number of titles.
    score : ndarray of float32, shape (n_members, k)
        Falls from left to right.
    card : dict
        What the model chose from the log (`TwoStage.card`); `card["notes"]` are sentences for people.
    """

    member_ids: Ids
    title_ids: Ids
    title: Index
    score: Scores
    card: dict[str, Any] = field(default_factory=dict)


def recommend(
    train: Interactions,
    k: int,
    *,
    objective: Objective = "next",
    members: list[str] | None = None,
    catalogue: Catalogue | None = None,
    diversity: float = 0.0,
    now_us: int | None = None,
    seed: int = 0,
    sequence: bool = False,
    progress: Progress | None = None,
) -> Recommendations:
    """Fit and rank.

    Parameters
    ----------
    train : Interactions
    k : int, at least 1
        Titles per member; fewer only when fewer unseen titles exist.
    objective : {"next", "window"}
        What comes next (asked right after each member's last event), or over the coming weeks (asked now).
    members : list of str, optional
        Whom to rank for, in this order; those absent from the log get what is popular. Default: all.
    catalogue : Catalogue, optional
        Metadata. Titles that only it names may be recommended too.
    diversity : float, 0 to 1
        Share of places for rarely shown titles; see `coverage`.
    now_us : int, optional
        Default: the last event.
    seed : int
    sequence : bool
        Also train `SasRecScorer` (extra `sequence`) and add its log probabilities.
    progress : callable, optional

    Raises
    ------
    InputError
        k or diversity is out of range, or there is no event.
    """
    if k < 1:
        raise InputError(f"--k is {k}, expected at least 1.")
    diverse_slots(k, diversity)  # refuses a share that is none before anything is learned
    if train.n_events == 0:
        raise InputError(
            "recommend: 0 events to learn from, expected at least 1. Check --interactions and --at."
        )
    now = int(train.histories.at_us.max()) if now_us is None else now_us
    known = train if catalogue is None else widened(train, catalogue)
    facts = None if catalogue is None else aligned(catalogue, known.title_ids)
    kind: type[TwoStage] = NextTitle if objective == "next" else Window
    model = kind(seed=seed, catalogue=facts, progress=progress)
    if sequence:
        from matinee.learn.models.sasrec import SasRecConfig, SasRecScorer

        model.also(SasRecScorer(SasRecConfig(seed=seed), progress=progress))
    model.fit(known)
    ids, histories = of_members(known, members)
    asked = None if objective == "next" else np.full(len(histories), now, np.int64)
    k = min(k, len(known.title_ids))
    title, score = model.best(histories, k, asked_us=asked, n_diverse=diverse_slots(k, diversity))
    return Recommendations(ids, known.title_ids, title, score, model.card())


def widened(train: Interactions, catalogue: Catalogue) -> Interactions:
    """The same events over all titles of the log and of the catalogue; new titles follow the known ones."""
    have = set(train.title_ids)
    discoverable = catalogue.discoverable()
    new = [t for t, shown in zip(catalogue.title_ids, discoverable, strict=True) if shown and t not in have]
    ids = np.concatenate([train.title_ids, np.array(new, dtype=object)])
    return Interactions(train.member_ids, ids, train.histories, train.weight, train.territory)


def aligned(catalogue: Catalogue, title_ids: Ids) -> Catalogue:
    """The catalogue in the order of `title_ids`; titles it does not name are there without metadata."""
    position = {t: i for i, t in enumerate(catalogue.title_ids)}
    rows: list[dict[str, object]] = []
    for title_id in title_ids:
        row: dict[str, object] = {"title_id": title_id}
        i = position.get(title_id)
        if i is not None:
            row |= {
                "genres": catalogue.genres.of(i),
                "countries": catalogue.countries.of(i),
                "languages": catalogue.languages.of(i),
                "cast": "" if catalogue.cast is None else catalogue.cast[i],
                "directors": "" if catalogue.directors is None else catalogue.directors[i],
            }
            if catalogue.release_us[i] != np.iinfo(np.int64).min:
                row["release_us"] = int(catalogue.release_us[i])
        rows.append(row)
    return Catalogue.from_rows(rows)


def of_members(train: Interactions, members: list[str] | None) -> tuple[Ids, Histories]:
    """Histories of the members asked for, empty where the log does not know them."""
    if members is None:
        return train.member_ids, train.histories
    position = {str(m): i for i, m in enumerate(train.member_ids)}
    rows = np.array([position.get(m, -1) for m in members], np.int64)
    lengths = np.where(rows >= 0, train.histories.lengths[rows], 0)
    known = train.histories.take(rows[rows >= 0])
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return np.array(members, dtype=object), Histories(indptr, known.title, known.at_us)
