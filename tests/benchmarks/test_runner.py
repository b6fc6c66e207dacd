"""`python -m benchmarks`: what is run, what is skipped and why."""

from __future__ import annotations

import importlib
import json
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT))
    module = importlib.import_module("benchmarks.__main__")
    monkeypatch.setattr(module, "CACHE", tmp_path / "cache")
    monkeypatch.setenv("MATINEE_DEMO_FILES", str(tmp_path))
    monkeypatch.delenv("MATINEE_BENCH_MOVIETWEETINGS", raising=False)
    return module


def test_data_that_is_missing_is_skipped_with_a_reason(
    runner: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert runner.main(["quality", "--results", str(tmp_path / "results")]) == 0
    printed = capsys.readouterr().out
    assert "[1/1] quality-ml-100k: skipped, " in printed
    assert "quality-movietweetings: skipped, no folder: pass --movietweetings DIR or set" in printed


def test_an_unknown_benchmark_is_refused(runner: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        runner.main(["qualty"])
    assert 'no benchmark "qualty". Choose from: import, recommend' in capsys.readouterr().err


def test_results_are_kept_and_failures_counted(
    runner: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "bench.py"
    script.write_text("import json, sys\nprint('fast')\njson.dump(1, open(sys.argv[-1], 'w'))\nsys.exit(0)\n")
    bad = tmp_path / "bad.py"
    bad.write_text("raise SystemExit(3)\n")
    page = runner.BENCHMARKS["page"]
    for name, file in (("page", script), ("import", bad)):
        monkeypatch.setitem(runner.BENCHMARKS, name, replace(page, file=str(file)))
    results = tmp_path / "results"
    assert runner.main(["page", "import", "--results", str(results)]) == 1
    assert (results / "page.txt").read_text() == "fast\n"
    assert json.loads((results / "page.json").read_text()) == 1
    assert not (results / "import.txt").exists()
    printed = capsys.readouterr().out
    assert "[1/2] page: done" in printed
    assert "[2/2] import: FAILED (exit 3)" in printed


def test_movietweetings_becomes_a_log(runner: ModuleType, tmp_path: Path) -> None:
    folder = tmp_path / "movietweetings"
    folder.mkdir()
    (folder / "movies.dat").write_text(
        "0000001::A Film (1999)::Drama\n0000002::B Film (2001)::Comedy|Drama\n"
    )
    (folder / "ratings.dat").write_text("2::0000002::8::1365029107\n1::0000001::7::1365029100\n")
    data = sys.modules["benchmarks.datasets"].dataset(
        "movietweetings", tmp_path / "data", movietweetings=folder
    )
    lines = data.interactions.read_text().splitlines()
    assert lines[0] == "member_id,title_id,at,rating"
    assert [line.split(",")[0] for line in lines[1:]] == ["2", "1"]
    assert (data.kind, data.published) == ("movietweetings", folder)
    assert [path.name for path in data.interactions.parent.iterdir()] == ["movietweetings.csv"]


def test_every_benchmark_is_a_file(runner: ModuleType) -> None:
    for one in runner.BENCHMARKS.values():
        assert (ROOT / "benchmarks" / one.file).is_file(), one.file
