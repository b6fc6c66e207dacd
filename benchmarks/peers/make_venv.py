"""Make the virtual environment of the peers: `python benchmarks/peers/make_venv.py [--venv DIR]`.

The peers need older versions than Matinee (numpy 1, pandas 2): they never share its environment. Uses uv if
present, else venv and pip. Nothing is done when the environment already holds the pinned versions.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
DEFAULT = HERE.parent.parent / ".venv-peers"
PINS = HERE / "requirements.txt"
OLDEST, NEWEST = (3, 11), (3, 13)


def peers_python(venv: Path) -> Path:
    """Interpreter of the environment."""
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def default_venv() -> Path:
    """`MATINEE_PEERS_VENV`, else `.venv-peers` in the checkout."""
    return Path(os.environ.get("MATINEE_PEERS_VENV") or DEFAULT)


def make(venv: Path) -> Path:
    """Make or complete the environment and return its interpreter."""
    python = peers_python(venv)
    stamp, wanted = venv / "pins.sha256", hashlib.sha256(PINS.read_bytes()).hexdigest()
    if python.exists() and stamp.exists() and stamp.read_text() == wanted:
        return python
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        raise SystemExit(
            f"make_venv: this Python is {sys.version_info[0]}.{sys.version_info[1]}, expected 3.11 to 3.13 "
            "(RecTools has no release for newer ones). Run it with one of those."
        )
    torch = next(line for line in PINS.read_text().splitlines() if line.startswith("torch=="))
    uv = shutil.which("uv")
    if uv:
        run(uv, "venv", "--clear", "--python", sys.executable, str(venv))
        install = [uv, "pip", "install", "--python", str(python)]
    else:
        run(sys.executable, "-m", "venv", "--clear", str(venv))
        install = [str(python), "-m", "pip", "install", "--quiet"]
    links = os.environ.get("PIP_FIND_LINKS")
    install += ["--find-links", links] if uv and links else []
    run(*install, torch)  # first and alone, so that a local or CPU-only wheel is taken when there is one
    run(*install, "-r", str(PINS))
    stamp.write_text(wanted)
    return python


def run(*command: str) -> None:
    """Run a command or stop with its exit code."""
    print("+", " ".join(command), file=sys.stderr)
    code = subprocess.run(command, check=False).returncode
    if code:
        raise SystemExit(code)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--venv", type=Path, default=default_venv())
    print(make(parser.parse_args().venv))
