from __future__ import annotations

from pathlib import Path

from matinee.observe.home import Home
from matinee.observe.importers.run import run_import
from matinee.observe.lake.changes import FactsVersion
from matinee.types import DAY_US

NOW_US = 20_000 * DAY_US


def test_it_changes_with_titles_windows_and_pins_and_with_nothing_else(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "home")

    def imported(kind: str, text: str, **more: object) -> FactsVersion:
        (tmp_path / "file.csv").write_text(text)
        run_import(home, kind, tmp_path / "file.csv", **more)  # type: ignore[arg-type]
        return FactsVersion.of(home, NOW_US)

    empty = FactsVersion.of(home, NOW_US)
    titles = imported("titles", "title_id,name\nt1,One\n")
    assert titles != empty
    assert imported("titles", "title_id,name\nt1,One\n") == titles
    assert imported("events", "member_id,title_id,at\nm1,t1,2020-01-01\n") == titles
    assert imported("members", "member_id,kids\nm1,true\n") == titles
    windows = imported("availability", "title_id,territory,start,end\nt1,AT,2020-01-01,2030-01-01\n")
    assert windows != titles
    assert FactsVersion.of(home, NOW_US, "members") != FactsVersion.of(home, NOW_US)


def test_a_version_that_begins_later_counts_when_it_begins(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "home")
    (tmp_path / "titles.csv").write_text("title_id,name\nt1,One\n")
    run_import(home, "titles", tmp_path / "titles.csv")
    from_us = max(file.max_at_us for file in _files(home))
    assert FactsVersion.of(home, from_us - 1) != FactsVersion.of(home, from_us)
    assert FactsVersion.of(home, from_us) == FactsVersion.of(home, from_us + DAY_US)


def _files(home: Home):
    from matinee.observe.lake.manifest import read_manifest

    return read_manifest(home.lake).of("titles")
