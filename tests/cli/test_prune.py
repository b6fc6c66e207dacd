from __future__ import annotations

import json
from pathlib import Path

import pytest

from matinee.cli.main import main


@pytest.mark.slow
def test_pruning_keeps_what_gates_need(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = str(tmp_path / "shop")
    for command in (
        ["init", home],
        ["new-initiative", "winback", "--home", home],
        ["train", "winback", "--home", home],
        ["train", "winback", "--seed", "1", "--home", home],
        ["evaluate", "winback", "--home", home],
        ["release", "winback", "--home", home],
    ):
        assert main(command) == 0, command
    capsys.readouterr()
    assert main(["prune", "--runs", "1", "--home", home, "--json"]) == 0
    planned = json.loads(capsys.readouterr().out)
    assert planned["removed"] is False
    artefacts = Path(home) / "work" / "artefacts"
    before = sorted(path.name for path in artefacts.iterdir())
    assert main(["prune", "--runs", "1", "--yes", "--home", home, "--json"]) == 0
    done = json.loads(capsys.readouterr().out)
    assert done["result"]["removed"] == planned["result"]["removed"]
    after = sorted(path.name for path in artefacts.iterdir())
    assert set(before) - set(after) == set(done["result"]["removed"])
    assert main(["release", "winback", "--dry-run", "--home", home, "--json"]) == 0
    gates = {g["gate"]: g["verdict"] for g in json.loads(capsys.readouterr().out)["attempt"]["gates"]}
    assert gates["beats_baseline"] == "passed"


def test_a_number_of_runs_below_one_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", str(tmp_path / "shop")]) == 0
    assert main(["prune", "--runs", "0", "--home", str(tmp_path / "shop")]) == 2
    assert "--runs is 0, expected 1 or more" in capsys.readouterr().err
