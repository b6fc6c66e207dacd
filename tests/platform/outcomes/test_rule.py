"""The rule by which plays become rewards, and where it may be declared."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.platform.toys import TOY

from matinee.errors import ConfigError
from matinee.observe.lake.connection import connect
from matinee.platform.initiative import Reward
from matinee.platform.outcomes.rule import FromPlays


@pytest.mark.parametrize(
    ("watch_s", "rating", "runtime_s", "good"),
    [
        (120, None, 100, True),
        (119, None, 100, False),
        (700, None, 1_000, True),
        (699, None, 1_000, False),
        (120, None, None, True),
        (None, 3.5, 1_000, True),
        (None, 3.4, 1_000, False),
        (10, 5.0, 1_000, False),
        (None, None, 1_000, False),
    ],
)
def test_a_quality_play(
    watch_s: float | None, rating: float | None, runtime_s: float | None, good: bool
) -> None:
    with connect(threads=1) as con:
        con.execute("CREATE TABLE p (watch_s DOUBLE, rating DOUBLE, rating_scale DOUBLE, runtime_s DOUBLE)")
        con.execute("INSERT INTO p VALUES (?, ?, 5.0, ?)", [watch_s, rating, runtime_s])
        found = con.execute(f"SELECT {FromPlays().sql('p', 'p.runtime_s')} FROM p").fetchall()
    assert found == [(good,)]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"min_s": -1}, "min_s is -1, expected seconds, 0 or more"),
        ({"min_s": float("nan")}, "min_s is nan"),
        ({"share": 1.5}, "share is 1.5, expected 0 to 1"),
        ({"rating_share": -0.1}, "rating_share is -0.1, expected 0 to 1"),
    ],
)
def test_values_outside_their_range_are_refused(given: dict[str, float], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        FromPlays(**given)


def test_only_decisions_about_members_are_judged_by_plays() -> None:
    reward = Reward("plays", "plays", "as tested", 24, FromPlays())
    assert replace(TOY, reward=reward).reward.from_events == FromPlays()
    with pytest.raises(ConfigError, match='follows from plays and the unit is "account"'):
        replace(TOY, reward=reward, unit="account")


def test_the_grace_may_not_be_negative() -> None:
    with pytest.raises(ConfigError, match="grace_h is -1, expected hours, 0 or more"):
        Reward("plays", "plays", "as tested", 24, grace_h=-1)
    assert Reward("plays", "plays", "as tested", 24, grace_h=0).final_us == 24 * 3_600_000_000
