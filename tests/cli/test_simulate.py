from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.world.fake_server import Fake, served

from matinee.cli.main import main
from matinee.types import format_at

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


def test_going_on_needs_a_server_a_world_and_days(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = str(tmp_path / "shop")
    main(["init", home, "--now", "last_event"])
    nobody = ["--server", "http://127.0.0.1:9"]
    for options, code, said in (
        (["--go-on", "1"], 2, "--go-on without --server"),
        (nobody, 2, "--server and --key belong to --go-on"),
        (["--go-on", "1", *nobody, "--connections", "0"], 2, "--connections is 0"),
        (["--go-on", "1", *nobody], 2, "keeps no world"),
    ):
        assert main(["simulate", "--home", home, *options]) == code
        assert said in capsys.readouterr().err
    assert main(["simulate", "--home", home, *SMALL]) == 0
    assert main(["simulate", "--home", home, "--go-on", "1", *nobody]) == 2
    assert "this world has 40 days, 40 of them over" in capsys.readouterr().err


def test_it_goes_on_against_a_server(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = str(tmp_path / "shop")
    fake = Fake()

    def move(_home: object, to_us: int) -> None:
        fake.at = format_at(to_us)

    monkeypatch.setattr("matinee.serve.moment.move_clock", move)
    main(["init", home, "--now", "last_event"])
    main(["simulate", "--home", home, *SMALL, "--future", "3"])
    capsys.readouterr()
    with served(fake) as address:
        where = ["--home", home, "--server", address]
        assert main(["simulate", *where, "--go-on", "2", "--key", "k", "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert main(["simulate", *where, "--go-on", "1"]) == 0
    assert (told["days"], told["until"]) == (2, "2025-02-12T00:00:00Z")
    assert told["events"] > 0
    assert told["pages"] >= 1
    assert "Bearer k" in fake.keys
    assert "1 day went by, until 2025-02-13T00:00:00Z" in capsys.readouterr().out
