"""Contract suite for scorers: subclass it for your own model, and pytest runs every promise of `Scorer`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from matinee.errors import MatineeError, NotFittedError
from matinee.learn.interactions import Histories, Interactions
from matinee.learn.models.base import Scorer
from matinee.testing.logs import generated_log, log_of
from matinee.types import Scores

PICKLES = {".pkl", ".pickle", ".joblib", ".pt", ".pth"}
"""Endings of files that are, or contain, pickles."""


class ScorerContract(ABC):
    """What every `Scorer` promises, as tests.

    Attributes
    ----------
    tolerance : float
        By how much two scores may differ that should be equal, as a share of the largest score: linear
        algebra adds up in another order when it is given other shapes.

    Examples
    --------
    In a test file of your own::

        class TestMyScorer(ScorerContract):
            def scorer(self, train, seed=0):
                return MyScorer(seed=seed)
    """

    tolerance: float = 1e-5
    _kept: ClassVar[dict[type, Scorer]] = {}

    @abstractmethod
    def scorer(self, train: Interactions, seed: int = 0) -> Scorer:
        """Give a new scorer, not fitted yet, small enough to learn `train` in a second.

        Parameters
        ----------
        train : Interactions
            What it will learn from, for scorers that also need to be told about the titles.
        seed : int
            For scorers that use randomness; the others ignore it.
        """

    def train(self) -> Interactions:
        """Log that the suite learns from; override it when your model needs another one."""
        return generated_log()

    def fitted(self) -> Scorer:
        """Return the scorer that learned `train()`; learned once per class, as no test may change it."""
        kind = type(self)
        if kind not in self._kept:
            train = self.train()
            self._kept[kind] = self.scorer(train).fit(train)
        return self._kept[kind]

    def test_fit_returns_the_scorer_and_leaves_the_log_alone(self) -> None:
        train = self.train()
        scorer = self.scorer(train)
        before = [*_copies(train.histories), train.weight.copy()]
        assert scorer.fit(train) is scorer, "fit should return self"
        after = [*_copies(train.histories), train.weight]
        assert _equal(before, after), "fit changed the log it was given"

    def test_scores_are_finite_float32_one_row_per_member(self) -> None:
        train = self.train()
        _check(self.fitted().score(train.histories), train.n_members, train.n_titles)
        _check(self.fitted().score(train.histories.take(np.zeros(0, np.int64))), 0, train.n_titles)

    def test_a_title_that_nobody_watched_is_scored(self) -> None:
        train = self.train()
        unwatched = np.bincount(train.histories.title, minlength=train.n_titles) == 0
        assert unwatched.any(), "train() should hold a title that nobody watched"
        scores = self.fitted().score(train.histories)
        assert np.isfinite(scores[:, unwatched]).all(), "a title without plays has no finite score"

    def test_unknown_members_and_empty_histories_are_served(self) -> None:
        n = self.train().n_titles
        unwatched = n - 1
        rows = [[], [unwatched], [0, 0, 0], list(range(n)), list(range(n)) * 12, []]
        _check(self.fitted().score(log_of(rows, n).histories), len(rows), n)

    def test_same_seed_same_scores(self) -> None:
        train = self.train()
        again = self.scorer(train).fit(train)
        same = np.array_equal(self.fitted().score(train.histories), again.score(train.histories))
        assert same, "two scorers with the same seed learned the same log and score differently"

    def test_fitting_again_forgets_what_was_learned_before(self) -> None:
        train = self.train()
        twice = self.scorer(train)
        twice.fit(train.take(np.arange(train.n_members // 2))).fit(train)
        same = np.array_equal(self.fitted().score(train.histories), twice.score(train.histories))
        assert same, "fit(a).fit(b) scores differently from fit(b)"

    def test_rows_do_not_depend_on_the_rows_beside_them(self) -> None:
        histories = _with_an_empty_one(self.train().histories)
        scorer = self.fitted()
        together = scorer.score(histories)
        members = np.arange(len(histories))
        alone = np.concatenate([scorer.score(histories.take(members[m : m + 1])) for m in members])
        self._same(together, alone, "a member's scores depend on who is scored with them")
        backwards = scorer.score(histories.take(members[::-1]))
        self._same(together, backwards[::-1], "a member's scores depend on the order of the members")

    def test_only_the_history_counts_not_its_capacity(self) -> None:
        """A history cut out of a longer one is scored like the same history on its own."""
        train = self.train()
        cut = train.histories.drop_last(1)
        rows = [cut.of(m).tolist() for m in range(len(cut))]
        times = [cut.at_us[cut.indptr[m] : cut.indptr[m + 1]].tolist() for m in range(len(cut))]
        fresh = log_of(rows, train.n_titles, at_us=times).histories
        scorer = self.fitted()
        self._same(scorer.score(cut), scorer.score(fresh), "equal histories are scored differently")

    def test_scoring_learns_nothing(self, tmp_path: Path) -> None:
        train = self.train()
        scorer = self.fitted()
        scorer.save(tmp_path / "before")
        histories = log_of([[], [0, train.n_titles - 1], [1] * 5], train.n_titles).histories
        given = _copies(histories)
        first = scorer.score(histories)
        assert np.array_equal(first, scorer.score(histories)), "the second answer differs from the first"
        scorer.save(tmp_path / "after")
        assert _contents(tmp_path / "before") == _contents(tmp_path / "after"), "score changed the model"
        assert _equal(given, _copies(histories)), "score changed the histories it was given"

    def test_a_changed_answer_does_not_change_the_model(self) -> None:
        histories = self.train().histories
        first = self.fitted().score(histories)
        kept = first.copy()
        first[:] = -np.inf  # callers mask in place
        same = np.array_equal(kept, self.fitted().score(histories))
        assert same, "writing into the scores that were returned changed the model"

    def test_saved_and_loaded_scores_the_same(self, tmp_path: Path) -> None:
        train = self.train()
        scorer = self.fitted()
        scorer.save(tmp_path / "deep" / "model")
        loaded = type(scorer).load(tmp_path / "deep" / "model")
        same = np.array_equal(scorer.score(train.histories), loaded.score(train.histories))
        assert same, "the loaded scorer scores differently from the one that was saved"
        loaded.save(tmp_path / "again")
        same = _contents(tmp_path / "deep" / "model") == _contents(tmp_path / "again")
        assert same, "a loaded scorer saves other files than the one it came from"

    def test_no_pickle_is_written(self, tmp_path: Path) -> None:
        self.fitted().save(tmp_path)
        files = [path for path in sorted(tmp_path.rglob("*")) if path.is_file()]
        assert files, "save wrote no file"
        for path in files:
            start = path.read_bytes()[:2]
            pickled = start[:1] == b"\x80" or start == b"PK" or path.suffix in PICKLES
            assert not pickled, f"{path.name} is a pickle, or an archive that may hold one"
            if path.suffix == ".npy":
                np.load(path, allow_pickle=False)

    def test_no_pickle_is_read(self, tmp_path: Path) -> None:
        scorer = self.fitted()
        scorer.save(tmp_path)
        for path in sorted(tmp_path.rglob("*.npy")):
            good = path.read_bytes()
            np.save(path, np.array([_Trap()], dtype=object), allow_pickle=True)
            _Trap.sprung = False
            with suppress(MatineeError):  # the right answer, if no code of the file ran before it
                type(scorer).load(tmp_path)
            assert not _Trap.sprung, f"load ran code from {path.name}"
            path.write_bytes(good)

    def test_not_fitted_is_said(self, tmp_path: Path) -> None:
        train = self.train()
        scorer = self.scorer(train)
        asked: dict[str, Callable[[], object]] = {
            "score": lambda: scorer.score(train.histories),
            "save": lambda: scorer.save(tmp_path / "model"),
        }
        for name, ask in asked.items():
            said = ""
            try:
                ask()
            except NotFittedError as error:
                said = str(error)
            assert said, f"{name} before fit should raise NotFittedError and say what to do"
        assert not (tmp_path / "model").exists(), "save before fit left something behind"

    def test_smallest_logs(self) -> None:
        logs = {
            "one title": log_of([[0], [0, 0], [0]], 1),
            "one title, one event": log_of([[0]], 1),
            "one member": log_of([[0, 1, 2, 1, 3]], 5),
            "one event": log_of([[1]], 3),
            "a member without events": log_of([[], [0, 1]], 3),
        }
        for name, log in logs.items():
            scores = self.scorer(log).fit(log).score(log.histories)
            assert scores.shape == (log.n_members, log.n_titles), f"{name}: shape is {scores.shape}"
            assert np.isfinite(scores).all(), f"{name}: not all scores are finite"

    def _same(self, a: Scores, b: Scores, message: str) -> None:
        largest = float(np.abs(a).max(initial=0.0))
        assert np.allclose(a, b, rtol=0.0, atol=self.tolerance * max(largest, 1e-12)), message


def _check(scores: Scores, n_members: int, n_titles: int) -> None:
    assert scores.shape == (n_members, n_titles), f"shape is {scores.shape}, expected {(n_members, n_titles)}"
    assert scores.dtype == np.float32, f"dtype is {scores.dtype}, expected float32"
    assert np.isfinite(scores).all(), "not all scores are finite"


def _with_an_empty_one(histories: Histories) -> Histories:
    indptr = np.concatenate([histories.indptr, histories.indptr[-1:]])
    return Histories(indptr, histories.title, histories.at_us)


def _copies(histories: Histories) -> list[NDArray[Any]]:
    return [histories.indptr.copy(), histories.title.copy(), histories.at_us.copy()]


def _equal(before: list[NDArray[Any]], after: list[NDArray[Any]]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def _contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


class _Trap:
    """Unpickling it is noticed."""

    sprung = False

    def __reduce__(self) -> tuple[object, tuple[()]]:
        return _spring, ()


def _spring() -> None:
    _Trap.sprung = True
