"""The writer of one process: groups, duplicates, bounds, failures, and what it does when it is stopped."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from matinee.errors import StorageError
from matinee.observe import log as log_file
from matinee.observe.clock import Clock
from matinee.observe.events.schema import Play
from matinee.observe.home import Home
from matinee.observe.lake.compaction import compact
from matinee.observe.lake.connection import connect
from matinee.observe.lake.reader import open_events
from matinee.observe.log import closed_segments, segments
from matinee.observe.state.replay import replay
from matinee.observe.state.sqlite import SqliteStore
from matinee.observe.state.store import Arrival, Position
from matinee.serve.ingest import FullError, IngestConfig, Ingestor

QUICK = IngestConfig(retry_s=0.02)
Pair = tuple[Play, int]


class Failing(SqliteStore):
    """A store that can be made unreachable, and slow."""

    down = False
    gate: threading.Event | None = None

    def known(self, event_ids: Sequence[str]) -> list[bool]:
        self._check()
        return super().known(event_ids)

    def take(self, arrivals: Sequence[Arrival], position: Position | None, now_us: int) -> list[bool]:
        self._check()
        return super().take(arrivals, position, now_us)

    def positions(self) -> dict[str, int]:
        self._check()
        return super().positions()

    def put(self, kind: str, values: Sequence[tuple[str, bytes]], *, expires_us: int | None = None) -> None:
        self._check()
        super().put(kind, values, expires_us=expires_us)

    def _check(self) -> None:
        if self.gate is not None:
            self.gate.wait(10)
        if self.down:
            raise StorageError("the store is down")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.create(tmp_path)


@pytest.fixture
def store(home: Home) -> Iterator[Failing]:
    opened = Failing(home.state_db)
    yield opened
    opened.close()


@contextmanager
def ingesting(home: Home, store: Failing, config: IngestConfig = QUICK) -> Iterator[Ingestor]:
    opened = Ingestor(home, store, Clock.wall(), config)
    try:
        yield opened
    finally:
        if store.gate is not None:
            store.gate.set()
        assert opened.close()


def play(number: int, member: str = "m1") -> Pair:
    event = Play(event_id=f"e{number}", member_id=member, title_id=f"t{number}", at=10)
    return event, 10_000_000 + number


def logged(home: Home, table: str = "plays") -> list[str]:
    with connect() as con:
        open_events(con, home, table)
        return [row[0] for row in con.execute(f"SELECT event_id FROM {table} ORDER BY seq").fetchall()]


def titles(store: SqliteStore, member: str = "m1") -> list[str]:
    return [one.title_id for one in store.record(member).plays]


def until(condition: Callable[[], bool]) -> None:
    for _ in range(500):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come about in 5 s")


def full_disk(*_: object) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_what_is_acknowledged_is_in_the_log_and_in_the_state(home: Home, store: Failing) -> None:
    with ingesting(home, store) as ingestor:
        assert ingestor.offer([play(1), play(2)]).result(5) == [True, True]
        assert logged(home) == ["e1", "e2"]
        assert titles(store) == ["t1", "t2"]
        counts = ingestor.counters()
        assert (counts.accepted, counts.duplicate, counts.groups) == (2, 0, 1)
        assert counts.bytes == sum(path.stat().st_size for path in segments(home.log))
        assert (counts.waiting_events, counts.waiting_bytes) == (0, 0)
        assert store.positions() == {
            path.name.replace(".open", ""): counts.bytes for path in segments(home.log)
        }
    assert len(closed_segments(home.log)) == 1


def test_what_the_state_does_afterwards_keeps_nobody_out(
    home: Home, store: Failing, monkeypatch: pytest.MonkeyPatch
) -> None:
    tending, go_on = threading.Event(), threading.Event()

    def tend() -> None:
        tending.set()
        go_on.wait(10)

    monkeypatch.setattr(store, "tend", tend)
    with ingesting(home, store, IngestConfig(queue_events=2)) as ingestor:
        try:
            assert ingestor.offer([play(1), play(2)]).result(5) == [True, True]
            assert tending.wait(5)
            assert ingestor.counters().waiting_events == 0
            later = ingestor.offer([play(3), play(4)])
        finally:
            go_on.set()
        assert later.result(5) == [True, True]


def test_duplicates_in_a_request_in_a_group_and_from_before(home: Home, store: Failing) -> None:
    with ingesting(home, store) as ingestor:
        assert ingestor.offer([play(1), play(1)]).result(5) == [True, False]
        other = Play(event_id="e1", member_id="m2", title_id="t9", at=11), 11_000_000
        assert ingestor.offer([other, play(2)]).result(5) == [False, True]
        store.gate = threading.Event()
        first = ingestor.offer([play(3)])  # held by the gate; the next two are one group
        second, third = ingestor.offer([play(4), play(2)]), ingestor.offer([play(4), play(5), play(5)])
        store.gate.set()
        assert first.result(5) == [True]
        assert second.result(5) == [True, False]
        assert third.result(5) == [False, True, False]
    assert logged(home) == ["e1", "e2", "e3", "e4", "e5"]
    assert titles(store, "m2") == []
    again = Failing(home.state_db)
    with ingesting(home, again) as ingestor:  # after a restart
        assert ingestor.offer([play(5), play(6)]).result(5) == [False, True]
    again.close()


def test_while_many_are_repeated_they_are_not_written_again(home: Home, store: Failing) -> None:
    with ingesting(home, store) as ingestor:
        ingestor.offer([play(1)]).result(5)
        for _ in range(50):
            assert ingestor.offer([play(1)]).result(5) == [False]
        written = ingestor.counters().bytes
        assert written < 10 * 200
        assert ingestor.offer([play(1), play(2)]).result(5) == [False, True]
    assert logged(home) == ["e1", "e2"]


def test_another_process_may_have_been_faster(home: Home, store: Failing) -> None:
    with ingesting(home, store) as ingestor:
        assert ingestor.offer([play(1)]).result(5) == [True]
        assert ingestor.offer([play(1), play(2)]).result(5) == [False, True]
    assert logged(home) == ["e1", "e2"]  # the line is there twice, readers keep the first
    assert titles(store) == ["t1", "t2"]


def test_many_requests_wait_in_coroutines(home: Home, store: Failing) -> None:
    async def send(ingestor: Ingestor) -> list[list[bool]]:
        return await asyncio.gather(*[ingestor.offer_async([play(n), play(n % 7)]) for n in range(7, 60)])

    with ingesting(home, store) as ingestor:
        answers = asyncio.run(send(ingestor))
        assert sum(sum(answer) for answer in answers) == 60
        assert ingestor.counters().groups < 53
    assert sorted(logged(home)) == sorted(f"e{n}" for n in range(60))


def test_whoever_stops_waiting_disturbs_nobody(home: Home, store: Failing) -> None:
    async def send(ingestor: Ingestor) -> list[bool]:
        store.gate = threading.Event()
        gone = ingestor.offer_async([play(1)])
        gone.cancel()
        other = ingestor.offer_async([play(2)])
        store.gate.set()
        return await other

    with ingesting(home, store) as ingestor:
        assert asyncio.run(send(ingestor)) == [True]
        cancelled = ingestor.offer([play(3)])
        cancelled.cancel()
        assert ingestor.offer([play(4)]).result(5) == [True]


def test_more_than_may_wait_is_refused_before_memory_grows(home: Home, store: Failing) -> None:
    config = IngestConfig(queue_events=10, queue_bytes=5_000)
    with ingesting(home, store, config) as ingestor:
        store.gate = threading.Event()
        waiting = [ingestor.offer([play(n) for n in range(8)])]
        with pytest.raises(FullError, match="8 wait for the disk") as caught:
            ingestor.offer([play(n) for n in range(8, 12)])
        assert caught.value.status == 429
        assert 1 <= int(caught.value.headers["Retry-After"]) <= 60
        with pytest.raises(FullError):
            ingestor.offer([play(20)], n_bytes=4_000)
        waiting.append(ingestor.offer([play(21)]))
        assert ingestor.counters().refused == 5
        store.gate.set()
        assert all(all(future.result(5)) for future in waiting)
        until(lambda: ingestor.counters().waiting_events == 0)
        large = ingestor.offer([play(n) for n in range(100, 130)])  # alone, it has room
        assert all(large.result(5))


def test_a_full_disk_fails_the_requests_and_only_them(
    home: Home, store: Failing, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ingesting(home, store) as ingestor:
        ingestor.offer([play(1)]).result(5)
        with monkeypatch.context() as patch:
            patch.setattr(log_file, "_sync", full_disk)
            ingestor.record([b'{"type":"reward","event_id":"r1","at_us":5}'])
            with pytest.raises(StorageError, match="Free space on the disk"):
                ingestor.offer([play(2), play(3)]).result(5)
            assert titles(store) == ["t1"]
            assert not ingestor.degraded
        assert ingestor.offer([play(2)]).result(5) == [True]
        until(lambda: logged(home, "rewards") == ["r1"])  # what nobody waits for was kept
        assert ingestor.counters().failed == 2
    assert logged(home) == ["e1", "e2"]


def test_a_state_that_fails_unforeseen_costs_nobody_anything(home: Home, store: Failing) -> None:
    with ingesting(home, store) as ingestor:
        store.take = lambda arrivals, *_: {}[arrivals]  # type: ignore[method-assign]
        assert ingestor.offer([play(1)]).result(5) == [True]  # it is durable
        assert ingestor.degraded
        time.sleep(3 * QUICK.retry_s)  # replay fails in the same way
        assert ingestor.degraded
        del store.take
        until(lambda: not ingestor.degraded)
        assert titles(store) == ["t1"]
        store.known = lambda ids: {}[ids]  # type: ignore[method-assign, assignment, index]
        for _ in range(5):
            ingestor.offer([play(1)]).result(5)
        del store.known
        assert ingestor.alive


def test_values_that_cannot_be_stored_are_lost_alone(home: Home, store: Failing) -> None:
    with ingesting(home, store) as ingestor:
        store.put = lambda kind, values, **_: {}[values]  # type: ignore[method-assign]
        ingestor.put("page", "m1", b"page")
        assert ingestor.drain(5)
        assert ingestor.offer([play(1)]).result(5) == [True]
        assert ingestor.counters().dropped == 1
        assert ingestor.alive
        assert not ingestor.degraded


@pytest.mark.parametrize("fatal", [True, False])
def test_when_the_writer_ends_nobody_waits_for_it(home: Home, store: Failing, fatal: bool) -> None:
    class EndError(BaseException):
        pass

    async def send() -> BaseException | list[bool]:
        future = ingestor.offer_async([play(2)])
        ingestor.put("page", "m1", b"page")
        store.gate.set()  # type: ignore[union-attr]
        (answer,) = await asyncio.wait_for(asyncio.gather(future, return_exceptions=True), 5)
        return answer

    def fails(*_: object, **__: object) -> None:
        raise EndError if fatal else KeyError

    ingestor = Ingestor(home, store, Clock.wall(), IngestConfig(retry_s=0.001))
    store.gate = threading.Event()
    first = ingestor.offer([play(1)])
    until(lambda: not ingestor._backlog._offers)  # it is being written
    if fatal:
        ingestor._log.write = fails  # type: ignore[method-assign, assignment]
    else:
        ingestor._backlog.take = fails  # type: ignore[method-assign, assignment]
    answer = asyncio.run(send())
    assert first.result(5) == [True]
    until(lambda: not ingestor.alive)
    assert isinstance(answer, StorageError), answer
    assert "Restart the server" in str(answer)
    with pytest.raises(StorageError, match="Restart the server"):
        ingestor.offer([play(3)])
    ingestor.put("page", "m2", b"page")
    assert ingestor.counters().dropped == 2
    assert ingestor.drain(5)
    assert ingestor.close()


def test_events_are_accepted_while_the_state_is_down_and_replayed_when_it_is_back(
    home: Home, store: Failing
) -> None:
    with ingesting(home, store) as ingestor:
        ingestor.offer([play(1)]).result(5)
        store.down = True
        assert ingestor.offer([play(2), play(1)]).result(5) == [True, True]  # nobody can tell the second
        assert ingestor.degraded
        ingestor.put("page", "m1", b"page")
        assert ingestor.offer([play(3)]).result(5) == [True]
        store.down = False
        until(lambda: not ingestor.degraded)
        assert titles(store) == ["t1", "t2", "t3"]
        assert ingestor.offer([play(3), play(4)]).result(5) == [False, True]
        counts = ingestor.counters()
        assert (counts.lagging, counts.replayed) == (3, 2)
        store.down = True
        assert ingestor.offer([play(5)]).result(5) == [True]
        store.down = False
        until(lambda: not ingestor.degraded)  # a second outage is not different
    assert titles(store) == [f"t{n}" for n in range(1, 6)]
    assert logged(home) == [f"e{n}" for n in range(1, 6)]


def test_a_server_that_stops_during_an_outage_leaves_the_rest_to_the_next_start(
    home: Home, store: Failing
) -> None:
    with ingesting(home, store) as ingestor:
        store.down = True
        ingestor.offer([play(1)]).result(5)
    store.down = False
    assert replay(home, store, Clock.wall().now_us).events == 1
    assert titles(store) == ["t1"]


def test_records_are_written_and_the_oldest_dropped_when_the_disk_does_not_keep_up(
    home: Home, store: Failing
) -> None:
    with ingesting(home, store, IngestConfig(aside_bytes=100)) as ingestor:
        ingestor.record([b'{"type":"reward","event_id":"r0","at_us":5}'])
        until(lambda: ingestor.counters().records == 1)
        store.gate = threading.Event()
        waiting = ingestor.offer([play(1)])
        until(lambda: not ingestor._backlog._offers)
        for number in range(1, 6):
            ingestor.record([b'{"type":"reward","event_id":"r%d","at_us":5}' % number])
        store.gate.set()
        waiting.result(5)
        until(lambda: ingestor.counters().records == 3)
        assert ingestor.counters().dropped == 3
    assert logged(home, "rewards") == ["r0", "r4", "r5"]


def test_values_reach_the_store_the_last_of_each_key(home: Home, store: Failing) -> None:
    with ingesting(home, store) as ingestor:
        for number in range(5):
            ingestor.put("page", "m1", b"%d" % number, expires_us=Clock.wall().now_us + 1_000_000)
        ingestor.put("page", "m2", b"kept")
        assert ingestor.drain(5)
        assert (store.get("page", "m1"), store.get("page", "m2")) == (b"4", b"kept")


def test_rotation_closes_the_segment_for_compaction(home: Home, store: Failing) -> None:
    with ingesting(home, store) as ingestor:
        ingestor.offer([play(1)]).result(5)
        assert compact(home).segments == 0
        ingestor.rotate()
        assert compact(home).added == 1
        assert ingestor.offer([play(2)]).result(5) == [True]
    assert logged(home) == ["e1", "e2"]


def test_a_segment_is_closed_when_it_is_old(home: Home, store: Failing) -> None:
    with ingesting(home, store, IngestConfig(rotate_s=0.05)) as ingestor:
        ingestor.offer([play(1)]).result(5)
        until(lambda: len(closed_segments(home.log)) == 1)


def test_closing_writes_what_waits_and_refuses_the_rest(home: Home, store: Failing) -> None:
    ingestor = Ingestor(home, store, Clock.wall())
    store.gate = threading.Event()
    waiting = [ingestor.offer([play(n)]) for n in range(5)]
    ingestor.record([b'{"type":"reward","event_id":"r1","at_us":5}'])
    threading.Timer(0.05, store.gate.set).start()
    assert not ingestor.drain(0.01)
    assert ingestor.close()
    assert [future.result(0) for future in waiting] == [[True]] * 5
    with pytest.raises(StorageError, match="shutting down"):
        ingestor.offer([play(9)])
    assert logged(home, "rewards") == ["r1"]
    assert not ingestor.alive
    assert ingestor.drain(1)
    ingestor.rotate()


def test_a_line_that_somebody_waits_for_is_synced_or_fails(
    home: Home, store: Failing, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def send(ingestor: Ingestor, number: int) -> list[bool]:
        return await ingestor.record_async([line(number)])

    def line(number: int) -> bytes:
        return b'{"type":"reward","event_id":"r%d","at_us":5}' % number

    with ingesting(home, store) as ingestor:
        assert ingestor.record_sure([line(1)]).result(5) == []
        assert logged(home, "rewards") == ["r1"]
        with monkeypatch.context() as patch:
            patch.setattr(log_file, "_sync", full_disk)
            with pytest.raises(StorageError, match="Free space"):
                ingestor.record_sure([line(2)]).result(5)
            with pytest.raises(StorageError, match="Free space"):
                asyncio.run(send(ingestor, 3))
        assert asyncio.run(send(ingestor, 4)) == []
        assert ingestor.counters().records == 2
        until(lambda: ingestor.counters().waiting_events == 0)
    assert logged(home, "rewards") == ["r1", "r4"]


def test_what_waits_for_another_try_is_not_settled(
    home: Home, store: Failing, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ingesting(home, store, IngestConfig(retry_s=0.2)) as ingestor:
        with monkeypatch.context() as patch:
            patch.setattr(log_file, "_sync", full_disk)
            ingestor.record([b'{"type":"reward","event_id":"r1","at_us":5}'])
            assert not ingestor.drain(0.1)
            assert ingestor.stuck
        assert ingestor.drain(5)
        assert ingestor.counters().records == 1
        assert not ingestor.stuck


def test_what_is_left_on_a_full_disk_at_the_end_is_counted(
    home: Home, store: Failing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_file, "_sync", full_disk)
    with ingesting(home, store, IngestConfig(retry_s=60)) as ingestor:
        ingestor.record([b'{"type":"reward","event_id":"r1","at_us":5}'])
        until(lambda: ingestor.stuck)
        ingestor.record([b'{"type":"reward","event_id":"r2","at_us":5}'])
    assert ingestor.counters().dropped == 2


def test_draining_does_not_wait_for_what_comes_meanwhile(home: Home, store: Failing) -> None:
    async def main() -> list[bool]:
        async def client(number: int) -> None:
            while not over.is_set():
                await ingestor.offer_async([play(number)])

        over = asyncio.Event()
        clients = [asyncio.create_task(client(n)) for n in range(16)]
        await asyncio.sleep(0.1)
        found = [await asyncio.to_thread(ingestor.drain, 2.0) for _ in range(3)]
        over.set()
        await asyncio.gather(*clients)
        return found

    with ingesting(home, store) as ingestor:
        assert asyncio.run(main()) == [True, True, True]
