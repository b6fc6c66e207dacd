"""Stopped under load, started after a crash with much to take in, a disk that turns read-only."""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from killing import event, read
from load import Client, Decisions, Events, Pages, asking, compare, in_order, until
from running import make_home, play, serving, titles_on
from test_survive import settle

from matinee.observe.log import closed_segments, segments
from matinee.observe.state.replay import replay
from matinee.observe.state.sqlite import SqliteStore

pytestmark = pytest.mark.slow
QUIET = "\n[serve]\ncompact_s = 3600\nrefresh_s = 3600\n"
BUSY = "\n[serve]\ncompact_s = 1\nrotate_mb = 0.02\nrefresh_s = 3600\n"
N_EVENTS, PER_REQUEST = 100_000, 1_000


@pytest.mark.parametrize("workers", [1, 2])
def test_a_stop_under_load_answers_what_it_accepted_and_leaves_nothing_to_do(
    tmp_path: Path, workers: int
) -> None:
    home = make_home(tmp_path / "home", BUSY)
    senders: list[Events] = []
    others: list[Client] = []
    rounds = 3
    for turn in range(rounds):
        with serving(home, "--workers", str(workers)) as server:
            events = [Events(server, f"stop{turn}x{n}") for n in range(4)]
            more = [Pages(server, ("m1", "kid", "m4")), Decisions(server, "retention")]
            with asking(*events, *more):
                time.sleep(0.5 + 0.2 * turn)
                began = time.monotonic()
                assert server.stop() == 0
                took_s = time.monotonic() - began
                for client in (*events, *more):
                    client.stopping.set()
            senders += events
            others += more
            log = server.log.read_text(encoding="utf-8")
            assert "Traceback" not in log
            assert '"level":"error"' not in log, [x for x in log.splitlines() if '"level":"error"' in x][:3]
        assert [path.name for path in segments(home.log) if path not in closed_segments(home.log)] == []
        store = SqliteStore(home.state_db)
        assert replay(home, store, 0).events == 0
        store.close()
    for client in (
        *senders,
        *others,
    ):  # 0: the connection was closed while it lay idle
        assert set(client.statuses) <= {200, 0}, (client.statuses, client.bad[:3])
    store = settle(home)
    kept, sent = compare(home, store, senders)
    store.close()
    acknowledged = {f"e-{name}" for one in senders for name in one.acknowledged}
    unanswered = {name for name in read(home).logged if name.startswith("e-stop")} - acknowledged
    assert not unanswered, unanswered  # a request that was taken in was answered
    print(
        f"{rounds} stops under load, {workers} workers: {kept} acknowledged of {sent} sent, 0 lost, 0 "
        f"doubled, 0 events left to take in; the last took {took_s:.1f} s"
    )


def test_a_start_with_many_events_to_take_in(tmp_path: Path) -> None:
    """Killed with 100,000 events in open segments; then the same with none of them in the state."""
    home = make_home(tmp_path / "home", QUIET)
    began = time.monotonic()
    with serving(home):
        first_s = time.monotonic() - began
    with serving(home) as server:
        for start in range(0, N_EVENTS, PER_REQUEST):
            body = [event(f"many{n}", n) for n in range(start, start + PER_REQUEST)]
            assert server.http.post("/v1/events", json=body).json()["accepted"] == PER_REQUEST
        server.kill()
    opened = sum(path.stat().st_size for path in segments(home.log))
    began = time.monotonic()
    with serving(home) as server:
        as_it_was_s = time.monotonic() - began
        assert server.page("m1")["rows"]
        server.kill()
    store = SqliteStore(home.state_db)
    store.forget_segments(list(store.positions()))  # as if the state had been away all that time
    store.close()
    began = time.monotonic()
    with serving(home) as server:
        replayed_s = time.monotonic() - began
        assert server.page("m1")["rows"]
        again = server.http.post("/v1/events", json=[event(f"many{n}", n) for n in range(PER_REQUEST)]).json()
        assert again == {"accepted": 0, "duplicate": PER_REQUEST, "rejected": []}
    print(
        f"ready after {first_s:.1f} s with nothing to take in, {as_it_was_s:.1f} s after a kill with "
        f"{N_EVENTS} events ({opened / 1e6:.0f} MB) in open segments, {replayed_s:.1f} s with all of them to "
        "take in again"
    )


def test_a_disk_that_takes_no_writes_stops_no_reads(tmp_path: Path) -> None:
    """As one that turned read-only under open files: every write of the running process fails, then none."""
    home = make_home(tmp_path / "home", QUIET)
    with serving(home) as server, httpx.Client(base_url=server.address, timeout=30) as http:
        before = server.page("m1")
        kept = [f"before{n}" for n in range(200)]
        assert server.send(*(event(name, n) for n, name in enumerate(kept)))["accepted"] == len(kept)
        as_it_was = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (0, as_it_was[1]))
        for n in range(5):
            refused = http.post("/v1/events", json=[event(f"refused{n}", n)])
            assert refused.status_code == 503, refused.text
            assert refused.headers["content-type"].startswith("application/problem+json")
            assert int(refused.headers["retry-after"]) >= 1
        for member in ("m1", "kid", "m7", "nobody"):
            assert server.page(member)["rows"]
        assert http.get("/healthz").status_code == 200
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, as_it_was)
        after = [event("after", 0)]
        took_s = until(lambda: http.post("/v1/events", json=after).status_code == 200, "it writes")
        title = titles_on(before)[0]
        assert server.send(play("seen", "m1", title))["accepted"] == 1
        until(lambda: in_order(server), "the state is up to date")
        assert title not in titles_on(server.page("m1"), but=("watch_again", "continue_watching"))
        assert server.stop() == 0
    store = settle(home)
    found = read(home)
    store.close()
    for name in [*kept, "after"]:
        assert found.logged[f"e-{name}"] == 1
        assert found.state[f"t-{name}"] == 1
    assert max(found.logged.values()) == 1
    print(
        f"no writes: 5 of 5 refused with 503, 4 pages answered, {len(kept)} kept; well {took_s:.1f} s after"
    )
