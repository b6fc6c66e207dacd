"""The contract of every state store. Subclass it and say how yours is opened.

class TestMyStore(StateStoreContract):
    def opening(self, tmp_path: Path) -> Opening:
        return Opening("my_package.store:MyStore", (str(tmp_path / "state"),))
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from matinee.errors import StorageError
from matinee.observe.members import Member
from matinee.observe.state.fold import apply
from matinee.observe.state.record import MemberRecord
from matinee.observe.state.store import Arrival, OpenedStore, Position, Rebuilt

NOW = 1_700_000_000_000_000
HOUR = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Opening:
    """How any process opens the store under test: "package.module:Class" and its arguments.

    The class also takes `dedup_h` and `folds` by name.
    """

    target: str
    arguments: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)

    def open(self, **more: Any) -> OpenedStore:
        """Open it once more."""
        module, _, name = self.target.partition(":")
        return cast(
            OpenedStore,
            getattr(importlib.import_module(module), name)(*self.arguments, **self.options, **more),
        )


@dataclass(frozen=True, slots=True)
class Ids:
    """A fold that lists the ids of a member's events, each as often as it saw it."""

    name: str = "ids"

    def apply(self, member_id: str, value: bytes | None, lines: bytes) -> bytes:
        """Append the ids."""
        return (value or f"{member_id}:".encode()) + b"".join(
            json.loads(line)["event_id"].encode() + b" " for line in lines.splitlines()
        )


def play(n: int, member_id: str = "m1", title_id: str = "t1") -> Arrival:
    """Play number `n`, `n` microseconds after `NOW`."""
    event = {"type": "play", "event_id": f"e{n}", "member_id": member_id, "title_id": title_id}
    return Arrival(
        f"e{n}", member_id, msgspec.json.encode(event | {"at_us": NOW + n, "seen_us": NOW, "seq": n}) + b"\n"
    )


def listed(store: OpenedStore, member_id: str, name: str = "ids") -> list[str]:
    """Ids that `Ids` has seen, what waits included."""
    value, lines = store.folded(member_id, name)
    whole = Ids().apply(member_id, value, lines).decode()
    assert whole.startswith(f"{member_id}:")
    return whole.removeprefix(f"{member_id}:").split()


class StateStoreContract:
    """What every state store promises."""

    def opening(self, tmp_path: Path) -> Opening:
        """How to open the store under test; a new, empty one for each `tmp_path`."""
        pytest.fail(f"{type(self).__name__}: opening() does not say how to open a store in {tmp_path}")

    @pytest.fixture
    def how(self, tmp_path: Path) -> Opening:
        """How to open it in this test."""
        return self.opening(tmp_path)

    @pytest.fixture
    def store(self, how: Opening) -> Iterator[OpenedStore]:
        """The store, opened."""
        with opened(how) as found:
            yield found

    def test_a_stranger_has_an_empty_record_and_is_not_stored(self, store: OpenedStore) -> None:
        assert store.record("nobody") == MemberRecord()
        assert store.member("nobody") is None
        assert store.get("page", "nobody") is None
        assert store.member_ids() == []
        assert store.size()["members"] == 0

    def test_what_was_taken_in_can_be_read_at_once_from_everywhere(
        self, store: OpenedStore, how: Opening
    ) -> None:
        with opened(how) as other:
            for n in range(40):
                assert store.take([play(n, title_id=f"t{n}")], None, NOW) == [True]
                assert [one.title_id for one in other.record("m1").plays] == [f"t{i}" for i in range(n + 1)]

    def test_an_event_is_taken_in_once(self, store: OpenedStore, how: Opening) -> None:
        assert store.take([play(1), play(2), play(1)], None, NOW) == [True, True, False]
        with opened(how) as other:
            assert other.known(["e1", "e2", "e3"]) == [True, True, False]
            assert other.take([play(2), play(3), play(1, "m2")], None, NOW) == [False, True, False]
        assert len(store.record("m1").plays) == 3
        assert store.record("m2") == MemberRecord()
        assert store.known([]) == []

    def test_a_record_is_the_fold_of_all_lines(self, store: OpenedStore) -> None:
        lines: dict[str, bytes] = {}
        n = 0
        for turn in range(45):
            group = [play(n := n + 1, f"m{(turn * i) % 7}", f"t{i}") for i in range(1 + turn % 9)]
            store.take(group, None, NOW)
            for one in group:
                lines[one.member_id] = lines.get(one.member_id, b"") + one.line
            if turn % 10 == 9:
                store.maintain(NOW)
        assert store.member_ids() == sorted(lines)
        for member_id, of in lines.items():
            assert store.record(member_id) == apply(MemberRecord(), of)

    def test_folding_takes_what_waits(self, store: OpenedStore) -> None:
        store.take([play(n, f"m{n % 3}") for n in range(30)], None, NOW)
        assert store.size()["waiting"] == 30
        before = [store.record(f"m{n}") for n in range(3)]
        store.maintain(NOW)
        assert store.size()["waiting"] == 0
        assert [store.record(f"m{n}") for n in range(3)] == before

    def test_positions_go_with_the_events_and_never_back(self, store: OpenedStore, how: Opening) -> None:
        store.take([play(1)], Position("a.ndjson", 10), NOW)
        store.take([play(1)], Position("b.ndjson", 7), NOW)
        store.take([], Position("a.ndjson", 5), NOW)
        with opened(how) as other:
            assert other.positions() == {"a.ndjson": 10, "b.ndjson": 7}
            other.forget_segments(["a.ndjson", "never"])
        assert store.positions() == {"b.ndjson": 7}

    def test_what_was_synced_is_there(self, store: OpenedStore, how: Opening) -> None:
        store.sync()
        store.take([play(1)], None, NOW)
        store.sync()
        with opened(how) as other:
            assert len(other.record("m1").plays) == 1

    def test_members_facts_are_kept_and_replaced(self, store: OpenedStore) -> None:
        first = [Member("m2", "a1", "NL", 12, True, ("nl", "en")), Member("m1")]
        store.put_members(first)
        assert [store.member("m2"), store.member("m1")] == first
        store.put_members([Member("m2", territory="FR")])
        assert store.member("m2") == Member("m2", territory="FR")
        assert store.record("m2") == MemberRecord()

    def test_ids_come_in_the_order_of_text_a_page_at_a_time(self, store: OpenedStore) -> None:
        store.take([play(1, "m10"), play(2, "m9"), play(3, "é"), play(4, "M")], None, NOW)
        store.put_members([Member("m1"), Member("m9")])
        ids = ["M", "m1", "m10", "m9", "é"]
        assert store.member_ids() == ids
        assert store.member_ids(limit=2) == ids[:2]
        assert store.member_ids("m1", 2) == ids[2:4]
        assert store.member_ids("é") == []
        assert store.size()["members"] == 5

    def test_values_are_kept_until_their_time(self, store: OpenedStore, how: Opening) -> None:
        store.put("page", [("m1", b"\x00one"), ("m2", b"two")], expires_us=NOW + 5)
        store.put("stick", [("m1", b"s")])
        with opened(how) as other:
            assert [other.get("page", "m1"), other.get("stick", "m1")] == [b"\x00one", b"s"]
        store.put("page", [("m2", b"new")])
        store.maintain(NOW)
        assert store.get("page", "m1") == b"\x00one"
        store.maintain(NOW + 10)
        assert [store.get("page", key) for key in ("m1", "m2")] == [None, b"new"]
        assert store.get("stick", "m1") == b"s"

    def test_counters_are_shared(self, store: OpenedStore, how: Opening) -> None:
        assert store.count("served") == 1
        with opened(how) as other:
            assert other.count("served", 5) == 6
        assert store.count("served", 0) == 6

    def test_an_erased_member_is_gone_and_others_stay(self, store: OpenedStore) -> None:
        for member_id in ("m1", "m12"):
            store.put_members([Member(member_id)])
            store.put("page", [(member_id, b"1"), (f"{member_id}\x1ftv", b"2")], expires_us=NOW + 1)
        store.take([play(n, "m1" if n % 2 else "m12") for n in range(8)], None, NOW)
        store.maintain(NOW)
        store.take([play(n, "m1" if n % 2 else "m12") for n in range(8, 12)], None, NOW)
        gone = store.erase(["m1", "nobody"])
        assert (gone["records"], gone["waiting"], gone["facts"], gone["values"]) == (1, 1, 1, 2)
        assert store.record("m1") == MemberRecord()
        assert store.member("m1") is None
        assert store.get("page", "m1") is store.get("page", "m1\x1ftv") is None
        assert store.member_ids() == ["m12"]
        assert store.size()["waiting"] == 2
        assert len(store.record("m12").plays) == 6
        assert store.get("page", "m12\x1ftv") == b"2"
        assert store.take([play(1, "m1")], None, NOW) == [False]

    def test_ids_may_hold_what_keys_are_joined_by(self, store: OpenedStore) -> None:
        ids = ["a\x1eb", "a\x1fb", "a"]
        store.put("page", [(one, one.encode()) for one in ids], expires_us=NOW)
        assert [store.get("page", one) for one in ids] == [one.encode() for one in ids]
        assert store.erase(["a\x1fb"])["values"] == 1
        assert [store.get("page", one) for one in ids] == [b"a\x1eb", None, b"a"]
        store.maintain(NOW + 1)
        assert [store.get("page", one) for one in ids] == [None, None, None]

    def test_what_else_is_kept_sees_each_event_once(self, how: Opening) -> None:
        with opened(how, folds=[Ids()]) as store:
            for n in range(50):
                store.take([play(n), play(n), play(100 + n, "m2")], None, NOW)
                if n % 20 == 19:
                    store.maintain(NOW)
            assert listed(store, "m1") == [f"e{n}" for n in range(50)]
            assert listed(store, "m2") == [f"e{100 + n}" for n in range(50)]
            assert listed(store, "nobody") == []
            assert store.erase(["m2"])["features"] == 1
            assert listed(store, "m2") == []

    def test_what_is_kept_newly_is_refused_until_it_is_whole(self, store: OpenedStore, how: Opening) -> None:
        store.take([play(1)], None, NOW)
        store.maintain(NOW)
        with opened(how, folds=[Ids()]) as other:
            other.take([play(2)], None, NOW)
            with pytest.raises(StorageError, match="Run matinee rebuild-state"):
                other.folded("m1", "ids")
            token = other.begin_rebuild()
            record = other.record("m1")
            rebuilt = Rebuilt("m1", record, None, play(1).line + play(2).line, ("e1", "e2"))
            other.write_rebuilt(token, [rebuilt], after="", upto=None, now_us=NOW)
            other.end_rebuild(token, [])
            assert listed(other, "m1") == ["e1", "e2"]
            assert other.record("m1") == record

    def test_a_fold_that_fails_for_one_holds_up_nobody(self, how: Opening) -> None:
        class Picky(Ids):
            def apply(self, member_id: str, value: bytes | None, lines: bytes) -> bytes:
                if member_id == "bad":
                    raise KeyError("no such thing")
                return super().apply(member_id, value, lines)

        with opened(how, folds=[Picky()]) as store:
            for n in range(400):
                group = [play(3 * n, "bad"), play(3 * n + 1, "m1"), play(3 * n + 2, f"m{n % 50}")]
                assert store.take(group, Position("a", n + 1), NOW) == [True] * 3
            for _ in range(4):
                store.maintain(NOW)
            assert store.size()["waiting"] == 0
            assert store.size()["failed_folds"] == 1
            assert store.positions() == {"a": 400}
            assert len(store.record("bad").plays) == 400
            assert len(listed(store, "m1")) == 408
            with pytest.raises(StorageError, match="failed for this member"):
                store.folded("bad", "ids")
        with opened(how, folds=[Ids()]) as mended:
            mended.take([play(5_000, "bad")], None, NOW)
            mended.maintain(NOW)
            with pytest.raises(StorageError, match="failed for this member"):
                mended.folded("bad", "ids")
            token = mended.begin_rebuild()
            rebuilt = Rebuilt("bad", mended.record("bad"), None, play(1).line)
            mended.write_rebuilt(token, [rebuilt], after="", upto=None, now_us=NOW)
            mended.end_rebuild(token, [])
            assert listed(mended, "bad") == ["e1"]
            assert mended.size()["failed_folds"] == 0

    def test_one_who_does_not_know_what_is_kept_folds_nothing(self, how: Opening) -> None:
        with opened(how, folds=[Ids()]) as server, opened(how, folds=None) as tool:
            for n in range(40):
                tool.take([play(n)], None, NOW)
            tool.maintain(NOW)
            assert tool.size()["waiting"] == 40
            assert len(tool.record("m1").plays) == 40
            server.maintain(NOW)
            assert server.size()["waiting"] == 0
            assert listed(server, "m1") == [f"e{n}" for n in range(40)]

    def test_a_rebuild_replaces_all_but_what_arrives_meanwhile(
        self, store: OpenedStore, how: Opening
    ) -> None:
        wrong, right = apply(MemberRecord(), play(7).line), apply(MemberRecord(), play(1).line)
        with opened(how) as other:
            other.put_members([Member("m1"), Member("m2"), Member("m9")])
            other.take([play(n, f"m{n}") for n in (1, 2, 3, 4)], None, NOW)
            other.maintain(NOW)
            token = store.begin_rebuild()
            for n in range(20, 60):
                other.take([play(n, "m1"), play(n + 100, "m4")], Position("a", n), NOW)
            other.maintain(NOW)
            assert other.size()["waiting"] == 80
            rows = [Rebuilt("m1", right, Member("m1", kids=True), recent_ids=("e1", "f1"))]
            store.write_rebuilt(token, rows, after="", upto="m3", now_us=NOW)
            rows = [Rebuilt("m5", wrong, None)]
            store.write_rebuilt(token, rows, after="m3", upto=None, now_us=NOW)
            store.end_rebuild(token, [Position("a", 3), Position("b", 8)])
            other.maintain(NOW)
        assert store.size()["waiting"] == 0
        assert store.member_ids() == ["m1", "m4", "m5"]
        assert [one.seq for one in store.record("m1").plays] == [1, *range(20, 60)]
        assert [one.seq for one in store.record("m4").plays] == list(range(120, 160))
        assert store.record("m5") == wrong
        assert [store.member("m1"), store.member("m2")] == [Member("m1", kids=True), None]
        assert store.known(["e1", "f1", "f2"]) == [True, True, False]
        assert store.positions() == {"a": 59, "b": 8}

    def test_a_rebuild_is_stopped_by_an_erasure_and_by_another_rebuild(self, store: OpenedStore) -> None:
        token = store.begin_rebuild()
        store.renew_rebuild(token)
        store.erase(["m1"])
        with pytest.raises(StorageError, match="a member was erased"):
            store.renew_rebuild(token)
        with pytest.raises(StorageError, match="a member was erased"):
            store.write_rebuilt(token, [Rebuilt("m1", None, Member("m1"))], after="", upto=None, now_us=NOW)
        assert store.member("m1") is None
        first = store.begin_rebuild()
        second = store.begin_rebuild()
        with pytest.raises(StorageError, match="another rebuild"):
            store.end_rebuild(first, [])
        store.end_rebuild(second, [])

    def test_threads_share_a_store(self, store: OpenedStore) -> None:
        problems: list[BaseException] = []

        def work(thread: int) -> None:
            try:
                for n in range(40):
                    store.take([play(n, "m1"), play(1_000 * (thread + 1) + n, "m2")], None, NOW)
                    store.record("m1")
                    store.count("n")
            except BaseException as problem:
                problems.append(problem)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert problems == []
        assert (len(store.record("m1").plays), len(store.record("m2").plays)) == (40, 160)
        assert store.count("n", 0) == 160

    def test_processes_share_a_store(self, how: Opening) -> None:
        with opened(how, folds=[Ids()]) as store:
            done = work_beside(how, processes=2, turns=60)
            store.maintain(NOW)
            assert sum(one["shared"] for one in done) == 60, "an event was taken in twice, or not at all"
            assert all(one["read_own_writes"] for one in done)
            assert [one.seq for one in store.record("shared").plays] == list(range(60))
            assert sorted(listed(store, "shared")) == sorted(f"e{n}" for n in range(60))
            assert len(store.record("m-all").plays) == 120
            assert store.positions() == {"0.ndjson": 60, "1.ndjson": 60}
            assert store.size()["waiting"] == 0


@contextmanager
def opened(how: Opening, **more: Any) -> Iterator[OpenedStore]:
    """The store, closed afterwards."""
    store = how.open(**more)
    try:
        yield store
    finally:
        store.close()


def work_beside(how: Opening, *, processes: int, turns: int) -> list[dict[str, Any]]:
    """Let processes take in the same events, and events of their own, at the same time."""
    script = "from matinee.testing.state_stores import work; import sys; work(sys.argv[1])"
    asked = [
        json.dumps({"how": [how.target, how.arguments, how.options], "number": n, "turns": turns})
        for n in range(processes)
    ]
    running = [
        subprocess.Popen([sys.executable, "-c", script, text], stdout=subprocess.PIPE, text=True)
        for text in asked
    ]
    return [json.loads(_output(one)) for one in running]


def work(asked: str) -> None:
    """What each of these processes does; prints what it saw."""
    said = json.loads(asked)
    number, turns = said["number"], said["turns"]
    shared, reads = 0, True
    with opened(Opening(*said["how"]), folds=[Ids()]) as store:
        for n in range(turns):
            mine = play(10_000 * (number + 1) + n, "m-all")
            group = [play(n, "shared"), mine]
            new = store.take(group, Position(f"{number}.ndjson", n + 1), NOW)
            shared += new[0]
            seen = {one.seq for one in store.record("m-all").plays}
            reads &= new[1] and 10_000 * (number + 1) + n in seen
            reads &= any(one.seq == n for one in store.record("shared").plays)
    print(json.dumps({"shared": shared, "read_own_writes": reads}))


def _output(running: subprocess.Popen[str]) -> str:
    text, _ = running.communicate(timeout=60)
    assert running.returncode == 0, "a process failed; its message is above"
    return text


__all__: Sequence[str] = ("Ids", "Opening", "StateStoreContract", "opened", "play", "work_beside")
