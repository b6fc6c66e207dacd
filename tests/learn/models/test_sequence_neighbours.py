from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from matinee.errors import ConfigError
from matinee.learn.interactions import Interactions
from matinee.learn.models.sequence_neighbours import (
    Reach,
    SequenceNeighboursConfig,
    SequenceNeighboursScorer,
)
from matinee.testing.logs import generated_log, log_of
from matinee.testing.scorers import ScorerContract


class TestSequenceNeighboursScorer(ScorerContract):
    def scorer(self, train: Interactions, seed: int = 0) -> SequenceNeighboursScorer:
        return SequenceNeighboursScorer()


class TestSequenceNeighboursScorerWithFewStates(ScorerContract):
    def scorer(self, train: Interactions, seed: int = 0) -> SequenceNeighboursScorer:
        reach = Reach(anchors=2, ahead=3, behind=0.5)
        return SequenceNeighboursScorer(SequenceNeighboursConfig(reach=reach, depth=3, max_states=4))


def rows_of(train: Interactions) -> list[list[int]]:
    return [train.histories.of(m).tolist() for m in range(train.n_members)]


def by_definition(
    query: list[int], train: Interactions, config: SequenceNeighboursConfig, own: int = -1
) -> np.ndarray:
    """Shares of votes as the module describes them, one state after the other."""
    c, reach = config, config.reach
    rows = rows_of(train)
    at_us = [
        train.histories.at_us[train.histories.indptr[m] : train.histories.indptr[m + 1]]
        for m in range(len(rows))
    ]
    faded: dict[int, float] = {}
    for recency, title in enumerate(reversed(query[-c.depth :])):
        faded.setdefault(title, c.decay**recency)  # the latest place of a repeated title counts
    votes = np.zeros(train.n_titles)
    for j, anchor in enumerate(reversed(query[-reach.anchors :])):
        states = [(at_us[m][p], m, p) for m, row in enumerate(rows) for p, t in enumerate(row) if t == anchor]
        for _, m, p in sorted(states)[-c.max_states :]:
            if m == own:
                continue
            row = rows[m]
            stretch = row[max(0, p + 1 - c.depth) : p + 1]
            common = sum(faded.get(t, 0.0) * c.decay**k for k, t in enumerate(reversed(stretch)))
            weight = c.anchor_decay**j * common**c.power
            for distance, title in enumerate(row[p + 1 : p + 1 + reach.ahead]):
                votes[title] += weight * reach.ahead_decay**distance
            for distance, title in enumerate(row[:p][::-1][: reach.ahead]):
                votes[title] += weight * reach.behind * reach.ahead_decay**distance
    return votes / max(votes.sum(), 1e-300)


QUERIES = [[], [3], [19], [1, 2, 3], [5, 5, 5], [2, 7, 1, 8, 2, 8, 1, 8, 2, 8, 4], [0, 1]]
CONFIGS: list[Any] = [
    pytest.param(SequenceNeighboursConfig(), id="default"),
    pytest.param(
        SequenceNeighboursConfig(depth=1, reach=Reach(anchors=1, ahead=1)), id="only the last title"
    ),
    pytest.param(SequenceNeighboursConfig(depth=3, decay=0.5, power=2.0), id="short stretches"),
    pytest.param(SequenceNeighboursConfig(reach=Reach(anchors=9, ahead=4, behind=0.5)), id="behind too"),
    pytest.param(SequenceNeighboursConfig(reach=Reach(ahead_decay=1.0), max_states=3), id="few states"),
]


@pytest.mark.parametrize("config", CONFIGS)
def test_votes_are_those_of_the_definition(config: SequenceNeighboursConfig) -> None:
    train = generated_log(seed=8)
    scores = SequenceNeighboursScorer(config).fit(train).score(log_of(QUERIES, 20).histories)
    for query, found in zip(QUERIES, scores, strict=True):
        assert found == pytest.approx(by_definition(query, train, config), abs=1e-5), query


@pytest.mark.parametrize("config", CONFIGS)
def test_own_votes_are_left_out(config: SequenceNeighboursConfig) -> None:
    train = generated_log(seed=9)
    members = np.arange(0, train.n_members, 4, dtype=np.int32)
    before = train.histories.take(members).drop_last(1)
    scores = SequenceNeighboursScorer(config).fit(train).score_excluding(before, members)
    for i, member in enumerate(members):
        expected = by_definition(before.of(i).tolist(), train, config, own=int(member))
        assert scores[i] == pytest.approx(expected, abs=1e-5)


def test_leaving_out_own_votes_is_like_never_having_seen_the_member() -> None:
    train = generated_log(seed=10)
    before = train.histories.take(np.array([7])).drop_last(2)
    others = train.take(np.delete(np.arange(train.n_members), 7))
    every = SequenceNeighboursScorer().fit(train)
    own = np.array([7], np.int32)
    expected = SequenceNeighboursScorer().fit(others).score(before)
    assert every.score_excluding(before, own) == pytest.approx(expected, abs=1e-6)
    assert every.score(before) != pytest.approx(expected, abs=1e-6)


def test_by_hand() -> None:
    """One member watched 0 1 2 3. Asked after 1: the next titles get 1 and 0.6 of the votes."""
    train = log_of([[0, 1, 2, 3]], 5)
    scores = SequenceNeighboursScorer().fit(train).score(log_of([[1]], 5).histories)
    assert scores[0] == pytest.approx([0, 0, 1 / 1.6, 0.6 / 1.6, 0])


def test_stretches_with_more_in_common_vote_more() -> None:
    """Both others watched 1 before what they watched next; only the first had also watched 0."""
    train = log_of([[0, 1, 2], [4, 1, 3]], 5)
    scores = SequenceNeighboursScorer().fit(train).score(log_of([[0, 1]], 5).histories)
    assert scores[0, 2] > scores[0, 3] > 0


def test_nobody_votes_for_a_member_with_unknown_titles() -> None:
    scores = SequenceNeighboursScorer().fit(log_of([[0, 1, 2]], 5)).score(log_of([[4], []], 5).histories)
    assert np.abs(scores).max() == 0


def test_several_reaches_in_one_pass_are_like_one_after_the_other() -> None:
    train = generated_log(seed=11)
    histories = train.histories.drop_last(1)
    reaches = (Reach(), Reach(anchors=1, ahead=2), Reach(anchors=9, ahead=15, ahead_decay=0.85, behind=0.5))
    together = SequenceNeighboursScorer().fit(train).votes(histories, None, reaches)
    for reach, found in zip(reaches, together, strict=True):
        alone = SequenceNeighboursScorer(SequenceNeighboursConfig(reach=reach)).fit(train).score(histories)
        assert found == pytest.approx(alone, abs=1e-6)


def test_of_popular_titles_the_latest_states_are_looked_at() -> None:
    """Title 0 was watched on day 1, 2 and 3 by members in another order; only the last two vote."""
    day = 24 * 3_600_000_000
    times = [[3 * day, 3 * day + 1], [day, day + 1], [2 * day, 2 * day + 1]]
    train = log_of([[0, 1], [0, 2], [0, 3]], 4, at_us=times)
    scorer = SequenceNeighboursScorer(SequenceNeighboursConfig(max_states=2)).fit(train)
    assert scorer.score(log_of([[0]], 4).histories)[0] == pytest.approx([0, 0.5, 0, 0.5])


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Reach(anchors=0), "anchors is 0 and ahead is 8, expected at least 1"),
        (lambda: Reach(behind=-0.1), "ahead_decay is 0.6 and behind is -0.1, expected at most 1"),
        (lambda: SequenceNeighboursConfig(depth=0), "depth is 0, expected at least 1"),
        (lambda: SequenceNeighboursConfig(decay=1.1), "decay is 1.1, expected above 0 and at most 1"),
        (lambda: SequenceNeighboursConfig(power=0.0), "power is 0.0, expected a number above 0"),
    ],
)
def test_settings_out_of_range_are_refused(build: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build()
