"""A backup of a home at work is one consistent state, and a home again."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest
from tests.platform.lifecycle.erasable import AT, WHO, fill, play, rows_of_others

from matinee.cli.main import main
from matinee.errors import InputError, NotFoundError, StorageError
from matinee.observe.clock import Clock
from matinee.observe.home import Home
from matinee.observe.lake.compaction import compact
from matinee.observe.log import LogWriter
from matinee.platform.evaluation import Evaluated
from matinee.platform.lifecycle.backing_up import back_up, restore
from matinee.platform.lifecycle.erasing import erase, returned
from matinee.platform.lifecycle.project import open_registry


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return fill(tmp_path / "shop")


def test_a_restored_home_says_what_the_home_said(home: Home, tmp_path: Path) -> None:
    log = LogWriter(home.log, Clock.fixed(AT + 300))
    log.append([play(70, "m1")])  # its segment stays open
    saved = back_up(home, tmp_path / "saved", now_us=1)
    log.append([play(71, "m1")])
    again = restore(tmp_path / "saved", tmp_path / "again").home
    before = [row for row in rows_of_others(home)["plays"] if "e71" not in row]
    found = rows_of_others(again)
    assert found["plays"] == before
    assert {"e70"} <= {value for row in found["plays"] for value in row}
    assert Home.find(again.root) == again
    assert "state.db" not in saved.files
    with open_registry(again) as registry:
        assert [m.version for m in registry.models.versions("toy")] == ["new", "old"]
        (row,) = registry.models.evaluations("toy")
        assert len(Evaluated.load(again.root / row.folder).values) == 4
    assert compact(again).added >= 1
    log.close()


def test_a_segment_that_is_closed_meanwhile_is_in_it(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = [LogWriter(home.log, Clock.fixed(AT + 300)) for _ in range(2)]
    for number, log in enumerate(logs, 70):
        log.append([play(number, "m1")])
    copy = shutil.copyfile

    def closing(source: Path, target: Path) -> None:
        copy(source, target)
        if ".open." in source.name:
            for log in logs:
                log.rotate()

    monkeypatch.setattr("matinee.platform.lifecycle.backing_up.shutil.copyfile", closing)
    back_up(home, tmp_path / "saved", now_us=1)
    monkeypatch.undo()
    found = rows_of_others(restore(tmp_path / "saved", tmp_path / "again").home)
    assert {"e70", "e71"} <= {value for row in found["plays"] for value in row}


def test_it_is_consistent_while_a_server_writes_and_compacts(home: Home, tmp_path: Path) -> None:
    log = LogWriter(home.log, Clock.fixed(AT + 300))
    acknowledged: list[int] = []
    stop = threading.Event()

    def serve() -> None:
        for number in range(1_000, 100_000):
            if stop.is_set():
                return
            log.append([play(number, "m2")])
            acknowledged.append(number)
            if number % 40 == 0:
                log.close()
                compact(home)

    server = threading.Thread(target=serve)
    server.start()
    try:
        for turn in range(3):
            known = len(acknowledged)
            back_up(home, tmp_path / f"saved{turn}", now_us=1)
            again = restore(tmp_path / f"saved{turn}", tmp_path / f"again{turn}").home
            ids = [
                str(value) for row in rows_of_others(again)["plays"] for value in row if str(value)[:1] == "e"
            ]
            assert len(ids) == len(set(ids))
            assert {f"e{number}" for number in acknowledged[:known]} <= set(ids)
    finally:
        stop.set()
        server.join()
    log.close()


def test_a_damaged_backup_is_refused(home: Home, tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    back_up(home, saved, now_us=1)
    with pytest.raises(InputError, match="is there and not empty"):
        back_up(home, saved, now_us=1)
    with pytest.raises(InputError, match="lies inside the home"):
        back_up(home, home.root / "x", now_us=1)
    with pytest.raises(InputError, match="is there and not empty"):
        restore(saved, home.root)
    file = next(saved.glob("lake/plays/*/*.parquet"))
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(StorageError, match=r"has \d+ bytes, expected \d+: the backup is damaged"):
        restore(saved, tmp_path / "again")
    assert not (tmp_path / "again").exists()
    (saved / "backup.json").unlink()
    with pytest.raises(NotFoundError, match="expected a finished backup"):
        restore(saved, tmp_path / "again")


def test_who_was_erased_since_can_be_erased_again(home: Home, tmp_path: Path) -> None:
    assert main(["backup", str(tmp_path / "saved"), "--home", str(home.root)]) == 0
    erase(home, None, WHO, now_us=1)
    assert main(["restore", str(tmp_path / "saved"), str(tmp_path / "again")]) == 0
    again = Home(tmp_path / "again")
    assert returned(again, None) == []
    for name in ("erased.txt", "erasure.key"):
        shutil.copy(home.root / name, again.root / name)
    assert returned(again, None) == [WHO]
    assert main(["erase", "--again", "--home", str(again.root)]) == 0
    assert returned(again, None) == []


def test_images_are_in_the_backup_and_erasing_a_member_leaves_them(home: Home, tmp_path: Path) -> None:
    image = home.root / "artwork" / "0123abcd.svg"
    image.parent.mkdir()
    image.write_text("<svg/>", encoding="utf-8")
    back_up(home, tmp_path / "saved", now_us=1)
    again = restore(tmp_path / "saved", tmp_path / "again").home
    erase(again, None, WHO, now_us=2)
    assert (again.root / "artwork" / image.name).read_bytes() == image.read_bytes()
