"""An older home is brought up to date, with a backup, whatever interrupts it, and back again."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from matinee.cli.main import main
from matinee.errors import InputError, StorageError
from matinee.observe.home import Home
from matinee.observe.home_format import FORMAT, check_format, read_format, require_format, write_format
from matinee.platform.lifecycle import upgrading
from matinee.platform.lifecycle.project import open_registry
from matinee.platform.lifecycle.upgrading import MIGRATIONS, go_back, upgrade
from matinee.platform.registry import migrate as migrating
from matinee.platform.registry.migrations import MIGRATIONS as TABLES

NOW_US = 1_700_000_000_000_000


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home of format 1, with a registry as it was then."""
    home = Home.create(tmp_path / "shop")
    home.settings.write_text("")
    with monkeypatch.context() as patch:
        patch.setattr(migrating, "MIGRATIONS", TABLES[:1])
        open_registry(home).close()
    (home.root / "format.json").unlink()
    return home


def tables_version(home: Home) -> int:
    with closing(sqlite3.connect(home.meta_db)) as con:
        return int(con.execute("SELECT max(version) FROM schema_version").fetchone()[0])


def seen(home: Home) -> tuple[Any, ...]:
    """What an older program sees of the home."""
    names = sorted(p.relative_to(home.root).as_posix() for p in home.root.rglob("*"))
    ours = [name for name in names if not name.startswith(("backups", "meta.db-"))]
    return read_format(home.root), tables_version(home), ours


def test_the_last_migration_leads_to_the_format_of_this_program() -> None:
    assert [one.to for one in MIGRATIONS] == list(range(2, FORMAT + 1))


def test_a_new_home_has_the_newest_format(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "shop")
    assert check_format(home.root) == FORMAT
    home.settings.write_text("")
    assert upgrade(home, now_us=NOW_US).steps == []


def test_an_older_home_is_read_as_it_is_and_upgraded_once(old: Home) -> None:
    assert Home.find(old.root).root == old.root
    with pytest.raises(StorageError, match=r"has format 1, expected 2\. Run: matinee upgrade --home"):
        require_format(old.root)
    before = seen(old)
    planned = upgrade(old, now_us=NOW_US, dry_run=True)
    assert (planned.before, planned.after, planned.backup) == (1, FORMAT, None)
    assert seen(old) == before
    done = upgrade(old, now_us=NOW_US)
    assert (done.steps, done.backup) == (planned.steps, f"backups/1-{FORMAT}-20231114T221320Z")
    assert (read_format(old.root), tables_version(old)) == (FORMAT, len(TABLES))
    assert (old.root / "receipts").is_dir()
    require_format(old.root)
    assert upgrade(old, now_us=NOW_US).steps == []


def test_there_is_a_way_back_and_forth(old: Home) -> None:
    before = seen(old)
    upgrade(old, now_us=NOW_US)
    assert go_back(old, dry_run=True).steps == ["restore meta.db", "remove format.json"]
    assert read_format(old.root) == FORMAT
    assert go_back(old).after == 1
    assert seen(old) == before
    with pytest.raises(InputError, match="no upgrade to undo"):
        go_back(old)
    assert upgrade(old, now_us=NOW_US + 10_000_000).after == FORMAT
    go_back(old)
    assert seen(old) == before


class Stop(BaseException):
    """Stands for a kill."""


def stopping(patch: pytest.MonkeyPatch, at: int) -> Callable[[], int]:
    """Stop at the `at`-th change of a file: before it, or (odd) right after it."""
    calls = 0
    for name in ("copy_file", "write_struct", "write_format"):
        real = getattr(upgrading, name)

        def stop(*args: Any, real: Any = real) -> Any:
            nonlocal calls
            calls += 1
            if calls == at // 2 + 1 and at % 2 == 0:
                raise Stop
            done = real(*args)
            if calls == at // 2 + 1:
                raise Stop
            return done

        patch.setattr(upgrading, name, stop)
    return lambda: calls


def test_it_may_be_stopped_at_every_change_and_run_again(old: Home) -> None:
    before = seen(old)
    stopped = 0
    for at in range(40):
        with pytest.MonkeyPatch.context() as patch:
            stopping(patch, at)
            try:
                upgrade(old, now_us=NOW_US + at * 10_000_000)
            except Stop:
                stopped += 1
        upgrade(old, now_us=NOW_US + (100 + at) * 10_000_000)
        assert (read_format(old.root), tables_version(old)) == (FORMAT, len(TABLES)), at
        with pytest.MonkeyPatch.context() as patch:
            stopping(patch, at)
            try:
                go_back(old)
            except Stop:
                stopped += 1
        if read_format(old.root) == FORMAT or any(b.state == "restoring" for _, b in upgrading._backups(old)):
            go_back(old)
        assert seen(old) == before, at
    assert stopped >= 12


def test_a_way_back_that_was_stopped_goes_first(old: Home) -> None:
    upgrade(old, now_us=NOW_US)
    with pytest.MonkeyPatch.context() as patch:
        stopping(patch, 3)
        with pytest.raises(Stop):
            go_back(old)
    write_format(old.root, 1)
    with pytest.raises(StorageError, match="a way back has begun, expected it to be done first"):
        upgrade(old, now_us=NOW_US)
    go_back(old)
    assert read_format(old.root) == 1


def test_a_newer_home_is_refused_by_every_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = Home.create(tmp_path / "shop")
    home.settings.write_text("")
    write_format(home.root, 99)
    for command in ("status", "upgrade", "prune"):
        assert main([command, "--home", str(home.root)]) == 1
        assert "has format 99, expected at most" in capsys.readouterr().err
    (home.root / "format.json").write_text("{")
    with pytest.raises(StorageError, match="cannot be read"):
        Home.find(home.root)


def test_the_command_tells_the_way_back(old: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["upgrade", "--home", str(old.root)]) == 0
    told = capsys.readouterr().out
    assert f"Went from format 1 to {FORMAT}" in told
    assert "Way back: matinee upgrade --back" in told
    assert main(["upgrade", "--home", str(old.root)]) == 0
    assert "the newest; nothing was changed" in capsys.readouterr().out
    assert main(["upgrade", "--back", "--home", str(old.root), "--json"]) == 0
