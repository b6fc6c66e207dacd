"""The latest titles of a record, without the rest of its history."""

from __future__ import annotations

import pytest

from matinee.learn.member_history import history_of, latest_titles
from matinee.observe.member_state import TitleTable
from matinee.observe.state.record import MemberRecord, Played

TABLE = TitleTable({"a": 0, "b": 1, "s": 2, "e": 3}, [0, 1, 2, 2], [0.0] * 4, [-1] * 4)
PLAYS = [Played(i, i, i, title) for i, title in enumerate(["a", "e", "unknown", "b", "a"])]
RECORD = MemberRecord(plays=PLAYS, older=["b", "gone", "s"])


@pytest.mark.parametrize("n", [1, 3, 4, 5, 6, 60])
def test_they_are_the_last_of_the_history(n: int) -> None:
    whole = history_of(RECORD, TABLE).title.tolist()
    assert whole == [1, 2, 0, 2, 1, 0]
    assert latest_titles(RECORD, TABLE, n).tolist() == whole[::-1][:n]


def test_of_nobody_there_are_none() -> None:
    assert latest_titles(MemberRecord(), TABLE, 60).tolist() == []
