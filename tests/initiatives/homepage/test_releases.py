from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from matinee.errors import NotFoundError, StorageError
from matinee.initiatives.homepage.releases import ReleaseCard, current_release, publish, read_card
from matinee.observe.home import Home
from matinee.types import parse_at

AT_US = parse_at("1998-04-23T01:02:03Z")
CARD = ReleaseCard("homepage", "1998-04-23T01:02:03Z", 0, 2, 3, 4)


def saver(text: str):
    def save(folder: Path) -> None:
        (folder / "part").mkdir()
        (folder / "part" / "weights.txt").write_text(text)

    return save


def names(home: Home) -> list[str]:
    return sorted(p.name for p in (home.releases / "homepage").iterdir())


def test_a_release_is_written_once_and_becomes_current(tmp_path: Path) -> None:
    home = Home.create(tmp_path)
    first = publish(home, saver("a"), CARD, at_us=AT_US)
    assert first.name.startswith("19980423T010203Z-")
    assert current_release(home) == first
    assert (first / "part" / "weights.txt").read_text() == "a"
    assert list(read_card(first).files) == ["part/weights.txt"]
    assert publish(home, saver("a"), CARD, at_us=AT_US) == first
    second = publish(home, saver("b"), CARD, at_us=AT_US)
    assert current_release(home) == second != first
    assert names(home) == sorted([".lock", first.name, second.name, "current"])


def test_a_failed_save_leaves_what_was_there(tmp_path: Path) -> None:
    home = Home.create(tmp_path)
    first = publish(home, saver("a"), CARD, at_us=AT_US)
    before = names(home)

    def full(folder: Path) -> None:
        (folder / "half").write_text("x")
        raise OSError(28, "No space left on device")

    with pytest.raises(StorageError, match="could not be written"):
        publish(home, full, CARD, at_us=AT_US)
    assert names(home) == before
    assert current_release(home) == first


def test_a_killed_training_leaves_nothing_that_counts(tmp_path: Path) -> None:
    home = Home.create(tmp_path)
    first = publish(home, saver("a"), CARD, at_us=AT_US)
    killed = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from matinee.initiatives.homepage.releases import ReleaseCard, publish\n"
        "from matinee.observe.home import Home\n"
        "def save(folder):\n"
        "    (folder / 'half').write_text('x')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "publish(Home(Path(sys.argv[1])), save, ReleaseCard('homepage', '', 0, 0, 0, 0), at_us=0)\n"
    )
    done = subprocess.run([sys.executable, "-c", killed, str(tmp_path)], check=False)
    assert done.returncode == -9
    assert current_release(home) == first
    second = publish(home, saver("b"), CARD, at_us=AT_US)  # the lock died with its holder
    assert current_release(home) == second
    assert not [name for name in names(home) if name.startswith(".writing")]


def test_two_trainings_at_once_are_refused(tmp_path: Path) -> None:
    home = Home.create(tmp_path)

    def save(_: Path) -> None:
        publish(home, saver("inner"), CARD, at_us=AT_US)

    with pytest.raises(StorageError, match="another training is writing here"):
        publish(home, save, CARD, at_us=AT_US)


def test_a_home_without_a_release_says_what_to_run(tmp_path: Path) -> None:
    home = Home.create(tmp_path)
    with pytest.raises(NotFoundError, match="matinee train homepage --home"):
        current_release(home)
    folder = publish(home, saver("a"), CARD, at_us=AT_US)
    (folder / "release.json").write_text("{")
    with pytest.raises(StorageError, match=r"release\.json: cannot be read"):
        read_card(folder)
    (folder / "release.json").unlink()
    with pytest.raises(NotFoundError, match="is gone"):
        current_release(home)
