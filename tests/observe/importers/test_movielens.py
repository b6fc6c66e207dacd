"""Tiny editions of each MovieLens layout, with known answers."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from matinee.errors import InputError
from matinee.learn.reading import load_catalogue
from matinee.observe.home import Home
from matinee.observe.importers.run import run_import
from matinee.types import format_at

Write = Callable[[str, str | bytes], Path]
History = Callable[[Home], dict[str, list[str]]]
END_US = 4_000_000_000_000_000

FLAGS = "0|" * 15 + "1|0|1|0"  # Sci-Fi and War
LAYOUTS: dict[str, dict[str, str]] = {
    "100K": {
        "ml-100k/u.data": "1\t20\t5\t881250949\n1\t10\t3\t881250900\n2\t10\t1\t881250950\n",
        "ml-100k/u.item": f"10|Matrix, The (1999)|01-Jan-1999||http://x|{FLAGS}\n"
        f"20|Amélie (Le Fabuleux destin d'Amélie) (2001)|||http://x|{FLAGS}\n",
    },
    "RecBole": {
        "a/ml-100k.inter": "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
        "1\t20\t5\t881250949\n1\t10\t3\t881250900\n2\t10\t1\t881250950\n",
        "a/ml-100k.item": "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
        "10\tMatrix, The\t1999\tSci-Fi War\n20\tAmélie (Le Fabuleux destin d'Amélie)\t2001\tSci-Fi War\n",
    },
    "1M": {
        "ml-1m/ratings.dat": "1::20::5::881250949\n1::10::3::881250900\n2::10::1::881250950\n",
        "ml-1m/movies.dat": "10::Matrix, The (1999)::Sci-Fi|War\n"
        "20::Amélie (Le Fabuleux destin d'Amélie) (2001)::Sci-Fi|War\n",
    },
    "latest": {
        "ml-latest-small/ratings.csv": "userId,movieId,rating,timestamp\n"
        "1,20,5.0,881250949\n1,10,3.0,881250900\n2,10,1.0,881250950\n",
        "ml-latest-small/movies.csv": 'movieId,title,genres\n10,"Matrix, The (1999)",Sci-Fi|War\n'
        "20,Amélie (Le Fabuleux destin d'Amélie) (2001),Sci-Fi|War\n",
    },
}
LATIN = {"ml-100k/u.item", "ml-1m/movies.dat"}


def encoded(name: str, text: str) -> bytes:
    return text.encode("latin-1" if name in LATIN else "utf-8")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("packed", [False, True])
def test_every_edition_gives_the_same_service(
    layout: str, packed: bool, home: Home, write: Write, history: History, tmp_path: Path
) -> None:
    path = tmp_path / "published.zip"
    if packed:
        with zipfile.ZipFile(path, "w") as archive:
            for name, text in LAYOUTS[layout].items():
                archive.writestr(name, encoded(name, text))
    else:
        for name, text in LAYOUTS[layout].items():
            path = write(f"published/{name}", encoded(name, text)).parent.parent
    done = run_import(home, "movielens", path)
    assert [(d.table, d.added) for d in done] == [("titles", 2), ("plays", 3)]
    amelie = "Amélie (Le Fabuleux destin d'Amélie)"
    assert history(home) == {"1": ["The Matrix", amelie], "2": ["The Matrix"]}
    catalogue = load_catalogue(home, END_US)
    assert [format_at(t)[:4] for t in catalogue.release_us] == ["1999", "2001"]
    assert catalogue.genres.of(0) == ["Sci-Fi", "War"]
    assert [d.added for d in run_import(home, "movielens", path)] == [0, 0]
    assert list(home.lake.glob("tmp")) == []


def test_a_folder_without_any_edition_is_refused(home: Home, write: Write, tmp_path: Path) -> None:
    write("other/readme.md", "x")
    with pytest.raises(
        InputError, match=r"not a MovieLens data set, expected u\.data or .* found readme\.md"
    ):
        run_import(home, "movielens", tmp_path / "other")


def test_ratings_without_the_films_are_served(home: Home, write: Write, history: History) -> None:
    path = write("d/ratings.csv", "userId,movieId,rating,timestamp\n1,20,5.0,881250949\n")
    run_import(home, "movielens", path.parent)
    assert history(home) == {"1": ["20"]}
