"""A small service with everything that makes pages hard: names, limits, windows, series, profiles."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.console.watch.opened import Site, site

from matinee.observe.home import Home
from matinee.observe.importers.run import run_import

SCRIPT = "<script>alert('x')</script>\"'&"
RTL = "\u05e8\u05d7\u05d5\u05d1 \u05e1\u05d5\u05de\u05e1\u05d5\u05dd"
LONG = "Long" + " name" * 60
ADULT, ELSEWHERE, OVER, FUTURE, UNRATED = "adult", "elsewhere", "over", "future", "unrated"
FORBIDDEN = {ADULT: "Velvet Adults", UNRATED: "Unrated Oddity"}
"""Titles that a kids profile never sees, in any row, list, search or page."""
NOW = "2024-11-08T18:00:00Z"
GENRES = ("Crime", "Comedy", "Drama", "Animation")
N_FILMS = 48
T_COLUMNS = (
    "title_id", "name", "kind", "series_id", "season", "episode", "release_date", "runtime_s", "genres",
    "maturity", "synopsis", "cast", "directors",
)  # fmt: skip


def titles() -> list[dict[str, Any]]:
    films: list[dict[str, Any]] = [
        {
            "title_id": f"t{i}",
            "name": f"Film {i}",
            "kind": "film",
            "release_date": f"{1980 + i % 40}-05-01",
            "runtime_s": 6000,
            "genres": f"{GENRES[i % 4]}|{GENRES[(i // 4) % 4]}",
            "maturity": (0, 6, 12, 18)[i % 4],
            "synopsis": f"A story about lighthouse keeper number {i}.",
            "cast": "Frances McDormand|Zoë Ångström" if i % 8 == 0 else "",
            "directors": "Agnès Varda" if i % 9 == 0 else "",
        }
        for i in range(N_FILMS)
    ]
    odd = [
        {"title_id": "script", "name": SCRIPT, "synopsis": SCRIPT, "cast": SCRIPT, "maturity": 0},
        {"title_id": "rtl", "name": RTL, "synopsis": RTL, "maturity": 0},
        {"title_id": "long", "name": LONG, "synopsis": "", "maturity": 0},
        {"title_id": "fargo", "name": "Fargo", "release_date": "1996-03-08", "maturity": 16},
        {"title_id": "amelie", "name": "Le Fabuleux Destin d'Amélie Poulain", "maturity": 12},
        {"title_id": "leon", "name": "Léon: The Professional", "maturity": 16},
        {"title_id": ADULT, "name": FORBIDDEN[ADULT], "maturity": 18},
        {"title_id": UNRATED, "name": FORBIDDEN[UNRATED]},
        {"title_id": ELSEWHERE, "name": "Only In Germany", "maturity": 0},
        {"title_id": OVER, "name": "Window Is Over", "maturity": 0},
        {"title_id": FUTURE, "name": "Not Out Yet", "release_date": "2030-01-01", "maturity": 0},
        {"title_id": "soon", "name": "Gone Tomorrow", "maturity": 0},
        {"title_id": "bare", "name": "", "maturity": 0},
        {"title_id": "a/b c", "name": "Slashed", "maturity": 0},
    ]
    films += [{"kind": "film", "runtime_s": 6000, "genres": "Crime|Drama"} | one for one in odd]
    series = [
        {"title_id": "s", "name": "Harbour Lights", "kind": "series", "genres": "Crime", "maturity": 12}
    ]
    for n in range(1, 4):
        series.append(
            {
                "title_id": f"s1e{n}",
                "name": f"Part {n}",
                "kind": "episode",
                "series_id": "s",
                "season": 1,
                "episode": n,
                "runtime_s": 3000,
                "maturity": 12,
            }
        )
    return [*films, *series]


MEMBERS = (
    "member_id,account_id,territory,maturity_max,kids\n"
    "m1,a1,AT,18,false\nkid,a1,AT,18,true\nm2,a2,DE,18,false\nteen,a2,AT,12,false\nquiet,a3,AT,18,false\n"
)
AVAILABILITY = (
    "title_id,territory,from,until\n"
    f"{ELSEWHERE},DE,2020-01-01,2030-01-01\n{OVER},AT,2020-01-01,2024-11-05\nsoon,AT,2020-01-01,2024-11-12\n"
)


def events() -> str:
    """Plays of eleven members; the latest is at `NOW`."""
    lines = [
        f"m{m},t{(7 * m + 3 * k) % N_FILMS},2024-11-{1 + k:02d}T{8 + (m + k) % 10:02d}:00:00Z,6000"
        for m in range(1, 12)
        for k in range(7)
    ]
    lines += [
        f"m{m},{one},2024-11-07T0{m}:00:00Z,6000" for m in range(3, 7) for one in ("script", "rtl", "long")
    ]
    lines += [f"m3,fargo,{NOW},6000", "m4,adult,2024-11-06T10:00:00Z,6000"]
    return "member_id,title_id,at,watch_s\n" + "\n".join(lines) + "\n"


def a_home(factory: pytest.TempPathFactory) -> Home:
    """A copy of the home, which is made once in a session."""
    made = factory.getbasetemp() / "home-to-watch"
    if not made.exists():
        make(made)
    return Home(Path(shutil.copytree(made, factory.mktemp("watch") / "home")))


def make(folder: Path) -> Home:
    """The home."""
    home = Home.create(folder)
    home.settings.write_text('[clock]\nnow = "last_event"\n', encoding="utf-8")
    file = folder / "titles.csv"
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, T_COLUMNS)
        writer.writeheader()
        writer.writerows(titles())
    run_import(home, "titles", file)
    file.unlink()
    for kind, text in {"members": MEMBERS, "availability": AVAILABILITY, "events": events()}.items():
        file = folder / f"{kind}.csv"
        file.write_text(text, encoding="utf-8")
        run_import(home, kind, file)
        file.unlink()
    return home


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One server for a file of tests; nothing is trained, the fallback decides."""
    with site(a_home(tmp_path_factory)) as found:
        yield found
