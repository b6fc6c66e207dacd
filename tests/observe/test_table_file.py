from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pytest

from matinee.errors import InputError, StorageError
from matinee.observe.lake.connection import connect
from matinee.observe.table_file import copy_table, write_table

COLUMNS = {"member_id": np.array(["b", 'a "quoted", id'], dtype=object), "rank": np.array([2, 1], np.int32)}


@pytest.mark.parametrize("name", ["out.parquet", "out.csv", "OUT.CSV", "it's.csv"])
def test_columns_are_written_in_the_order_given(name: str, tmp_path: Path) -> None:
    write_table(tmp_path / name, COLUMNS)
    with connect() as con:
        found = con.from_query("FROM '" + str(tmp_path / name).replace("'", "''") + "'")
        assert found.columns == ["member_id", "rank"]
        assert found.fetchall() == [("b", 2), ('a "quoted", id', 1)]
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_a_query_is_written_in_its_order_and_replaces_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("old")
    with connect() as con:
        copy_table(con, "SELECT i, NULL AS nothing FROM range(3) AS t(i) ORDER BY i DESC", path)
    assert path.read_text() == "i,nothing\n2,\n1,\n0,\n"


def test_names_and_folders_are_checked_before_anything_is_computed(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r'out\.xlsx: ends in "\.xlsx", expected \.parquet or \.csv'):
        write_table(tmp_path / "out.xlsx", COLUMNS)
    with pytest.raises(InputError, match=r'out: ends in "", expected'):
        write_table(tmp_path / "out", COLUMNS)
    with connect() as con, pytest.raises(InputError, match=r"the folder .*missing does not exist\. Make it"):
        copy_table(con, "FROM no_such_table", tmp_path / "missing" / "out.csv")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["out.parquet", "out.csv"])
def test_a_disk_that_fills_up_keeps_the_old_file(name: str, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource", reason="file sizes can be limited on Unix only")
    path = tmp_path / name
    path.write_text("old")
    numbers = {"x": np.random.default_rng(0).random(200_000)}
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(StorageError, match=rf"{name}: could not be written \(.*free some space"):
            write_table(path, numbers)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_a_folder_in_the_way_is_reported(tmp_path: Path) -> None:
    (tmp_path / "out.csv").mkdir()
    with pytest.raises(InputError, match=r"out\.csv: is a folder"):
        write_table(tmp_path / "out.csv", COLUMNS)
    assert [p.name for p in tmp_path.iterdir()] == ["out.csv"]


def test_a_mistake_in_the_query_is_not_blamed_on_the_disk(tmp_path: Path) -> None:
    with connect() as con, pytest.raises(duckdb.CatalogException):
        copy_table(con, "FROM no_such_table", tmp_path / "out.csv")
    assert list(tmp_path.iterdir()) == []
