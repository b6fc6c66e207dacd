"""One request reads a member once; the next request sees what happened meanwhile."""

from __future__ import annotations

import threading

from matinee.observe.members import Member
from matinee.observe.state.record import MemberRecord
from matinee.serve.reading_once import ReadOnce


class Counting:
    """Each record is another one."""

    def __init__(self) -> None:
        self.n = 0

    def record(self, member_id: str) -> MemberRecord:
        self.n += 1
        return MemberRecord(acted=self.n)

    def member(self, member_id: str) -> Member | None:
        return Member(member_id)


def test_only_the_second_decider_of_a_request_is_given_what_the_first_read() -> None:
    once = ReadOnce(Counting())
    with once.request():
        assert [once.record("m1").acted, once.record("m1").acted] == [1, 2]
        once.repeat()
        assert [once.record("m1").acted, once.record("m2").acted, once.record("m1").acted] == [2, 3, 4]
    assert [once.record("m1").acted, once.record("m1").acted] == [5, 6]
    with once.request():
        once.repeat()
        assert once.record("m1").acted == 7
    once.repeat()
    assert [once.record("m1").acted, once.record("m1").acted] == [8, 9]
    assert once._here.record is None
    assert once.member("m1") == Member("m1")


def test_threads_do_not_see_what_others_read() -> None:
    once, found = ReadOnce(Counting()), list[int]()
    with once.request():
        once.record("m1")
        once.repeat()
        other = threading.Thread(target=lambda: found.append(once.record("m1").acted))
        other.start()
        other.join()
        assert once.record("m1").acted == 1
    assert found == [2]
