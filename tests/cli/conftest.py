"""A home with four plays and the toy initiative as its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.platform.toys import home_with_plays, in_home

from matinee.cli.main import main


@pytest.fixture
def toy_home(tmp_path: Path) -> Path:
    home = home_with_plays(tmp_path)
    in_home(home)
    return home.root


@pytest.fixture
def answer(capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Runs a command with --json and gives what it printed."""

    def run(*command: object, code: int = 0) -> Any:
        capsys.readouterr()
        assert main([*map(str, command), "--json"]) == code, capsys.readouterr().err
        printed = capsys.readouterr()
        return json.loads(printed.out or printed.err)

    return run
