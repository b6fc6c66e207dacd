"""The limited process, with workers that misbehave in known ways; no media and no extra is needed."""

from __future__ import annotations

import os
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

from matinee.errors import InputError, MissingExtraError, StorageError
from matinee.initiatives.artwork.candidates import sandbox
from matinee.initiatives.artwork.candidates.config import Limits

START = """
import json, os, subprocess, sys, time
given = json.loads(sys.stdin.buffer.read())
from matinee.initiatives.artwork.candidates.sandbox import limit_self
from matinee.initiatives.artwork.candidates.config import Limits
limit_self(Limits(**given["limits"]))
def say(message): print(json.dumps(message), flush=True)
"""


@pytest.fixture
def ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a worker made of the given lines."""

    def run(lines: str, progress: Any = lambda _step, _share: None, **limits: Any) -> dict[str, Any]:
        module = f"misbehaving_{abs(hash(lines))}"
        code = START + textwrap.dedent(lines)
        (tmp_path / f"{module}.py").write_text(code, encoding="utf-8")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        monkeypatch.setattr(sandbox, "WORKER", module)
        work = tmp_path / "work"
        work.mkdir(exist_ok=True)
        given = Limits(**({"wall_s": 20.0} | limits))
        return sandbox.run_worker({"video": "v"}, work, what="v.mp4", limits=given, progress=progress)

    return run


def test_progress_and_result_come_back(ran: Any) -> None:
    seen: list[tuple[str, float]] = []
    lines = 'say({"progress": ["shots", 0.5]}); say({"result": {"of": given["job"]["video"]}})'
    assert ran(lines, lambda step, share: seen.append((step, share))) == {"of": "v"}
    assert seen == [("shots", 0.5)]


def test_a_worker_that_hangs_is_killed_with_its_children(ran: Any, tmp_path: Path) -> None:
    lines = f"""
    child = subprocess.Popen(["sleep", "300"])
    open({str(tmp_path / "child")!r}, "w").write(str(child.pid))
    child.wait()
    """
    for wall_s in (1.5, 6.0, 24.0):  # on a busy machine the child may not have begun
        began = time.monotonic()
        with pytest.raises(
            InputError, match=rf"v\.mp4: decoding took more than {wall_s:g} s and was stopped"
        ):
            ran(lines, wall_s=wall_s)
        assert time.monotonic() - began < 100  # the child sleeps for 300
        if (tmp_path / "child").exists() and (tmp_path / "child").read_text():
            break
    pid = int((tmp_path / "child").read_text())
    for _ in range(100):
        if not alive(pid):
            break
        time.sleep(0.05)
    assert not alive(pid)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


@pytest.mark.parametrize(
    ("lines", "limits", "said"),
    [
        ("data = bytearray(4 << 30)", {"memory_mb": 1024}, "decoding needs more than 1024 MB"),
        ("while True: pass", {"cpu_s": 1.0}, "more than 1 s of computing"),
        ('os.kill(os.getpid(), 11)', {}, "ended with code -11"),
        ('sys.exit("codec exploded")', {}, "ended with code 1 (codec exploded)"),
        ('print("no json at all", flush=True)', {}, "ended with code"),
        ('say({"error": "v.mp4: is no video.", "kind": "input"})', {}, "v.mp4: is no video."),
    ],
)  # fmt: skip
def test_what_a_worker_dies_of_is_named(ran: Any, lines: str, limits: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as problem:
        ran(lines, **limits)
    assert said in str(problem.value)


def test_a_file_cannot_grow_beyond_the_limit(ran: Any) -> None:
    with pytest.raises(InputError, match=r"code|above 1 MB"):
        ran('open("big", "wb").write(bytes(5 << 20))', file_mb=1)


def test_errors_keep_their_kind(ran: Any) -> None:
    with pytest.raises(MissingExtraError, match=r"pip install 'matinee\[artwork\]'"):
        ran('say({"error": "x", "kind": "missing"})')
    with pytest.raises(StorageError, match="disk"):
        ran('say({"error": "disk full", "kind": "storage"})')


def test_the_worker_does_not_see_secrets(ran: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATINEE_KEY", "secret")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy")
    seen = ran('say({"result": {"env": sorted(os.environ), "cwd": os.getcwd()}})')
    assert not {"MATINEE_KEY", "HTTPS_PROXY"} & set(seen["env"])
    assert os.path.basename(seen["cwd"]) == "work"  # noqa: PTH119
