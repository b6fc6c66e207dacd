"""Maintenance: each stage by itself, what follows from what, and who does it."""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, cast

import pytest
from tests.platform.toys import TOY, in_home

from matinee.cli.main import main
from matinee.errors import StorageError
from matinee.observe.clock import Clock, wall_us
from matinee.observe.decision_log import decision_line, find_decision, new_decision_id
from matinee.observe.decisions import DecisionRecord, Slot
from matinee.observe.events.schema import Play
from matinee.observe.home import Home
from matinee.observe.importers.run import run_import
from matinee.observe.lake.manifest import read_manifest
from matinee.observe.locks import Leader
from matinee.observe.log import LogWriter, segments
from matinee.observe.state.open import open_store
from matinee.observe.state.sqlite_file import discard
from matinee.observe.state.whole import Whole
from matinee.platform.initiative import Reward
from matinee.platform.outcomes.join import Joined
from matinee.platform.outcomes.rule import FromPlays
from matinee.prove.experiment.config import ExperimentsConfig
from matinee.serve import maintenance
from matinee.serve.config import ServeConfig
from matinee.serve.maintenance import Housekeeping, Maintenance, Stepped
from matinee.serve.preparing import prepare
from matinee.types import HOUR_US, SECOND_US

AT = 1_730_000_000_000_000
FINAL = AT + 48 * HOUR_US
PLAYED = replace(TOY, reward=Reward("quality plays", "plays", "as tested", 24, FromPlays()))


def made_home(folder: Path) -> tuple[Home, str]:
    """A home with one closed segment: a decision and a play that it brought."""
    home = Home.create(folder)
    home.settings.write_text("", encoding="utf-8")
    decision_id = new_decision_id(AT)
    record = DecisionRecord(decision_id, "toy", "m1", AT, "p", "v", [Slot("t1", 0.5)])
    played = Play(event_id="e1", member_id="m1", title_id="t1", at=(AT // SECOND_US) + 60, watch_s=900.0)
    log = LogWriter(home.log, Clock("fixed", AT + HOUR_US))
    log.append([(played, AT + 60 * SECOND_US)])
    log.close()
    (home.log / "0-a-0001.ndjson").write_bytes(decision_line(record, AT, 1, "m1"))
    return home, decision_id


def test_a_round_compacts_takes_in_joins_and_forgets_positions(tmp_path: Path) -> None:
    home, decision_id = made_home(tmp_path)
    store = open_store(home)
    work = Maintenance(home, store, now=lambda: FINAL, initiatives=[PLAYED])
    done = work.step()
    assert done.troubles == {}
    assert done.compacted is not None
    assert (done.compacted.added, done.compacted.segments) == (2, 2)
    assert done.joined == {"toy": Joined(1, 1, 1)}
    assert [play.title_id for play in store.record("m1").plays] == ["t1"]
    assert store.positions() == {}
    assert segments(home.log) == []
    assert find_decision(home, decision_id) is not None
    again = work.step()
    assert again.joined == {"toy": Joined()}
    assert work.totals["outcomes"] == 1
    store.close()


def test_an_open_segment_of_another_process_is_closed_when_it_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, _ = made_home(tmp_path)
    log = LogWriter(home.log, Clock("fixed", AT + HOUR_US))
    played = Play(event_id="e2", member_id="m2", title_id="t1", at=5, watch_s=1.0)
    log.append([(played, AT)])
    monkeypatch.setattr(maintenance, "PATIENCE_S", 0.05)
    work = Maintenance(home, None, now=lambda: FINAL, initiatives=[])
    silent = work.step()
    assert list(silent.troubles) == ["close segments"]
    assert silent.compacted is not None
    assert silent.compacted.added == 2
    log.close()
    answered = work.step()
    assert answered.troubles == {}
    assert answered.compacted is not None
    assert answered.compacted.added == 1


def test_what_the_state_cannot_take_in_stays_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, _ = made_home(tmp_path)
    store = open_store(home)

    def down(*_args: object, **_named: object) -> None:
        raise StorageError("state: unreachable")

    work = Maintenance(home, store, now=lambda: FINAL, initiatives=[PLAYED])
    with monkeypatch.context() as patch:
        patch.setattr(maintenance, "take_in", down)
        done = work.step()
    assert done.compacted is None
    assert "unreachable" in done.troubles["compact"]
    assert work.failures["compact"] == 1
    assert len(segments(home.log)) == 2
    assert done.joined["toy"].decisions == 1
    assert work.step().troubles == {}
    assert segments(home.log) == []
    store.close()


def test_later_rounds_look_at_what_is_new_and_once_a_day_at_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, _ = made_home(tmp_path)
    asked, now = [], [AT]

    def noted(*_args: object, now_us: int, since_us: int | None) -> Joined:
        asked.append(since_us)
        return Joined(late=3)

    monkeypatch.setattr(maintenance, "join", noted)
    work = Maintenance(home, None, now=lambda: now[0], initiatives=[PLAYED])
    for hours in (0, 1, 2, 25, 26, 20):
        now[0] = AT + hours * HOUR_US
        work.step()
    assert asked == [None, AT, AT + HOUR_US, None, AT + 25 * HOUR_US, None]
    assert work.totals["late_rewards"] == 9
    names = {one.name for one in work.figures()}
    assert {"matinee_maintenance_rounds", "matinee_maintenance_done"} <= names


def test_the_command_compacts_and_joins(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home, _ = made_home(tmp_path)
    in_home(home)
    arguments = ["compact", "--home", str(tmp_path), "--at", "2024-12-01T00:00:00Z"]
    assert main([*arguments, "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "2 log segments" in said
    assert "toy: 1 decisions would be joined" in said
    assert len(segments(home.log)) == 2
    assert main(arguments) == 0
    assert "2 log segments moved into the lake: 2 events added" in capsys.readouterr().out
    assert [file.rows for file in read_manifest(home.lake).of("outcomes")] == [1]
    assert main([*arguments, "--json"]) == 0
    assert '"troubles": {}' in capsys.readouterr().out.replace('":{}', '": {}')


def test_the_command_reads_a_future_for_the_join_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home, _ = made_home(tmp_path)
    in_home(home)
    with closing(open_store(home)) as store:
        store.put("page", [("m1", b"kept")], expires_us=wall_us() + HOUR_US)
    arguments = ["compact", "--home", str(tmp_path), "--at", "2200-01-01T00:00:00Z"]
    server = Leader(home.work / "serve" / "leader.lock")
    assert server.lead()
    assert main(arguments) == 2
    assert "while a server runs. Leave it away" in " ".join(capsys.readouterr().err.split())
    assert len(segments(home.log)) == 2
    server.close()
    assert main(arguments) == 0
    assert [file.rows for file in read_manifest(home.lake).of("outcomes")] == [1]
    with closing(open_store(home)) as store:
        assert store.get("page", "m1") == b"kept"


def test_the_command_takes_in_what_the_state_lacks(tmp_path: Path) -> None:
    home, _ = made_home(tmp_path)
    open_store(home).close()
    assert main(["compact", "--home", str(tmp_path)]) == 0
    store = open_store(home)
    assert len(store.record("m1").plays) == 1
    store.close()


def test_a_long_round_holds_up_nothing_that_cannot_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home.create(tmp_path)
    home.settings.write_text("", encoding="utf-8")
    store = open_store(home)
    services = SimpleNamespace(
        home=home,
        store=store,
        config=ServeConfig(compact_s=1),
        clock=Clock("fixed", AT),
        initiatives={},
        registry=SimpleNamespace(experiments=SimpleNamespace(running=list)),
        experiments=ExperimentsConfig(),
    )
    begun, end, judged = threading.Event(), threading.Event(), threading.Event()

    niceness: dict[str, int] = {}

    def endless(_self: Maintenance) -> Stepped:
        niceness["round"] = nice()
        begun.set()
        assert end.wait(30)
        return Stepped()

    def judge(_self: Housekeeping) -> None:
        niceness["judge"] = nice()
        judged.set()

    monkeypatch.setattr(maintenance, "LOOK_S", 0.01)
    monkeypatch.setattr(Maintenance, "step", endless)
    monkeypatch.setattr(Housekeeping, "_judge", judge)
    monkeypatch.setattr(Housekeeping, "_judge_arms", lambda _self: None)
    keeping = Housekeeping(cast("Any", services))
    keeping.every_s = 0.0
    keeping.start()
    try:
        assert begun.wait(10)
        judged.clear()
        (tmp_path / "members.csv").write_text("member_id,kids,maturity_max\nkid,true,7\n")
        run_import(home, "members", tmp_path / "members.csv", clock=Clock("fixed", AT))
        until = time.monotonic() + 10
        while store.member("kid") is None and time.monotonic() < until:
            time.sleep(0.01)
        assert store.member("kid") is not None
        assert judged.wait(10)
        assert niceness["judge"] == nice()
        if sys.platform == "linux":
            assert niceness["round"] == max(nice(), maintenance.NICE)
    finally:
        end.set()
        keeping.stop()
        store.close()
    assert not keeping.leader.leading
    assert keeping.maintenance.failures == {}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux knows the niceness of a thread")
def test_what_a_thread_that_gives_way_starts_gives_way_too() -> None:
    found: list[int] = []

    def work() -> None:
        maintenance.give_way()
        child = threading.Thread(target=lambda: found.append(nice()))
        child.start()
        child.join()
        maintenance.give_way()
        found.append(nice())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [max(nice(), maintenance.NICE)] * 2


def nice() -> int:
    """Of this thread; on other systems than Linux there is one for all."""
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) if sys.platform == "linux" else 0


def test_judges_ask_a_registry_only_when_it_was_written_to(tmp_path: Path) -> None:
    class Book:
        stamp = ((1, 1, 1),)
        asked: ClassVar[list[str]] = []

        def __init__(self) -> None:
            self.database = SimpleNamespace(stamp=lambda: self.stamp)
            self.experiments = SimpleNamespace(running=lambda: self.ask("experiments"))
            self.initiatives = SimpleNamespace(all=lambda: self.ask("initiatives"))
            self.rollouts = SimpleNamespace(all_running=dict.fromkeys)

        def ask(self, what: str) -> list[Any]:
            self.asked.append(what)
            return []

    home = Home.create(tmp_path)
    home.settings.write_text("", encoding="utf-8")
    book = Book()
    with closing(open_store(home)) as store:
        services = SimpleNamespace(
            home=home, store=store, config=ServeConfig(), clock=Clock("fixed", AT), initiatives={},
            registry=book, experiments=ExperimentsConfig(),
        )  # fmt: skip
        keeping = Housekeeping(cast("Any", services))
        for _ in range(3):
            keeping._judge()
            keeping._judge_arms()
        assert sorted(book.asked) == ["experiments", "initiatives"]
        book.stamp = ((1, 1, 2),)
        keeping._judge()
        keeping._judge_arms()
        assert len(book.asked) == 4


def test_a_state_that_was_lost_is_made_again(tmp_path: Path) -> None:
    home, _ = made_home(tmp_path)
    with closing(open_store(home)) as store:
        Maintenance(home, store, now=lambda: AT, initiatives=[]).step()
    discard(home.state_db)
    prepare(home, ServeConfig(), lambda _what, _share: None)
    with closing(open_store(home)) as store:
        assert [play.title_id for play in store.record("m1").plays] == ["t1"]


def test_preparing_brings_the_limits_of_members(tmp_path: Path) -> None:
    home, _ = made_home(tmp_path)
    in_home(home)
    prepare(home, ServeConfig(), lambda _what, _share: None)
    (tmp_path / "members.csv").write_text("member_id,kids,maturity_max\nkid,true,7\n")
    run_import(home, "members", tmp_path / "members.csv", clock=Clock("fixed", AT))
    prepare(home, ServeConfig(), lambda _what, _share: None)
    with closing(open_store(home)) as store:
        found = store.member("kid")
        assert found is not None
        assert found.maturity_max == 7
        assert Whole(home, store).facts_known()
