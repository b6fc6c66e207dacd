"""What the two-stage recommenders share: generators make candidates, a ranker orders them.

`NextTitle` and `Window` differ in where their ranker's examples come from; the rest is here.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from matinee.errors import ConfigError, NotFittedError
from matinee.learn.interactions import Histories, Interactions
from matinee.learn.models.base import Scorer
from matinee.learn.models.decayed_ridge import DecayedRidgeConfig, DecayedRidgeScorer
from matinee.learn.models.ease import EaseConfig, EaseScorer
from matinee.learn.models.ials import IalsConfig, IalsScorer
from matinee.learn.models.lambdamart import LambdaMartConfig, LambdaMartRanker
from matinee.learn.models.sequence_neighbours import SequenceNeighboursConfig, SequenceNeighboursScorer
from matinee.learn.models.storage import load_arrays, save_arrays
from matinee.learn.recommenders.candidates import Queries, mask_seen, queries_now, top
from matinee.learn.recommenders.choices import MOST_QUERIES, extra_weight
from matinee.learn.recommenders.coverage import spread
from matinee.learn.recommenders.examples import Aside, Examples, first_rows, some
from matinee.learn.recommenders.features import Candidates, Generators, base_scores, make_candidates
from matinee.learn.recommenders.probabilities import fit_log_temperature, log_shares, probabilities
from matinee.learn.recommenders.title_facts import TitleFacts
from matinee.observe.catalogue.catalogue import Catalogue
from matinee.types import Index, Mask, Scores, Times, derive_seed

FEWEST_LISTS = 50
"""With fewer examples no order is learned: the candidates keep that of the generators."""
FEWEST_TO_HOLD_OUT = 5
"""Events of a member whose last one is held out from the extra model."""
EXTRA_WEIGHT = 0.7
"""Weight of the log probabilities of an extra model beside those of the ranker, unless validation says
otherwise (see `choices`)."""
Progress = Callable[[str, float], None]
"""Called with the name of a step and the share that is done, 0 to 1."""


@dataclass(frozen=True, slots=True)
class TwoStageConfig:
    """Settings of a two-stage recommender; `NextTitle` and `Window` have their own defaults.

    Attributes
    ----------
    candidates : int
        Titles per query that the ranker orders.
    folds : int, at least 2
        Parts of the members (next title), or at most so many moments of the past (window), that give
        examples.
    lists : int
        Ranker examples to aim for; in a log of more members a random sample of them gives the examples.
    max_back : int
        At most this many of a member's latest events become examples.
    returns : bool
        Also learn an order of its own for members who come back after a pause; needed where the time of
        asking is known, as when a member opens the app.
    ials_above : int
        With more watched titles iALS is one more generator for the coming weeks (extra `als`).
    threads : int
        Threads of the linear algebra. On a busy machine one is the fastest.
    """

    candidates: int = 100
    folds: int = 3
    lists: int = 12_000
    max_back: int = 12
    returns: bool = False
    ials_above: int = 20_000
    threads: int = 1
    ridge: DecayedRidgeConfig = field(default_factory=DecayedRidgeConfig)
    ease: EaseConfig = field(default_factory=lambda: EaseConfig(reg=200.0, max_titles=6_000))
    edlae: EaseConfig | None = None
    ials: IalsConfig = field(default_factory=IalsConfig)
    neighbours: SequenceNeighboursConfig = field(default_factory=SequenceNeighboursConfig)
    ranker: LambdaMartConfig = field(default_factory=LambdaMartConfig)

    def __post_init__(self) -> None:
        if self.candidates < 1 or self.folds < 2:
            raise ConfigError(
                f"recommender: candidates is {self.candidates} and folds is {self.folds}, "
                "expected at least 1 and 2."
            )


class TwoStage(Scorer):
    """Generators, candidates, features, ranker.

    Parameters
    ----------
    config : TwoStageConfig, optional
    seed : int, default 0
    catalogue : Catalogue, optional
        Metadata of the titles, in the order of the interactions' `title_ids`; used when fitting.
    progress : callable, optional

    Attributes
    ----------
    generators_ : Generators
    facts_ : TitleFacts
    ranker_ : LambdaMartRanker or None
        None when the log was too short to learn an order from: candidates keep the generators' order.
    return_ranker_ : LambdaMartRanker or None
        For members who come back after a pause; None: `ranker_` orders theirs too.
    log_temperature_, return_log_temperature_ : float
        Make the rankers' scores probabilities: softmax(score * exp(log_temperature)).
    extra_weight_ : float
        Weight of the extra model's log probabilities (see `also`).
    notes_ : list of str
        What was done differently because of the log, or for want of an extra.
    """

    default_config = TwoStageConfig()

    def __init__(
        self,
        config: TwoStageConfig | None = None,
        *,
        seed: int = 0,
        catalogue: Catalogue | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.config = config or self.default_config
        self.seed = seed
        self.catalogue = catalogue
        self.progress = progress
        self.generators_: Generators | None = None
        self.facts_: TitleFacts | None = None
        self.ranker_: LambdaMartRanker | None = None
        self.return_ranker_: LambdaMartRanker | None = None
        self.log_temperature_ = 0.0
        self.return_log_temperature_ = 0.0
        self.extra_weight_ = EXTRA_WEIGHT
        self.notes_: list[str] = []
        self._extra: Scorer | None = None
        self._held: Index = np.zeros(0, np.int32)
        self._aside: list[Aside] = []

    def also(self, extra: Scorer) -> Self:
        """Add the log probabilities of one more model to the ranker's scores.

        Before `fit`: `fit` trains it too, without the last event of some members, and chooses its weight by
        how well the sum ranks those events. After `fit`: it must be fitted; its weight is `EXTRA_WEIGHT`.
        It is not written by `save`.
        """
        self._extra = extra
        return self

    def fit(self, train: Interactions) -> Self:
        """Learn generators and ranker from `train`."""
        self.notes_, self._aside = [], []
        self.extra_weight_ = EXTRA_WEIGHT
        if self._extra is not None:  # first, so that a missing extra is told before anything is computed
            self._extra.fit(self._hold_out(train))
        with threadpool_limits(self.config.threads):
            self.facts_ = TitleFacts.of(train, self.catalogue)
            self.generators_, examples = self._learn(train)
            self._fit_ranker(examples)
            self._weigh_extra()
        self._tell("ready", 1.0)
        return self

    def card(self) -> dict[str, object]:
        """What was chosen from the log, for people and for `--json`."""
        generators, facts = self._fitted()
        ridge, ease = generators.ridge, generators.ease
        assert ridge.features_ is not None
        assert ridge.weights_ is not None
        assert ease.titles_ is not None
        card: dict[str, object] = {
            "titles_watched": int((facts.popularity > 0).sum()),
            "ridge_features": len(ridge.features_),
            "ridge_targets": ridge.weights_.shape[1],
            "ease_titles": len(ease.titles_),
            "ials": generators.ials is not None,
            "ranker": self.ranker_ is not None,
        }
        if self.config.returns:
            card |= {
                "return_ranker": self.return_ranker_ is not None,
                "return_recent": generators.return_recent,
            }
        if self._extra is not None:
            card["extra_weight"] = self.extra_weight_
        return card | {"notes": list(self.notes_)}

    def _hold_out(self, train: Interactions) -> Interactions:
        """The log without the last event of some members, on whom the extra model's weight is chosen."""
        enough = np.flatnonzero(train.histories.lengths >= FEWEST_TO_HOLD_OUT)
        rng = np.random.default_rng(derive_seed(self.seed, "held out"))
        n = min(MOST_QUERIES, len(enough) // 2)
        self._held = np.sort(rng.choice(enough, n, replace=False)).astype(np.int32)
        last = train.histories.indptr[1:][self._held] - 1
        kept = np.ones(train.n_events, np.bool_)
        kept[last] = False
        return train.keep(kept)

    def _weigh_extra(self) -> None:
        aside, self._aside = self._aside, []
        if self._extra is None or self.ranker_ is None or not aside:
            return
        never = [np.zeros(len(part.title), np.bool_) for part in aside]
        scores = [self._order(part.features, paused) for part, paused in zip(aside, never, strict=True)]
        extra = [log_shares(self._extra, part.histories, part.title) for part in aside]
        relevant = np.concatenate([part.relevant for part in aside])
        self.extra_weight_ = extra_weight(
            np.concatenate(scores), np.concatenate(extra), relevant, EXTRA_WEIGHT
        )

    @abstractmethod
    def _learn(self, train: Interactions) -> tuple[Generators, list[Examples]]:
        """Generators learned from all of `train`, and examples from generators that had not seen them."""

    def ranked(
        self,
        queries: Queries,
        permitted: Mask | None = None,
        *,
        keep_total: bool = False,
        votes: Scores | None = None,
    ) -> tuple[Candidates, Scores]:
        """Candidates of each query and the ranker's score of each; -inf marks filler."""
        generators, facts = self._fitted()
        n = min(self.config.candidates, len(facts.popularity))
        candidates = make_candidates(
            generators, facts, queries, n, permitted, keep_total=keep_total, votes=votes
        )
        if self.ranker_ is None:
            return candidates, candidates.base.copy()
        scores = self._order(candidates.features, queries.paused())
        if self._extra is not None:
            scores += np.float32(self.extra_weight_) * log_shares(
                self._extra, queries.histories, candidates.title
            )
        scores[~np.isfinite(candidates.base)] = -np.inf
        short = queries.histories.lengths == 0
        scores[short] = candidates.base[short]
        return candidates, scores

    def best(
        self,
        histories: Histories,
        k: int,
        *,
        asked_us: Times | None = None,
        permitted: Mask | None = None,
        n_diverse: int = 0,
    ) -> tuple[Index, Scores]:
        """Best k unseen titles of each member, best first, as (titles, scores), shape (n_members, k).

        Parameters
        ----------
        histories : Histories
        k : int
        asked_us : ndarray of int64, shape (n_members,), optional
            When each member is asked; the time of their last event unless given.
        permitted : ndarray of bool, shape (n_titles,), optional
            Titles that may be recommended.
        n_diverse : int, 0 to k
            Places of each list for titles that few others are shown; see `coverage`.

        Returns
        -------
        titles : ndarray of int32, -1 where fewer than k titles are left
        scores : ndarray of float32, falling from left to right
        """
        queries = queries_now(histories, asked_us)
        _, facts = self._fitted()
        titles = np.full((len(queries), k), -1, np.int32)
        scores = np.full((len(queries), k), -np.inf, np.float32)
        shown = np.zeros(len(facts.popularity) + 1, np.float64)
        order = np.argsort(queries.asked_us, kind="stable")  # recent popularity moves on with time
        if n_diverse:  # rarely shown titles should not pile up with the last members of the file
            order = np.random.default_rng(derive_seed(self.seed, "order")).permutation(order)
        with threadpool_limits(self.config.threads):
            for start in range(0, len(order), 1024):
                part = order[start : start + 1024]
                titles[part], scores[part] = self._best_of(queries.take(part), k, permitted, n_diverse, shown)
                self._tell("rank", min(1.0, (start + 1024) / len(order)))
        return titles, scores

    def _best_of(
        self, queries: Queries, k: int, permitted: Mask | None, n_diverse: int, shown: NDArray[np.float64]
    ) -> tuple[Index, Scores]:
        candidates, scores = self.ranked(queries, permitted)
        order = np.argsort(-scores, axis=1, kind="stable")
        titles = np.take_along_axis(candidates.title, order, axis=1)
        values = np.take_along_axis(scores, order, axis=1)
        if n_diverse:
            usable = np.where(np.isfinite(candidates.base), candidates.title, -1).astype(np.int32)
            titles = np.where(np.isfinite(values), titles, -1).astype(np.int32)
            titles = spread(titles, usable, min(k, titles.shape[1]), n_diverse, len(shown) - 1, shown=shown)
        else:
            titles = titles[:, :k]
        values = values[:, : titles.shape[1]]
        if k > titles.shape[1]:
            titles, values = self._extend(queries, k, permitted, titles, values)
        return np.where(np.isfinite(values), titles, -1).astype(np.int32), values

    def _extend(
        self,
        queries: Queries,
        k: int,
        permitted: Mask | None,
        titles: Index,
        values: Scores,
    ) -> tuple[Index, Scores]:
        """More titles than the ranker orders: the rest follows in the generators' order."""
        generators, facts = self._fitted()
        rest, _ = base_scores(generators, facts, queries)
        mask_seen(rest, queries.histories, permitted)
        rest[np.arange(len(rest))[:, None], titles] = -np.inf
        more, base = top(rest, k - titles.shape[1])
        short = k - titles.shape[1] - more.shape[1]
        if short > 0:  # the whole catalogue is smaller than the list
            more = np.pad(more, ((0, 0), (0, short)))
            base = np.pad(base, ((0, 0), (0, short)), constant_values=-np.inf)
        floor = np.where(np.isfinite(values), values, np.inf).min(axis=1, keepdims=True)
        floor = np.where(np.isfinite(floor), floor, 0.0)
        base = np.where(np.isfinite(base), floor - 1.0 + np.minimum(base, 0.5), -np.inf)
        return np.hstack([titles, more]), np.hstack([values, base]).astype(np.float32)

    def score(self, histories: Histories) -> Scores:
        """Probability-like scores that sum to 1 over the unseen titles, shape (n_members, n_titles).

        Candidates share their mass by softmax; all other titles, watched ones among them, get less than
        the last candidate.
        """
        return self.score_at(histories, None)

    def score_at(
        self, histories: Histories, asked_us: Times | None, *, votes: Scores | None = None
    ) -> Scores:
        """Like `score`, asked at given times; `votes` of the neighbours, where they are known already."""
        _, facts = self._fitted()
        queries = queries_now(histories, asked_us)
        out = np.empty((len(histories), len(facts.popularity)), np.float32)
        for start in range(0, len(queries), 256):
            part = queries.take(np.arange(start, min(start + 256, len(queries))))
            known = None if votes is None else votes[:, start : start + 256]
            candidates, scores = self.ranked(part, keep_total=True, votes=known)
            assert candidates.total is not None
            out[start : start + 256] = probabilities(candidates, scores, candidates.total)
        return out

    def save(self, folder: Path) -> None:
        """Write all parts, one folder each."""
        generators, facts = self._fitted()
        generators.ridge.save(folder / "ridge")
        generators.ease.save(folder / "ease")
        if generators.edlae is not None:
            generators.edlae.save(folder / "edlae")
        if generators.ials is not None:
            generators.ials.save(folder / "ials")
        generators.neighbours.save(folder / "neighbours")
        facts.save(folder / "facts")
        if self.ranker_ is not None:
            self.ranker_.save(folder / "ranker")
        if self.return_ranker_ is not None:
            self.return_ranker_.save(folder / "return_ranker")
        numbers = [self.seed, self.log_temperature_, self.return_log_temperature_, generators.return_recent]
        save_arrays(
            folder, self.config, numbers=np.array(numbers, np.float64), notes=np.array(self.notes_, dtype=str)
        )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        config, arrays = load_arrays(folder, TwoStageConfig)
        self = cls(config, seed=int(arrays["numbers"][0]))
        self.log_temperature_, self.return_log_temperature_ = (float(x) for x in arrays["numbers"][1:3])
        self.notes_ = [str(x) for x in arrays["notes"]]
        neighbours = SequenceNeighboursScorer.load(folder / "neighbours")
        self.generators_ = Generators(
            ridge=DecayedRidgeScorer.load(folder / "ridge"),
            ease=EaseScorer.load(folder / "ease"),
            neighbours=neighbours,
            edlae=EaseScorer.load(folder / "edlae") if config.edlae is not None else None,
            ials=IalsScorer.load(folder / "ials") if (folder / "ials").is_dir() else None,
            return_recent=float(arrays["numbers"][3]),
        )
        self.facts_ = TitleFacts.load(folder / "facts")
        if (folder / "ranker").is_dir():
            self.ranker_ = LambdaMartRanker.load(folder / "ranker")
        if (folder / "return_ranker").is_dir():
            self.return_ranker_ = LambdaMartRanker.load(folder / "return_ranker")
        return self

    def _order(self, features: Scores, paused: Mask) -> Scores:
        """Scores by the ranker that each query needs, as log probabilities up to a constant per query."""
        out = np.empty(features.shape[:2], np.float32)
        assert self.ranker_ is not None
        if self.return_ranker_ is None:
            paused = np.zeros_like(paused)
        for rows, ranker, log_temperature in (
            (~paused, self.ranker_, self.log_temperature_),
            (paused, self.return_ranker_, self.return_log_temperature_),
        ):
            if ranker is not None and rows.any():
                flat = features[rows].reshape(-1, features.shape[2])
                scores = ranker.score(flat).reshape(-1, features.shape[1])
                out[rows] = scores * np.float32(np.exp(log_temperature))
        return out

    def _fit_ranker(self, examples: list[Examples]) -> None:
        """Learn to order the candidates of sessions, and with `config.returns` those after a pause."""
        apart = self.config.returns
        session = [some(e, ~e.paused) if apart else e for e in examples]
        returning = [some(e, e.paused) for e in examples] if apart else []
        examples.clear()
        self._tell("order candidates", 0.6)
        self.ranker_, self.log_temperature_ = self._ranker(session)
        self._tell("order candidates", 0.9)
        self.return_ranker_, self.return_log_temperature_ = self._ranker(returning)

    def _ranker(self, examples: list[Examples]) -> tuple[LambdaMartRanker | None, float]:
        lists = sum(len(part.relevant) for part in examples)
        if lists < FEWEST_LISTS:
            return None, 0.0
        parts = [e.features.reshape(-1, e.features.shape[2]) for e in examples]
        relevant = np.concatenate([e.relevant.ravel() for e in examples]).astype(np.int8)
        size = np.concatenate([np.full(len(e.relevant), e.relevant.shape[1], np.int32) for e in examples])
        examples.clear()
        width = int(size[0])
        sample = first_rows(parts, 2_000 * width)
        ranker = LambdaMartRanker(self.config.ranker, seed=self.seed).fit(parts, relevant, size)
        scores = ranker.score(sample).reshape(-1, width)
        right = relevant[: len(sample)].reshape(-1, width) > 0
        return ranker, fit_log_temperature(scores, right)

    def _fitted(self) -> tuple[Generators, TitleFacts]:
        if self.generators_ is None or self.facts_ is None:
            raise NotFittedError(
                f"{type(self).__name__}: score was called before fit. Call fit(train) first."
            )
        return self.generators_, self.facts_

    def _tell(self, step: str, share: float) -> None:
        if self.progress is not None:
            self.progress(step, share)
