"""Models as folders: written whole or not at all, named by their content, checked before they are opened."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from matinee.errors import NotFoundError, StorageError
from matinee.observe.home import Home
from matinee.platform.lifecycle import model_folder
from matinee.platform.lifecycle.model_folder import ModelCard, check_files, check_present, publish, read_card
from matinee.types import parse_at

AT_US = parse_at("1998-04-23T01:02:03Z")
CARD = ModelCard(initiative="toy", at="1998-04-23T01:02:03Z", data="home", seed=0, code="c1", run_id="r")


def source(folder: Path, text: str = "a") -> Path:
    made = folder / f"result-{text}"
    (made / "part").mkdir(parents=True, exist_ok=True)
    (made / "part" / "weights.txt").write_text(text)
    return made


def names(home: Home) -> list[str]:
    return sorted(path.name for path in (home.releases / "toy").iterdir())


def test_a_model_is_written_once_and_named_by_its_content(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "home")
    first = publish(home, CARD, source(tmp_path), at_us=AT_US)
    assert first.name.startswith("19980423T010203Z-")
    assert (first / "part" / "weights.txt").read_text() == "a"
    assert list(read_card(first).files) == ["part/weights.txt"]
    check_files(first, read_card(first).files)
    later = msgspec.structs.replace(CARD, run_id="another run", seed=5)
    assert publish(home, later, source(tmp_path), at_us=AT_US) == first
    assert read_card(first).run_id == "r"
    others = {
        publish(home, CARD, source(tmp_path, "b"), at_us=AT_US),
        publish(home, msgspec.structs.replace(CARD, code="c2"), source(tmp_path), at_us=AT_US),
        publish(home, msgspec.structs.replace(CARD, data="simulated"), source(tmp_path), at_us=AT_US),
    }
    assert len(others | {first}) == 4
    assert names(home) == sorted([".lock", first.name, *(one.name for one in others)])


def test_a_failed_copy_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home.create(tmp_path / "home")
    publish(home, CARD, source(tmp_path), at_us=AT_US)
    before = names(home)

    def full(_: Path, target: Path) -> None:
        target.mkdir()
        (target / "half").write_text("x")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copytree", full)
    with pytest.raises(StorageError, match=r"could not be written \(No space left on device\)"):
        publish(home, CARD, source(tmp_path, "b"), at_us=AT_US)
    assert names(home) == before


def test_a_killed_training_leaves_nothing_that_counts(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "home")
    first = publish(home, CARD, source(tmp_path), at_us=AT_US)
    killed = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from matinee.observe.home import Home\n"
        "from matinee.platform.lifecycle import model_folder\n"
        "model_folder.sync_file = lambda _: os.kill(os.getpid(), signal.SIGKILL)\n"
        "card = model_folder.ModelCard(initiative='toy', at='', data='home', seed=0, code='', run_id='r')\n"
        "model_folder.publish(Home(Path(sys.argv[1])), card, Path(sys.argv[2]), at_us=0)\n"
    )
    command = [sys.executable, "-c", killed, str(home.root), str(source(tmp_path, "b"))]
    assert subprocess.run(command, check=False).returncode == -9
    assert [name for name in names(home) if name.startswith(".writing")]
    second = publish(home, CARD, source(tmp_path, "b"), at_us=AT_US)  # the lock died with its holder
    assert names(home) == sorted([".lock", first.name, second.name])


def test_two_trainings_at_once_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home.create(tmp_path / "home")

    def meanwhile(*_: object) -> None:
        monkeypatch.undo()
        publish(home, CARD, source(tmp_path, "inner"), at_us=AT_US)

    monkeypatch.setattr(model_folder, "_write", meanwhile)
    with pytest.raises(StorageError, match="another training is writing here"):
        publish(home, CARD, source(tmp_path), at_us=AT_US)


def test_every_kind_of_damage_is_named(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "home")
    folder = publish(home, CARD, source(tmp_path), at_us=AT_US)
    files, weights = read_card(folder).files, folder / "part" / "weights.txt"
    weights.write_text("b")
    with pytest.raises(StorageError, match=r"weights\.txt: is changed, expected the file that was trained"):
        check_files(folder, files)
    weights.unlink()
    with pytest.raises(StorageError, match=r"weights\.txt: is missing"):
        check_files(folder, files)
    weights.write_text("a")
    (folder / "more.txt").write_text("")
    with pytest.raises(StorageError, match=r"more\.txt: is not the model's"):
        check_files(folder, files)


def test_a_card_that_is_damaged_gone_or_of_another_version_is_named(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "home")
    folder = publish(home, CARD, source(tmp_path), at_us=AT_US)
    path = folder / "model.json"
    path.write_bytes(msgspec.json.encode(msgspec.structs.replace(CARD, format=99, matinee="7.0")))
    with pytest.raises(StorageError, match=r"format is 99, expected 1.*another version of Matinee \(7\.0\)"):
        read_card(folder)
    path.write_text("{")
    with pytest.raises(StorageError, match=r"model\.json: cannot be read"):
        read_card(folder)
    path.unlink()
    with pytest.raises(NotFoundError, match=r"no model\.json here, expected a model"):
        read_card(folder)


def test_training_again_puts_back_what_somebody_changed(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "home")
    folder = publish(home, CARD, source(tmp_path), at_us=AT_US)
    weights = folder / "part" / "weights.txt"
    weights.write_text("b")
    assert publish(home, CARD, source(tmp_path), at_us=AT_US) == folder
    assert weights.read_text() == "a"
    (folder / "model.json").unlink()
    publish(home, CARD, source(tmp_path), at_us=AT_US)
    check_files(folder, read_card(folder).files)
    publish(home, CARD, source(tmp_path, "c"), at_us=AT_US)  # the next training removes what was set aside
    assert not any(name.startswith(".writing") for name in names(home))


def test_a_missing_file_is_seen_without_reading(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "home")
    folder = publish(home, CARD, source(tmp_path), at_us=AT_US)
    files = read_card(folder).files
    check_present(folder, files)
    (folder / "part" / "weights.txt").unlink()
    with pytest.raises(StorageError, match=r"weights\.txt: is missing, expected the file that was trained"):
        check_present(folder, files)
