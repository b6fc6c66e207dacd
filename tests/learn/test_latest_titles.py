"""The latest titles of a record, without the rest of its history."""

from __future__ import annotations

import gc
from weakref import ref

import pytest

from matinee.learn.member_history import history_of, latest_titles
from matinee.observe.member_state import TitleTable
from matinee.observe.state.record import MemberRecord, Played

TABLE = TitleTable({"a": 0, "b": 1, "s": 2, "e": 3}, [0, 1, 2, 2], [0.0] * 4, [-1] * 4)
PLAYS = [Played(i, i, i, title) for i, title in enumerate(["a", "e", "unknown", "b", "a"])]
RECORD = MemberRecord(plays=PLAYS, older=["b", "gone", "s"])


@pytest.mark.parametrize("asked", [MemberRecord(), RECORD], ids=["another record before", "the same before"])
@pytest.mark.parametrize("n", [1, 3, 4, 5, 6, 60])
def test_they_are_the_last_of_the_history(n: int, asked: MemberRecord) -> None:
    whole = history_of(RECORD, TABLE).title.tolist()
    assert whole == [1, 2, 0, 2, 1, 0]
    history_of(asked, TABLE)
    assert latest_titles(RECORD, TABLE, n).tolist() == whole[::-1][:n]


def test_another_catalogue_has_its_own_history() -> None:
    other = TitleTable({"b": 0}, [0], [0.0], [-1])
    assert history_of(RECORD, TABLE).title.tolist() == [1, 2, 0, 2, 1, 0]
    assert history_of(RECORD, other).title.tolist() == [0, 0]
    assert latest_titles(RECORD, TABLE, 2).tolist() == [0, 1]


def test_the_history_is_forgotten_with_its_record() -> None:
    record = MemberRecord(plays=PLAYS)
    held = ref(history_of(record, TABLE).title)
    assert held() is not None
    del record
    gc.collect()
    assert held() is None


def test_of_nobody_there_are_none() -> None:
    assert latest_titles(MemberRecord(), TABLE, 60).tolist() == []
