"""What an import leaves in the home: no doubles, the order of the file, versions of facts, all or nothing."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest

from matinee.errors import InputError, StorageError
from matinee.learn.reading import interactions_from_home, load_catalogue, load_members
from matinee.observe.catalogue.catalogue import Limits, Pin
from matinee.observe.clock import Clock
from matinee.observe.home import Home
from matinee.observe.importers import registry
from matinee.observe.importers.run import run_import
from matinee.observe.lake import spans
from matinee.observe.lake import writer as lake_writer
from matinee.observe.lake.manifest import read_manifest
from matinee.observe.lake.writer import writing
from matinee.types import ALWAYS_US, NEVER_US, SECOND_US, parse_at

Write = Callable[[str, str | bytes], Path]
Content = Callable[..., list[tuple[object, ...]]]
END_US = 4_000_000_000_000_000
HEAD = "member_id,title_id,at\n"


def test_equal_rows_are_kept_and_the_same_file_again_adds_nothing(
    home: Home, write: Write, content: Content
) -> None:
    path = write("a.csv", HEAD + "m,b,5\nm,a,5\nm,b,5\nm,c,4\n")
    (first,) = run_import(home, "events", path)
    assert (first.added, first.duplicate) == (4, 0)
    assert [row[0] for row in content(home, "title_id")] == ["c", "b", "a", "b"]
    assert len({row[0] for row in content(home, "event_id")}) == 4
    before = content(home)
    (again,) = run_import(home, "events", path)
    assert (again.added, again.duplicate) == (0, 4)
    assert content(home) == before
    (more,) = run_import(home, "events", write("b.csv", HEAD + "m,b,5\nm,b,5\nm,b,5\nm,d,6\n"))
    assert (more.added, more.duplicate) == (2, 2)
    assert [row[0] for row in content(home, "title_id")] == ["c", "b", "a", "b", "b", "d"]


def test_an_event_id_is_kept_once_whatever_else_the_row_says(
    home: Home, write: Write, content: Content
) -> None:
    head = "member_id,title_id,at,event_id\n"
    (first,) = run_import(home, "events", write("a.csv", head + "m,a,5,e1\nm,b,900000,e1\nm,c,5,\nm,c,5,\n"))
    assert (first.added, first.duplicate) == (3, 1)
    (again,) = run_import(home, "events", write("b.csv", head + "m,z,77,e1\nm,y,8,e2\nm,c,5,\n"))
    assert (again.added, again.duplicate) == (1, 2)
    assert [row[0] for row in content(home, "title_id")] == ["a", "c", "c", "y"]


def test_each_type_of_event_has_its_table(home: Home, write: Write, content: Content) -> None:
    text = (
        "member_id,title_id,at,event,signal,query,status,row,col\nm,a,5,play,,,,,\nm,a,4,impression,,,,2,3\n"
        "m,a,6,signal,thumb_up,,,,\nm,,7,search,,space,,,\nm,,8,membership,,,ended,,\nm,b,9,,,,,,\n"
    )
    done = run_import(home, "events", write("a.csv", text))
    assert {d.table: d.added for d in done} == {
        "impressions": 1, "membership": 1, "plays": 2, "searches": 1, "signals": 1,
    }  # fmt: skip
    assert content(home, "title_id, signal", "signals") == [("a", "thumb_up")]
    assert content(home, '"row", col', "impressions") == [(2, 3)]
    assert content(home, "query", "searches") == [("space",)]
    assert content(home, "status", "membership") == [("ended",)]


def test_history_is_cut_into_spans_of_whole_days(
    home: Home, write: Write, content: Content, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spans, "SPAN_ROWS", 10)
    monkeypatch.setattr(spans, "SMALL_ROWS_DEFAULT", 0)
    rows = "".join(f"m{i % 3},t{i},{i * 20_000}\n" for i in range(60))
    run_import(home, "events", write("a.csv", HEAD + rows))
    files = read_manifest(home.lake).of("plays")
    assert len(files) > 5
    assert sum(file.rows for file in files) == 60
    for left, right in pairwise(files):
        assert left.max_at_us < right.min_at_us
    assert files[0].path.startswith("plays/day=1970-01-01/")
    (again,) = run_import(home, "events", write("a.csv", HEAD + rows))
    assert again.added == 0
    assert len(content(home)) == 60


def test_history_that_arrived_late_is_not_seen_before(home: Home, write: Write) -> None:
    head = "member_id,title_id,at,seen\n"
    run_import(home, "events", write("a.csv", head + "m,a,100,\nm,b,100,500\n"))
    catalogue = load_catalogue(home, END_US)
    early = interactions_from_home(home, until_us=200 * SECOND_US, catalogue=catalogue)
    late = interactions_from_home(home, until_us=200 * SECOND_US, seen_us=END_US, catalogue=catalogue)
    assert (early.n_events, late.n_events) == (1, 2)


def test_titles_imported_again_are_a_version_from_then_on(home: Home, write: Write) -> None:
    run_import(
        home, "titles", write("a.csv", "title_id,name\nt,Old\nu,Same\n"), clock=Clock.fixed("2020-01-01")
    )
    (done,) = run_import(
        home, "titles", write("a.csv", "title_id,name\nt,New\nu,Same\n"), clock=Clock.fixed("2021-01-01")
    )
    assert (done.added, done.duplicate) == (1, 1)
    for at, name in (
        ("2000-01-01", "Old"),
        ("2020-06-01", "Old"),
        ("2021-01-01", "New"),
        ("2030-01-01", "New"),
    ):
        catalogue = load_catalogue(home, parse_at(at))
        assert list(catalogue.names) == [name, "Same"], at


def test_titles_keep_every_fact(home: Home, write: Write) -> None:
    text = (
        "title_id,name,kind,series_id,season,episode,release_date,runtime_s,genres,languages,countries,maturity,"
        "synopsis,cast,directors\n"
        's,Show,series,,,,2001-02-03,,Drama|Crime,en|nl,US,16,"A, b",X|Y,Z\n'
        "e1,One,,s,1,1,2001,1800,,,,16,,,\ne2,Two,,other,1,2,,,,,,,,,\n"
    )
    run_import(home, "titles", write("a.csv", text))
    run_import(home, "events", write("b.csv", HEAD + "m,e1,5\nm,nobody_knows,6\nm,e2,7\n"))
    c = load_catalogue(home, END_US)
    assert list(c.title_ids) == ["e1", "e2", "nobody_knows", "other", "s"]
    assert list(c.kinds) == ["episode", "episode", "film", "series", "series"]
    assert list(c.series) == [4, 3, -1, -1, -1]
    assert (c.maturity[4], c.maturity[2], c.runtime_s[0]) == (16, -1, 1800)
    assert c.genres.of(4) == ["Drama", "Crime"]
    assert c.synopses is not None
    assert c.cast is not None
    assert (c.synopses[4], c.cast[4], c.names[2]) == ("A, b", "X|Y", "nobody_knows")
    found = interactions_from_home(home, until_us=END_US, catalogue=c)
    assert [str(c.title_ids[t]) for t in found.histories.of(0)] == ["s", "nobody_knows", "other"]


def test_members_windows_and_pins(home: Home, write: Write) -> None:
    text = "member_id,account_id,territory,maturity_max,kids,languages\nm1,a1,NL,12,yes,nl|en\nm2,,,,,\n"
    run_import(home, "members", write("m.csv", text))
    members = load_members(home)
    assert members["m1"].limits == Limits("NL", 12, True, ("nl", "en"))
    assert members["m2"].limits == Limits()
    windows = "title_id,territory,from,until\nt,NL,2020-01-01,2021-01-01\nt,BE,,\n"
    run_import(home, "availability", write("w.csv", windows))
    run_import(home, "titles", write("t.csv", "title_id\nt\n"))
    c = load_catalogue(home, END_US)
    assert [bool(c.available("NL", parse_at(at))[0]) for at in ("2020-06-01", "2021-01-01")] == [True, False]
    assert c.available("BE", 0)[0]
    assert not c.available("DE", 0)[0]
    run_import(home, "pins", write("p.csv", "row,col,title_id,row_kind\n1,2,t,\n3,,,trending\n"))
    assert load_catalogue(home, END_US).pins == [
        Pin(1, 2, "t", None, None, ALWAYS_US, NEVER_US),
        Pin(3, None, None, "trending", None, ALWAYS_US, NEVER_US),
    ]
    run_import(home, "pins", write("p.csv", "row,row_kind\n2,trending\n"))
    assert [pin.row for pin in load_catalogue(home, END_US).pins] == [2]


def test_a_members_territory_comes_from_the_members_file_then_from_the_last_event(
    home: Home, write: Write
) -> None:
    head = "member_id,title_id,at,territory\n"
    run_import(home, "events", write("a.csv", head + "m1,a,1,DE\nm1,a,2,FR\nm2,a,1,DE\nm3,a,1,\n"))
    run_import(home, "members", write("m.csv", "member_id,territory\nm2,NL\n"))
    found = interactions_from_home(home, until_us=END_US, catalogue=load_catalogue(home, END_US))
    assert found.territory is not None
    assert list(found.territory) == ["FR", "NL", None]


def test_weights_come_from_rating_then_from_watch_time_then_are_one(home: Home, write: Write) -> None:
    run_import(home, "titles", write("t.csv", "title_id,runtime_s\na,1000\n"))
    text = "member_id,title_id,at,rating,watch_s\nm,a,1,4,\nm,a,2,,250\nm,a,3,,5000\nm,a,4,,\nm,b,5,,720\n"
    run_import(home, "events", write("a.csv", text))
    found = interactions_from_home(home, until_us=END_US, catalogue=load_catalogue(home, END_US))
    assert [round(float(w), 3) for w in found.weight] == [0.8, 0.25, 1.0, 1.0, 0.1]


def test_an_import_of_several_files_is_all_or_nothing(home: Home, write: Write, content: Content) -> None:
    write("d/ratings.csv", "userId,movieId,rating,timestamp\n1,20,5.0,881250949\n")
    path = write("d/movies.csv", "movieId,title,genres\n,Nameless (1999),x\n")
    with pytest.raises(InputError, match=r"movies\.csv, line 2: title_id is empty"):
        run_import(home, "movielens", path.parent)
    assert content(home) == []
    assert list(home.lake.rglob("*.parquet")) == []


@pytest.mark.parametrize("step", ["sync_file", "sync_folder", "swap_manifest"])
def test_a_full_disk_leaves_the_lake_as_it_was(
    step: str, home: Home, write: Write, content: Content, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_import(home, "events", write("a.csv", HEAD + "m,a,5\n"))
    before = sorted(p for p in home.lake.rglob("*") if p.is_file())

    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(lake_writer, step, full)
        with pytest.raises(
            StorageError, match=r"The lake is as it was before\. Free space on the disk"
        ) as caught:
            run_import(home, "events", write("b.csv", HEAD + "m,b,6\n"))
    assert caught.value.exit_code == 1
    assert sorted(p for p in home.lake.rglob("*") if p.is_file()) == before
    assert [row[0] for row in content(home, "title_id")] == ["a"]
    run_import(home, "events", write("b.csv", HEAD + "m,b,6\n"))
    assert [row[0] for row in content(home, "title_id")] == ["a", "b"]


def test_a_full_disk_in_duckdb_is_a_storage_error(
    home: Home, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: object, **_options: object) -> None:
        raise duckdb.IOException("IO Error: Could not write file: No space left on device")

    monkeypatch.setattr(lake_writer.LakeWriter, "add", full)
    with pytest.raises(StorageError, match="No space left on device"):
        run_import(home, "events", write("b.csv", HEAD + "m,b,6\n"))
    assert list(home.lake.rglob("*.parquet")) == []


def test_a_second_writer_is_told_to_wait(home: Home, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lake_writer, "LOCK_PAUSE_S", 0.001)
    with writing(home.lake), pytest.raises(StorageError, match="another process is writing to the lake"):
        run_import(home, "events", write("b.csv", HEAD + "m,b,6\n"))


def test_columns_that_are_not_read_and_rows_that_stand_again_are_told(home: Home, write: Write) -> None:
    text = "title_id,name,genre\na,One,Drama\nb,Two,Drama\na,Three,Crime\n"
    (done,) = run_import(home, "titles", write("t.csv", text))
    assert (done.added, done.duplicate, done.rejected) == (2, 0, 0)
    assert done.notes == (
        't.csv: column "genre" is not known and was not read. Did you mean "genres"?',
        "t.csv: 1 row names an id that stands again below: the last row of each counts.",
    )
    (done,) = run_import(home, "titles", write("u.csv", "title_id,name\nc,One\nd,Two\n"))
    assert done.notes == ()


def test_every_importer_is_found_by_its_file() -> None:
    assert list(registry.importers()) == [
        "artwork", "availability", "events", "members", "movielens", "movietweetings", "pins", "titles",
    ]  # fmt: skip
    for importer in registry.importers().values():
        assert importer.about.endswith(".")
