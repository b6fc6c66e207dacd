"""Sequence neighbours: what did others watch right after a stretch like this member's latest titles?

A training state is a member at one of their events. A state that holds one of the query's last titles
votes for the titles its member watched next; the vote grows with the titles that both have in common,
faded by recency on both sides, and falls with the distance to the next title. Nothing is fitted: new
events are appended.

Of the family of session neighbours with decay (VSTAN): Ludewig, Mauro, Latifi, Jannach (2021),
"Empirical analysis of session-based recommendation algorithms", User Modeling and User-Adapted
Interaction 31, doi 10.1007/s11257-020-09277-1. Departures: a state is a position inside a whole history
instead of a session, every state votes (none is sampled away), and several next titles receive votes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
from numba import njit
from numpy.typing import NDArray

from matinee.errors import ConfigError, NotFittedError
from matinee.learn.interactions import Histories, Interactions
from matinee.learn.models.base import Scorer
from matinee.learn.models.storage import load_arrays, save_arrays
from matinee.types import Index, Scores, Times


@dataclass(frozen=True, slots=True)
class Reach:
    """Who looks for states, and which titles around a state receive its vote.

    Attributes
    ----------
    anchors : int
        How many of the query's latest titles look for states.
    ahead : int
        How many titles after a state receive its vote.
    ahead_decay : float, above 0 to 1
        Weight of a later next title.
    behind : float, 0 to 1
        Weight of votes for the titles before a state, relative to those after it.
    """

    anchors: int = 5
    ahead: int = 8
    ahead_decay: float = 0.6
    behind: float = 0.0

    def __post_init__(self) -> None:
        if self.anchors < 1 or self.ahead < 1:
            raise ConfigError(
                f"Reach: anchors is {self.anchors} and ahead is {self.ahead}, expected at least 1."
            )
        if not 0 < self.ahead_decay <= 1 or not 0 <= self.behind <= 1:
            raise ConfigError(
                f"Reach: ahead_decay is {self.ahead_decay} and behind is {self.behind}, expected at most 1 "
                "and not below 0."
            )


@dataclass(frozen=True, slots=True)
class SequenceNeighboursConfig:
    """Settings of the sequence neighbours.

    Attributes
    ----------
    reach : Reach
        Used by `score`.
    depth : int
        How many titles back two stretches are compared.
    decay : float, above 0 to 1
        Weight of a title falls by this factor with every later title, on both sides.
    anchor_decay : float, above 0 to 1
        Weight of an older anchor.
    power : float, above 0
        Exponent of the similarity; above 1 close stretches count more.
    max_states : int
        Latest states looked at per anchor title; bounds the cost of very popular titles.
    """

    reach: Reach = field(default_factory=Reach)
    depth: int = 40
    decay: float = 0.96
    anchor_decay: float = 0.5
    power: float = 2.0
    max_states: int = 3_000

    def __post_init__(self) -> None:
        for name in ("depth", "max_states"):
            if getattr(self, name) < 1:
                raise ConfigError(
                    f"SequenceNeighbours: {name} is {getattr(self, name)}, expected at least 1."
                )
        for name in ("decay", "anchor_decay"):
            if not 0 < getattr(self, name) <= 1:
                raise ConfigError(
                    f"SequenceNeighbours: {name} is {getattr(self, name)}, expected above 0 and at most 1."
                )
        if not self.power > 0:
            raise ConfigError(f"SequenceNeighbours: power is {self.power}, expected a number above 0.")


class SequenceNeighboursScorer(Scorer):
    """Next-title scores by votes of similar stretches in other members' histories.

    The strongest single model inside a session and useless for the first title after a long pause:
    blend it with `DecayedRidgeScorer`.

    Parameters
    ----------
    config : SequenceNeighboursConfig, optional

    Attributes
    ----------
    histories_ : Histories
        The training histories: they are the model.
    state_indptr_ : ndarray of int64, shape (n_titles + 1,)
    states_ : ndarray of int32 (int64 above two thousand million events), shape (n_events,)
        Inverted lists: events of title t, oldest first, are
        `states_[state_indptr_[t]:state_indptr_[t + 1]]`.
    owner_ : ndarray of int32, shape (n_events,)
        Member of each event.

    Notes
    -----
    Cost of a query: anchors * states per title * depth; memory 20 bytes per event.
    """

    def __init__(self, config: SequenceNeighboursConfig | None = None) -> None:
        self.config = config or SequenceNeighboursConfig()
        self.histories_: Histories | None = None
        self.state_indptr_: NDArray[np.int64] | None = None
        self.states_: Index | Times | None = None
        self.owner_: Index | None = None
        self.n_titles_: int | None = None

    def fit(self, train: Interactions) -> Self:
        """Index the histories of `train`."""
        return self.index(train.histories, train.n_titles)

    def index(self, histories: Histories, n_titles: int) -> Self:
        """Make the inverted lists."""
        count = np.bincount(histories.title, minlength=n_titles)
        self.histories_ = histories
        self.n_titles_ = n_titles
        self.state_indptr_ = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
        states = np.lexsort((histories.at_us, histories.title))
        self.states_ = states.astype(np.int32) if len(states) < 2**31 else states
        self.owner_ = histories.member_of_event()
        return self

    def score(self, histories: Histories) -> Scores:
        """Share of votes of each title, float32, shape (n_members, n_titles); zero where nobody votes."""
        return self.score_excluding(histories, None)

    def score_excluding(self, histories: Histories, own: Index | None) -> Scores:
        """Like `score`, but query q gets no vote from the training member `own[q]` (-1: from all)."""
        return np.asarray(self.votes(histories, own, (self.config.reach,))[0])

    def votes(self, histories: Histories, own: Index | None, reaches: tuple[Reach, ...]) -> Scores:
        """Shares of votes for several reaches in one pass, shape (n_reaches, n_members, n_titles)."""
        train, indptr, states, n_titles = self._fitted()
        assert self.owner_ is not None
        c = self.config
        out: Scores = np.zeros((len(reaches), len(histories), n_titles), np.float32)
        _vote(
            histories.indptr,
            histories.title.view(np.uint32),
            np.full(len(histories), -1, np.int32) if own is None else own.astype(np.int32),
            train.indptr,
            train.title.view(np.uint32),
            self.owner_,
            indptr,
            states,
            (c.depth, c.max_states),
            (np.float32(c.decay), np.float32(c.anchor_decay), np.float32(c.power)),
            np.array([(r.anchors, r.ahead) for r in reaches], np.int64),
            np.array([(r.ahead_decay, r.behind) for r in reaches], np.float32),
            out,
        )
        return out

    def save(self, folder: Path) -> None:
        """Write the histories as positions; no id of a member is kept."""
        train, _, _, n_titles = self._fitted()
        save_arrays(
            folder,
            self.config,
            indptr=train.indptr,
            title=train.title,
            at_us=train.at_us,
            n_titles=np.array(n_titles),
        )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        config, arrays = load_arrays(folder, SequenceNeighboursConfig)
        histories = Histories(arrays["indptr"], arrays["title"], arrays["at_us"])
        return cls(config).index(histories, int(arrays["n_titles"]))

    def _fitted(self) -> tuple[Histories, NDArray[np.int64], Index | Times, int]:
        if (
            self.histories_ is None
            or self.state_indptr_ is None
            or self.states_ is None
            or self.n_titles_ is None
        ):
            raise NotFittedError(
                "SequenceNeighboursScorer: score was called before fit. Call fit(train) first."
            )
        return self.histories_, self.state_indptr_, self.states_, self.n_titles_


@njit(cache=True, fastmath=True)
def _vote(  # type: ignore[no-untyped-def]
    q_indptr, q_title, own, indptr, title, member, s_indptr, states, sizes, rates, counts, fades, out
):
    """Titles are unsigned and windows are read forwards, so that the inner loops need no checks."""
    depth, max_states = sizes
    decay, anchor_decay, power = rates
    n_reaches = len(counts)
    anchors = counts[:, 0].max()
    faded = np.zeros(out.shape[2], np.float32)
    fade = np.ones(depth, np.float32)  # of a window's titles, the latest last
    for k in range(1, depth):
        fade[depth - 1 - k] = fade[depth - k] * decay
    for q in range(len(q_indptr) - 1):
        first, last = q_indptr[q], q_indptr[q + 1]
        oldest = max(first, last - depth)
        for k in range(oldest, last):  # older first: a repeated title keeps its latest weight
            faded[q_title[k]] = fade[depth - last + k]
        anchor_weight = np.float32(1.0)
        for j in range(min(anchors, last - first)):
            anchor = q_title[last - 1 - j]
            begin = max(s_indptr[anchor], s_indptr[anchor + 1] - max_states)
            for i in range(begin, s_indptr[anchor + 1]):
                p = states[i]
                m = member[p]
                if m == own[q]:
                    continue
                start, stop = indptr[m], indptr[m + 1]
                n = min(depth, p - start + 1)
                window, weights = title[p + 1 - n : p + 1], fade[depth - n :]
                common = np.float32(0.0)
                for k in range(n):
                    common += faded[window[k]] * weights[k]
                weight = anchor_weight * common**power
                if weight <= 0.0:
                    continue
                for r in range(n_reaches):
                    if j >= counts[r, 0]:
                        continue
                    votes = out[r, q]
                    vote = weight
                    for t in title[p + 1 : min(stop, p + 1 + counts[r, 1])]:
                        votes[t] += vote
                        vote *= fades[r, 0]
                    if fades[r, 1] > 0.0:
                        vote = weight * fades[r, 1]
                        for h in range(min(counts[r, 1], p - start)):
                            votes[title[p - 1 - h]] += vote
                            vote *= fades[r, 0]
            anchor_weight *= anchor_decay
        for k in range(oldest, last):
            faded[q_title[k]] = 0.0
        for r in range(n_reaches):
            votes = out[r, q]
            total = votes.sum()
            if total > 0.0:
                votes /= total
