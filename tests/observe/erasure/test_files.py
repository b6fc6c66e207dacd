"""Tables and pages in a home lose the rows of a member, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from matinee.errors import StorageError
from matinee.observe.erasure.files import erase_from_file, loose_files
from matinee.observe.erasure.words import Person
from matinee.observe.home import Home

ADA = Person("ada-1815")


def test_a_csv_keeps_other_rows_and_their_quotes(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text('member_id;text\nada-1815;"a;b"\nbob;"c;\nd"\n', encoding="utf-8")
    assert erase_from_file(path, ADA, dry_run=True) == 1
    assert "ada" in path.read_text()
    assert erase_from_file(path, ADA, dry_run=False) == 1
    assert path.read_text() == 'member_id;text\nbob;"c;\nd"\n'
    assert erase_from_file(path, ADA, dry_run=False) == 0


def test_lines_of_json_and_pages(tmp_path: Path) -> None:
    lines = tmp_path / "x.ndjson"
    lines.write_text('{"member_id": "ada-1815"}\n{"member_id": "bob"}\nnot json\n')
    assert erase_from_file(lines, ADA, dry_run=False) == 1
    assert lines.read_text() == '{"member_id": "bob"}\nnot json\n'
    page = tmp_path / "x.html"
    page.write_text(f"<script>[{json.dumps('7')}]</script>")
    assert erase_from_file(page, ADA, dry_run=False) == 0
    assert erase_from_file(page, Person("7"), dry_run=True) == 1
    assert page.exists()
    assert erase_from_file(page, Person("7"), dry_run=False) == 1
    assert not page.exists()


def test_rejected_rows_are_compared_field_by_field(tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text('file,line,reason,text\nx,2,at,"7,t1,never"\nx,3,at,"8,t7,never"\n')
    assert erase_from_file(path, Person("7"), dry_run=False) == 1
    assert path.read_text() == 'file,line,reason,text\nx,3,at,"8,t7,never"\n'


def test_files_without_members_are_left_alone(tmp_path: Path) -> None:
    for name in ("titles.csv", "note.txt"):
        (tmp_path / name).write_text("title_id\nada-1815\n")
        assert erase_from_file(tmp_path / name, ADA, dry_run=False) == 0
    (tmp_path / "x.parquet").write_bytes(b"no parquet")
    with pytest.raises(StorageError, match=r"x\.parquet: could not be written again without the member"):
        erase_from_file(tmp_path / "x.parquet", ADA, dry_run=False)


def test_folders_with_an_owner_are_not_loose(tmp_path: Path) -> None:
    home = Home.create(tmp_path)
    (home.lake / "x.csv").touch()
    (home.root / "out").mkdir()
    (home.root / "out" / "x.csv").touch()
    (home.root / "matinee.toml").touch()
    assert [p.name for p in loose_files(home)] == ["format.json", "x.csv"]
