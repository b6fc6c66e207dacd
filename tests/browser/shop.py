"""A small service that has everything a page can show: images and none, series, windows, kids, hard names."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from matinee.observe.clock import Clock
from matinee.observe.home import Home
from matinee.observe.importers.run import run_import
from matinee.world.posters.folder import Order, bare_titles, write_posters

SETTINGS = """[clock]
now = "last_event"

[serve]
refresh_s = 3600
compact_s = 3600
budget_ms = 5000
artwork_ms = 2000
"""
"""A busy machine is slow: with these times no page of a test is the answer of a fallback by accident."""

GENRES = ("Crime", "Comedy", "Drama", "Sci-Fi", "Thriller", "Romance", "Documentary", "Adventure")
FIRST = ("Silent", "Golden", "Broken", "Northern", "Hidden", "Electric", "Last", "Paper", "Crimson")
SECOND = ("Harbour", "Summer", "Mirror", "Station", "Garden", "Winter", "River", "Orchard")
N_FILMS = 72
N_KIDS = 22
ADULT_AGE = 16
KIDS_AGE = 6
RUNTIME_S = 6_000
SCRIPT_NAME = "<script>alert(1)</script>"
SCRIPT_TEXT = '<img src=x onerror="alert(2)"> & "quotes" </script><script>alert(3)</script>'
HEBREW, ARABIC = "אורות הצפון", "نجوم الصحراء البعيدة"
LONG_NAME = " ".join(["Endlessly"] * 18 + ["unbreakable" * 10])[:300]
HARD = {"x-script": SCRIPT_NAME, "x-hebrew": HEBREW, "x-arabic": ARABIC, "x-long": LONG_NAME}
"""Title -> a name that a careless page would break on."""
BARE_EVERY = 6
"""Each sixth film has no image."""
MEMBERS = tuple(f"m{number}" for number in range(1, 61))
KID = "kid"
NEWCOMER = "new"
ABROAD = "abroad"
LEAVING = "f7"
"""A film whose window in AT ends ten days after the log."""
STARTED = 2_400.0
"""Seconds of the film that each member began last."""

Row = dict[str, Any]


def make_shop(folder: Path) -> Home:
    """The home: 110 titles, 60 members of the same kind, a kids profile, a newcomer, somebody abroad."""
    home = Home.create(folder)
    home.settings.write_text(SETTINGS, encoding="utf-8")
    since_ever = Clock.last_event(0)
    tables = {"titles": titles(), "members": members(), "availability": windows(), "events": events()}
    for kind, rows in tables.items():
        file = folder / f"{kind}.csv"
        _write(file, rows)
        run_import(home, kind, file, clock=since_ever)
        file.unlink()
    pictured = [f"f{i}" for i in range(N_FILMS) if i % BARE_EVERY] + [f"k{i}" for i in range(N_KIDS)]
    pictured += ["s1", "s2", "x-script", "x-long"]
    with tempfile.TemporaryDirectory(prefix="matinee-posters-") as scratch:
        write_posters(Path(scratch), bare_titles(home, pictured), Order(2, 0, "tests"))
        run_import(home, "artwork", Path(scratch), clock=since_ever)
    return home


def titles() -> list[Row]:
    """Films, films for children, two series of three episodes, and names that are hard to show."""
    films = [
        _title(
            f"f{i}",
            f"{FIRST[i % len(FIRST)]} {SECOND[i % len(SECOND)]}",
            genres=f"{GENRES[i % len(GENRES)]}|{GENRES[(i + 3) % len(GENRES)]}",
            maturity=(ADULT_AGE, 12, 18, ADULT_AGE)[i % 4],
        )
        for i in range(N_FILMS)
    ]
    kids = [
        _title(
            f"k{i}",
            f"Little {SECOND[i % len(SECOND)]} {i + 1}",
            genres=f"Animation|{('Adventure', 'Comedy', 'Musical')[i % 3]}",
            maturity=(0, KIDS_AGE)[i % 2],
        )
        for i in range(N_KIDS)
    ]
    series = [
        row
        for number, name in ((1, "The Night Ferry"), (2, "Kilometre Zero"))
        for row in (
            _title(f"s{number}", name, kind="series", runtime_s="", maturity=12),
            *(
                _title(
                    f"s{number}e{e}",
                    f"Part {e}",
                    kind="episode",
                    series_id=f"s{number}",
                    season=1,
                    episode=e,
                    runtime_s=3_000,
                    maturity=12,
                )
                for e in (1, 2, 3)
            ),
        )
    ]
    hard = [_title(one, name, synopsis=SCRIPT_TEXT, maturity=12) for one, name in HARD.items()]
    return films + kids + series + hard


def members() -> list[Row]:
    """Who may see what."""
    adults = [{"member_id": one, "territory": "AT", "maturity_max": 18, "kids": "false"} for one in MEMBERS]
    others = ((KID, "AT", KIDS_AGE, "true"), (NEWCOMER, "AT", 18, "false"), (ABROAD, "DE", 18, "false"))
    return adults + [dict(zip(adults[0], one, strict=True)) for one in others]


def windows() -> list[Row]:
    """One film leaves soon, one was never sold to AT."""
    return [
        {"title_id": LEAVING, "territory": "AT", "from": "2020-01-01", "until": "2024-11-20"},
        {"title_id": "f8", "territory": "DE", "from": "2020-01-01", "until": "2030-01-01"},
    ]


def events() -> list[Row]:
    """Ten plays of each member, the last of them not to its end; what stands on their lists."""
    rows = []
    for number, member in enumerate(MEMBERS):
        for k in range(10):
            title = (5 * number + 7 * k) % N_FILMS
            day, hour = 8 - (9 - k) // 2, (number + 2 * k) % 20
            rows.append(_play(member, f"f{title}", f"2024-11-{day:02d}T{hour:02d}:00:00Z"))
        rows.append(_play(member, f"f{(5 * number + 3) % N_FILMS}", "2024-11-08T21:00:00Z", STARTED))
        rows.append(_play(member, "s1e1", "2024-11-08T20:30:00Z", 2_950.0))
        rows.append(_signal(member, f"f{(5 * number + 4) % N_FILMS}", "2024-11-08T21:30:00Z", "list_add"))
        for k, one in enumerate(HARD):
            if (number + k) % 4 == 0:
                rows.append(_signal(member, one, "2024-11-08T21:31:00Z", "list_add"))
    rows += [_play(KID, f"k{k}", f"2024-11-07T{8 + k:02d}:00:00Z") for k in range(4)]
    rows.append(_play(ABROAD, "f8", "2024-11-08T22:00:00Z"))
    return rows


def _title(title_id: str, name: str, **given: Any) -> Row:
    facts: Row = {
        "title_id": title_id,
        "name": name,
        "kind": "film",
        "series_id": "",
        "season": "",
        "episode": "",
        "release_date": "2019-05-01",
        "runtime_s": RUNTIME_S,
        "genres": "Drama|Crime",
        "languages": "en",
        "countries": "Austria",
        "maturity": 12,
        "synopsis": f"Nobody in {name} is who they were when the boat left.",
        "cast": "Ada Quill|Bo Marsh|Cem Aydin",
        "directors": "Dot Lark",
    }
    return facts | given


def _play(member: str, title: str, at: str, watch_s: float = RUNTIME_S) -> Row:
    return _event(member, title, at, event="play", watch_s=watch_s)


def _signal(member: str, title: str, at: str, signal: str) -> Row:
    return _event(member, title, at, event="signal", signal=signal)


def _event(member: str, title: str, at: str, **given: Any) -> Row:
    return {"member_id": member, "title_id": title, "at": at, "watch_s": "", "signal": ""} | given


def _write(file: Path, rows: Iterable[Row]) -> None:
    listed = list(rows)
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, list(listed[0]))
        writer.writeheader()
        writer.writerows(listed)
