"""Several processes on one registry: racing, migrating at once, being killed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from matinee.platform.registry.migrations import MIGRATIONS
from matinee.platform.registry.registry import Registry

pytestmark = pytest.mark.slow
PATIENCE_S = 60
BEGIN = """
import sys
from matinee.errors import MatineeError
from matinee.platform.registry.registry import Registry
url, name = sys.argv[1:]
def wait(word):
    print(word, flush=True)
    sys.stdin.readline()
"""
RELEASE = """
with Registry.open(url) as registry:
    wait("ready")
    try:
        registry.releases.release("art", name, expected_previous=None, released_us=1)
        print("won")
    except MatineeError as told:
        print("told:", told)
"""
OPEN = """
wait("ready")
with Registry.open(url) as registry:
    print(registry.initiatives.all())
"""
COUNT = """
from matinee.platform.registry.alerts import AlertRow
with Registry.open(url) as registry:
    wait("ready")
    for _ in range(50):
        registry.alerts.see(AlertRow(
            initiative="art", monitor="drift", severity="low", owner="ana", text=name,
            opened_us=1, seen_us=1))
    print("done")
"""
DIE = """
import os
from matinee.platform.registry.models import ModelRow
with Registry.open(url) as registry, registry.transaction():
    registry.models.register(ModelRow(
        initiative="art", version="half", folder="f", at_us=1, code="c", data="home", files={},
        registered_us=1))
    registry.releases.release("art", "half", expected_previous=None, released_us=1)
    wait("in the middle")
"""


@contextmanager
def processes(code: str, url: str, *names: str) -> Iterator[list[subprocess.Popen[str]]]:
    """One process per name, each waiting at its `wait`."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", BEGIN + code, url, name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for name in names
    ]  # fmt: skip
    try:
        for one in started:
            assert one.stdout is not None
            assert one.stdout.readline()
        yield started
    finally:
        for one in started:
            if one.poll() is None:
                one.kill()
            one.communicate()


def said_after_go(started: list[subprocess.Popen[str]]) -> list[str]:
    for one in started:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    return [one.communicate(timeout=PATIENCE_S)[0].strip() for one in started]


def test_of_processes_that_release_at_once_one_wins_and_the_others_are_told(
    story: Any, registry_url: str
) -> None:
    story.initiative("art")
    versions = ("a", "b", "c")
    for version in versions:
        story.model("art", version)
    with processes(RELEASE, registry_url, *versions) as started:
        said = dict(zip(versions, said_after_go(started), strict=True))
    (only,) = story.registry.releases.history("art")
    assert said.pop(only.version) == "won"
    for told in said.values():
        assert told.startswith(f"told: art: release {only.id} (version {only.version}, ")


def test_processes_that_open_an_empty_database_at_once_make_its_tables_once(registry_url: str) -> None:
    with processes(OPEN, registry_url, "a", "b", "c") as started:
        assert said_after_go(started) == ["[]"] * 3
    with Registry.open(registry_url) as registry, registry.database.reading() as con:
        assert con.exec_driver_sql("SELECT COUNT(*) FROM schema_version").scalar() == len(MIGRATIONS)


def test_no_write_of_two_processes_is_lost(story: Any, registry_url: str) -> None:
    story.initiative("art")
    with processes(COUNT, registry_url, "a", "b") as started:
        assert said_after_go(started) == ["done", "done"]
    (alert,) = story.registry.alerts.open()
    assert alert.n_seen == 100


def test_a_process_that_is_killed_in_a_transaction_leaves_nothing_half_registered(
    story: Any, registry_url: str
) -> None:
    story.initiative("art")
    story.model("art", "whole")
    with processes(DIE, registry_url, "x") as (one,):
        assert story.registry.releases.history("art") == [], (
            "readers do not wait, nor see what is not committed"
        )
        one.kill()
        one.wait(PATIENCE_S)
    assert story.registry.releases.history("art") == []
    assert [row.version for row in story.registry.models.versions()] == ["whole"]
    with story.registry.database.reading() as con:
        assert con.exec_driver_sql("SELECT COUNT(*) FROM edge WHERE to_kind = 'release'").scalar() == 0
    assert story.release("art", "whole", 1).previous_id is None, "the lock died with its process"
