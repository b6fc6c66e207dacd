"""init, import, train, page, pages on a small made-up service, as a user would run them."""

from __future__ import annotations

import json
import random
import re
import shutil
from pathlib import Path

import duckdb
import pytest

from matinee.cli.main import main
from matinee.initiatives.homepage.live import LiveHomepage
from matinee.observe.home import Home
from matinee.platform.lifecycle.project import open_project
from matinee.platform.registry.releases import Reasons

GENRES = ["Crime", "Comedy", "Space", "Romance"]
N_TITLES, N_MEMBERS = 48, 60


def service(folder: Path) -> Path:
    """A home with 60 members who each prefer one of four genres; t0 is for adults, t1 only in NL."""
    rng = random.Random(0)
    titles = ["title_id,name,genres,release_date,runtime_s,maturity"]
    for i in range(N_TITLES):
        titles.append(f"t{i},Story {i},{GENRES[i % 4]}|Drama,2024-01-01,5400,{18 if i == 0 else 6}")
    plays = ["member_id,title_id,at,watch_s"]
    for m in range(N_MEMBERS):
        own = [i for i in range(N_TITLES) if i % 4 == m % 4]
        for day in range(1, 13):
            title = rng.choice(own) if rng.random() < 0.8 else rng.randrange(N_TITLES)
            plays.append(f"m{m},t{title},2024-11-{day:02}T20:15:00Z,{rng.randint(600, 5400)}")
    (folder / "titles.csv").write_text("\n".join(titles) + "\n")
    (folder / "plays.csv").write_text("\n".join(plays) + "\n")
    (folder / "members.csv").write_text("member_id,kids,territory\nkid,true,DE\nempty,false,NL\n")
    (folder / "availability.csv").write_text("title_id,territory,from,until\nt1,NL,2024-01-01,2026-01-01\n")
    home = folder / "shop"
    assert main(["init", str(home), "--now", "last_event"]) == 0
    for kind in ("titles", "members", "availability"):
        assert main(["import", kind, str(folder / f"{kind}.csv"), "--home", str(home)]) == 0
    assert main(["import", "events", str(folder / "plays.csv"), "--home", str(home)]) == 0
    return home


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = service(tmp_path_factory.mktemp("service"))
    assert main(["train", "homepage", "--home", str(made)]) == 0
    return made


def page_of(member: str, home: Path, capsys: pytest.CaptureFixture[str], *options: str) -> dict:
    capsys.readouterr()
    assert main(["page", member, "--home", str(home), "--json", *options]) == 0
    return json.loads(capsys.readouterr().out)


def titles_of(page: dict) -> set[str]:
    return {tile["title_id"] for row in page["rows"] for tile in row["tiles"]}


def test_a_home_without_plays_cannot_train(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", str(tmp_path / "shop")]) == 0
    assert main(["train", "homepage", "--home", str(tmp_path / "shop")]) == 2
    assert "0 plays until" in capsys.readouterr().err
    assert main(["page", "m1", "--home", str(tmp_path / "shop")]) == 2
    assert "no trained homepage here" in capsys.readouterr().err
    assert list((tmp_path / "shop" / "releases").rglob("model.json")) == []


@pytest.mark.slow
def test_the_same_log_gives_the_same_version(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (before,) = home.glob("releases/homepage/*/model.json")
    capsys.readouterr()
    assert main(["train", "homepage", "--home", str(home), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["version"] == before.parent.name
    assert {one["state"] for one in found["run"]["steps"]} == {"cached"}
    assert found["card"]["at"] == "2024-11-12T20:15:00Z"
    assert found["in_production"] is None
    assert not re.search(r"\.(pkl|pickle|joblib)", " ".join(found["card"]["files"]))


@pytest.mark.slow
def test_until_something_is_released_the_newest_model_is_shown_and_said(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = tmp_path / "shop"
    shutil.copytree(home, shop)
    version = next(shop.glob("releases/homepage/*/model.json")).parent.name
    assert main(["page", "m3", "--home", str(shop)]) == 0
    assert f"Nothing is in production yet: shown with {version}" in " ".join(capsys.readouterr().err.split())
    assert main(["page", "m3", "--home", str(shop), "--json"]) == 0
    assert capsys.readouterr().err == ""
    with open_project(Home(shop), "homepage") as project:
        project.registry.releases.release(
            "homepage", version, expected_previous=None, released_us=1, reasons=Reasons(approver="kim")
        )
    assert main(["train", "homepage", "--home", str(shop), "--seed", "1"]) == 0
    capsys.readouterr()
    assert main(["page", "m3", "--home", str(shop)]) == 0
    assert capsys.readouterr().err == ""
    assert LiveHomepage.open(Home(shop)).release.name == version


@pytest.mark.slow
def test_tier_1_is_released_by_somebody_with_a_name(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = tmp_path / "shop"
    shutil.copytree(home, shop)
    capsys.readouterr()
    assert main(["release", "homepage", "--home", str(shop), "--json"]) == 1
    gates = {one["gate"]: one for one in json.loads(capsys.readouterr().out)["attempt"]["gates"]}
    assert gates["approval"]["verdict"] == "failed"
    assert gates["beats_baseline"]["verdict"] == "failed"  # it was not evaluated
    assert gates["loads_in_fresh_process"]["verdict"] == gates["real_data"]["verdict"] == "passed"
    assert gates["off_policy"]["verdict"] == "not_measured"


@pytest.mark.slow
def test_pages_obey_each_members_limits(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    grown, kid = page_of("m3", home, capsys), page_of("kid", home, capsys)
    assert titles_of(grown)
    assert titles_of(kid)
    assert "t0" not in titles_of(kid)  # for adults
    assert "t1" not in titles_of(kid)  # only in NL
    assert "t1" not in titles_of(grown)  # no territory is known: only titles without windows
    new = page_of("somebody new", home, capsys)
    assert titles_of(new)
    assert all(tile["reason"] for row in new["rows"] for tile in row["tiles"])


@pytest.mark.slow
def test_a_page_for_people_says_why(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["page", "m3", "--home", str(home), "--why", "--rows", "4"]) == 0
    text = capsys.readouterr().out
    assert "Member m3 at 2024-11-12T20:15:00Z" in text
    assert "Where the titles of each row went" in text


@pytest.mark.slow
def test_all_pages_as_a_table_and_a_viewer(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, html = tmp_path / "pages.parquet", tmp_path / "homepage.html"
    assert main(["pages", "--out", str(out), "--html", str(html), "--home", str(home), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["members"] == N_MEMBERS + 2
    tiles = duckdb.sql(f"SELECT * FROM '{out}'")
    assert found["tiles"] == len(tiles)
    (bad,) = duckdb.sql(
        f"SELECT count(*) FROM '{out}' WHERE NOT (propensity > 0 AND propensity <= 1) OR reason = '' "
        'OR "row" < 1 OR col < 1'
    ).fetchall()
    assert bad == (0,)
    (twice,) = duckdb.sql(
        f"SELECT count(*) FROM (SELECT member_id, \"row\", title_id FROM '{out}' "
        "GROUP BY ALL HAVING count(*) > 1)"
    ).fetchall()
    assert twice == (0,)
    assert html.stat().st_size < 1_000_000
    chosen = tmp_path / "some.csv"
    chosen.write_text("member_id\nm5\nstranger\n")
    some = tmp_path / "some.parquet"
    assert main(["pages", "--out", str(some), "--members", str(chosen), "--home", str(home)]) == 0
    assert duckdb.sql(f"SELECT DISTINCT member_id FROM '{some}' ORDER BY 1").fetchall() == [
        ("m5",),
        ("stranger",),
    ]


@pytest.mark.slow
def test_the_settings_of_the_home_count(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MATINEE_HOMEPAGE__ROWS", "2")
    monkeypatch.setenv("MATINEE_HOMEPAGE__COLS", "3")
    out = tmp_path / "pages.csv"
    assert main(["pages", "--out", str(out), "--home", str(home)]) == 0
    assert duckdb.sql(f"SELECT max(\"row\"), max(col) FROM '{out}'").fetchall() == [(2, 3)]
    monkeypatch.setenv("MATINEE_HOMEPAGE__ROWS", "-2")
    assert main(["pages", "--out", str(out), "--home", str(home)]) == 2
    assert "rows is -2" in capsys.readouterr().err


@pytest.mark.slow
def test_a_damaged_release_is_reported(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(home, copy)
    (model,) = copy.glob("releases/homepage/*/model.json")
    weights = next(path for path in sorted(model.parent.rglob("*.npy")))
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    assert main(["page", "m1", "--home", str(copy)]) == 1
    assert f"{weights.name}: is changed, expected the file that was trained" in capsys.readouterr().err
    shutil.rmtree(model.parent)
    assert main(["page", "m1", "--home", str(copy)]) == 2
    assert "no model.json here, expected a model. Train again, or roll back." in capsys.readouterr().err
