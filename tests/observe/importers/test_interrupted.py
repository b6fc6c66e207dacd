"""An import that is killed or runs out of disk leaves the lake readable, and a second run completes it."""

from __future__ import annotations

import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from matinee.observe.home import Home
from matinee.observe.importers.run import run_import
from matinee.observe.lake.manifest import read_manifest

Write = Callable[[str, str | bytes], Path]
Content = Callable[..., list[tuple[object, ...]]]
HEAD = "member_id,title_id,at\n"
SCRIPT = """
import sys
from pathlib import Path
from matinee.errors import MatineeError
from matinee.observe.home import Home
from matinee.observe.importers.run import run_import
from matinee.observe.lake import spans
spans.SPAN_ROWS = 10_000
print("ready", flush=True)
try:
    run_import(Home(Path(sys.argv[1])), "events", Path(sys.argv[2]), threads=1)
except MatineeError as error:
    print(error, file=sys.stderr)
    sys.exit(error.exit_code)
"""


def rows(n: int, start: int) -> str:
    return HEAD + "".join(f"m{i % 997},t{i % 89},{start + i * 60}\n" for i in range(n))


def start_import(home: Home, path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(home.root), str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.slow
def test_killed_at_random_moments_the_lake_stays_readable_and_the_next_run_completes_it(
    tmp_path: Path, home: Home, write: Write, content: Content
) -> None:
    run_import(home, "events", write("first.csv", rows(1_000, 0)))
    before = content(home)
    path = write("second.csv", rows(80_000, 1_000_000))
    whole = Home.create(tmp_path / "whole")
    run_import(whole, "events", tmp_path / "first.csv")
    begun = time.perf_counter()
    with start_import(whole, path) as process:
        assert process.wait() == 0
    duration_s = time.perf_counter() - begun
    chance = random.Random(0)
    killed = 0
    for _ in range(6):
        with start_import(home, path) as process:
            time.sleep(chance.uniform(0.0, duration_s))
            process.send_signal(signal.SIGKILL)
            process.wait()
        killed += process.returncode == -signal.SIGKILL
        found = content(home)
        assert found in (before, content(whole))
    assert killed
    with start_import(home, path) as process:
        assert process.wait() == 0
    assert content(home) == content(whole)
    named = {file.path for file in read_manifest(home.lake).files} | set(read_manifest(home.lake).retired)
    assert {p.relative_to(home.lake).as_posix() for p in home.lake.rglob("*.parquet")} == named
    assert not (home.lake / "tmp").exists()


@pytest.mark.slow
def test_a_disk_that_fills_half_way_is_exit_1_and_nothing_half_written(
    home: Home, write: Write, content: Content
) -> None:
    run_import(home, "events", write("first.csv", rows(100, 0)))
    before = content(home)
    state = sorted(p for p in home.lake.rglob("*") if p.is_file())
    path = write("second.csv", rows(200_000, 1_000_000))
    limited = (
        "import resource, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, {resource.RLIM_INFINITY}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", limited + SCRIPT, str(home.root), str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "The lake is as it was before. Free space on the disk" in done.stderr
    assert content(home) == before
    assert sorted(p for p in home.lake.rglob("*") if p.is_file()) == state
