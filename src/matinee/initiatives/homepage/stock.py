"""All possible rows of one member as flat arrays: every candidate is permitted, every shelf is in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matinee.errors import InputError
from matinee.initiatives.homepage.audience import SharedShelves
from matinee.initiatives.homepage.kernels import Shelving, deal
from matinee.initiatives.homepage.page import MemberState
from matinee.initiatives.homepage.rows.base import Audience, RowKind, Shelf, Viewer
from matinee.types import Index, Mask, Scores, Times

DEALT_AT_ONCE = 600
"""Best titles that are dealt to the shelves before anything is chosen, beside twice the tiles of the page."""
PRIOR_SHARE = 1e-4
"""Part of P(play) that follows popularity: it orders titles to which the models give the same score."""


@dataclass(slots=True)
class Stock:
    """Shelves of one member, shared ones first.

    The best titles are dealt to the shared shelves at once, the others (`deal_rest`) only when the best
    cannot fill the page: a first screen rarely needs them.

    Attributes
    ----------
    viewer : Viewer
    shelves : list of Shelf
    kind_of : ndarray of int64, shape (n_shelves,)
        Position of each shelf's kind among the kinds.
    shelving : Shelving
        Permitted titles of each shelf, best first.
    own_play : ndarray of float64
        P(play) of the candidates from place `n_shared` on.
    n_shared, n_shared_shelves : int
        Candidates and shelves that come from `RowKind.shared`.
    all_dealt : bool
        Whether every permitted title has been dealt to its shelves.
    """

    viewer: Viewer
    shelves: list[Shelf]
    kind_of: Times
    shelving: Shelving
    own_play: NDArray[np.float64]
    n_shared: int
    n_shared_shelves: int
    all_dealt: bool
    _shared: SharedShelves
    _stop: Times
    _rest: Times

    def deal_rest(self) -> None:
        """Deal the remaining titles to the shared shelves."""
        _deal(self, _best_first(self._rest, self.viewer))
        self.all_dealt = True

    def fresh_order(self) -> Times:
        """All permitted fresh titles, best first."""
        return _best_first(np.flatnonzero(self.viewer.fresh), self.viewer)

    def title_id(self, title: int) -> str:
        """Id of a title."""
        return str(self.viewer.audience.catalogue.title_ids[title])


def see(member: MemberState, shared: SharedShelves, unit: Index) -> Viewer:
    """Masks and P(play) of a member.

    The rankers learn from members who have watched something. Of a member without a history their scores
    tell the order of the titles only, so each place of that order gets the share of plays that the same
    place of the charts has, and titles that are watched more in the member's territory get more.

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
    shares = _shares if len(member.history) else _as_in_the_charts
    following, window = shares(member.next_scores, audience), shares(member.window_scores, audience)
    share = audience.config.session_share
    play = share * following + (1 - share) * window
    scored = {"next": following, "window": window}
    kept = kept_for_list(member.my_list, fresh, audience)
    return Viewer(member, audience, unit, fresh, watched, disliked, scored, play, kept)


def stock_up(viewer: Viewer, shared: SharedShelves, kinds: Mapping[str, RowKind], *, tiles: int) -> Stock:
    """Order every shelf of a member by its ranker, under the masks.

    Parameters
    ----------
    tiles : int
        Tiles of the page and one row more. So many titles are kept of each shelf that it never runs dry
        because others took its titles.
    """
    fresh = np.flatnonzero(admitted(viewer, "fresh"))
    best, rest = _head_and_rest(fresh, viewer, 2 * tiles + DEALT_AT_ONCE)
    exists = np.array([kind.exists_for(viewer) for kind in kinds.values()], np.bool_)
    room = np.where(exists[shared.kind_of], np.minimum(shared.sizes, tiles), 0)
    stop = np.cumsum(room)
    n_shared = int(room.sum())
    present = [kind for kind, here in zip(kinds.values(), exists, strict=True) if here]
    own_shelves, own, own_play, own_sizes = _personal(viewer, present, tiles)
    position = {name: i for i, name in enumerate(kinds)}
    own_kinds = np.array([position[shelf.kind] for shelf in own_shelves], np.int64)
    own_end = n_shared + np.cumsum(own_sizes)
    stock = Stock(
        viewer,
        [*shared.shelves, *own_shelves],
        np.concatenate([shared.kind_of, own_kinds]),
        Shelving(
            np.concatenate([stop - room, own_end - own_sizes]),
            np.concatenate([stop - room, own_end]),
            np.concatenate([np.empty(n_shared, np.int32), own]),
        ),
        own_play,
        n_shared,
        len(shared.shelves),
        not len(rest),
        shared,
        stop,
        rest,
    )
    _deal(stock, best)
    return stock


def admitted(viewer: Viewer, admits: str) -> Mask:
    """Titles that a row which admits "fresh", "listed", "watched" or "begun" titles may show."""
    if admits in {"fresh", "listed"}:
        kept = viewer.kept if admits == "fresh" else None
        return viewer.fresh if kept is None else viewer.fresh & ~kept
    liked = ~viewer.disliked
    if len(viewer.state.disliked):
        liked &= ~viewer.disliked[viewer.unit]
    if admits == "begun":
        return viewer.audience.allowed & liked
    return viewer.audience.shown & viewer.watched & liked & ~resumable(viewer)


def resumable(viewer: Viewer) -> Mask:
    """Titles (series for episodes) that continue-watching may offer."""
    begun = viewer.state.in_progress
    out = np.zeros(len(viewer.watched), np.bool_)
    out[viewer.unit[begun[admitted(viewer, "begun")[begun]]]] = True
    return out


def kept_for_list(my_list: Index, fresh: Mask, audience: Audience) -> Mask | None:
    """The latest titles of a list, as many as are seen of a row at once: they stand in the row of the list.

    Else the best of them would stand in "Top picks", and a list of only such titles nowhere. Those that were
    listed before compete for every row: of a long list most would be on no page.
    """
    if not audience.lists or not len(my_list):
        return None
    kept = np.zeros(len(fresh), np.bool_)
    kept[list(dict.fromkeys(my_list[fresh[my_list]].tolist()))[: audience.config.visible_cols]] = True
    return kept


def _deal(stock: Stock, order: Times) -> None:
    fill = stock.shelving.end[: stock.n_shared_shelves]
    shared = stock._shared
    deal(order, shared.ptr, shared.shelf_of, fill, stock._stop, stock.shelving.candidate)


def _best_first(titles: Times, viewer: Viewer) -> Times:
    return titles[np.argsort(-viewer.scores["window"][titles], kind="stable")]


def _head_and_rest(titles: Times, viewer: Viewer, k: int) -> tuple[Times, Times]:
    """The k best titles (more if the last ones are equal) in order, and the others in no order."""
    if len(titles) <= k:
        return _best_first(titles, viewer), titles[:0]
    score = viewer.scores["window"][titles].astype(np.float32)
    best = score >= np.partition(score, len(score) - k)[len(score) - k]
    return _best_first(titles[best], viewer), titles[~best]


def _personal(
    viewer: Viewer, kinds: Sequence[RowKind], tiles: int
) -> tuple[list[Shelf], Index, NDArray[np.float64], Times]:
    """The member's own shelves: their permitted titles in order, one shelf after the other, and sizes."""
    shelves: list[Shelf] = []
    lengths: list[int] = []
    titles, plays, worths, keeps = [], [], [], []
    masks: dict[str, Mask] = {}
    for kind in kinds:
        own = kind.personal(viewer)
        if not own:
            continue
        if kind.admits not in masks:
            masks[kind.admits] = admitted(viewer, kind.admits)
        title = np.concatenate([shelf.titles for shelf in own])
        given = [shelf.play for shelf in own if shelf.play is not None]
        play = np.concatenate(given) if given else viewer.play[title]
        shelves += own
        lengths += [len(shelf.titles) for shelf in own]
        titles.append(title)
        plays.append(play)
        worths.append(play if kind.ranker == "given" else viewer.scores[kind.ranker][title])
        keeps.append(masks[kind.admits][title])
    if not shelves:
        return [], np.zeros(0, np.int32), np.zeros(0), np.zeros(0, np.int64)
    kept = np.flatnonzero(np.concatenate(keeps))
    title = np.concatenate(titles).astype(np.int32)[kept]
    of = np.repeat(np.arange(len(shelves)), lengths)[kept]
    first = _once(of * len(viewer.play) + title)
    order = first[np.lexsort((-np.concatenate(worths)[kept][first], of[first]))]
    sizes = np.bincount(of[order], minlength=len(shelves))
    place = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    order = order[place < tiles]
    play = np.concatenate(plays)[kept][order].astype(np.float64)
    return shelves, title[order], play, np.minimum(sizes, tiles)


def _once(keys: Times) -> Times:
    """Places of the keys, each key at its first place: a title that a shelf names twice stands in it once."""
    in_order = np.sort(keys)
    if (in_order[1:] != in_order[:-1]).all():
        return np.arange(len(keys))
    return np.sort(np.unique(keys, return_index=True)[1])


def _shares(scores: Scores, audience: Audience) -> NDArray[np.float64]:
    """Scores as shares of their sum, mixed with the prior so that none is 0."""
    total = float(scores.sum(dtype=np.float64))
    if total <= 0:
        return audience.prior
    return scores * ((1 - PRIOR_SHARE) / total) + PRIOR_SHARE * audience.prior


def _as_in_the_charts(scores: Scores, audience: Audience) -> NDArray[np.float64]:
    """The shares of all plays in the order of the scores, times the lift of each title in the territory.

    Equal scores stay in the order of the charts, which is also nearly that of the others: half the time of a
    sort that begins with the catalogue's order.
    """
    charts = audience.charts
    order = charts[np.argsort(-scores[charts], kind="stable")]
    out = np.empty(len(scores), np.float64)
    out[order] = audience.overall[charts]
    out *= audience.prior / audience.overall
    return np.asarray(out / out.sum(), np.float64)
