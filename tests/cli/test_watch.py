from __future__ import annotations

import json
from pathlib import Path

import pytest

from matinee.cli.main import main

LATE = ["--at", "2025-02-20"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = str(tmp_path_factory.mktemp("watch") / "shop")
    assert main(["init", folder, "--now", "last_event"]) == 0
    size = ["--members", "150", "--titles", "60", "--days", "40", "--impressions", "0.2"]
    assert main(["simulate", "--home", folder, *size, "--json"]) == 0
    return folder


def test_a_service_without_fault_has_no_alert(home: str, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["watch", "homepage", "--home", home, "--log", "pages", "--strict"]) == 0
    out = capsys.readouterr().out
    assert "homepage as of 2025-02-09" in out
    assert "no model in production" in out
    assert "ALERT" not in out
    assert "No open alert." in out


def test_an_alert_is_opened_listed_strict_about_and_closed(
    home: str, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main(["watch", "homepage", "--home", home, *LATE]) == 0
    out = capsys.readouterr().out
    assert "ALERT" in out
    assert "Opened: data_freshness plays." in out
    assert main(["watch", "homepage", "--home", home, *LATE, "--strict", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["reports"][0]["opened"] == []
    (alert,) = told["open"]
    assert (alert["severity"], alert["n_seen"], alert["owner"]) == ("critical", 2, "personalisation")
    assert main(["alerts", "list", "--home", home]) == 0
    assert "(seen 2 times)" in " ".join(capsys.readouterr().out.split())
    assert main(["watch", "homepage", "--home", home]) == 0
    assert "Closed: data_freshness plays." in capsys.readouterr().out
    assert main(["alerts", "list", "homepage", "--closed", "--home", home, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["alerts"][0]["state"] == "closed"


def test_an_alert_is_closed_by_hand(home: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["watch", "homepage", "--home", home, *LATE])
    capsys.readouterr()
    assert main(["alerts", "list", "--home", home, "--json"]) == 0
    number = str(json.loads(capsys.readouterr().out)["alerts"][0]["id"])
    assert main(["alerts", "close", number, "--home", home]) == 0
    assert capsys.readouterr().out == f"Closed alert {number}: homepage, data_freshness.\n"
    assert main(["alerts", "close", number, "--home", home]) == 0
    assert "closed already" in capsys.readouterr().out
    assert main(["alerts", "list", "--home", home]) == 0
    assert capsys.readouterr().out == "No open alert.\n"


def test_without_a_name_what_is_in_production_is_watched(
    home: str, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main(["watch", "--home", home]) == 0
    assert "Nothing is in production." in capsys.readouterr().err


def test_unknown_names_and_settings_are_refused(
    home: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    capsys.readouterr()
    assert main(["watch", "hompage", "--home", home]) == 2
    assert 'Did you mean "homepage"?' in capsys.readouterr().err
    assert main(["alerts", "list", "--closed", "--home", home]) == 2
    assert "--closed needs an initiative" in capsys.readouterr().err
    assert main(["alerts", "close", "999", "--home", home]) == 2
    assert 'unknown alert "999"' in capsys.readouterr().err
    monkeypatch.setenv("MATINEE_WATCH__DRIFT", "-1")
    assert main(["watch", "homepage", "--home", home]) == 2
    assert "drift is -1.0, expected a number above 0" in capsys.readouterr().err
