from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from matinee.learn.reading import interactions_from_home, load_catalogue
from matinee.observe.home import Home
from matinee.observe.importers.run import run_import

Write = Callable[[str, str | bytes], Path]
END_US = 4_000_000_000_000_000


def test_ratings_and_films_have_known_answers(home: Home, write: Write) -> None:
    path = write("mt/ratings.dat", "1::0002844::7::1365029107\n1::1074638::8::1365029000\n2::1074638::0::5\n")
    write(
        "mt/movies.dat",
        "0002844::Fantômas - À l'ombre de la guillotine (1913)::Crime|Drama\n1074638::Skyfall (2012)::\n",
    )
    done = run_import(home, "movietweetings", path.parent)
    assert [(d.table, d.added) for d in done] == [("titles", 2), ("plays", 3)]
    catalogue = load_catalogue(home, END_US)
    assert list(catalogue.title_ids) == ["0002844", "1074638"]
    assert list(catalogue.names) == ["Fantômas - À l'ombre de la guillotine", "Skyfall"]
    assert catalogue.genres.of(0) == ["Crime", "Drama"]
    assert catalogue.genres.of(1) == []
    found = interactions_from_home(home, until_us=END_US, catalogue=catalogue)
    assert list(found.histories.of(0)) == [1, 0]
    assert [round(float(w), 3) for w in found.weight] == [0.8, 0.7, 0.0]
