from __future__ import annotations

import json
from pathlib import Path

import pytest

from matinee.cli.main import main


@pytest.fixture
def home(tmp_path: Path) -> str:
    folder = str(tmp_path / "shop")
    assert main(["init", folder, "--now", "last_event"]) == 0
    plays = tmp_path / "plays.csv"
    plays.write_text("member_id,title_id,at\nm1,t1,2026-11-17T20:00Z\nm1,t2,2026-11-18T20:00Z\n")
    assert main(["import", "events", str(plays), "--home", folder]) == 0
    return folder


def test_an_outage_is_added_listed_and_removed(home: str, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    span = ["--from", "2026-11-17T18:00Z", "--until", "2026-11-17T23:30Z"]
    assert main(["outage", "add", *span, "--note", "DNS failure", "--home", home]) == 0
    assert "2026-11-17T18:00:00Z to 2026-11-17T23:30:00Z. DNS failure" in capsys.readouterr().out
    assert main(["outage", "list", "--home", home, "--json"]) == 0
    (one,) = json.loads(capsys.readouterr().out)["outages"]
    assert one["outage"]["note"] == "DNS failure"
    assert main(["outage", "list", "--home", home]) == 0
    assert "everywhere" in capsys.readouterr().out
    assert main(["outage", "remove", one["outage"]["outage_id"], "--home", home]) == 0
    capsys.readouterr()
    assert main(["outage", "list", "--home", home]) == 0
    assert capsys.readouterr().out == "No outage is declared.\n"


def test_bad_times_and_ids_are_named(home: str, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    wrong = ["--from", "2026-11-17", "--until", "2026-11-16", "--note", "x", "--home", home]
    assert main(["outage", "add", *wrong]) == 2
    assert "until is 2026-11-16T00:00:00Z, expected a time not before" in capsys.readouterr().err
    assert main(["outage", "remove", "nope", "--home", home]) == 2
    assert 'unknown id "nope". None is declared.' in capsys.readouterr().err
