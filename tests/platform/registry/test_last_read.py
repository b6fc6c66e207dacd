from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from matinee.errors import StorageError
from matinee.platform.registry.last_read import LastRead


class Book:
    """A registry whose file looks as the test says, and that counts how often it is read."""

    def __init__(self) -> None:
        self.stamp: object = ((1, 2, 3),)
        self.read = 0
        self.gone = False
        self.database = SimpleNamespace(stamp=lambda: self.stamp)

    def ask(self) -> int:
        if self.gone:
            raise StorageError("meta.db: it is gone.")
        self.read += 1
        return self.read


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.fixture
def last(book: Book) -> LastRead[int]:
    return LastRead(cast("Any", book), book.ask)


def test_it_stands_until_the_file_looks_different(book: Book, last: LastRead[int]) -> None:
    assert [last(), last(), last()] == [1, 1, 1]
    book.stamp = ((1, 2, 4),)
    assert [last(), last()] == [2, 2]


def test_what_files_do_not_tell_is_asked_each_time(book: Book, last: LastRead[int]) -> None:
    book.stamp = None
    assert [last(), last()] == [1, 2]
    book.stamp = ((1, 2, 3),)
    assert [last(), last()] == [3, 3]


def test_now_and_then_it_is_asked_all_the_same(
    book: Book, last: LastRead[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("matinee.platform.registry.last_read.ANYWAY_S", -1.0)
    assert [last(), last()] == [1, 2]


def test_a_failure_is_not_kept(book: Book, last: LastRead[int]) -> None:
    assert last() == 1
    book.gone, book.stamp = True, None
    for _ in range(2):
        with pytest.raises(StorageError, match="it is gone"):
            last()
    book.gone, book.stamp = False, ((1, 2, 5),)
    assert last() == 2
