from __future__ import annotations

from pathlib import Path

import pytest

from matinee.cli.main import main


def test_a_missing_folder_of_the_html_is_refused_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, html = tmp_path / "pages.csv", tmp_path / "nowhere" / "homepage.html"
    assert main(["pages", "--home", str(tmp_path), "--out", str(out), "--html", str(html)]) == 2
    assert "nowhere does not exist" in capsys.readouterr().err
    assert not out.exists()
