from __future__ import annotations

import numpy as np
import pytest

from matinee.errors import ConfigError
from matinee.learn.interactions import Interactions
from matinee.learn.models.popularity import PopularityConfig, PopularityScorer
from matinee.testing.logs import log_of
from matinee.testing.scorers import ScorerContract
from matinee.types import DAY_US

DAY_0 = 100 * DAY_US


class TestPopularityScorer(ScorerContract):
    def scorer(self, train: Interactions, seed: int = 0) -> PopularityScorer:
        return PopularityScorer()


def log() -> Interactions:
    """Title 0 twice on day 0, title 1 on day 10, title 2 on days 0 and 20; title 3 never."""
    days = [[0, 20], [0, 10], [0]]
    return log_of([[0, 2], [0, 1], [2]], 4, at_us=[[DAY_0 + d * DAY_US for d in row] for row in days])


def living_in(train: Interactions, *territories: str | None) -> Interactions:
    homes = np.array(territories, dtype=object)
    return Interactions(train.member_ids, train.title_ids, train.histories, train.weight, homes)


def test_a_play_that_is_a_half_life_old_counts_half() -> None:
    scorer = PopularityScorer(PopularityConfig(half_life_days=10)).fit(log())
    assert scorer.decayed().tolist() == pytest.approx([2 / 4, 1 / 2, 1 / 4 + 1, 0])


def test_plays_after_the_time_asked_about_do_not_count() -> None:
    scorer = PopularityScorer(PopularityConfig(half_life_days=10)).fit(log())
    assert scorer.decayed(DAY_0 + 10 * DAY_US).tolist() == pytest.approx([1, 1, 0.5, 0])
    assert scorer.decayed(DAY_0 + 10 * DAY_US - 1).tolist() == pytest.approx([1, 0, 0.5, 0], abs=1e-6)
    assert scorer.decayed(DAY_0 - 1).tolist() == [0, 0, 0, 0]


def test_every_member_gets_the_decayed_plays() -> None:
    scorer = PopularityScorer(PopularityConfig(half_life_days=10)).fit(log())
    scores = scorer.score(log_of([[3], []], 4).histories)
    assert scores[0].tolist() == scores[1].tolist() == scorer.decayed().tolist()


def test_popularity_in_a_territory_counts_the_plays_of_those_who_live_there() -> None:
    scorer = PopularityScorer(PopularityConfig(half_life_days=10)).fit(living_in(log(), "FR", "DE", None))
    assert scorer.decayed(territory="FR").tolist() == pytest.approx([1 / 4, 0, 1, 0])
    assert scorer.decayed(territory="DE").tolist() == pytest.approx([1 / 4, 1 / 2, 0, 0])
    assert scorer.decayed(territory="").tolist() == pytest.approx([0, 0, 1 / 4, 0])
    assert scorer.decayed(territory="US").tolist() == [0, 0, 0, 0]
    assert scorer.decayed().tolist() == pytest.approx([2 / 4, 1 / 2, 1 / 4 + 1, 0])


def test_trending_by_hand() -> None:
    """Base 20 days: titles 0, 1, 2 had (0, 1, 1) of their plays in the last 15 days and (0, 1, 1) in 20."""
    config = PopularityConfig(trend_days=15, trend_base_days=21, trend_prior=2.0)
    found = PopularityScorer(config).fit(log()).trending()
    base, recent = np.array([2, 1, 2, 0]), np.array([0, 1, 1, 0])
    share = 2 / 5
    assert found == pytest.approx((recent + share * 2) / (share * (base + 2)), rel=1e-6)
    assert found[3] == pytest.approx(1.0)


def test_a_title_whose_share_does_not_change_is_not_trending_when_all_is_busier() -> None:
    """Twice as busy in the last week, for both titles alike."""
    at = [[DAY_0 + d * DAY_US for d in (1, 1, 9, 9, 9, 9)]]
    config = PopularityConfig(trend_days=5, trend_base_days=10, trend_prior=0.001)
    found = PopularityScorer(config).fit(log_of([[0, 1, 0, 0, 1, 1]], 2, at_us=at)).trending()
    assert found == pytest.approx([1, 1], rel=1e-4)


def test_nothing_is_trending_before_the_first_play() -> None:
    found = PopularityScorer().fit(log()).trending(DAY_0 - DAY_US)
    assert np.isfinite(found).all()
    assert len(set(found.tolist())) == 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"half_life_days": 0}, "half_life_days is 0, expected a number above 0"),
        ({"trend_prior": -1.0}, r"trend_prior is -1.0, expected a number above 0"),
        ({"trend_base_days": 7.0}, r"trend_base_days is 7.0, expected more than trend_days \(7.0\)"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        PopularityConfig(**settings)
