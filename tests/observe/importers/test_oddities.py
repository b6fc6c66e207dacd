"""What an import keeps and tells of: ids and words that nothing else in the home names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from matinee.learn.reading import load_catalogue
from matinee.observe.home import Home
from matinee.observe.importers.oddities import NO_TITLES
from matinee.observe.importers.run import run_import

Put = Callable[..., tuple[str, ...]]
TITLES = "title_id,name,kind,series_id\na,One,film,\ns,Some,series,\ne1,First,episode,s\n"
END_US = 4_000_000_000_000_000


@pytest.fixture
def put(home: Home, tmp_path: Path) -> Put:
    """Import text as a kind; gives the notes."""

    def put(kind: str, text: str, *, dry_run: bool = False) -> tuple[str, ...]:
        path = tmp_path / f"{kind}.csv"
        path.write_text(text)
        (done,) = run_import(home, kind, path, dry_run=dry_run)
        assert done.rejected == 0
        return done.notes

    return put


def test_events_of_titles_that_are_not_in_the_catalogue(put: Put) -> None:
    plays = "member_id,title_id,at\nm,a,5\nm,e1,6\nm,x,7\nn,x,8\nm,y,9\nm,z,10\nm,w,11\n"
    put("titles", TITLES)
    told = (
        "events.csv: 4 titles of its events are not in the catalogue (x, w, y, …): 5 events, kept and served "
        "without facts. Import their titles (matinee import titles FILE); a misspelt id stands on pages as "
        "it is.",
    )
    assert put("events", plays, dry_run=True) == told
    assert put("events", plays) == told
    assert put("titles", "title_id,name\nx,X\nw,W\ny,Y\n") == ()
    (one,) = put("events", plays)
    assert "1 title of its events is not in the catalogue (z): 1 event, kept" in one
    assert put("titles", "title_id,name\nz,Z\n") == ()
    assert put("events", plays) == ()
    assert put("events", "member_id,event,at,title_id,query\nm,search,5,,fargo\n") == ()


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("events", "member_id,title_id,at\nm,a,5\n"),
        ("availability", "title_id,territory,from,until\na,NL,,\n"),
        ("pins", "row,title_id\n1,a\n"),
    ],
)
def test_a_home_without_titles_is_told_once(kind: str, text: str, put: Put) -> None:
    assert put(kind, text) == (NO_TITLES,)
    put("titles", TITLES)
    assert put(kind, text) == ()


def test_events_without_titles_need_none(put: Put) -> None:
    assert put("events", "member_id,event,at\nm,search,5\n") == ()
    assert put("pins", "row,row_kind\n1,popular\n") == ()


def test_a_series_that_only_episodes_name_is_known_and_told(put: Put) -> None:
    (told,) = put("titles", "title_id,kind,series_id\ne1,episode,s\ne2,episode,s\n")
    assert told == (
        "titles.csv: 1 series that episodes name has no row (s): 2 titles. Pages show the id. Import the "
        "series as a title too, or correct series_id."
    )
    assert put("events", "member_id,title_id,at\nm,s,5\n") == ()
    assert put("titles", "title_id,kind\ns,series\n") == ()
    assert put("titles", "title_id,kind,series_id\ne3,episode,s\n") == ()


def test_a_kind_that_is_not_known_is_served_and_told(home: Home, put: Put) -> None:
    (told,) = put("titles", "title_id,kind\na,movie\nb,Movie\nc,Film\nd,\ne,documentary\n")
    assert told == (
        'titles.csv: 3 titles have kinds that nothing here knows ("movie", "documentary" of a, b, e), '
        'expected film, series, season, episode, game, live. Such titles are served too. Did you mean "film"?'
    )
    assert load_catalogue(home, END_US).kinds.tolist() == ["movie", "movie", "film", "film", "documentary"]
    (told,) = put("titles", "title_id,kind\nf,seris\n")
    assert '1 title has a kind that nothing here knows ("seris" of f)' in told
    assert told.endswith('Did you mean "series"?')


def test_windows_and_pins_of_titles_that_are_not_there(put: Put) -> None:
    put("titles", TITLES)
    windows = "title_id,territory,from,until\na,NL,,\nx,NL,,\nx,BE,,\n"
    (told,) = put("availability", windows)
    assert told.startswith(
        "availability.csv: 1 title of its windows is not in the catalogue (x): 2 windows. Where an id is"
    )
    (told,) = put("pins", "row,title_id,row_kind\n1,a,\n2,,popular\n3,x,\n4,y,\n")
    assert told.startswith(
        "pins.csv: 2 titles of its pins are not in the catalogue (x, y): 2 pins. Pages leave"
    )


def test_members_in_territories_that_no_window_names(put: Put) -> None:
    members = "member_id,territory\nm1,NL\nm2,nl\nm3,nl\nm4,UK\nm5,\n"
    put("titles", TITLES)
    assert put("members", members) == ()  # nothing is restricted anywhere
    assert put("availability", "title_id,territory,from,until\na,NL,,\n") == ()
    assert put("members", members) == (
        'members.csv: 3 members are in territories that no window names ("nl", "UK" of m2, m3, m4): there, '
        'only titles without windows are shown. Did you mean "NL"?',
    )
