"""Is the composed page better? Learn before a moment, make its pages, look at what was watched after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from matinee.initiatives.homepage.baselines import (
    ChoppedRanker,
    ComposedPage,
    IndependentRows,
    PageMaker,
    PopularityPage,
)
from matinee.initiatives.homepage.compose import Composer
from matinee.initiatives.homepage.config import PageConfig
from matinee.initiatives.homepage.judging import MakerReport, evaluate_pages
from matinee.initiatives.homepage.model import HomepageModel
from matinee.initiatives.homepage.page import MemberState
from matinee.learn.interactions import Interactions
from matinee.learn.splits.global_time import global_time
from matinee.observe.catalogue.catalogue import Catalogue, Limits

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

    Raises
    ------
    InputError
        All events are on one side of T.
    """
    split = global_time(data, cut)
    model = HomepageModel.fit(
        split.train, catalogue, at_us=split.cut_us, seed=seed, progress=_part(progress, 0.0, FIT_SHARE)
    )
    titles = model.title_state(split.cut_us)
    composer = Composer(titles, at_us=split.cut_us, config=config)
    makers = page_makers(composer, rows, cols, seed=seed)
    unit = catalogue.unit()
    found: list[dict[str, MakerReport]] = []
    asked = [split.queries("window", members) for members in (split.warm, split.cold)]
    warm_share = len(asked[0]) / max(1, len(asked[0]) + len(asked[1]))
    shares = (FIT_SHARE, FIT_SHARE + (1.0 - FIT_SHARE) * warm_share, 1.0)
    for group, queries in enumerate(asked):
        if len(queries) == 0:
            found.append({})
            continue
        relevant = [np.unique(t) for t in np.split(unit[queries.target], queries.target_indptr[1:-1])]
        ids = [str(data.member_ids[m]) for m in queries.member]
        report = _part(progress, shares[group], shares[group + 1])
        states = _states(model, ids, split.cut_us, limits or {}, report)
        found.append(evaluate_pages(makers, states, relevant, titles, rows=rows, cols=cols, seed=seed))
    n_before = split.train.n_events
    return HomepageReport(
        split.cut_us,
        n_before,
        data.n_events - n_before,
        len(asked[0]),
        len(asked[1]),
        found[0],
        found[1],
    )


def page_makers(composer: Composer, rows: int, cols: int, *, seed: int = 0) -> dict[str, PageMaker]:
    """Ours and the named baselines, all on the same models."""
    return {
        "composed page": ComposedPage(composer, rows, cols, seed),
        "popularity page": PopularityPage(composer, rows, cols),
        "rows ranked independently": IndependentRows(composer, rows, cols),
        "one ranker, chopped": ChoppedRanker(composer, rows, cols, "play"),
        "long-window ranker, chopped": ChoppedRanker(composer, rows, cols, "window"),
    }


def _states(
    model: HomepageModel,
    member_ids: Sequence[str],
    at_us: int,
    limits: Mapping[str, Limits],
    progress: Progress,
) -> Iterator[MemberState]:
    """States in batches, with the stored limits."""
    for start in range(0, len(member_ids), STATES_AT_A_TIME):
        progress("making pages", start / len(member_ids))
        for state in model.member_states(member_ids[start : start + STATES_AT_A_TIME], at_us):
            known = limits.get(state.member_id)
            yield state if known is None else replace(state, limits=known)


def _part(progress: Progress | None, start: float, stop: float) -> Progress:
    """Progress of a part of the work, from 0 to 1, as progress of the whole."""
    if progress is None:
        return lambda _step, _share: None
    return lambda step, share: progress(step, start + (stop - start) * share)
