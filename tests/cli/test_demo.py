from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from matinee.cli import download
from matinee.cli.download import FILM_FACTS, RECBOLE
from matinee.cli.main import main


def test_a_home_of_somebody_else_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shop = tmp_path / "shop"
    assert main(["init", str(shop)]) == 0
    assert main(["demo", "--dir", str(shop), "--from-files", str(tmp_path)]) == 2
    assert "is a service home that the demo did not make" in capsys.readouterr().err


def test_missing_archives_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = tmp_path / "files"
    files.mkdir()
    assert main(["demo", "--dir", str(tmp_path / "home"), "--from-files", str(files), "--json"]) == 2
    problem = json.loads(capsys.readouterr().err)
    assert RECBOLE.file_name in problem["error"]


def archives() -> Path | None:
    """Folder with the demo's archives, if somebody has them already: tests download nothing."""
    named = os.environ.get("MATINEE_DEMO_FILES")
    folder = Path(named) if named else download.cache_folder()
    found = all((folder / source.file_name).is_file() for source in (RECBOLE, FILM_FACTS))
    return folder if found else None


@pytest.mark.slow
def test_the_whole_story(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = archives()
    if files is None:
        pytest.skip("the demo's archives are not here: run `make demo` once, or set MATINEE_DEMO_FILES")
    home = tmp_path / "demo"
    assert main(["demo", "--dir", str(home), "--from-files", str(files), "--member", "196"]) == 0
    text = capsys.readouterr().out
    assert "research use only" in text
    assert "100,000 plays, 1,682 films" in text
    assert "Member 196" in text
    assert "the next page knew of it" in text
    assert "is gone from the rows with something new" in text
    assert "Next:" in text
    asked = text[text.index("The homepages in a browser") :].splitlines()
    assert asked[1].endswith(f"serve --home {home}")
    assert [line.split()[0] for line in asked[2:]] == [
        "http://127.0.0.1:8080/watch",
        "http://127.0.0.1:8080/console/preview",
    ]
    assert json.loads((home / "demo.json").read_text())["covered"] > 0.92
    assert (home / "homepage.html").stat().st_size < 8_000_000
    assert (home / "pages.parquet").is_file()
