from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from matinee import settings
from matinee.cli.context import sections
from matinee.cli.init import template
from matinee.cli.main import main


def test_init_makes_a_home_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "shop"
    assert main(["init", str(folder), "--now", "last_event"]) == 0
    assert sorted(p.name for p in folder.iterdir()) == [
        "format.json", "lake", "log", "matinee.toml", "releases"
    ]  # fmt: skip
    assert tomllib.loads((folder / "matinee.toml").read_text())["clock"] == {"now": "last_event"}
    capsys.readouterr()
    assert main(["init", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"home": str(folder), "created": False}
    assert tomllib.loads((folder / "matinee.toml").read_text())["clock"] == {"now": "last_event"}


def test_a_foreign_folder_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "thesis.doc").write_text("x")
    assert main(["init", str(tmp_path)]) == 2
    assert "holds thesis.doc and no matinee.toml" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.doc"]
    assert main(["init", str(tmp_path / "thesis.doc")]) == 2
    assert "is a file" in capsys.readouterr().err


def test_the_template_says_every_key_and_reads_back_as_the_defaults(tmp_path: Path) -> None:
    text = template()
    uncommented = "\n".join(
        line[2:]
        if line.startswith("# ") and " = " in line and line[2:].split(" = ")[0].isidentifier()
        else line
        for line in text.splitlines()
    )
    path = tmp_path / "matinee.toml"
    path.write_text(uncommented)
    for section, config in sections().items():
        assert settings.load(path, section, config, environ={}) == config()
        sources = {s.source for s in settings.explain(path, section, config, environ={})}
        assert sources == {str(path)}, f"[{section}] has keys that the template leaves out"
