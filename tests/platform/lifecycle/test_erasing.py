"""Erasing a person from a full home: nothing is found afterwards, and nobody else is changed."""

from __future__ import annotations

import csv
import json
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest
from tests.platform.lifecycle.erasable import ACCOUNT, AT, OTHERS, WHO, fill, play, rows_of_others

from matinee.errors import InputError, StorageError
from matinee.initiatives.retention import RETENTION
from matinee.observe.clock import Clock
from matinee.observe.decision_log import decision_line, find_decision
from matinee.observe.decisions import DecisionRecord, Slot
from matinee.observe.erasure.erased import Erased
from matinee.observe.erasure.search import search
from matinee.observe.home import Home
from matinee.observe.importers.run import run_import
from matinee.observe.lake.compaction import compact
from matinee.observe.log import LogWriter
from matinee.observe.state import sqlite
from matinee.observe.state.sqlite import SqliteStore
from matinee.observe.state.sqlite_leftovers import Leftovers
from matinee.platform.evaluation import Evaluated
from matinee.platform.lifecycle.erasing import erase, plan_erasure, returned
from matinee.platform.lifecycle.project import open_registry
from matinee.platform.lifecycle.receipt import Receipt, read_receipt
from matinee.platform.lifecycle.registering import register
from matinee.platform.pipeline.artefacts import CARD
from matinee.platform.pipeline.scratch import scratch
from matinee.platform.pipeline.workspace import Workspace


def forget(home: Home, who: str = WHO, **options: object) -> Receipt:
    store = SqliteStore(home.state_db, folds=None)
    try:
        return erase(home, store, who, now_us=AT * 1_000_000, **{"settle_s": 0, **options})  # type: ignore[arg-type]
    finally:
        store.close()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return fill(tmp_path / "shop")


def test_nothing_of_the_member_is_found_and_others_are_as_they_were(home: Home) -> None:
    before = rows_of_others(home)
    found = {trace.file for trace in search(home, WHO)}
    assert {"state.db", "pages.parquet", "homepage.html", "bad.csv"} <= found
    assert any(name.startswith("lake/plays") for name in found)
    receipt = forget(home)
    assert list(search(home, WHO)) == []
    assert list(search(home, ACCOUNT)) == []
    assert rows_of_others(home) == before
    assert receipt.state == "done"
    assert receipt.removed["log"] == {"plays": 1, "impressions": 1}
    assert receipt.removed["lake"] == {"plays": 4, "members": 1, "decisions": 2}
    assert receipt.removed["named"] == {"searches": 1, "decisions": 1}
    assert receipt.removed["state"]["waiting"] == receipt.removed["state"]["values"] == 1
    assert receipt.removed["work"] == {"results": 1, "evaluations": 1, "records": 1}
    assert receipt.removed["files"] == {
        "pages.parquet": 1, "pages.csv": 1, "homepage.html (deleted)": 1, "bad.csv": 1
    }  # fmt: skip
    assert receipt.models == ["toy/new"]
    assert receipt.releases == []
    assert [one for one in receipt.left if "outside" in one]
    assert read_receipt(home, receipt.person) == receipt


def test_events_of_others_that_the_state_did_not_know_are_in_it_before_the_log_goes(home: Home) -> None:
    forget(home)
    store = SqliteStore(home.state_db, folds=None)
    assert [play.title_id for play in store.record("m2").plays] == ["t1", "t4"]
    assert store.record(WHO).plays == []
    store.close()


def test_files_of_the_home_keep_everybody_else(home: Home) -> None:
    forget(home)
    with (home.root / "pages.csv").open(newline="") as file:
        assert [row["member_id"] for row in csv.DictReader(file)] == list(OTHERS)
    assert not (home.root / "homepage.html").exists()
    assert "m1,t1,never" in (home.root / "bad.csv").read_text()
    with open_registry(home) as registry:
        (row,) = registry.models.evaluations("toy")
        judged = Evaluated.load(home.root / row.folder)
        assert list(judged.unit_ids) == list(OTHERS)
        assert list(judged.values) == [0.2, 0.3, 0.4]
        assert judged.report.value.mean == 0.5
        Workspace(home.work).store.verify(Path(row.folder).parent.name)
        assert [(r.version, r.members) for r in registry.retraining.all()] == [("new", 1)]


def test_the_id_is_refused_from_then_on(home: Home, tmp_path: Path) -> None:
    receipt = forget(home)
    assert Erased.of(home).refuses(WHO)
    assert not Erased.of(home).refuses("m1")
    assert (home.root / "erasure.key").stat().st_mode & 0o777 == 0o600
    (found,) = [f for f in run_import(home, "events", tmp_path / "plays.csv") if f.table == "plays"]
    assert (found.added, found.duplicate, found.erased) == (0, 9, 3)
    log = LogWriter(home.log, Clock.fixed(AT))
    log.append([play(50, WHO), play(51, "m1")])
    log.close()
    assert ("e51" in str(rows_of_others(home)["plays"])) is True
    assert compact(home).erased == 1
    assert list(search(home, WHO)) == []
    assert receipt.person in (home.root / "erased.txt").read_text()


def test_erasing_again_changes_nothing_and_keeps_the_counts(home: Home) -> None:
    first = forget(home)
    again = forget(home)
    assert (again.removed, again.models) == (first.removed, first.models)
    with open_registry(home) as registry:
        assert [r.members for r in registry.retraining.all()] == [1]


def test_a_dry_run_counts_and_writes_nothing(home: Home) -> None:
    files = {path: path.read_bytes() for path in home.root.rglob("*") if path.is_file()}
    store = SqliteStore(home.state_db, folds=None)
    planned = plan_erasure(home, store, WHO, now_us=1)
    store.close()
    kept = {path: path.read_bytes() for path in home.root.rglob("*") if path.is_file()}
    assert {p: d for p, d in kept.items() if not p.name.startswith(("state.db", "meta.db"))} == {
        p: d for p, d in files.items() if not p.name.startswith(("state.db", "meta.db"))
    }
    assert planned.state == "planned"
    done = forget(home)
    for place in ("log", "named", "files", "work"):
        assert planned.removed[place] == done.removed[place], place
    assert planned.models == done.models


def test_an_account_that_others_use_keeps_its_decisions(home: Home) -> None:
    receipt = forget(home, "m1")
    assert receipt.removed["lake"]["decisions"] == 1
    assert "Decisions about an account that other members use." in receipt.left
    assert any("fewer than 6 characters" in one for one in receipt.left)
    last = forget(home, "m2")
    assert last.removed["lake"]["decisions"] == 1


def test_a_server_that_does_not_answer_is_named_and_a_second_run_finishes(home: Home) -> None:
    code = (
        "import sys, time; from pathlib import Path; from tests.platform.lifecycle.erasable import play, AT;"
        "from matinee.observe.log import LogWriter; from matinee.observe.clock import Clock;"
        "log = LogWriter(Path(sys.argv[1]), Clock.fixed(AT)); log.append([play(90, sys.argv[2])]);"
        "print('ready', flush=True); time.sleep(60)"
    )
    root = Path(__file__).parents[3]
    server = subprocess.Popen(
        [sys.executable, "-c", code, str(home.log), WHO], cwd=root, stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"
        with pytest.raises(StorageError, match=rf"process {server.pid} does not close its segment"):
            forget(home, patience_s=0.2)
        assert Erased.of(home).refuses(WHO)
    finally:
        server.kill()
        server.communicate()
    receipt = forget(home)
    assert receipt.removed["log"]["plays"] == 2
    assert list(search(home, WHO)) == []


def test_a_disk_that_is_full_is_told_with_what_was_done_and_a_second_run_finishes(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(sqlite3.OperationalError):
        sqlite_errorcode = sqlite3.SQLITE_FULL

    def fails(_con: sqlite3.Connection) -> None:
        raise Full("database or disk is full")

    monkeypatch.setattr(Leftovers, "of", lambda *_: True)
    with monkeypatch.context() as now:
        now.setattr(sqlite, "write_anew", fails)
        with pytest.raises(
            StorageError, match=r"disk is full. The rows are erased.* goes on with the lake"
        ) as no:
            forget(home)
    (path,) = (home.root / "receipts").glob("*.json")
    receipt = msgspec.json.decode(path.read_bytes(), type=Receipt)
    removed = receipt.removed["state"]
    assert (receipt.state, receipt.done_us, receipt.left) == ("begun", 0, [str(no.value)])
    assert removed["waiting"] == removed["values"] == 1
    assert Erased.of(home).refuses(WHO)
    assert any(trace.file.startswith("lake/plays") for trace in search(home, WHO))
    receipt = forget(home)
    assert (receipt.state, receipt.removed["state"]) == ("done", removed)
    assert not any("disk" in one for one in receipt.left)
    assert list(search(home, WHO)) == list(search(home, ACCOUNT)) == []


def test_results_whose_removal_was_killed_in_the_middle_go(home: Home) -> None:
    store = Workspace(home.work).store
    for name in store.names():
        (store.root / name / CARD).unlink()  # goes first, the files after it
    assert any(trace.file.startswith("work/artefacts") for trace in search(home, WHO))
    forget(home)
    assert list(search(home, WHO)) == []


def test_a_training_that_is_going_on_is_waited_for(home: Home) -> None:
    with (
        scratch(Workspace(home.work).scratch),
        pytest.raises(StorageError, match="a run is going on, which has read what is to be erased"),
    ):
        forget(home)
    assert forget(home).state == "done"
    assert list(search(home, WHO)) == []


def test_a_released_file_that_holds_the_id_is_named(home: Home) -> None:
    (home.releases / "toy" / "new" / "members.json").write_text(json.dumps([WHO]))
    receipt = forget(home)
    assert receipt.releases == ["releases/toy/new/members.json"]
    assert any("a released file holds the id" in one for one in receipt.left)


def test_those_who_came_back_with_a_backup_are_found(home: Home) -> None:
    lake = {p.relative_to(home.lake): p.read_bytes() for p in home.lake.rglob("*") if p.is_file()}
    forget(home)
    assert returned(home, None) == []
    for name, data in lake.items():
        (home.lake / name).parent.mkdir(parents=True, exist_ok=True)
        (home.lake / name).write_bytes(data)
    assert returned(home, None) == [WHO]


def test_an_empty_id_is_refused(home: Home) -> None:
    with pytest.raises(InputError, match="member_id is empty"):
        forget(home, "")


@pytest.mark.slow
def test_killed_at_any_moment_it_goes_on_to_the_end(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from matinee.observe.home import Home;"
        "from tests.platform.lifecycle.test_erasing import forget;"
        "home = Home(Path(sys.argv[1])); print('ready', flush=True); forget(home)"
    )
    root = Path(__file__).parents[3]
    draw = random.Random(7)
    killed = 0
    for turn in range(12):
        home = fill(tmp_path / f"h{turn}" / "shop")
        before = rows_of_others(home)
        pause_s = draw.uniform(0.0, 0.9)
        for _ in range(2):
            run = subprocess.Popen(
                [sys.executable, "-c", code, str(home.root)], cwd=root, stdout=subprocess.PIPE, text=True
            )
            assert run.stdout is not None
            run.stdout.readline()
            time.sleep(pause_s)
            run.send_signal(signal.SIGKILL)
            run.communicate()
            killed += run.returncode == -signal.SIGKILL
        receipt = forget(home)
        assert list(search(home, WHO)) == [], turn
        assert list(search(home, ACCOUNT)) == [], turn
        assert rows_of_others(home) == before
        assert receipt.state == "done"
        assert receipt.removed["lake"]["plays"] >= 4
        assert receipt.models == ["toy/new"]
    assert killed >= 6


def test_an_account_with_the_id_of_an_erased_member_keeps_its_decisions(home: Home) -> None:
    with open_registry(home) as registry:
        register(registry, RETENTION, now_us=1)
    log = LogWriter(home.log, Clock.fixed(AT + 300))

    def decided(number: int) -> str:
        record = DecisionRecord(f"d{number}", "retention", WHO, AT * 1_000_000, "p", "v", [Slot("none", 1.0)])
        log.write([], [decision_line(record, 0, 0)])
        log.rotate()
        return record.decision_id

    decisions = [decided(901)]
    forget(home)
    decisions.append(decided(902))
    log.close()
    assert compact(home).erased == 0
    assert [find_decision(home, one) is not None for one in decisions] == [True, True]
