"""Film facts from a SQLite table of Wikidata (CC0), joined to titles that are known by name and year only.

Reads the `omdb` table of `movies.db` in bokeh_sampledata 2026.1 and later. The result has the columns of the
`titles` file, so it is imported like any other.
"""

from __future__ import annotations

import json
import re
import sqlite3
import unicodedata
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path

from matinee.errors import InputError

MATURITY_OF_RATING = {
    "G": 0,
    "PG": 8,
    "GP": 8,
    "M": 8,
    "M/PG": 8,
    "PG-13": 13,
    "R": 17,
    "NC-17": 18,
    "X": 18,
}
"""Youngest age, in years, that we read from a rating of the Motion Picture Association."""

ARTICLE = re.compile(r"^(?:the|a|an|la|le|les|l|el|il|lo|los|las|der|die|das|un|une) ")
_SQL = 'SELECT Title, Year, Rating, Runtime, Genre, Released, Director, "Cast", Language, Country FROM omdb'


@dataclass(frozen=True, slots=True)
class NamedTitle:
    """A title as the log knows it. `year` is None where unknown."""

    title_id: str
    name: str
    year: int | None
    genres: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TitleFacts:
    """One line of the `titles` file. `matched` says whether the film was found among the facts."""

    title_id: str
    name: str
    release_date: str | None
    runtime_s: int | None = None
    genres: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    maturity: int | None = None
    cast: tuple[str, ...] = ()
    directors: tuple[str, ...] = ()
    matched: bool = field(default=False)


def display_name(name: str) -> str:
    """A name as people say it: no year, and the article in front.

    Examples
    --------
    >>> display_name("Godfather, The (1972)")
    'The Godfather'
    >>> display_name("Cité des enfants perdus, La (City of Lost Children, The) (1995)")
    'La Cité des enfants perdus'
    """
    text = re.sub(r"(?<=\S)\s*\((?:19|20)\d\d\)\s*$", "", name).strip()
    text = re.sub(r"\s*\([^()]*\)\s*$", "", text).strip() or text
    head = re.match(r"^(.*), (The|A|An|La|Le|Les|L'|El|Il|Lo|Los|Las|Der|Die|Das|Un|Une)$", text)
    if head is None:
        return text
    return f"{head[2]}{head[1]}" if head[2].endswith("'") else f"{head[2]} {head[1]}"


def name_key(name: str) -> str:
    """A name without what spellings differ in: case, accents, punctuation, articles and "&".

    Examples
    --------
    >>> name_key("Godfather, The (1972)") == name_key("The Godfather")
    True
    """
    text = unicodedata.normalize("NFKD", display_name(name).lower().replace("&", " and "))
    text = "".join(c for c in text if not unicodedata.combining(c)).replace("'", "").replace("’", "")
    text = " ".join(re.sub(r"[^a-z0-9]+", " ", text).split())
    return ARTICLE.sub("", text)


def name_keys(name: str) -> list[str]:
    """All keys under which a name may be found: the main one, then alternatives in brackets, then the part
    before or after a colon.
    """
    bare = re.sub(r"\s*\((?:19|20)\d\d\)\s*$", "", name)
    parts = [bare, *re.findall(r"\(([^()]*)\)", bare)]
    parts += [half for part in parts for half in part.split(":") if ":" in part]
    return list(dict.fromkeys(key for key in map(name_key, parts) if key))


def join(titles: Iterable[NamedTitle], database: Path) -> list[TitleFacts]:
    """Facts for each title, in the same order; a title that is not found keeps its own name and genres.

    A film matches on name and year; years may differ by one, since sources disagree on festival dates.

    Raises
    ------
    InputError
        The file is not a SQLite database with the table `omdb`.
    """
    rows = _read(database)
    by_name: dict[str, list[int]] = {}
    for i, row in enumerate(rows):
        for key in name_keys(str(row[0])):
            by_name.setdefault(key, []).append(i)
    return [_facts(title, rows, by_name) for title in titles]


def _read(database: Path) -> list[Sequence[object]]:
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            return connection.execute(_SQL).fetchall()
    except sqlite3.Error as problem:
        raise InputError(
            f"{database}: {problem}, expected a SQLite file with the table omdb, "
            "as movies.db of bokeh_sampledata."
        ) from None


def _facts(title: NamedTitle, rows: list[Sequence[object]], by_name: dict[str, list[int]]) -> TitleFacts:
    found = _best(title, rows, by_name)
    if found is None:
        first_day = None if title.year is None else f"{title.year}-01-01"
        return TitleFacts(title.title_id, display_name(title.name), first_day, genres=title.genres)
    _, _, rating, runtime_min, genres, released, director, cast, languages, countries = rows[found]
    return TitleFacts(
        title.title_id,
        display_name(title.name),
        str(released) if released else None,
        round(float(str(runtime_min)) * 60) if runtime_min else None,
        _list(genres) or title.genres,
        _list(languages),
        _list(countries),
        MATURITY_OF_RATING.get(str(rating)),
        _list(cast)[:12],
        _list(director),
        matched=True,
    )


def _best(title: NamedTitle, rows: list[Sequence[object]], by_name: dict[str, list[int]]) -> int | None:
    """Position of the film with the first name that fits; its year is the nearest, at most one away."""
    for key in name_keys(title.name):
        found = by_name.get(key, [])
        years_apart = [0 if title.year is None else abs(int(str(rows[i][1])) - title.year) for i in found]
        if found and min(years_apart) <= 1:
            return found[years_apart.index(min(years_apart))]
    return None


def _list(text: object) -> tuple[str, ...]:
    """Labels of a comma-separated cell, in order, without repeats."""
    return tuple(dict.fromkeys(part.strip() for part in str(text or "").split(",") if part.strip()))


def write_titles(facts: Iterable[TitleFacts], path: Path) -> None:
    """Write facts as a `titles` file (NDJSON), to be imported with `matinee import titles`."""
    with path.open("w", encoding="utf-8") as file:
        for one in facts:
            row = asdict(one)
            del row["matched"]
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
