from __future__ import annotations

import sys

import numpy as np
import pytest

from matinee.errors import ConfigError, MissingExtraError
from matinee.learn.interactions import Interactions
from matinee.learn.models.ials import IalsConfig, IalsScorer
from matinee.testing.logs import generated_log, log_of
from matinee.testing.scorers import ScorerContract


class TestIalsScorer(ScorerContract):
    tolerance = 1e-4

    @pytest.fixture(autouse=True)
    def needs_implicit(self) -> None:
        pytest.importorskip("implicit", reason="needs the extra 'als' (implicit)")

    def scorer(self, train: Interactions, seed: int = 0) -> IalsScorer:
        return IalsScorer(IalsConfig(factors=6, iterations=5), seed=seed)


def folded_in(factors: np.ndarray, own: list[int], alpha: float, reg: float) -> np.ndarray:
    """Equation 4 of Hu et al. with a dense confidence matrix."""
    confidence = np.ones(len(factors))
    confidence[own] = alpha
    preference = np.zeros(len(factors))
    preference[own] = 1.0
    y = factors.astype(np.float64)
    left = y.T @ np.diag(confidence) @ y + reg * np.eye(y.shape[1])
    return y @ np.linalg.solve(left, y.T @ (confidence * preference))


def test_a_member_is_folded_in_by_the_papers_equation() -> None:
    scorer = IalsScorer(IalsConfig(factors=3, alpha=4.0, reg=0.7))
    scorer.title_factors_ = np.random.default_rng(0).standard_normal((9, 3)).astype(np.float32)
    scores = scorer.score(log_of([[2, 5, 2], [], [8]], 9).histories)
    assert scores[0] == pytest.approx(folded_in(scorer.title_factors_, [2, 5], 4.0, 0.7), abs=1e-4)
    assert np.abs(scores[1]).max() == 0
    assert scores[2] == pytest.approx(folded_in(scorer.title_factors_, [8], 4.0, 0.7), abs=1e-4)


def test_checkerboard() -> None:
    pytest.importorskip("implicit", reason="needs the extra 'als' (implicit)")
    groups = [list(range(start, 12, 2)) for start in (0, 1)]
    rows = [[t for t in group if t != left_out] for group in groups for left_out in group]
    train = log_of(rows, 12)
    scores = IalsScorer(IalsConfig(factors=2, iterations=15)).fit(train).score(train.histories)
    for row, own in zip(scores, rows, strict=True):
        unseen = np.setdiff1d(np.arange(12), own)
        assert unseen[row[unseen].argmax()] % 2 == own[0] % 2


def test_factors_are_a_fixed_point_of_alternating_least_squares() -> None:
    """After many rounds, solving for the titles from the members gives the same scores again."""
    pytest.importorskip("implicit", reason="needs the extra 'als' (implicit)")
    train = generated_log(n_members=30, n_titles=8, seed=1)
    config = IalsConfig(factors=3, iterations=400, alpha=3.0, reg=0.5)
    scorer = IalsScorer(config).fit(train)
    y = scorer.title_factors_
    assert y is not None
    x = np.zeros((train.n_members, train.n_titles))
    x[train.histories.member_of_event(), train.histories.title] = 1
    scores = scorer.score(train.histories)
    members = np.linalg.lstsq(y.astype(np.float64), scores.T.astype(np.float64), rcond=None)[0].T
    for t in range(train.n_titles):
        confidence = np.where(x[:, t] > 0, config.alpha, 1.0)
        left = members.T @ (members * confidence[:, None]) + config.reg * np.eye(3)
        title = np.linalg.solve(left, members.T @ (confidence * x[:, t]))
        assert members @ title == pytest.approx(scores[:, t], abs=0.02)


def test_another_seed_finds_other_factors() -> None:
    pytest.importorskip("implicit", reason="needs the extra 'als' (implicit)")
    train = generated_log()
    config = IalsConfig(factors=6, iterations=1)
    one, two = (IalsScorer(config, seed=s).fit(train).score(train.histories) for s in (1, 2))
    assert not np.allclose(one, two, atol=1e-4)


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "implicit.als", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'matinee\[als\]'"):
        IalsScorer().fit(log_of([[0]], 1))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"factors": 0}, "factors is 0 and iterations is 16, expected at least 1"),
        ({"alpha": 0.0}, "alpha is 0.0, expected a number above 0"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        IalsConfig(**settings)
