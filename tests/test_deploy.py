"""What stands in deploy/ is read as systemd and container engines would, and names only what exists."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest

from matinee.cli.main import build, commands
from matinee.serve.config import ServeConfig

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"


def unit() -> ConfigParser:
    found = ConfigParser(strict=False, interpolation=None, comment_prefixes=("#",), delimiters=("=",))
    found.optionxform = str  # type: ignore[assignment,method-assign]
    found.read(DEPLOY / "matinee.service", encoding="utf-8")
    return found


def instructions() -> list[tuple[str, str]]:
    """Instructions of the Containerfile with their arguments, continued lines joined."""
    text = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    text = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    lines = [line for line in text.replace("\\\n", " ").splitlines() if line.strip()]
    return [(line.split()[0], line.partition(" ")[2].strip()) for line in lines]


def value(name: str) -> str:
    return [text for key, text in instructions() if key == name][-1]


def check_command(words: list[str]) -> None:
    """A command of ours parses: the command exists and knows its options."""
    assert words[0] in commands(), words
    build(words[0]).parse_args(words, exit_on_error=False, print_error=False)


def test_the_unit_is_valid() -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed")
    text = (DEPLOY / "matinee.service").read_text(encoding="utf-8")
    said = subprocess.run(
        [program, "verify", "--man=no", "--recursive-errors=no", str(DEPLOY / "matinee.service")],
        capture_output=True, text=True, check=False, timeout=60,
    ).stderr  # fmt: skip
    ours = [line for line in said.splitlines() if "matinee.service" in line]
    assert not [line for line in ours if "not executable" not in line and "No such file" not in line], said
    assert text.count("[Service]") == 1


def test_the_unit_serves_with_options_that_exist_and_stops_in_time() -> None:
    service = unit()["Service"]
    words = shlex.split(service["ExecStart"])
    assert words[0].endswith("/bin/matinee")
    check_command(words[1:])
    assert words[words.index("--host") + 1] == ServeConfig().host
    assert int(service["TimeoutStopSec"]) > 2 * ServeConfig().drain_s
    assert words[words.index("--home") + 1].startswith(f"/var/lib/{service['StateDirectory']}/")
    wanted = {
        "User": "matinee", "ProtectSystem": "strict", "NoNewPrivileges": "yes", "Restart": "on-failure",
        "KillSignal": "SIGTERM", "KillMode": "mixed",
    }  # fmt: skip
    assert {name: service[name] for name in wanted} == wanted
    assert int(service["LimitNOFILE"]) >= 16_384


def test_the_image_runs_without_rights_from_locked_files() -> None:
    assert "--require-hashes -r requirements.lock" in " ".join(text for _, text in instructions())
    assert value("USER") == "10001:10001"
    assert f"MATINEE_HOME={value('VOLUME')}" in value("ENV")
    assert all(
        text.split()[0] == "docker.io/library/python:3.13-slim"
        for name, text in instructions()
        if name == "FROM"
    )
    assert value("STOPSIGNAL") == "SIGTERM"


def test_the_image_serves_with_options_that_exist() -> None:
    assert json.loads(value("ENTRYPOINT")) == ["matinee"]
    words = json.loads(value("CMD"))
    check_command(words)
    port = words[words.index("--port") + 1]
    assert value("EXPOSE") == port
    assert f":{port}/healthz" in value("HEALTHCHECK")
    compile(json.loads(value("HEALTHCHECK").partition("CMD ")[2])[2], "HEALTHCHECK", "exec")


def test_what_is_copied_and_removed_is_there() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    for name, text in instructions():
        if name == "COPY" and "--from" not in text:
            for source in text.split()[:-1]:
                assert (ROOT / source).exists(), source
    removed = re.findall(r"pip uninstall --yes ([^&]+)", " ".join(text for _, text in instructions()))
    for package in removed[0].split():
        assert re.search(rf"^{re.escape(package)}==", lock, re.MULTILINE), package


def test_commands_of_the_readme_exist() -> None:
    text = (DEPLOY / "README.md").read_text(encoding="utf-8").replace("\\\n", " ")
    found = re.findall(r"(?:bin/matinee|/shop matinee) ([a-z].*)$", text, re.MULTILINE)
    assert len(found) == 4
    for line in found:
        check_command(shlex.split(line))
