from __future__ import annotations

import json
from pathlib import Path

import pytest

from matinee.cli.main import main


def shown(capsys: pytest.CaptureFixture[str]) -> dict[str, tuple[object, str]]:
    rows = json.loads(capsys.readouterr().out)
    return {f"{row['section']}.{row['key']}": (row["value"], row["source"]) for row in rows}


def test_each_value_says_where_it_came_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["config", "show", "--json"]) == 0
    assert shown(capsys)["clock.now"] == ("wall", "default")
    assert main(["init", "shop", "--now", "last_event"]) == 0
    capsys.readouterr()
    assert main(["config", "show", "--home", "shop", "--json"]) == 0
    assert shown(capsys)["clock.now"] == ("last_event", "shop/matinee.toml")
    monkeypatch.setenv("MATINEE_CLOCK__NOW", "wall")
    assert main(["config", "show", "--home", "shop", "--json"]) == 0
    assert shown(capsys)["clock.now"] == ("wall", "MATINEE_CLOCK__NOW")


def test_a_table_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "show"]) == 0
    assert "[clock]" in capsys.readouterr().out


def test_an_unknown_key_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "matinee.toml").write_text("[clock]\nnwo = 'wall'\n")
    assert main(["config", "show", "--home", str(tmp_path)]) == 2
    assert 'unknown key "nwo". Did you mean "now"?' in capsys.readouterr().err


def test_a_missing_home_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "show", "--home", str(tmp_path)]) == 2
    assert "matinee init" in capsys.readouterr().err


def test_config_alone_prints_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config"]) == 0
    assert "show" in capsys.readouterr().out
