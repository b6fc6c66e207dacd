"""Images of many titles as a folder that `matinee import artwork` reads: SVG files and a manifest."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from matinee.errors import InputError, NotFoundError, StorageError, unknown_name
from matinee.observe.home import Home
from matinee.observe.importers.film_facts import TitleFacts
from matinee.observe.lake.connection import connect
from matinee.observe.lake.reader import open_facts
from matinee.types import ALWAYS_US, format_at
from matinee.world.posters.draw import BY_ASPECT, Drawn, variants

MANIFEST = "manifest.csv"
COLUMNS = (
    "artwork_id", "title_id", "file", "format", "width_px", "height_px", "aspect", "language", "tags",
    "is_default", "approved_by",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Order:
    """How many images of each title, and in whose name.

    Attributes
    ----------
    posters : int, 1-6
        Upright, 2:3. The first is the title's default.
    wide : int, 0-2
        16:9.
    approved_by : str or None
        Who approves them all. None: they are imported uncleared, and shown when somebody has.
    seed : int
        Another seed draws other images, with other ids.
    """

    posters: int = 5
    wide: int = 1
    approved_by: str | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        limits = (("posters", self.posters, 1, "2:3"), ("wide", self.wide, 0, "16:9"))
        for name, value, least, aspect in limits:
            most = len(BY_ASPECT[aspect])
            if not least <= value <= most:
                raise InputError(
                    f"Order: {name} is {value}, expected {least} to {most}. Other seeds give more images."
                )


def images(title: TitleFacts, order: Order) -> list[Drawn]:
    """All images of a title, its default first."""
    upright = variants(title, order.posters, seed=order.seed)
    return upright + (variants(title, order.wide, aspect="16:9", seed=order.seed) if order.wide else [])


def write_posters(folder: Path, titles: Iterable[TitleFacts], order: Order | None = None) -> int:
    """Draw titles into a folder and list them in its manifest; returns the number of images.

    The manifest comes last: a folder without one is not whole.

    Raises
    ------
    InputError
        The folder holds something already.
    StorageError
        It cannot be written.
    """
    chosen = order or Order()
    try:
        if folder.is_dir() and any(folder.iterdir()):
            raise InputError(f"{folder}: is not empty, expected a new folder. Name another one.")
        folder.mkdir(parents=True, exist_ok=True)
        rows = []
        for number, title in enumerate(titles):
            for image in images(title, chosen):
                name = f"{number:05d}-{image.variant}.svg"
                (folder / name).write_text(image.svg, encoding="utf-8")
                rows.append(_row(title, image, name, chosen))
        with (folder / MANIFEST).open("w", encoding="utf-8", newline="") as file:
            out = csv.writer(file)
            out.writerow(COLUMNS)
            out.writerows(rows)
    except OSError as problem:
        if isinstance(problem, StorageError):
            raise
        raise StorageError(f"{folder}: {problem}, expected a folder that can be written.") from None
    return len(rows)


def _row(title: TitleFacts, image: Drawn, name: str, order: Order) -> tuple[object, ...]:
    again = f"-{order.seed}" if order.seed else ""
    return (
        f"{title.title_id}-drawn-{image.variant}{again}", title.title_id, name, "svg", image.width_px,
        image.height_px, image.aspect, image.language or "", "|".join(image.tags),
        "true" if image.variant == BY_ASPECT["2:3"][0] else "false", order.approved_by or "",
    )  # fmt: skip


def bare_titles(home: Home, wanted: Collection[str] = ()) -> list[TitleFacts]:
    """Titles of a home that have no image of any kind, cleared or not, ordered by id.

    A series that only its episodes name has no name of its own and is left out, as is a title without a name.

    Parameters
    ----------
    wanted : collection of str
        Only these. Empty: all.

    Raises
    ------
    NotFoundError
        A wanted title is unknown, or the home has no titles.
    """
    with connect(threads=1) as con:
        has = open_facts(con, home, "titles", "artwork")
        if not has["titles"]:
            raise NotFoundError(f"{home.root}: has no titles, expected some. Import them first.")
        if wanted:
            _check_known(con, home, wanted)
        found = con.execute(
            "SELECT title_id, name, release_us, genres, maturity FROM titles WHERE name IS NOT NULL "
            "AND (len($ids::VARCHAR[]) = 0 OR title_id IN (SELECT unnest($ids::VARCHAR[]))) "
            "AND title_id NOT IN (SELECT title_id FROM artwork) ORDER BY title_id",
            {"ids": list(wanted)},
        ).fetchall()
    return [
        TitleFacts(title_id, name, _day(release_us), genres=tuple(genres or ()), maturity=maturity)
        for title_id, name, release_us, genres, maturity in found
    ]


def _check_known(con: duckdb.DuckDBPyConnection, home: Home, wanted: Collection[str]) -> None:
    known = {str(row[0]) for row in con.execute("SELECT title_id FROM titles").fetchall()}
    for title_id in wanted:
        if title_id not in known:
            near = unknown_name(str(home.root), "title", title_id, known).split(" Known: ")[0]
            raise NotFoundError(f"{near} {len(known):,} titles are known there.")


def _day(release_us: int | None) -> str | None:
    return None if release_us in (None, ALWAYS_US) else format_at(int(release_us or 0))[:10]
