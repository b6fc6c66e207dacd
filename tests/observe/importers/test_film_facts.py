from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from matinee.errors import InputError
from matinee.learn.reading import read_titles
from matinee.observe.importers.film_facts import NamedTitle, display_name, join, name_key, write_titles


def database(folder: Path) -> Path:
    path = folder / "movies.db"
    with sqlite3.connect(path) as connection:
        connection.execute(
            'CREATE TABLE omdb (Title, Year, Rating, Runtime, Genre, Released, Director, "Cast", Language, '
            "Country)"
        )
        connection.executemany(
            "INSERT INTO omdb VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    "The Harbour",
                    1972,
                    "R",
                    175.0,
                    "Crime, Drama",
                    "1972-03-15",
                    "Ada",
                    "B, C",
                    "English",
                    "X, Y",
                ),
                ("Harbour", 1990, "G", None, "", "1990-01-01", "", "", None, "Z"),
                (
                    "Été & Hiver: Part One",
                    1985,
                    None,
                    90.0,
                    "Drama, Drama",
                    "1985-05-01",
                    "",
                    "",
                    "French",
                    "",
                ),
            ],
        )
    connection.close()
    return path


def test_joined_on_name_and_year(tmp_path: Path) -> None:
    titles = [
        NamedTitle("1", "Harbour, The (1972)", 1972),
        NamedTitle("2", "HARBOUR", 1991, ("Comedy",)),
        NamedTitle("3", "Ete and Hiver", 1985),
        NamedTitle("4", "The Harbour", 1980, ("Western",)),
        NamedTitle("5", "Nowhere", None),
    ]
    first, second, third, fourth, fifth = join(titles, database(tmp_path))
    assert (first.name, first.release_date, first.runtime_s) == ("The Harbour", "1972-03-15", 10_500)
    assert (first.genres, first.countries, first.maturity) == (("Crime", "Drama"), ("X", "Y"), 17)
    assert (second.release_date, second.genres, second.maturity) == ("1990-01-01", ("Comedy",), 0)
    assert (third.matched, third.genres, third.languages) == (True, ("Drama",), ("French",))
    assert (fourth.matched, fourth.genres, fourth.release_date) == (False, ("Western",), "1980-01-01")
    assert (fifth.matched, fifth.release_date) == (False, None)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Godfather, The (1972)", "The Godfather"),
        ("Aventura, L' (1960)", "L'Aventura"),
        ("Shanghai Triad (Yao a yao yao dao waipo qiao) (1995)", "Shanghai Triad"),
        ("(1995)", "(1995)"),
        ("Seven", "Seven"),
    ],
)
def test_names_are_shown_as_people_say_them(written: str, shown: str) -> None:
    assert display_name(written) == shown


def test_spellings_meet_in_one_key() -> None:
    assert name_key("Léon: The Professional") == name_key("Leon, the professional")
    assert name_key("Marvin's Room") == name_key("Marvins Room")
    assert name_key("Harold & Maude") == name_key("Harold and Maude")


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "movies.db"
    path.write_text("hello " * 100)
    with pytest.raises(InputError, match=r"movies\.db: .*expected a SQLite file with the table omdb"):
        join([NamedTitle("1", "X", None)], path)


def test_facts_are_written_as_a_titles_file(tmp_path: Path) -> None:
    path = tmp_path / "titles.ndjson"
    write_titles(
        join([NamedTitle("1", "Harbour", 1972), NamedTitle("2", "X", None)], database(tmp_path)), path
    )
    catalogue = read_titles(path)
    assert list(catalogue.names) == ["The Harbour", "X"] or list(catalogue.names) == ["Harbour", "X"]
    assert catalogue.genres.of(0) == ["Crime", "Drama"]
    assert catalogue.maturity.tolist() == [17, -1]
