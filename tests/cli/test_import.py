from __future__ import annotations

import json
from pathlib import Path

import pytest

from matinee.cli.main import main
from matinee.learn.reading import load_catalogue
from matinee.observe.home import Home
from matinee.types import parse_at


def test_import_counts_what_it_did(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home, plays = str(tmp_path / "shop"), tmp_path / "plays.csv"
    plays.write_text("member_id,title_id,at\nm,a,5\nm,b,31/12/2024\n")
    main(["init", home])
    assert main(["import", "events", str(plays), "--home", home]) == 2
    assert 'plays.csv, line 3: at is "31/12/2024", expected ISO-8601' in capsys.readouterr().err
    rejects = tmp_path / "bad.csv"
    skip = ["import", "events", str(plays), "--home", home, "--on-error", "skip", "--rejects", str(rejects)]
    assert main(skip) == 0
    assert f"Rejected rows and the reasons: {rejects}" in capsys.readouterr().out
    assert main([*skip, "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["imported"]
    assert (found["table"], found["added"], found["duplicate"], found["rejected"]) == ("plays", 0, 1, 1)


def test_rows_of_erased_members_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home, plays = str(tmp_path / "shop"), tmp_path / "plays.csv"
    plays.write_text("member_id,title_id,at\nm-erased,a,5\nm-other,b,6\n")
    main(["init", home])
    assert main(["import", "events", str(plays), "--home", home]) == 0
    assert main(["erase", "m-erased", "--home", home]) == 0
    capsys.readouterr()
    assert main(["import", "events", str(plays), "--home", home]) == 0
    assert "Left out, of members who were erased: 1 row." in capsys.readouterr().out


def test_a_folder_that_is_no_home_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", "events", "x.csv", "--home", str(tmp_path)]) == 2
    assert "expected a service home. Make one: matinee init" in capsys.readouterr().err


def test_facts_before_the_first_event_are_older_than_those_that_follow(tmp_path: Path) -> None:
    shop = str(tmp_path / "shop")
    main(["init", shop, "--now", "last_event"])
    titles, plays = tmp_path / "titles.csv", tmp_path / "plays.csv"
    plays.write_text("member_id,title_id,at\nm,a,1998-04-22T00:00:00Z\n")
    for kind, path, name in (
        ("titles", titles, "First"),
        ("events", plays, ""),
        ("titles", titles, "Second"),
    ):
        if kind == "titles":
            path.write_text(f"title_id,name\na,{name}\n")
        assert main(["import", kind, str(path), "--home", shop]) == 0
    home = Home.find(Path(shop), None)
    names = {
        year: load_catalogue(home, parse_at(f"{year}-01-01T00:00:00Z")).names.tolist()
        for year in (1997, 1999)
    }
    assert names == {1997: ["First"], 1999: ["Second"]}


def test_rows_of_a_plan_are_counted_not_the_plan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home, pins = tmp_path / "shop", tmp_path / "pins.csv"
    pins.write_text("row,col,title_id\n1,1,t1\n1,2,t2\n2,1,t3\n")
    assert main(["init", str(home)]) == 0
    for added, duplicate in ((3, 0), (0, 3)):
        capsys.readouterr()
        assert main(["import", "pins", str(pins), "--home", str(home), "--json"]) == 0
        (done,) = json.loads(capsys.readouterr().out)["imported"]
        assert (done["added"], done["duplicate"]) == (added, duplicate)
