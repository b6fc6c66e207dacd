"""The list of who was erased: seen by every process, kept for good, and it names nobody."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from matinee.errors import InputError, StorageError
from matinee.observe.erasure.erased import LOOK_EVERY_S, Erased, mark, name_for, refusal
from matinee.observe.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.create(tmp_path)


def test_nobody_is_refused_at_first(home: Home) -> None:
    erased = Erased.of(home)
    assert not erased.refuses("ada")
    assert (len(erased), erased.refused(["ada"])) == (0, [])
    assert not (home.root / "erasure.key").exists()


def test_an_erased_id_is_refused_within_a_second_and_for_good(home: Home) -> None:
    running = Erased.of(home)
    assert not running.refuses("ada")
    name = mark(home, "ada")
    assert mark(home, "ada") == name == name_for(home, "ada")
    time.sleep(LOOK_EVERY_S + 0.05)
    assert running.refuses("ada")
    assert not running.refuses("bob")
    assert len(running) == 1
    assert Erased.of(home).refused(["bob", "ada"]) == ["ada"]


def test_the_list_names_nobody_and_the_key_is_the_owners(home: Home) -> None:
    mark(home, "ada-lovelace")
    assert b"ada" not in (home.root / "erased.txt").read_bytes()
    assert (home.root / "erasure.key").stat().st_mode & 0o777 == 0o600
    other = Home.create(home.root / "other")
    assert mark(other, "ada-lovelace") != name_for(home, "ada-lovelace")


def test_a_torn_last_line_is_mended(home: Home) -> None:
    mark(home, "ada")
    path = home.root / "erased.txt"
    with path.open("ab") as file:
        file.write(b"0123")
    assert Erased.of(home).refuses("ada")
    mark(home, "bob")
    assert path.read_bytes().count(b"\n") == 2, "the torn line ends, and the new one"
    assert Erased.of(home).refused(["ada", "bob"]) == ["ada", "bob"]


def test_without_its_key_the_list_is_an_error_not_a_loophole(home: Home) -> None:
    mark(home, "ada")
    (home.root / "erasure.key").unlink()
    with pytest.raises(StorageError, match="the list of erased members cannot be read"):
        Erased.of(home).refuses("ada")
    with pytest.raises(StorageError, match=r"erasure\.key: is gone, expected the key of erased\.txt"):
        mark(home, "bob")


def test_processes_that_mark_at_once_share_one_key(home: Home) -> None:
    code = (
        "import sys; from pathlib import Path; from matinee.observe.home import Home;"
        "from matinee.observe.erasure.erased import mark;"
        "[mark(Home(Path(sys.argv[1])), f'{sys.argv[2]}-{n}') for n in range(20)]"
    )
    started = [subprocess.Popen([sys.executable, "-c", code, str(home.root), name]) for name in "abc"]
    assert [one.wait() for one in started] == [0, 0, 0]
    everybody = [f"{name}-{n}" for name in "abc" for n in range(20)]
    assert Erased.of(home).refused(everybody) == everybody


def test_an_empty_id_is_refused_and_a_refusal_does_not_repeat_the_id(home: Home) -> None:
    with pytest.raises(InputError, match="member_id is empty"):
        mark(home, "")
    assert str(refusal("play", "e1")) == (
        "play e1: belongs to a member who was erased, expected events of other members. Stop sending events "
        "of this member."
    )
