"""All possible rows of one member as flat arrays: every candidate is permitted, every shelf is in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matinee.errors import InputError
from matinee.initiatives.homepage.audience import SharedShelves
from matinee.initiatives.homepage.kernels import deal
from matinee.initiatives.homepage.page import MemberState
from matinee.initiatives.homepage.rows.base import RowKind, Shelf, Viewer
from matinee.types import Index, Mask, Scores, Times

PRIOR_SHARE = 1e-4
"""Part of P(play) that follows popularity: it orders titles to which the models give the same score."""


@dataclass(frozen=True, slots=True)
class Stock:
    """Shelves of one member, shared ones first.

    Attributes
    ----------
    viewer : Viewer
    shelves : list of Shelf
    start, end : ndarray of int64, shape (n_shelves,)
        `candidate[start[s]:end[s]]` are the permitted titles of shelf s, best first.
    candidate : ndarray of int32
    own_play : ndarray of float64
        P(play) of the candidates from place `n_shared` on.
    n_shared, n_shared_shelves : int
        Candidates and shelves that come from `RowKind.shared`.
    quality : dict of str to ndarray of float64, shape (n_titles,)
        Log score of each ranker.
    fresh_order : ndarray of int64
        All permitted fresh titles, best first.
    """

    viewer: Viewer
    shelves: list[Shelf]
    start: Times
    end: Times
    candidate: Index
    own_play: NDArray[np.float64]
    n_shared: int
    n_shared_shelves: int
    quality: Mapping[str, NDArray[np.float64]]
    fresh_order: Times

    def title_id(self, title: int) -> str:
        """Id of a title."""
        return str(self.viewer.audience.catalogue.title_ids[title])


def see(member: MemberState, shared: SharedShelves, prior: NDArray[np.float64], unit: Index) -> Viewer:
    """Masks and P(play) of a member.

    Raises
    ------
    InputError
        The scores have another length than the catalogue, or are negative or not finite.
    """
    audience = shared.audience
    n = len(audience.catalogue)
    for name in ("next_scores", "window_scores"):
        scores: Scores = getattr(member, name)
        if scores.shape != (n,):
            raise InputError(
                f'Member "{member.member_id}": {name} has shape {scores.shape}, expected ({n},), '
                "one score per title of the catalogue. Score with a model of this catalogue."
            )
        if n and not (scores.min() >= 0 and scores.max() < np.inf):
            raise InputError(
                f'Member "{member.member_id}": {name} goes from {scores.min()} to {scores.max()}, expected '
                "finite numbers of 0 or more. Turn scores into probabilities first."
            )
    watched = np.zeros(n, np.bool_)
    for titles in (member.history, member.in_progress):
        watched[titles] = True
        watched[unit[titles]] = True
    disliked = np.zeros(n, np.bool_)
    disliked[member.disliked] = True
    fresh = audience.shown & ~watched & ~disliked
    share = audience.config.session_share
    play = share * _shares(member.next_scores, prior) + (1 - share) * _shares(member.window_scores, prior)
    return Viewer(member, audience, unit, fresh, watched, disliked, play)


def stock_up(
    viewer: Viewer,
    shared: SharedShelves,
    kinds: Mapping[str, RowKind],
    prior: NDArray[np.float64],
    *,
    need: int,
) -> Stock:
    """Order every shelf of a member by its ranker, under the masks.

    Parameters
    ----------
    need : int
        Titles kept of each shelf: the tiles of a page and one row more, so that a shelf never runs dry
        because others took its titles.
    """
    window = _shares(viewer.state.window_scores, prior)
    following = _shares(viewer.state.next_scores, prior)
    scores = {"next": following, "window": window}
    fresh = np.flatnonzero(viewer.fresh)
    order = fresh[np.argsort(-window[fresh].astype(np.float32), kind="stable")]
    room = np.minimum(shared.sizes, need)
    end = np.cumsum(room)
    start = end - room
    n_shared = int(end[-1]) if len(end) else 0
    dealt = np.zeros(n_shared, np.int32)
    fill = start.copy()
    deal(order, shared.ptr, shared.shelf_of, fill, end, dealt)
    absent = {k.name for k in kinds.values() if not k.exists_for(viewer)}
    if absent:
        fill = np.where([s.kind in absent for s in shared.shelves], start, fill)
    shelves, titles, plays = _personal(viewer, kinds, scores, absent, need)
    sizes = np.array([len(t) for t in titles], np.int64)
    own_end = n_shared + np.cumsum(sizes)
    return Stock(
        viewer,
        [*shared.shelves, *shelves],
        np.concatenate([start, own_end - sizes]),
        np.concatenate([fill, own_end]),
        np.concatenate([dealt, *titles]),
        np.concatenate(plays) if plays else np.zeros(0),
        n_shared,
        len(shared.shelves),
        {name: np.log(score) for name, score in scores.items()},
        order,
    )


def _personal(
    viewer: Viewer,
    kinds: Mapping[str, RowKind],
    scores: Mapping[str, NDArray[np.float64]],
    absent: set[str],
    need: int,
) -> tuple[list[Shelf], list[Index], list[NDArray[np.float64]]]:
    """The member's own shelves with their permitted titles in order and the P(play) of each."""
    shelves: list[Shelf] = []
    titles: list[Index] = []
    plays: list[NDArray[np.float64]] = []
    masks: dict[str, Mask] = {"fresh": viewer.fresh}
    for kind in kinds.values():
        own: Sequence[Shelf] = () if kind.name in absent else kind.personal(viewer)
        for shelf in own:
            if kind.admits not in masks:
                masks[kind.admits] = admitted(viewer, kind.admits)
            keep = masks[kind.admits][shelf.titles] & _first_of_each(shelf.titles)
            kept = shelf.titles[keep]
            play = viewer.play[kept] if shelf.play is None else shelf.play[keep]
            if kind.ranker == "given":
                worth = play if shelf.play is not None else -np.arange(len(kept), dtype=np.float64)
            else:
                worth = scores[kind.ranker][kept]
            order = np.argsort(-worth, kind="stable")[:need]
            shelves.append(shelf)
            titles.append(kept[order].astype(np.int32))
            plays.append(np.asarray(play[order], np.float64))
    return shelves, titles, plays


def admitted(viewer: Viewer, admits: str) -> Mask:
    """Titles that a row which admits "fresh", "watched" or "begun" titles may show."""
    if admits == "fresh":
        return viewer.fresh
    liked = ~(viewer.disliked | viewer.disliked[viewer.unit])
    if admits == "begun":
        return viewer.audience.allowed & liked
    return viewer.audience.shown & viewer.watched & liked & ~resumable(viewer)


def resumable(viewer: Viewer) -> Mask:
    """Titles (series for episodes) that continue-watching may offer."""
    begun = viewer.state.in_progress
    out = np.zeros(len(viewer.watched), np.bool_)
    out[viewer.unit[begun[admitted(viewer, "begun")[begun]]]] = True
    return out


def _first_of_each(titles: Index) -> Mask:
    """True at the first place of each title."""
    out = np.zeros(len(titles), np.bool_)
    out[np.unique(titles, return_index=True)[1]] = True
    return out


def _shares(scores: Scores, prior: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scores as shares of their sum, mixed with the prior so that none is 0."""
    total = float(scores.sum())
    if total <= 0:
        return prior
    return scores * ((1 - PRIOR_SHARE) / total) + PRIOR_SHARE * prior
