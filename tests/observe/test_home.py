from __future__ import annotations

from pathlib import Path

import pytest

from matinee.errors import ConfigError, NotFoundError, StorageError
from matinee.observe.home import Home


def test_a_home_is_found_by_option_then_environment_then_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "c"):
        Home.create(tmp_path / name).settings.touch()
    monkeypatch.chdir(tmp_path / "c")
    assert Home.find(tmp_path / "a", str(tmp_path / "b")).root.name == "a"
    assert Home.find(None, str(tmp_path / "b")).root.name == "b"
    assert Home.find().root.resolve().name == "c"


def test_a_folder_without_settings_is_no_home(tmp_path: Path) -> None:
    with pytest.raises(
        NotFoundError, match=r"no matinee\.toml in .*expected a service home\. Make one: matinee init"
    ):
        Home.find(tmp_path)


def test_create_keeps_what_is_there(tmp_path: Path) -> None:
    home = Home.create(tmp_path)
    (home.lake / "x").touch()
    assert (Home.create(tmp_path).lake / "x").exists()


def test_a_home_cannot_be_made_inside_a_file(tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    with pytest.raises(StorageError, match="Choose a folder"):
        Home.create(tmp_path / "f" / "home")


def test_a_limited_home_reads_only_what_it_is_limited_to_and_never_more(tmp_path: Path) -> None:
    home = Home.create(tmp_path)
    home.check_readable(["plays", "titles"])
    limited = home.limited_to(["plays", "titles"]).limited_to(["plays", "members"])
    assert limited.readable == {"plays"}
    assert limited.lake == home.lake
    with pytest.raises(
        ConfigError,
        match=r'table "titles" is read and not declared, expected one of: plays\. '
        r'Declare it: step\(\.\.\., reads=\("plays", "titles"\)\)\.',
    ):
        limited.check_readable(["plays", "titles"])


def test_results_of_pipelines_are_kept_in_work(tmp_path: Path) -> None:
    assert Home(tmp_path).work == tmp_path / "work"
