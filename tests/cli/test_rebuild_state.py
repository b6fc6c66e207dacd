from __future__ import annotations

import json
from pathlib import Path

import pytest

from matinee.cli.main import main
from matinee.observe.events.schema import Play, stored
from matinee.observe.home import Home
from matinee.observe.locks import lock_file
from matinee.observe.state.open import open_store

NOW = 1_700_000_000_000_000


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home.create(tmp_path / "shop")
    home.settings.write_text("")
    line = stored(Play(event_id="e1", member_id="m1", at=1, title_id="t1"), NOW, NOW, 1)
    (home.log / "1-a-0001.ndjson").write_bytes(line + b'{"torn')
    return home


def plays(home: Home) -> list[str]:
    store = open_store(home, folds=None)
    try:
        return [play.title_id for play in store.record("m1").plays]
    finally:
        store.close()


def test_it_makes_the_state_and_says_what_of(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rebuild-state", "--home", str(home.root)]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "Made the state of 1 members again, from 1 events in the lake and 1 segments of the log." in text
    assert "Skipped 1 lines" in text
    assert plays(home) == ["t1"]


def test_a_dry_run_writes_nothing(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rebuild-state", "--home", str(home.root), "--dry-run", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["written"] is False
    assert said["rebuilt"]["events"] == 1
    assert not home.state_db.exists()


def test_a_damaged_file_is_made_anew(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    home.state_db.write_bytes(b"no database " * 1_000)
    assert main(["rebuild-state", "--home", str(home.root), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["damaged_file_removed"] is True
    assert plays(home) == ["t1"]


def test_a_damaged_file_that_a_server_has_open_stays(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    home.state_db.write_bytes(b"no database " * 1_000)
    lock = home.work / "serve" / "leader.lock"
    lock.parent.mkdir(parents=True)
    with lock.open("w") as held:
        assert lock_file(held.fileno())
        assert main(["rebuild-state", "--home", str(home.root)]) == 1
    assert "Stop matinee serve" in " ".join(capsys.readouterr().err.split())
    assert home.state_db.read_bytes().startswith(b"no database")
