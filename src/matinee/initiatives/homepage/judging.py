"""Measures pages: all page makers on the same members, against what those watched afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from matinee.initiatives.homepage.baselines import Grid, PageMaker
from matinee.initiatives.homepage.page import MemberState, TitleState
from matinee.initiatives.homepage.rows import row_kinds
from matinee.prove.metrics.calibration_error import calibration_error, genre_mix
from matinee.prove.metrics.coverage import coverage
from matinee.prove.metrics.effective_catalogue_size import effective_catalogue_size
from matinee.prove.metrics.intra_list_diversity import intra_list_diversity
from matinee.prove.metrics.ndcg_2d import ndcg_2d, page_discount
from matinee.prove.metrics.recall_m_by_n import recall_m_by_n
from matinee.prove.stats.bootstrap import Estimate, bootstrap, draw
from matinee.prove.stats.holm import holm
from matinee.prove.stats.paired import Difference, paired_difference
from matinee.types import Index

SCREEN = (3, 4)
"""Rows and columns that a device shows without an action."""
HEAD_ROWS = 6
"""First rows of a page, for the count of row kinds."""
PER_MEMBER = (
    "recall_3_by_4",
    "ndcg_2d",
    "calibration_error",
    "diversity_in_rows",
    "diversity_of_screen",
    "diversity_of_page",
)
"""Metrics that have a value for each member. Less is better for the calibration error only."""
CATALOGUE_SIZE = "effective_catalogue_size"
ECS_DRAWS = 200


@dataclass(slots=True)
class Pages:
    """What was measured on the pages of one maker, member by member.

    Attributes
    ----------
    values : dict of metric to ndarray of float64, shape (n_members,)
        NaN where not defined (nothing relevant, no genres).
    exposure : sparse array of float64, shape (n_members, n_titles)
        Attention that each title gets on each page.
    head_kinds : ndarray of int64, shape (n_members,)
        Different kinds among the first rows.
    repeated_kinds : int
        Pages whose first rows show a kind twice that may stand there once.
    """

    values: dict[str, NDArray[np.float64]]
    exposure: sparse.csr_array
    head_kinds: NDArray[np.int64]
    repeated_kinds: int


@dataclass(frozen=True, slots=True)
class MakerReport:
    """Figures of one page maker.

    Attributes
    ----------
    metrics : dict of metric to Estimate
        Those of `PER_MEMBER` and the effective catalogue size.
    coverage : float
        Distinct titles on all pages / titles that somebody had watched.
    head_kinds_mean, head_kinds_least : float, int
    ours_minus_it : dict of metric to Difference
        Empty for ours.
    p_holm : dict of metric to float
        p-values of the differences, corrected over the makers.
    """

    metrics: dict[str, Estimate]
    coverage: float
    head_kinds_mean: float
    head_kinds_least: int
    repeated_kinds: int
    ours_minus_it: dict[str, Difference] = field(default_factory=dict)
    p_holm: dict[str, float] = field(default_factory=dict)


def evaluate_pages(
    makers: Mapping[str, PageMaker],
    members: Iterable[MemberState],
    relevant: Sequence[Index],
    titles: TitleState,
    *,
    rows: int = 10,
    cols: int = 10,
    seed: int = 0,
    measured: dict[str, NDArray[Any]] | None = None,
) -> dict[str, MakerReport]:
    """Make every member's page with every maker and compare; the first maker is ours.

    Parameters
    ----------
    makers : mapping of name to PageMaker
    members : iterable of MemberState
        As they were at the moment of the page. Taken one at a time: memory does not grow with their scores.
    relevant : sequence of ndarray of int32
        For each member, in the same order, the unseen titles watched afterwards.
    titles : TitleState
        Genres and vectors for calibration and diversity.
    rows, cols : int
        Size of the pages; the ideal page of NDCG2D has it too.
    seed : int
        Of the bootstrap.
    measured : dict, optional
        Is filled with each metric of the first maker, member by member.

    Returns
    -------
    dict of name to MakerReport

    Notes
    -----
    Calibration: mix of genres of the whole page, each tile weighted by its place as in NDCG2D, against the
    mix of the history weighted by liking. Diversity in rows: mean over the rows of a page, by the model's
    title vectors; rows with a theme ("Crime", "Because you watched X") are alike inside by intention, so it
    describes the rows and does not judge the page. Diversity of the screen: tiles of the first 3 by 4, by
    genres. Diversity of the page: all its tiles, by genres; a copy is like its original. These two count:
    they ask whether somebody who looks at the page sees different things, wherever the rows end.
    """
    discount = page_discount(rows, cols)
    ruler = _Ruler(titles, discount)
    sheets: dict[str, _Sheet] = {name: _Sheet() for name in makers}
    wanted_member: list[Index] = []
    wanted_title: list[Index] = []
    wanted_weight: list[NDArray[np.float64]] = []
    n = 0
    for n, (member, watched) in enumerate(zip(members, relevant, strict=True), start=1):
        wanted_member.append(np.full(len(member.history), n - 1, np.int32))
        wanted_title.append(ruler.unit[member.history])
        wanted_weight.append(np.maximum(member.history_weight, 0.0).astype(np.float64))
        for name, maker in makers.items():
            ruler.measure(maker(member), watched, sheets[name])
    wanted = genre_mix(
        np.concatenate([np.zeros(0, np.int32), *wanted_member]),
        np.concatenate([np.zeros(0, np.int32), *wanted_title]),
        ruler.genres,
        n,
        weight=np.concatenate([np.zeros(0), *wanted_weight]),
    )
    pages = {name: ruler.collect(sheet, wanted) for name, sheet in sheets.items()}
    if measured is not None:
        measured.update(next(iter(pages.values())).values)
    known = int((titles.popularity > 0).sum())
    return _compare(pages, known, seed)


@dataclass(slots=True)
class _Sheet:
    """Measurements of one maker while members pass by."""

    recall: list[float] = field(default_factory=list)
    ndcg: list[float] = field(default_factory=list)
    in_rows: list[float] = field(default_factory=list)
    screens: list[Index] = field(default_factory=list)
    on_page: list[float] = field(default_factory=list)
    places: list[Index] = field(default_factory=list)
    weights: list[NDArray[np.float64]] = field(default_factory=list)
    kinds: list[int] = field(default_factory=list)
    repeated: int = 0


class _Ruler:
    """Measures single pages."""

    def __init__(self, titles: TitleState, discount: NDArray[np.float64]) -> None:
        self.discount, self.vectors = discount, titles.vectors
        self.genres = titles.catalogue.genres.dense()
        self.unit = titles.catalogue.unit()
        length = np.sqrt((self.genres**2).sum(axis=1, keepdims=True))
        self.genre_vectors = (self.genres / np.where(length > 0, length, 1.0)).astype(np.float32)
        self.several = {name for name, kind in row_kinds().items() if kind.several}

    def measure(self, grid: Grid, watched: Index, sheet: _Sheet) -> None:
        page = grid.titles
        sheet.recall.append(recall_m_by_n(page, watched, *SCREEN))
        sheet.ndcg.append(ndcg_2d(page, watched, self.discount))
        by_row = intra_list_diversity(page, self.vectors)
        sheet.in_rows.append(float(np.nanmean(by_row)) if not np.isnan(by_row).all() else float("nan"))
        screen = np.full(SCREEN[0] * SCREEN[1], -1, np.int32)
        corner = page[: SCREEN[0], : SCREEN[1]].ravel()
        screen[: len(corner)] = corner
        sheet.screens.append(screen)
        sheet.on_page.append(float(intra_list_diversity(page.reshape(1, -1), self.genre_vectors)[0]))
        placed = page >= 0
        sheet.places.append(page[placed])
        sheet.weights.append(self.discount[: page.shape[0], : page.shape[1]][placed])
        head = grid.kinds[:HEAD_ROWS]
        sheet.kinds.append(len(set(head)))
        sheet.repeated += any(head.count(kind) > 1 for kind in set(head) - self.several)

    def collect(self, sheet: _Sheet, wanted: NDArray[np.float64]) -> Pages:
        n = len(sheet.recall)
        lengths = [len(p) for p in sheet.places]
        member = np.repeat(np.arange(n, dtype=np.int32), lengths)
        title = np.concatenate([np.zeros(0, np.int32), *sheet.places])
        weight = np.concatenate([np.zeros(0), *sheet.weights])
        shown = genre_mix(member, self.unit[title], self.genres, n, weight=weight)
        screens = np.array(sheet.screens, np.int32).reshape(n, SCREEN[0] * SCREEN[1])
        exposure = sparse.csr_array((weight, (member, title)), shape=(n, len(self.unit)))
        values = {
            "recall_3_by_4": np.array(sheet.recall),
            "ndcg_2d": np.array(sheet.ndcg),
            "calibration_error": calibration_error(wanted, shown),
            "diversity_in_rows": np.array(sheet.in_rows),
            "diversity_of_screen": intra_list_diversity(screens, self.genre_vectors),
            "diversity_of_page": np.array(sheet.on_page),
        }
        return Pages(values, exposure, np.array(sheet.kinds, np.int64), sheet.repeated)


def _compare(pages: Mapping[str, Pages], known: int, seed: int) -> dict[str, MakerReport]:
    """Estimates of every maker, and the paired difference of the first one to each other."""
    ours = next(iter(pages))
    sizes = {name: _catalogue_sizes(p.exposure, seed) for name, p in pages.items()}
    reports = {}
    for name, p in pages.items():
        metrics = {m: bootstrap(p.values[m], seed=seed) for m in PER_MEMBER}
        metrics[CATALOGUE_SIZE] = _size_estimate(p, sizes[name])
        differences: dict[str, Difference] = {}
        if name != ours:
            for m in PER_MEMBER:
                differences[m] = paired_difference(pages[ours].values[m], p.values[m], seed=seed)
            differences[CATALOGUE_SIZE] = _size_difference(pages[ours], p, sizes[ours] - sizes[name])
        kinds = p.head_kinds
        reports[name] = MakerReport(
            metrics,
            coverage(p.exposure.indices, max(1, known)),
            float(kinds.mean()) if len(kinds) else float("nan"),
            int(kinds.min()) if len(kinds) else 0,
            p.repeated_kinds,
            differences,
        )
    others = [name for name in reports if name != ours]
    for m in (*PER_MEMBER, CATALOGUE_SIZE):
        corrected = holm([reports[name].ours_minus_it[m].p for name in others])
        for name, p_value in zip(others, corrected, strict=True):
            reports[name].p_holm[m] = p_value
    return reports


def _catalogue_sizes(exposure: sparse.csr_array, seed: int) -> NDArray[np.float64]:
    """Effective catalogue size of the pages of redrawn members; the same draws for every maker."""
    n = exposure.shape[0]
    if n == 0:
        return np.full(ECS_DRAWS, np.nan)
    out: list[float] = []
    for rows in draw(n, ECS_DRAWS, seed):
        for row in rows:
            counts = np.bincount(row, minlength=n).astype(np.float64)
            out.append(effective_catalogue_size(np.asarray(exposure.T @ counts, np.float64)))
    return np.array(out)


def _size_estimate(p: Pages, draws: NDArray[np.float64]) -> Estimate:
    """Normal interval: redrawing members makes the size smaller, so percentiles would not hold the figure."""
    mean, error = _size(p), float(draws.std())
    return Estimate(mean, mean - 1.96 * error, mean + 1.96 * error, error, p.exposure.shape[0])


def _size_difference(ours: Pages, other: Pages, draws: NDArray[np.float64]) -> Difference:
    mean = _size(ours) - _size(other)
    error, shift = float(draws.std()), draws - draws.mean()
    beyond = float((np.abs(shift) >= abs(mean)).sum() + 1) / (len(draws) + 1)
    return Difference(
        mean, mean - 1.96 * error, mean + 1.96 * error, error, min(1.0, beyond), ours.exposure.shape[0]
    )


def _size(p: Pages) -> float:
    return effective_catalogue_size(np.asarray(p.exposure.sum(axis=0), np.float64))
