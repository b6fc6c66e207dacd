"""Is the composed page better? Learn before a moment, make its pages, look at what was watched after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matinee.initiatives.homepage.baselines import (
    ChoppedRanker,
    ComposedPage,
    IndependentRows,
    PageMaker,
    PopularityPage,
)
from matinee.initiatives.homepage.compose import Composer
from matinee.initiatives.homepage.config import PageConfig
from matinee.initiatives.homepage.judging import SCREEN, MakerReport, evaluate_pages
from matinee.initiatives.homepage.model import HomepageModel
from matinee.initiatives.homepage.page import MemberState, TitleState
from matinee.learn.interactions import Interactions
from matinee.learn.splits.global_time import GlobalTime, global_time
from matinee.observe.catalogue.catalogue import Catalogue, Limits
from matinee.types import Index

STATES_AT_A_TIME = 128
FIT_SHARE = 0.7
"""Part of the progress that is training; the rest is making pages."""
Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class HomepageReport:
    """Result of `evaluate_homepage`.

    Attributes
    ----------
    cut_us : int
        Moment of all pages. The models learned from what came before it only.
    events_before, events_after : int
    warm, cold : dict of name to MakerReport
        Members with, and without, a history before the cut. Ours comes first. Empty without such members.
    n_warm, n_cold : int
        Members of each who watched something new after the cut.
    """

    cut_us: int
    events_before: int
    events_after: int
    n_warm: int
    n_cold: int
    warm: dict[str, MakerReport]
    cold: dict[str, MakerReport]


@dataclass(frozen=True, slots=True)
class Trial:
    """Models that learned until a moment T, and what members watched after it: pages of T can be judged.

    Learning takes the time; with one trial many settings of the page can be compared.

    Attributes
    ----------
    split : GlobalTime
    model : HomepageModel
        Learned from what came before T only.
    titles : TitleState
        As they were at T.
    limits : mapping of member id to Limits
    seed : int
    """

    split: GlobalTime
    model: HomepageModel
    titles: TitleState
    limits: Mapping[str, Limits]
    seed: int

    @staticmethod
    def prepare(
        data: Interactions,
        catalogue: Catalogue,
        *,
        cut: float | int = 0.8,
        limits: Mapping[str, Limits] | None = None,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> Trial:
        """Learn from what came before T; parameters as in `evaluate_homepage`.

        Raises
        ------
        InputError
            All events are on one side of T.
        """
        split = global_time(data, cut)
        model = HomepageModel.fit(split.train, catalogue, at_us=split.cut_us, seed=seed, progress=progress)
        return Trial(split, model, model.title_state(split.cut_us), limits or {}, seed)

    def report(
        self,
        *,
        config: PageConfig | None = None,
        rows: int = 10,
        cols: int = 10,
        progress: Progress | None = None,
        measured: dict[str, NDArray[Any]] | None = None,
    ) -> HomepageReport:
        """Judge the pages of everybody who watched something new after T; see `judge`."""
        split = self.split
        n_warm, n_cold = (len(split.queries("window", members)) for members in (split.warm, split.cold))
        middle = n_warm / max(1, n_warm + n_cold)
        warm, cold = (
            self.judge(
                members,
                config=config,
                rows=rows,
                cols=cols,
                progress=_part(progress, *shares),
                measured=measured if counted else None,
            )
            for members, shares, counted in (
                (split.warm, (0.0, middle), n_warm > 0),
                (split.cold, (middle, 1.0), n_warm == 0),
            )
        )
        before = split.train.n_events
        return HomepageReport(split.cut_us, before, split.data.n_events - before, n_warm, n_cold, warm, cold)

    def questions(self, members: Index) -> tuple[list[str], list[Index]]:
        """Ids of those of the members who watched something new after T, and the titles of each."""
        unit = self.titles.catalogue.unit()
        queries = self.split.queries("window", members)
        relevant = [np.unique(t) for t in np.split(unit[queries.target], queries.target_indptr[1:-1])]
        ids = [str(self.split.data.member_ids[m]) for m in queries.member]
        return (ids, relevant) if ids else ([], [])

    def judge(
        self,
        members: Index,
        *,
        config: PageConfig | None = None,
        rows: int = 10,
        cols: int = 10,
        progress: Progress | None = None,
        measured: dict[str, NDArray[Any]] | None = None,
    ) -> dict[str, MakerReport]:
        """Make the pages of members with every page maker, and compare them with what was watched.

        Parameters
        ----------
        members : ndarray of int32
            Rows of `split.data`; those without anything new after T are left out.
        config, rows, cols, progress, measured
            As in `evaluate_homepage`.

        Returns
        -------
        dict of name to MakerReport
            Ours first; empty when nobody is left.
        """
        ids, relevant = self.questions(members)
        if not ids:
            return {}
        composer = Composer(self.titles, at_us=self.split.cut_us, config=config)
        makers = page_makers(composer, rows, cols, seed=self.seed)
        states = self._states(ids, progress or (lambda _step, _share: None))
        if measured is not None:
            measured["member_ids"] = np.array(ids, dtype=np.str_)
        return evaluate_pages(
            makers, states, relevant, self.titles, rows=rows, cols=cols, seed=self.seed, measured=measured
        )

    def _states(self, member_ids: Sequence[str], progress: Progress) -> Iterator[MemberState]:
        """States in batches, with the stored limits."""
        for start in range(0, len(member_ids), STATES_AT_A_TIME):
            progress("making pages", start / len(member_ids))
            batch = member_ids[start : start + STATES_AT_A_TIME]
            for state in self.model.member_states(batch, self.split.cut_us):
                known = self.limits.get(state.member_id)
                yield state if known is None else replace(state, limits=known)


def evaluate_homepage(
    data: Interactions,
    catalogue: Catalogue,
    *,
    cut: float | int = 0.8,
    config: PageConfig | None = None,
    limits: Mapping[str, Limits] | None = None,
    rows: int = 10,
    cols: int = 10,
    seed: int = 0,
    progress: Progress | None = None,
    measured: dict[str, NDArray[Any]] | None = None,
) -> HomepageReport:
    """Learn before a moment T, make the pages of T, and judge them by what was watched after T.

    Parameters
    ----------
    data : Interactions
        The whole log; title indices are those of `catalogue`.
    catalogue : Catalogue
        Also holds titles that arrived after T; nothing but their metadata is known to the models.
    cut : float or int, default 0.8
        T as share of the events, or in microseconds; see `global_time`.
    config : PageConfig, optional
    limits : mapping of member id to Limits, optional
    rows, cols : int, default 10
        Size of the evaluated pages.
    seed : int
    progress : callable, optional
        Gets what is being done and the share that is done.
    measured : dict, optional
        Is filled with the ids of the members that are compared (`member_ids`) and each metric of our page,
        member by member.

    Raises
    ------
    InputError
        All events are on one side of T.
    """
    learning, making = _part(progress, 0.0, FIT_SHARE), _part(progress, FIT_SHARE, 1.0)
    trial = Trial.prepare(data, catalogue, cut=cut, limits=limits, seed=seed, progress=learning)
    return trial.report(config=config, rows=rows, cols=cols, progress=making, measured=measured)


def page_makers(composer: Composer, rows: int, cols: int, *, seed: int = 0) -> dict[str, PageMaker]:
    """Ours and the named baselines, all on the same models."""
    return {
        "composed page": ComposedPage(composer, rows, cols, seed),
        "popularity page": PopularityPage(composer, rows, cols),
        "rows ranked independently": IndependentRows(composer, rows, cols),
        "one ranker, chopped": ChoppedRanker(composer, rows, cols, "play"),
        "one ranker, screen first": ChoppedRanker(composer, rows, cols, "play", SCREEN),
        "long-window ranker, chopped": ChoppedRanker(composer, rows, cols, "window"),
    }


def _part(progress: Progress | None, start: float, stop: float) -> Progress:
    """Progress of a part of the work, from 0 to 1, as progress of the whole."""
    if progress is None:
        return lambda _step, _share: None
    return lambda step, share: progress(step, start + (stop - start) * share)
