"""Facts about titles that the rankers read: popularity, age, links between neighbours in time, metadata."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numba import njit
from numpy.typing import NDArray

from matinee.learn.interactions import Histories, Interactions
from matinee.learn.models.metadata_similarity import MetadataSimilarityScorer
from matinee.learn.models.storage import load_arrays, save_arrays
from matinee.learn.play_matrix import Csr, csr, faded_mean
from matinee.learn.recommenders.candidates import Queries, recent_counts, times_by_title
from matinee.observe.catalogue.catalogue import Catalogue
from matinee.types import ALWAYS_US, DAY_US, Index, Scores, Times

LINK_REACH = 3
"""Titles watched within this many events of each other are linked."""
LINK_EVENTS = 2_000_000
"""Events whose links are counted at a time."""
FEW = 8
"""For so many members sparse matrices cost more than they save."""


@dataclass(frozen=True, slots=True)
class TitleFacts:
    """Columns by title.

    Attributes
    ----------
    popularity : ndarray of float32
        Plays in training.
    prior : ndarray of float32
        Tiny popularity score that orders candidates nobody else scores; sums to 0.001.
    play_indptr, play_at_us : ndarray of int64
        All play times per title.
    time_title, time_at_us : ndarray of int32 and int64, shape (n_events,)
        All plays in order of time.
    after : csr_array of float32
        Row: a title. Column: a title that members watched within `LINK_REACH` events after it. Counts.
    genres : ndarray of float32, shape (n_titles, n_genres); no columns when unknown
    year : ndarray of float32, NaN where unknown
    unwatched : ndarray of int32
        Titles that nobody has watched; their scores come from `metadata` alone.
    metadata : MetadataSimilarityScorer
    """

    popularity: Scores
    prior: Scores
    play_indptr: Times
    play_at_us: Times
    time_title: Index
    time_at_us: Times
    after: Csr
    genres: Scores
    year: Scores
    unwatched: Index
    metadata: MetadataSimilarityScorer
    _ready: dict[str, NDArray[np.float32]] = field(default_factory=dict, init=False, repr=False)
    _links: dict[str, tuple[Times, Index, Scores]] = field(default_factory=dict, init=False, repr=False)

    @staticmethod
    def of(train: Interactions, catalogue: Catalogue | None = None) -> TitleFacts:
        """Measure the titles of `train`; metadata from the catalogue, whose order must be the same."""
        n = train.n_titles
        h = train.histories
        count = np.bincount(h.title, minlength=n).astype(np.float32)
        play_indptr, play_at_us = times_by_title(h, n)
        order = np.argsort(h.at_us, kind="stable")
        if catalogue is None:
            genres, year = np.zeros((n, 0), np.float32), np.full(n, np.nan, np.float32)
        else:
            genres = catalogue.genres.dense()
            known = catalogue.release_us != ALWAYS_US
            year = np.where(known, 1970 + catalogue.release_us / (365.25 * DAY_US), np.nan).astype(np.float32)
        return TitleFacts(
            popularity=count,
            prior=(0.001 * count / max(1.0, float(count.sum()))).astype(np.float32),
            play_indptr=play_indptr,
            play_at_us=play_at_us,
            time_title=h.title[order],
            time_at_us=h.at_us[order],
            after=_links(h, n),
            genres=genres,
            year=year,
            unwatched=np.flatnonzero(count == 0).astype(np.int32),
            metadata=MetadataSimilarityScorer(catalogue).fit(train),
        )

    def likeness(self, histories: Histories) -> Scores:
        """Scores of the unwatched titles, as if each were watched as often as the average title.

        Metadata similarity of the title, as a share of that of all titles; shape (n_members, n_unwatched).
        """
        if len(histories) <= FEW:
            return self._likeness_of_few(histories)
        found = self.metadata.score(histories)
        total = np.maximum(1e-6, found.sum(axis=1, keepdims=True))
        return np.asarray(found[:, self.unwatched] / total, np.float32)

    def _likeness_of_few(self, histories: Histories) -> Scores:
        """The same without a product of sparse matrices: the norm of a member's taste cancels out."""
        vectors = self.metadata.vectors_
        assert vectors is not None
        if "label_sums" not in self._ready:
            self._ready["label_sums"] = np.asarray(vectors.sum(axis=0), np.float32).ravel()
        out = np.zeros((len(histories), len(self.unwatched)), np.float32)
        _likeness(
            (histories.indptr, histories.title),
            (vectors.indptr, vectors.indices, vectors.data),
            np.float32(self.metadata.config.decay),
            self._ready["label_sums"],
            self.unwatched,
            out,
        )
        return out

    def save(self, folder: Path) -> None:
        """Write one array per column."""
        save_arrays(
            folder,
            {},
            popularity=self.popularity,
            prior=self.prior,
            time_title=self.time_title,
            time_at_us=self.time_at_us,
            after_indptr=self.after.indptr,
            after_title=self.after.indices,
            after_count=self.after.data,
            genres=self.genres,
            year=self.year,
            unwatched=self.unwatched,
        )
        self.metadata.save(folder / "metadata")

    @staticmethod
    def load(folder: Path) -> TitleFacts:
        """Read what `save` wrote."""
        _, a = load_arrays(folder, dict[str, str])
        n = len(a["popularity"])
        order = np.lexsort((a["time_at_us"], a["time_title"]))
        count = np.bincount(a["time_title"], minlength=n)
        after = csr((a["after_count"], a["after_title"], a["after_indptr"]), (n, n))
        return TitleFacts(
            popularity=a["popularity"],
            prior=a["prior"],
            play_indptr=np.concatenate([[0], np.cumsum(count)]).astype(np.int64),
            play_at_us=a["time_at_us"][order],
            time_title=a["time_title"],
            time_at_us=a["time_at_us"],
            after=after,
            genres=a["genres"],
            year=a["year"],
            unwatched=a["unwatched"],
            metadata=MetadataSimilarityScorer.load(folder / "metadata"),
        )

    def known_until(self, asked_us: Times) -> Times:
        """When recent popularity is read: at the query, but not after the log ends (it would be empty)."""
        latest = self.time_at_us[-1] if len(self.time_at_us) else 0
        return np.minimum(asked_us, latest)

    def recent_share(self, asked_us: Times, days: int = 30) -> Scores:
        """Share of each title among the plays of the days before the day of each query.

        Shape (n_queries, n_titles). The day itself is left out, so that a play never recommends itself.
        """
        today, of_query = np.unique(self.known_until(asked_us) // DAY_US, return_inverse=True)
        key = f"recent {days} {today[0]}" if len(today) == 1 and len(asked_us) <= FEW else ""
        kept = self._ready.get(key)
        if kept is not None:
            return kept[of_query]
        begin = np.searchsorted(self.time_at_us, (today - days) * DAY_US)
        end = np.searchsorted(self.time_at_us, today * DAY_US)
        out = np.zeros((len(today), len(self.popularity)), np.float32)
        _count_windows(self.time_title, begin, end, out)
        out /= np.maximum(1.0, out.sum(axis=1, keepdims=True))
        if key:  # of one day only: a server asks about today
            for old in [name for name in list(self._ready) if name.startswith("recent ")]:
                self._ready.pop(old, None)
            self._ready[key] = out
        return np.asarray(out[of_query], np.float32)

    def recent_plays(self, candidates: Index, asked_us: Times, windows_us: Times) -> NDArray[np.float32]:
        """Plays of each candidate inside windows that end when the query is asked; last: all before.

        Shape (n_queries, n_candidates, n_windows + 1). A query after the end of the log is asked at its end
        (`known_until`), as all queries of a server are: those counts are kept.
        """
        if len(self.time_at_us) and bool((asked_us == self.time_at_us[-1]).all()):
            name = f"counts {windows_us.tolist()}"
            if name not in self._ready:
                everything = np.arange(len(self.popularity), dtype=np.int32)[None, :]
                counts = np.zeros((1, len(self.popularity), len(windows_us) + 1), np.float32)
                recent_counts(
                    self.play_indptr, self.play_at_us, everything, self.time_at_us[-1:], windows_us, counts
                )
                self._ready[name] = counts[0]
            found: NDArray[np.float32] = self._ready[name][candidates]
            return found
        out = np.zeros((*candidates.shape, len(windows_us) + 1), np.float32)
        recent_counts(self.play_indptr, self.play_at_us, candidates, asked_us, windows_us, out)
        return out

    def links(
        self, queries: Queries, candidates: Index, histories: Histories, last_titles: int
    ) -> NDArray[np.float32]:
        """Share of members that went from the last titles to the candidate, and the way back.

        `histories` are those that the facts were measured on: what a query's member watched after it is
        taken out, as if the log had ended for them. Shape (n_queries, n_candidates, 2): forwards and
        backwards, the latest title counting most.
        """
        out = np.zeros((*candidates.shape, 2), np.float32)
        if "before" not in self._links:
            before = self.after.T.tocsr()
            self._links["before"] = before.indptr.astype(np.int64), before.indices, before.data
            self._links["after"] = self.after.indptr.astype(np.int64), self.after.indices, self.after.data
        _link_shares(
            (queries.histories.indptr, queries.histories.title, queries.member),
            (histories.indptr, histories.title),
            candidates,
            last_titles,
            self._links["after"],
            self._links["before"],
            self.popularity,
            out,
        )
        return out

    def metadata_columns(self, histories: Histories, candidates: Index) -> list[Scores]:
        """Genre match with the history at two speeds and distance of years; nothing without metadata."""
        columns: list[Scores] = []
        if "unit" not in self._ready:
            self._ready.update(_prepared(self.genres, self.year))
        mean = _faded_mean_of_few if len(histories) <= FEW else faded_mean
        if self.genres.shape[1]:
            unit = self._ready["unit"]
            for decay in (0.7, 0.97):
                taste = mean(histories, unit, decay)
                columns.append(np.einsum("qg,qcg->qc", taste, unit[candidates]).astype(np.float32))
        if "year" in self._ready:
            filled = self._ready["year"]
            recent = mean(histories, filled[:, None], 0.8)
            columns += [np.abs(filled[candidates] - recent), filled[candidates]]
        return columns


def _prepared(genres: Scores, year: Scores) -> dict[str, NDArray[np.float32]]:
    """Genres as unit rows, and years with the mean where unknown; no years where none is known."""
    length = np.maximum(1.0, np.linalg.norm(genres, axis=1, keepdims=True))
    out = {"unit": (genres / length).astype(np.float32, copy=False)}
    if np.isfinite(year).any():
        out["year"] = np.where(np.isfinite(year), year, np.nanmean(year)).astype(np.float32)
    return out


def _faded_mean_of_few(histories: Histories, values: NDArray[np.float32], decay: float) -> Scores:
    """`faded_mean` without a sparse matrix."""
    out = np.zeros((len(histories), values.shape[1]), np.float32)
    _faded_means(histories.indptr, histories.title, values, np.float32(decay), out)
    return out


def _links(histories: Histories, n_titles: int) -> Csr:
    """Counts of (title, title within LINK_REACH events after it), weighted 1/distance."""
    out = csr((n_titles, n_titles), (n_titles, n_titles))
    title, owner = histories.title, histories.member_of_event()
    for start in range(0, max(1, len(title)), LINK_EVENTS):  # a part at a time: all pairs at once are many
        rows, columns, data = [], [], []
        for k in range(1, LINK_REACH + 1):
            stop = min(start + LINK_EVENTS, len(title) - k)
            first, second = slice(start, max(start, stop)), slice(start + k, max(start, stop) + k)
            same = owner[second] == owner[first]
            rows.append(title[first][same])
            columns.append(title[second][same])
            data.append(np.full(int(same.sum()), 1.0 / k, np.float32))
        where = (np.concatenate(rows), np.concatenate(columns))
        out = out + csr((np.concatenate(data), where), (n_titles, n_titles))
    out.sort_indices()
    return out


@njit(cache=True)
def _count_windows(title, begin, end, out):  # type: ignore[no-untyped-def]
    """Plays per title of each window, the windows in order of time: each starts from the one before."""
    for i in range(len(begin)):
        first, last = begin[i], end[i]
        if i > 0 and begin[i] < end[i - 1]:
            out[i] = out[i - 1]
            for p in range(begin[i - 1], begin[i]):
                out[i, title[p]] -= 1.0
            first = end[i - 1]
        for p in range(first, last):
            out[i, title[p]] += 1.0


@njit(cache=True)
def _own_links(title, begin, first, stop, i, j):  # type: ignore[no-untyped-def]
    """What one member's events `first:stop` add to the link from title i to title j."""
    found = 0.0
    for b in range(first, stop):
        if title[b] == j:
            for k in range(1, min(LINK_REACH, b - begin) + 1):
                if title[b - k] == i:
                    found += 1.0 / k
    return found


@njit(cache=True)
def _link_shares(queries, log, candidates, last_titles, after, before, popularity, out):  # type: ignore[no-untyped-def]
    """A title's links are spread over the catalogue, where each candidate finds its own."""
    q_indptr, q_title, member = queries
    indptr, title = log
    linked = np.zeros(len(popularity), np.float32)
    later = np.zeros(len(popularity), np.float32)  # plays of the query's member after the query
    for q in range(len(q_indptr) - 1):
        begin, first, stop = 0, 0, 0
        if member[q] >= 0:
            begin, stop = indptr[member[q]], indptr[member[q] + 1]
            first = begin + q_indptr[q + 1] - q_indptr[q]
        for p in range(first, stop):
            later[title[p]] += 1.0
        weight = 1.0
        for k in range(min(last_titles, q_indptr[q + 1] - q_indptr[q])):
            t = q_title[q_indptr[q + 1] - 1 - k]
            for way in range(2):
                r_indptr, r_title, r_count = after if way == 0 else before
                for p in range(r_indptr[t], r_indptr[t + 1]):
                    linked[r_title[p]] = r_count[p]
                for c in range(candidates.shape[1]):
                    u = candidates[q, c]
                    links = linked[u]
                    if links > 0.0:
                        i, j = (t, u) if way == 0 else (u, t)
                        if later[j] > 0.0:
                            links -= _own_links(title, begin, first, stop, i, j)
                        out[q, c, way] += weight * links / (popularity[i] - later[i] + 5.0)
                for p in range(r_indptr[t], r_indptr[t + 1]):
                    linked[r_title[p]] = 0.0
            weight *= 0.5
        for p in range(first, stop):
            later[title[p]] = 0.0


@njit(cache=True)
def _faded_means(indptr, title, values, decay, out):  # type: ignore[no-untyped-def]
    for q in range(len(indptr) - 1):
        weight, total = np.float32(1.0), np.float32(0.0)
        for p in range(indptr[q + 1] - 1, indptr[q] - 1, -1):
            row = values[title[p]]
            for d in range(len(row)):
                out[q, d] += weight * row[d]
            total += weight
            weight *= decay
        out[q] /= max(np.float32(1e-9), total)


@njit(cache=True)
def _likeness(queries, vectors, decay, label_sums, unwatched, out):  # type: ignore[no-untyped-def]
    indptr, title = queries
    v_indptr, v_label, v_value = vectors
    taste = np.zeros(len(label_sums), np.float32)
    for q in range(len(indptr) - 1):
        taste[:] = 0.0
        weight = np.float32(1.0)
        for p in range(indptr[q + 1] - 1, indptr[q] - 1, -1):
            for j in range(v_indptr[title[p]], v_indptr[title[p] + 1]):
                taste[v_label[j]] += weight * v_value[j]
            weight *= decay
        norm, total = 0.0, 0.0
        for label in range(len(taste)):
            norm += taste[label] * taste[label]
            total += taste[label] * label_sums[label]
        norm = max(1e-9, np.sqrt(norm))
        share = 1.0 / (norm * max(1e-6, total / norm))
        for u in range(len(unwatched)):
            found = 0.0
            for j in range(v_indptr[unwatched[u]], v_indptr[unwatched[u] + 1]):
                found += taste[v_label[j]] * v_value[j]
            out[q, u] = found * share
