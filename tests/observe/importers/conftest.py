from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from matinee.learn.reading import interactions_from_home, load_catalogue
from matinee.observe.home import Home
from matinee.observe.lake.connection import connect
from matinee.observe.lake.reader import open_events

END_US = 4_000_000_000_000_000
Rows = list[tuple[object, ...]]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.create(tmp_path / "home")


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    """Write a file beside the home."""

    def write(name: str, text: str | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


@pytest.fixture
def content() -> Callable[..., Rows]:
    """Every event of a table of a home, in order."""

    def content(home: Home, columns: str = "*", table: str = "plays") -> Rows:
        with connect() as con:
            open_events(con, home, table)
            return con.execute(f"SELECT {columns} FROM {table} ORDER BY member_id, at_us, seq").fetchall()

    return content


@pytest.fixture
def history() -> Callable[[Home], dict[str, list[str]]]:
    """Names of the titles of each member of a home, oldest first."""

    def history(home: Home) -> dict[str, list[str]]:
        catalogue = load_catalogue(home, END_US)
        found = interactions_from_home(home, until_us=END_US, catalogue=catalogue)
        return {
            str(member): [str(catalogue.names[t]) for t in found.histories.of(m)]
            for m, member in enumerate(found.member_ids)
        }

    return history
