"""Releases, rollbacks, canaries and shadows while requests run, and processes killed in the middle."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import duckdb
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from load import Decisions, Events, Pages, asking, compare, until
from running import serving
from test_survive import settle
from tests.platform.toys import in_home
from trained import moody_home, moody_version, release, rollout, trained

from matinee.observe.home import Home
from matinee.observe.lake.reader import open_events
from matinee.platform.lifecycle.evaluating import evaluate
from matinee.platform.lifecycle.project import open_project, open_registry
from matinee.platform.lifecycle.releasing import rollback
from matinee.platform.registry.rollouts import RolloutRow

pytestmark = pytest.mark.slow
SETTINGS = "\n[serve]\nrefresh_s = 3600\nbudget_ms = 5000\ncanary_answers = 30\ncompact_s = 2\n"
"""With so much time that a busy machine alone never makes the fallback answer."""


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Home:
    return moody_home(tmp_path_factory, tmp_path / "home", SETTINGS)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_swap_and_a_rollback_fail_no_request(home: Home, workers: int) -> None:
    first, second = moody_version(home, "good"), moody_version(home, "other")
    with serving(home, "--workers", str(workers)) as server:
        clients = [Decisions(server, "moody") for _ in range(4)]
        pages = Pages(server, ("m1", "m2", "kid"))
        with asking(*clients, pages):
            until(lambda: all(one.versions == [first] for one in clients), "the first version answers")
            release(home, "moody", second)
            swapped_s = until(lambda: all(one.versions[-1] == second for one in clients), "it is swapped")
            with open_registry(home) as registry:
                rollback(home, registry, "moody", released_us=2)
            back_s = until(lambda: all(one.versions[-1] == first for one in clients), "it is rolled back")
        for client in (*clients, pages):
            assert set(client.statuses) == {200}, (client.statuses, client.bad[:3])
        for client in clients:
            assert client.versions == [first, second, first]
            assert not any(answer["fallback"] for answer in client.answers)
        assert server.stop() == 0
    n = sum(len(client.answers) for client in clients)
    print(
        f"swap and rollback, {workers} workers: {n} decisions and {len(pages.pages)} pages, 0 failed; "
        f"everywhere after {swapped_s:.1f} s and {back_s:.1f} s"
    )


@pytest.mark.parametrize("workers", [1, 2])
def test_a_canary_that_raises_is_taken_back_by_itself(home: Home, workers: int) -> None:
    good, bad = moody_version(home, "good"), moody_version(home, "raises")
    with serving(home, "--workers", str(workers)) as server:
        clients = [Decisions(server, "moody", live=True) for _ in range(4)]
        with asking(*clients):
            until(lambda: all(one.versions == [good] for one in clients), "the first version answers")
            begun = rollout(home, bad, "canary", 0.5)
            until(lambda: any(answer["fallback"] for one in clients for answer in one.answers), "it answers")
            took_s = until(lambda: ended(home, begun) is not None, "the canary is taken back")
            time.sleep(2.5)  # every process looks into the registry about once a second
            after = [len(one.answers) for one in clients]
            time.sleep(1.5)
        for client, first in zip(clients, after, strict=True):
            assert set(client.statuses) == {200}, (client.statuses, client.bad[:3])
            assert client.answers[first:]
            assert not any(answer["fallback"] for answer in client.answers[first:])
            assert {answer["model"] for answer in client.answers[first:]} == {good}
    row = ended(home, begun)
    assert row is not None
    assert row.verdict == "rolled back"
    with open_registry(home) as registry:
        (alert,) = [one for one in registry.alerts.open("moody") if one.monitor == "canary"]
    assert bad in alert.text
    n = sum(len(one.answers) for one in clients)
    failed = sum(answer["fallback"] for one in clients for answer in one.answers)
    print(
        f"canary that raises, {workers} workers: {n} decisions, all answered, {failed} by the fallback; "
        f"taken back {took_s:.1f} s after its first answer, alert {alert.id} is open"
    )


def ended(home: Home, begun: RolloutRow) -> RolloutRow | None:
    """The rollout, once it is over."""
    with open_registry(home) as registry:
        row = next(one for one in registry.rollouts.history("moody") if one.id == begun.id)
    return None if row.ended_us is None else row


def test_a_shadow_is_logged_and_not_shown(home: Home) -> None:
    good, beside = moody_version(home, "good"), moody_version(home, "other")
    with serving(home) as server:
        client = Decisions(server, "moody")
        with asking(client):
            until(lambda: client.versions == [good], "the first version answers")
            begun = rollout(home, beside, "shadow", 1.0)
            until(lambda: shadows(home, begun)[1] >= 20, "the shadow has answered")
        assert set(client.statuses) == {200}
        assert client.versions == [good]
        assert server.stop() == 0
    models, n = shadows(home, begun)
    assert models == {beside}
    print(f"shadow: {len(client.answers)} decisions shown, all of {good}; {n} logged beside, all of {beside}")


def shadows(home: Home, begun: RolloutRow) -> tuple[set[str], int]:
    """Versions and number of the decisions of a shadow in the log."""
    with duckdb.connect() as con:
        open_events(con, home, "decisions")
        rows = con.execute("SELECT model, CAST(context AS VARCHAR) FROM decisions").fetchall()
    found = [model for model, text in rows if "shadow_of" in text and str(begun.id) in text]
    return {str(model) for model in found}, len(found)


def test_a_release_that_is_killed_is_done_or_not_begun(home: Home) -> None:
    """`kill -9` of the command at random moments; the server goes on with one of both versions."""
    in_home(home)
    versions = []
    for bias in ("0", "1"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MATINEE_TOY__BIAS", bias)
            with open_project(home, "toy") as project:
                evaluate(project)
        versions.append(trained(home, "toy", {"MATINEE_TOY__BIAS": bias}))
    release(home, "toy", versions[0])
    rng = random.Random(4)
    done = 0
    longest_s = 0.0
    with serving(home) as server:
        clients = [Decisions(server, "toy") for _ in range(2)]
        with asking(*clients):
            for turn in range(6):
                before = in_production(home, "toy")
                other = versions[0] if before == versions[1] else versions[1]
                began = time.monotonic()
                process = subprocess.Popen(
                    [
                        *(sys.executable, "-m", "matinee", "release", "toy", "--version", other, "--json"),
                        *("--approver", "kim", "--home", str(home.root)),
                    ],
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    env={**os.environ, "MATINEE_TOY__BIAS": str(versions.index(other))},
                )
                if turn:
                    time.sleep(rng.uniform(0.3, 1.05) * longest_s)
                    process.send_signal(signal.SIGKILL)
                said, _ = process.communicate(timeout=120)
                if not turn:  # the first one is left alone: how long a release takes here
                    assert process.returncode == 0, said
                    assert json.loads(said)["released"] is True
                    longest_s = time.monotonic() - began
                now = in_production(home, "toy")
                assert now in (before, other)
                done += now == other
                until(lambda now=now: clients[0].versions[-1] == now, "the server follows")  # type: ignore[misc]
        for client in clients:
            assert set(client.statuses) == {200}, (client.statuses, client.bad[:3])
            assert set(client.versions) <= set(versions)
            assert not any(answer["fallback"] for answer in client.answers)
    n = sum(len(client.answers) for client in clients)
    print(f"5 releases killed: {done - 1} of them were done, the others not begun; {n} decisions, 0 failed")


def in_production(home: Home, initiative: str) -> str:
    with open_registry(home) as registry:
        row = registry.releases.current(initiative)
    assert row is not None
    return row.version


def test_a_server_that_is_killed_in_a_release_starts_with_what_is_in_production(home: Home) -> None:
    versions = [moody_version(home, "other"), moody_version(home, "good")]
    rng = random.Random(5)
    events: list[Events] = []
    for turn in range(4):
        with serving(home) as server:
            sender = Events(server, f"release{turn}")
            client = Decisions(server, "moody")
            client.stopping = sender.stopping
            with asking(sender, client):
                until(lambda client=client: bool(client.answers), "it answers")  # type: ignore[misc]
                assert client.answers[0]["model"] == versions[(turn + 1) % 2]
                swap = threading.Thread(target=release, args=(home, "moody", versions[turn % 2]))
                swap.start()
                time.sleep(rng.uniform(0.0, 2.0))
                server.kill()
                sender.stopping.set()
                swap.join(60)
            assert set(client.versions) <= set(versions)
            events.append(sender)
    store = settle(home)
    kept, sent = compare(home, store, events)
    store.close()
    print(f"4 kills in a release: {kept} acknowledged of {sent} sent, 0 lost, 0 doubled")
