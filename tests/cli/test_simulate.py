from __future__ import annotations

import json
from pathlib import Path

import pytest

from matinee.cli.main import main

SMALL = ["--members", "40", "--titles", "30", "--days", "40"]


def test_simulate_fills_an_empty_home_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = str(tmp_path / "shop")
    assert main(["init", home, "--now", "last_event"]) == 0
    capsys.readouterr()
    assert main(["simulate", "--home", home, *SMALL, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["until"] == "2025-02-10T00:00:00Z"
    assert told["rows"]["members"] == 40
    assert told["rows"]["plays"] > 50
    assert main(["simulate", "--home", home, *SMALL]) == 2
    assert "events, expected a home without any" in capsys.readouterr().err


def test_simulate_says_that_it_is_made_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = str(tmp_path / "shop")
    main(["init", home])
    assert main(["simulate", "--home", home, *SMALL, "--seed", "3", "--impressions", "0"]) == 0
    out = capsys.readouterr().out
    assert "Simulated 40 members and 30 titles for 40 days, until 2025-02-10T00:00:00Z." in out
    assert "All of it is made up" in out
    assert "impressions" not in out


def test_bad_sizes_and_missing_homes_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--home", str(tmp_path)]) == 2
    assert "no matinee.toml" in capsys.readouterr().err
    home = str(tmp_path / "shop")
    main(["init", home])
    assert main(["simulate", "--home", home, "--titles", "5"]) == 2
    assert "n_titles is 5, expected a whole number, 20 or more" in capsys.readouterr().err
