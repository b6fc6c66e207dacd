from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from matinee.errors import StorageError
from matinee.observe.clock import Clock
from matinee.observe.events.schema import Event, Impression, Membership, Play, Search, Signal, stored
from matinee.observe.home import Home
from matinee.observe.importers.run import run_import
from matinee.observe.lake.compaction import compact
from matinee.observe.state import fold as fold_file
from matinee.observe.state import rebuild as rebuild_file
from matinee.observe.state.open import open_store
from matinee.observe.state.rebuild import rebuild, survey
from matinee.observe.state.replay import replay
from matinee.observe.state.store import Arrival, OpenedStore, Position
from matinee.observe.state.sync_members import sync_members
from matinee.testing.state_stores import NOW, Ids, listed

HOUR_US = 3_600_000_000
CLOCK = Clock("fixed", NOW)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.create(tmp_path / "shop")


@pytest.fixture
def store(home: Home) -> Iterator[OpenedStore]:
    with closing(open_store(home, folds=[Ids()])) as found:
        yield found


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuild_file, "CHUNK_MEMBERS", 3)
    monkeypatch.setattr(rebuild_file, "PORTION", 7)
    monkeypatch.setattr(fold_file, "PLAYS_KEPT", 10)
    monkeypatch.setattr(fold_file, "IMPRESSIONS_KEPT", 6)


def some_event(rng: random.Random, n: int) -> tuple[Event, int]:
    """An event, and its time: mostly now, sometimes late."""
    at_us = NOW + n * 1_000 - rng.choice([0, 0, 0, 5_000, 40 * HOUR_US])
    head = {"event_id": f"e{n}", "member_id": f"m{rng.randrange(8)}", "at": at_us / 1e6}
    title = f"t{rng.randrange(9)}"
    kind = rng.randrange(10)
    event: Event
    if kind < 5:
        event = Play(**head, title_id=title, watch_s=rng.choice([None, 7, 7.5]), territory="NL")
    elif kind < 7:
        event = Impression(**head, title_id=title, row=1, col=2)
    elif kind == 7:
        event = Signal(**head, title_id=title, signal=rng.choice(["thumb_up", "thumb_down", "list_add"]))
    elif kind == 8:
        event = Search(**head, query="dune", title_id=rng.choice([None, title]))
    else:
        event = Membership(**head, status=rng.choice(["started", "ended"]))
    return event, at_us


def live(home: Home, store: OpenedStore, *, groups: int, seed: int, first: int = 0) -> None:
    """Take in groups of events as a server does: into the log, then into the store; some are sent again."""
    rng = random.Random(seed)
    n, sent = first, []
    for group in range(groups):
        arrivals = []
        for _ in range(rng.randrange(1, 12)):
            n += 1
            event, at_us = rng.choice(sent) if sent and rng.random() < 0.2 else some_event(rng, n)
            sent.append((event, at_us))
            arrivals.append(Arrival(event.event_id, event.member_id, stored(event, at_us, NOW + n, NOW + n)))
        known = store.known([arrival.event_id for arrival in arrivals])
        arrivals = [one for one, there in zip(arrivals, known, strict=True) if not there]
        path = home.log / f"1-{seed:04d}-{group // 10:04d}.ndjson"
        with path.open("ab") as file:
            file.write(b"".join(one.line for one in arrivals))
        store.take(arrivals, Position(path.name, path.stat().st_size), NOW)
        if rng.random() < 0.1:
            store.maintain(NOW)


def state_of(store: OpenedStore) -> dict[str, object]:
    return {
        member_id: (store.record(member_id), store.member(member_id), sorted(listed(store, member_id)))
        for member_id in store.member_ids()
    }


def imported(home: Home, tmp_path: Path, kind: str, text: str) -> None:
    path = tmp_path / f"{kind}.csv"
    path.write_text(text)
    run_import(home, kind, path, clock=CLOCK)


MEMBERS = "member_id,territory,kids,maturity_max,languages\nm1,NL,true,12,nl|en\nm77,FR,,,\n"


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_rebuilt_state_equals_the_live_one(
    home: Home, store: OpenedStore, tmp_path: Path, seed: int
) -> None:
    imported(home, tmp_path, "members", MEMBERS)
    sync_members(home, store)
    live(home, store, groups=25, seed=seed)
    compact(home)
    live(home, store, groups=14, seed=10 + seed, first=1_000)
    before = state_of(store)
    positions = store.positions()
    assert len(before) == 9
    with closing(open_store(Home.create(tmp_path / "other"), folds=[Ids()])) as fresh:
        done = rebuild(home, fresh, NOW)
        assert state_of(fresh) == before
        assert done == survey(home)
        assert done.members == 9
        in_log = {path.name for path in home.log.glob("*.ndjson")}
        assert fresh.positions() == {name: end for name, end in positions.items() if name in in_log}
        assert replay(home, fresh, NOW).events == 0
        ids = [f"e{n}" for n in range(1, 1_100)]
        assert fresh.known(ids) == store.known(ids)
        assert state_of(fresh) == before
    rebuild(home, store, NOW)
    assert state_of(store) == before


def test_imported_events_are_in_it_with_the_share_of_their_rating(
    home: Home, store: OpenedStore, tmp_path: Path
) -> None:
    imported(home, tmp_path, "events", "member_id,title_id,at,rating\nm1,t1,5,4\nm1,t2,6,5\nm1,t2,6,5\n")
    rebuild(home, store, NOW)
    record = store.record("m1")
    assert [(one.title_id, one.share) for one in record.plays] == [("t1", 0.8), ("t2", 1.0), ("t2", 1.0)]
    assert len({one.key for one in record.plays}) == 3
    assert record.acted
    assert len(listed(store, "m1")) == 3


def test_what_is_not_in_the_lake_is_removed_and_what_is_wrong_is_replaced(
    home: Home, store: OpenedStore
) -> None:
    live(home, store, groups=8, seed=4)
    before = state_of(store)
    wrong = stored(Play(event_id="w", member_id="ghost", at=1, title_id="t"), 1, 1, 1)
    store.take([Arrival("w", "ghost", wrong), Arrival("w2", "m1", wrong)], None, NOW)
    store.maintain(NOW)
    assert state_of(store) != before
    rebuild(home, store, NOW)
    assert state_of(store) == before


def test_a_torn_line_at_the_end_is_counted_and_is_not_passed(home: Home, store: OpenedStore) -> None:
    whole = stored(Play(event_id="e1", member_id="m1", at=1, title_id="t"), 1, NOW, 1)
    (home.log / "1-a-0001.ndjson").write_bytes(whole + b'{"type":"play","event_')
    done = rebuild(home, store, NOW)
    assert (done.events, done.torn, done.segments) == (1, 1, 1)
    assert store.positions() == {"1-a-0001.ndjson": len(whole)}


def test_ids_are_told_within_the_window_only(home: Home, store: OpenedStore) -> None:
    lines = [
        stored(Play(event_id=f"e{n}", member_id="m1", at=1, title_id="t"), 1, NOW - n * HOUR_US, n + 1)
        for n in range(4)
    ]
    (home.log / "1-a-0001.ndjson").write_bytes(b"".join(lines))
    rebuild(home, store, NOW, dedup_h=2)
    assert store.known([f"e{n}" for n in range(4)]) == [True, True, True, False]


def test_progress_ends_at_one(home: Home, store: OpenedStore) -> None:
    live(home, store, groups=10, seed=5)
    seen: list[float] = []
    rebuild(home, store, NOW, progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_what_arrives_and_is_folded_at_its_beginning_stays(
    home: Home, store: OpenedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    live(home, store, groups=3, seed=7)
    counted = rebuild_file._open

    def meanwhile(*arguments: Any) -> Any:
        done = counted(*arguments)  # what follows is behind what this rebuild has read
        live(home, store, groups=12, seed=8, first=1_000)
        store.maintain(NOW)
        return done

    with monkeypatch.context() as patch:
        patch.setattr(rebuild_file, "_open", meanwhile)
        rebuild(home, store, NOW)
    replay(home, store, NOW)
    after = state_of(store)
    rebuild(home, store, NOW)
    assert state_of(store) == after


def test_it_gives_signs_of_life_while_it_has_nothing_to_write(
    home: Home, store: OpenedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    renewed = threading.Event()
    renew = store.renew_rebuild

    def seen(token: int) -> None:
        renew(token)
        renewed.set()

    def slow(*arguments: Any) -> Any:
        assert renewed.wait(10)
        return counted(*arguments)

    counted = rebuild_file._open
    monkeypatch.setattr(store, "renew_rebuild", seen)
    monkeypatch.setattr(rebuild_file, "RENEW_S", 0.01)
    monkeypatch.setattr(rebuild_file, "_open", slow)
    assert rebuild(home, store, NOW).members == 0


def test_an_erasure_stops_it(home: Home, store: OpenedStore) -> None:
    live(home, store, groups=10, seed=6)

    def erase(share: float) -> None:
        store.erase(["m0"])

    with pytest.raises(StorageError, match=r"a member was erased.*Run matinee rebuild-state again"):
        rebuild(home, store, NOW, progress=erase)
    assert not store.record("m0").plays


def test_an_empty_home_gives_an_empty_state(home: Home, store: OpenedStore) -> None:
    assert rebuild(home, store, NOW) == survey(home)
    assert store.member_ids() == []


def test_members_are_synced_when_the_lake_changed(home: Home, store: OpenedStore, tmp_path: Path) -> None:
    assert sync_members(home, store).members == 0
    imported(home, tmp_path, "members", MEMBERS)
    first = sync_members(home, store)
    assert first.members == 2
    found = store.member("m1")
    assert found is not None
    assert (found.territory, found.kids, found.maturity_max, found.languages) == (
        "NL",
        True,
        12,
        ("nl", "en"),
    )
    assert sync_members(home, store).members == 0
    imported(home, tmp_path, "members", MEMBERS.replace("FR", "BE"))
    second = sync_members(home, store)
    assert second.members == 1
    found = store.member("m77")
    assert found is not None
    assert found.territory == "BE"
    imported(home, tmp_path, "titles", "title_id,name\nt1,One\n")
    assert sync_members(home, store).members == 0
