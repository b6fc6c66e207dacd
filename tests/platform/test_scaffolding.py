"""new-initiative: a folder that is whole, in shape, and works at once; odd names and half-written ones."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.platform.toys import in_home

from matinee.errors import InputError, StorageError
from matinee.observe.home import Home
from matinee.platform import scaffolding
from matinee.platform.loading import find, load
from matinee.platform.scaffolding import scaffold

ROOT = Path(__file__).parents[2]
FILES = [
    "README.md",
    "__init__.py",
    "features.py",
    "model.py",
    "policy.py",
    "test_win_back.py",
    "training.py",
    "win_back.toml",
]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home.create(tmp_path / "shop")
    made.settings.write_text("", encoding="utf-8")
    return made


def test_the_folder_is_whole_and_declares_the_initiative(home: Home) -> None:
    folder = scaffold(home, "win_back", title='Who comes "back"?')
    assert sorted(path.name for path in folder.iterdir()) == FILES
    made = load("win_back", home)
    assert (made.name, made.title, made.tier, made.data) == ("win_back", "Who comes 'back'?", 4, "simulated")
    assert made.config.__name__ == "WinBackConfig"
    assert made.values == folder / "win_back.toml"
    for path in folder.iterdir():
        if path.name != "__pycache__":
            text = path.read_text(encoding="utf-8")
            assert "{{" not in text, path
            assert "{name}" not in text, path


def test_what_is_there_already_is_left_alone(home: Home) -> None:
    scaffold(home, "winback")
    with pytest.raises(InputError, match=r'initiative: "winback" is there already \(.*winback\)'):
        scaffold(home, "winback")
    (home.initiatives / "notes").mkdir()
    with pytest.raises(InputError, match="notes: is there already, expected no such folder"):
        scaffold(home, "notes")
    assert sorted(path.name for path in home.initiatives.iterdir()) == ["notes", "winback"]


@pytest.mark.parametrize(
    "name", ["9x", "Home", "x", "", "a b", "win-back", "../up", "a" * 41, "été", ".hidden", "_x", "a\n"]
)
def test_a_name_that_is_none_is_refused_and_nothing_is_written(home: Home, name: str) -> None:
    with pytest.raises(InputError, match="expected 2 to 40 lower-case letters, digits or _"):
        scaffold(home, name)
    assert not home.initiatives.exists()


@pytest.mark.parametrize("name", ["class", "import", "def"])
def test_a_word_of_python_is_no_name(home: Home, name: str) -> None:
    with pytest.raises(InputError, match=f'name is "{name}", a word of Python'):
        scaffold(home, name)


@pytest.mark.parametrize("name", ["clock", "platform"])
def test_a_section_of_the_settings_is_no_name(home: Home, name: str) -> None:
    with pytest.raises(InputError, match=f'name is "{name}", a section of the settings'):
        scaffold(home, name)


def test_the_name_of_an_installed_one_is_refused_with_its_place(home: Home) -> None:
    name, found = next(iter(find().items()))
    with pytest.raises(InputError) as failure:
        scaffold(home, name)
    assert f'"{name}" is there already ({found.place})' in str(failure.value)
    in_home(home)
    with pytest.raises(InputError, match='"toy" is there already'):
        scaffold(home, "toy")


def test_titles_with_quotes_backslashes_and_braces_are_text(home: Home) -> None:
    for number, title in enumerate(('a "b"', "a\\", "{name}", "two\nlines", '"""', "ünï")):
        name = f"odd_{number}"
        scaffold(home, name, title=title)
        shown = load(name, home).title
        assert shown == " ".join(title.replace('"', "'").replace("\\", "/").split())
    scaffold(home, "odd_blank", title=" \n")
    assert load("odd_blank", home).title == "odd blank"


def test_killed_half_way_it_leaves_nothing_that_counts(home: Home) -> None:
    killed = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from matinee.observe.home import Home\n"
        "from matinee.platform.scaffolding import scaffold\n"
        "Path.rename = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "scaffold(Home(Path(sys.argv[1])), 'winback')\n"
    )
    done = subprocess.run([sys.executable, "-c", killed, str(home.root)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert [path.name for path in home.initiatives.iterdir()] == [".writing-winback"]
    assert "winback" not in find(home)
    assert scaffold(home, "winback").is_dir()
    assert [path.name for path in home.initiatives.iterdir()] == ["winback"]


def test_a_disk_that_cannot_be_written_is_named(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.initiatives.write_text("a file where the folder should be")
    with pytest.raises(StorageError, match=r"winback: could not be written .*Nothing was left behind"):
        scaffold(home, "winback")
    home.initiatives.unlink()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(scaffolding.Path, "write_text", full)
    with pytest.raises(StorageError, match="No space left on device"):
        scaffold(home, "winback")
    assert list(home.initiatives.iterdir()) == []


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_home_is_named(home: Home) -> None:
    home.root.chmod(0o555)
    try:
        with pytest.raises(StorageError, match="could not be written"):
            scaffold(home, "winback")
    finally:
        home.root.chmod(0o755)


def run(*command: object, folder: Path) -> None:
    done = subprocess.run([*map(str, command)], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


RUFF = Path(sys.executable).with_name("ruff")
SETTINGS = ("--no-cache", "--config", ROOT / "pyproject.toml")


def test_what_is_written_is_in_shape_by_the_settings_of_this_project(home: Home) -> None:
    folder = scaffold(home, "winback")
    run(RUFF, "check", *SETTINGS, folder, folder=home.root)
    run(RUFF, "format", "--check", *SETTINGS, folder, folder=home.root)
    longest = scaffold(home, "a_name_of_forty_characters_which_is_long")
    run(RUFF, "check", *SETTINGS, "--ignore", "E501", longest, folder=home.root)


@pytest.mark.slow
def test_what_is_written_is_typed_by_the_settings_of_this_project(home: Home) -> None:
    folder = scaffold(home, "winback")
    settings = ("--config-file", ROOT / "pyproject.toml", "--cache-dir", home.root / "mypy")
    run(sys.executable, "-m", "mypy", *settings, "-p", "winback", folder=folder.parent)
