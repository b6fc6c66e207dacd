"""MovieLens as published by GroupLens: 100K, 1M, 10M, 20M, 25M, 32M, latest; and 100K in RecBole's layout.

Source: F. M. Harper and J. A. Konstan (2015), The MovieLens Datasets, DOI 10.1145/2827872. Its terms:
research use, no redistribution without permission, no commercial use without permission.
"""

from __future__ import annotations

from pathlib import Path

from matinee.observe.importers.dataset import Dataset
from matinee.observe.importers.part import Importer, Part
from matinee.observe.importers.table import Dialect, Table

SCALE = 5.0
GENRES_100K = (
    "unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama",
    "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western",
)  # fmt: skip
DATA_100K = Dialect("\t", "", header=False, names=("user_id", "item_id", "rating", "timestamp"))
ITEM_100K = Dialect(
    "|", "", header=False, encoding="latin-1",
    names=("item_id", "title", "release", "video_release", "url", *GENRES_100K),
)  # fmt: skip
COLONS = Dialect("::", "", header=False, names=("user_id", "item_id", "rating", "timestamp"))
COLON_MOVIES = Dialect("::", "", header=False, encoding="latin-1", names=("item_id", "title", "genres"))
COLON_MOVIES_UTF8 = Dialect("::", "", header=False, names=("item_id", "title", "genres"))
COMMAS = Dialect(",")
TABS = Dialect("\t", "")

RATINGS = {"member_id": "user_id", "title_id": "item_id", "at": "timestamp", "rating": "rating"}
RATINGS_CSV = {"member_id": '"userId"', "title_id": '"movieId"', "at": "timestamp", "rating": "rating"}
RATINGS_RECBOLE = {
    "member_id": '"user_id:token"',
    "title_id": '"item_id:token"',
    "at": '"timestamp:float"',
    "rating": '"rating:float"',
}
LAYOUTS = ("u.data", "ml-100k.inter", "ratings.dat", "ratings.csv")


def parts(path: Path, scratch: Path) -> list[Part]:
    """Ratings and films of whichever edition is found."""
    data = Dataset(path, scratch)
    if ratings := data.table("u.data", DATA_100K):
        return [*_titles(data.table("u.item", ITEM_100K), _values_100k()), _events(ratings, RATINGS)]
    if ratings := data.table("ml-100k.inter", TABS):
        return [*_titles(data.table("ml-100k.item", TABS), VALUES_RECBOLE), _events(ratings, RATINGS_RECBOLE)]
    if ratings := data.table("ratings.dat", COLONS):
        ten_m = data.find("tags.dat") is not None  # 10M is UTF-8, 1M is Latin-1
        movies = data.table("movies.dat", COLON_MOVIES_UTF8 if ten_m else COLON_MOVIES)
        return [*_titles(movies, published("item_id")), _events(ratings, RATINGS)]
    if ratings := data.table("ratings.csv", COMMAS):
        return [
            *_titles(data.table("movies.csv", COMMAS), published('"movieId"')),
            _events(ratings, RATINGS_CSV),
        ]
    raise data.refuse("MovieLens", LAYOUTS)


def published(title_id: str) -> dict[str, str]:
    """SQL of the fields of a film, from `title` as "Matrix, The (1999)" and `genres` as "Action|Sci-Fi"."""
    return {
        "title_id": title_id,
        "name": film_name("title"),
        "kind": "'film'",
        "release_date": "nullif(regexp_extract(title, '\\((\\d{4})[^()]*\\)\\s*$', 1), '')",
        "genres": "nullif(genres, '(no genres listed)')",
    }


def film_name(title: str) -> str:
    """SQL of the name of a film: without its year, its article in front.

    "Matrix, The (1999)" is The Matrix.
    """
    bare = f"trim(regexp_replace({title}, '\\s*\\(\\d{{4}}[^()]*\\)\\s*$', ''))"
    return f"regexp_replace({bare}, '^(.*), (The|A|An|La|Le|Les|L''|Il|El|Der|Die|Das|Los)$', '\\2 \\1')"


def _values_100k() -> dict[str, str]:
    genres = ", ".join(
        f"CASE WHEN \"{g}\" = '1' THEN '{g.replace(chr(39), chr(39) * 2)}' END" for g in GENRES_100K[1:]
    )
    return {
        "title_id": "item_id",
        "name": film_name("title"),
        "kind": "'film'",
        "release_date": "coalesce(strftime(try_strptime(release, '%d-%b-%Y'), '%Y-%m-%d'), "
        "nullif(regexp_extract(title, '\\((\\d{4})\\)\\s*$', 1), ''))",
        "genres": f"concat_ws('|', {genres})",
    }


VALUES_RECBOLE = {
    "title_id": '"item_id:token"',
    "name": film_name('"movie_title:token_seq"'),
    "kind": "'film'",
    "release_date": "nullif(regexp_extract(\"release_year:token\", '^\\d{4}$'), '')",
    "genres": "replace(nullif(\"class:token_seq\", 'unknown'), ' ', '|')",
}


def _events(table: Table, values: dict[str, str]) -> Part:
    return Part("events", table, values, SCALE)


def _titles(table: Table | None, values: dict[str, str]) -> list[Part]:
    return [] if table is None else [Part("titles", table, values)]


IMPORTER = Importer(
    "movielens", "MovieLens, the published zip or its folder (100K, 1M, 10M, 20M, 25M, 32M, latest).", parts
)
