"""MovieTweetings: ratings 0 to 10 that people posted, with IMDb ids.

Source: S. Dooms, T. De Pessemier and L. Martens (2013), MovieTweetings: a movie rating dataset collected
from Twitter, CrowdRec at RecSys 2013; github.com/sidooms/MovieTweetings (MIT).
"""

from __future__ import annotations

from pathlib import Path

from matinee.observe.importers.dataset import Dataset
from matinee.observe.importers.movielens import published
from matinee.observe.importers.part import Importer, Part
from matinee.observe.importers.table import Dialect

SCALE = 10.0
RATINGS = Dialect("::", "", header=False, names=("user_id", "item_id", "rating", "timestamp"))
MOVIES = Dialect("::", "", header=False, names=("item_id", "title", "genres"))
VALUES = {"member_id": "user_id", "title_id": "item_id", "at": "timestamp", "rating": "rating"}


def parts(path: Path, scratch: Path) -> list[Part]:
    """`ratings.dat` and, if there, `movies.dat`. Ids stay as they are written, with leading zeros."""
    data = Dataset(path, scratch)
    ratings = data.table("ratings.dat", RATINGS)
    if ratings is None:
        raise data.refuse("MovieTweetings", ["ratings.dat"])
    movies = data.table("movies.dat", MOVIES)
    titles = [] if movies is None else [Part("titles", movies, published("item_id"))]
    return [*titles, Part("events", ratings, VALUES, SCALE)]


IMPORTER = Importer(
    "movietweetings", "MovieTweetings, a folder or zip with ratings.dat and movies.dat.", parts
)
