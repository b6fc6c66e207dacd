from __future__ import annotations

import errno
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from matinee.cli import console
from matinee.cli.main import build, commands, main
from matinee.errors import InputError, StorageError, VerdictError


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    printed = capsys.readouterr().out
    assert commands()
    for name in commands():
        assert name in printed


def test_every_command_has_an_example_in_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    for name in commands():
        assert main([name, "--help"]) == 0
        printed = capsys.readouterr().out
        assert f"matinee {name}" in printed, f"{name}: no example in its help"
        assert len(printed.splitlines()) > 8


def test_help_imports_nothing_heavy() -> None:
    probe = (
        "import sys; from matinee.cli.main import main; code = main(['--help'])\n"
        "heavy = {'numpy', 'scipy', 'duckdb', 'lightgbm', 'numba', 'torch', 'implicit'} & set(sys.modules)\n"
        "assert code == 0 and not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_unknown_command_is_one_line_with_the_nearest_name(capsys: pytest.CaptureFixture[str]) -> None:
    nearest = "init"
    assert main([nearest + "x"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f'error: matinee: unknown command "{nearest}x". Did you mean "{nearest}"?')
    assert printed.err.count("\n") == 1


def test_unknown_option_exits_2_with_the_nearest_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "somewhere", "--forse"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: matinee init: ")
    assert "--forse" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("command", [["rollback", "x"], ["status"], ["config", "show"], ["alerts", "list"]])
def test_a_command_without_a_version_option_does_not_print_ours(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "--version", "v1"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "--version" in printed.err


def test_unknown_option_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--json", "--nothing-like-this"]) == 2
    problem = json.loads(capsys.readouterr().err)
    assert problem["exit_code"] == 2
    assert "--nothing-like-this" in problem["error"]


def test_each_registered_command_loads() -> None:
    app = build()
    for name in commands():
        assert app[name] is not None


def _fail(problem: BaseException) -> int:
    def run() -> None:
        raise problem

    return console.guarded(run, json=False, debug=False)


@pytest.mark.parametrize(
    ("problem", "code", "words"),
    [
        (InputError("plays.csv: is empty"), 2, "error: plays.csv: is empty\n"),
        (VerdictError("no"), 1, "error: no\n"),
        (
            OSError(errno.ENOSPC, "No space left on device", "x.parquet"),
            1,
            "The disk is full while writing x.p",
        ),
        (
            StorageError("COPY failed: No space left on device"),
            1,
            "error: The disk is full. Nothing was left",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", "x.csv"),
            1,
            "error: x.csv: permission denied.\n",
        ),
        (ZeroDivisionError("division by zero"), 1, "--debug (or MATINEE_DEBUG=1)"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (RuntimeError("Query interrupted"), 130, "interrupted"),
        (MemoryError(), 1, "Out of memory"),
        (SystemExit(3), 3, ""),
    ],
)
def test_errors_become_one_line_and_a_code(
    problem: BaseException, code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _fail(problem) == code
    assert words in capsys.readouterr().err


def test_debug_prints_the_trace(capsys: pytest.CaptureFixture[str]) -> None:
    def run() -> None:
        raise ZeroDivisionError("division by zero")

    assert console.guarded(run, json=False, debug=True) == 1
    assert "Traceback" in capsys.readouterr().err


def test_exit_code_of_a_command_is_kept() -> None:
    assert console.guarded(lambda: 1, json=False, debug=False) == 1
    assert console.guarded(lambda: None, json=False, debug=False) == 0


def test_a_reader_that_goes_away_is_not_an_error(tmp_path: Path) -> None:
    script = tmp_path / "many.py"
    script.write_text(
        "import sys\nfrom matinee.cli.console import guarded, say\n"
        "sys.exit(guarded(lambda: [say('x' * 1000) for _ in range(10000)], json=False, debug=False))\n"
    )
    reader, writer = os.pipe()
    process = subprocess.Popen([sys.executable, str(script)], stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    os.close(reader)
    _, err = process.communicate(timeout=60)
    assert err == b""
    assert process.returncode == console.EXIT_BROKEN_PIPE


def test_json_has_null_for_nan(capsys: pytest.CaptureFixture[str]) -> None:
    import numpy as np

    console.print_json({"a": np.float32(0.5), "b": float("nan"), "c": np.arange(2), "d": Path("x")})
    assert json.loads(capsys.readouterr().out) == {"a": 0.5, "b": None, "c": [0, 1], "d": "x"}


def test_progress_is_silent_when_not_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with console.progress("Training") as report:
        report("pairs", 0.5)
    printed = capsys.readouterr()
    assert printed.out == printed.err == ""


def test_a_wide_table_loses_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    columns = ["a page of the evaluation", *[f"metric-{i}" for i in range(9)]]
    console.print_table([["the composed page [x]", *[0.5] * 9]], columns)
    printed = capsys.readouterr().out
    assert all(f"metric-{i}" in printed for i in range(9))
    assert printed.count("0.5000") == 9
    assert "the composed page [x]" in printed


def test_a_table_keeps_whole_words_and_shows_what_has_no_value(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    names = ["page", *["Recall@3-by-4"] * 6, "row kinds in first 6: mean", "least"]
    console.print_table([["composed page", *["+0.1282 [+0.0868, +0.1723]"] * 6, math.nan, 4]], names)
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.count("Recall@3-by-4") for line in lines) == 6
    assert any(line.rstrip().endswith("least") for line in lines)
    assert any(line.rstrip().endswith("4") and " - " in line for line in lines)
    assert sum(line.count("[+0.0868,") for line in lines) == 6
