"""The guides run as they stand, the reference equals the real commands and settings, links lead somewhere."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from matinee.cli.context import sections
from matinee.cli.main import commands
from matinee.observe.importers.registry import importers

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("decisions/*.md")])
BLOCK = re.compile(r"<!-- run(?P<how>: \w+)? -->\n```sh\n(?P<code>.*?)```", re.DOTALL)
PORT = re.compile(r"\b847\d\b")
"""Of the servers that guides start."""
GUIDES = [page for page in PAGES if BLOCK.search(page.read_text(encoding="utf-8"))]
WRITER = ROOT / "scripts" / "write_reference.py"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def run_guide(page: Path, folder: Path) -> int:
    """Run the marked blocks of a guide one after the other in one folder, as a reader would.

    Only the port is another: guides that run at the same time would ask each other's server.
    """
    port = str(free_port())
    environ = {k: v for k, v in os.environ.items() if not k.startswith("MATINEE_")}
    environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environ['PATH']}"
    done = 0
    for block in BLOCK.finditer(page.read_text(encoding="utf-8")):
        code = PORT.sub(port, block["code"])
        ran = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", code],
            cwd=folder, env=environ, capture_output=True, text=True, check=False,
        )  # fmt: skip
        output = f"{code}\n{ran.stdout}\n{ran.stderr}"
        if block["how"] == ": fails":
            assert ran.returncode == 2, output
            assert "error: " in ran.stderr, output
        else:
            assert ran.returncode == 0, output
        done += 1
    return done


@pytest.mark.slow
@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.stem)
def test_the_guides_run(page: Path, tmp_path: Path) -> None:
    try:
        assert run_guide(page, tmp_path) > 0
    finally:  # a guide stops its server itself, unless a block before failed
        for file in tmp_path.glob("*.pid"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(file.read_text(encoding="utf-8")), signal.SIGTERM)


def writer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("write_reference", WRITER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_documented_commands_equal_the_real_ones() -> None:
    written = (ROOT / "docs" / "reference" / "commands.md").read_text(encoding="utf-8")
    assert written == writer().commands_page(), "run: make docs"
    headings = {line.split()[2] for line in written.splitlines() if line.startswith("## matinee ")}
    assert headings == set(commands())


def test_documented_settings_equal_the_real_ones() -> None:
    written = (ROOT / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
    assert written == writer().settings_page(), "run: make docs"
    assert re.findall(r"^## \[(\w+)\]$", written, re.MULTILINE) == list(sections())


def test_every_kind_of_import_is_in_the_readers_reach() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    for kind in importers():
        assert kind in text.lower(), f"no page names the importer {kind}"


def test_documents_name_only_commands_that_exist() -> None:
    for page in PAGES:
        for block in re.findall(r"```(?:sh|console)\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            for name in re.findall(r"^\s*(?:\$ )?(?:\w+=\S+ )*matinee ([a-z][\w-]*)", block, re.MULTILINE):
                assert name in commands(), f"{page.name}: matinee {name} does not exist"


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
            if not target.startswith(("http://", "https://")):
                assert (page.parent / target).exists(), f"{page.relative_to(ROOT)}: {target} is not there"


def test_paths_in_the_architecture_exist() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    for name in re.findall(r"`((?:observe|learn|decide|prove|initiatives|cli|testing)/[\w/.]*)`", text):
        if "NAME" not in name:
            assert (ROOT / "src" / "matinee" / name).exists(), f"ARCHITECTURE.md: {name} is not there"
