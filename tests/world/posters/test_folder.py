from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.world.posters.films import film

from matinee.cli.context import find_home
from matinee.cli.main import main
from matinee.errors import InputError
from matinee.observe.catalogue.artwork import Artworks
from matinee.observe.home import Home
from matinee.observe.importers.run import run_import
from matinee.world.posters.folder import MANIFEST, Order, write_posters

Answer = Callable[..., Any]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    assert main(["init", str(tmp_path / "shop"), "--json"]) == 0
    made = find_home(tmp_path / "shop")
    titles = tmp_path / "titles.csv"
    titles.write_text(
        "title_id,name,release_date,genres,maturity\n"
        "t1,Alien,1979,Horror|Sci-Fi,16\nt2,Babe & Co,1995,Children's,0\nt3,Kolya,,,\n",
        encoding="utf-8",
    )
    run_import(made, "titles", titles)
    return made


@pytest.fixture
def answer(capsys: pytest.CaptureFixture[str]) -> Answer:
    def run(*command: object, code: int = 0) -> Any:
        capsys.readouterr()
        assert main([*map(str, command), "--json"]) == code, capsys.readouterr().err
        printed = capsys.readouterr()
        return json.loads(printed.out or printed.err)

    return run


def test_a_folder_lists_what_it_holds(tmp_path: Path) -> None:
    assert write_posters(tmp_path / "out", [film(title_id="a"), film(title_id="b/c")], Order(2, 1)) == 6
    with (tmp_path / "out" / MANIFEST).open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["artwork_id"] for row in rows[3:]] == [
        "b/c-drawn-scene", "b/c-drawn-faces", "b/c-drawn-banner",
    ]  # fmt: skip
    assert [row["is_default"] for row in rows] == ["true", "false", "false"] * 2
    assert all((tmp_path / "out" / row["file"]).is_file() for row in rows)
    with pytest.raises(InputError, match="is not empty"):
        write_posters(tmp_path / "out", [film()])


def test_numbers_out_of_range_are_named() -> None:
    with pytest.raises(InputError, match="posters is 9, expected 1 to 6"):
        Order(9)
    with pytest.raises(InputError, match="wide is 3, expected 0 to 2"):
        Order(wide=3)


def test_titles_without_images_get_them_once(home: Home, answer: Answer) -> None:
    command = ("artwork", "draw", "--home", home.root, "--approve", "demo")
    assert answer(*command, "--dry-run")["titles"] == ["t1", "t2", "t3"]
    assert len(Artworks.load(home)) == 0
    assert answer(*command, "--titles", "t2", "--variants", 3)["images"] == 4
    assert answer(*command)["titles"] == ["t1", "t3"]
    art = Artworks.load(home)
    assert len(art) == 4 + 2 * 6
    far = 2**60
    assert art.cleared(far, None).all()
    assert art.artwork_ids[art.defaults(far, None)].tolist() == [f"t{i}-drawn-scene" for i in (1, 2, 3)]
    wide = art.defaults(far, None, usable=art.aspects == "16:9")
    assert art.artwork_ids[wide].tolist() == [f"t{i}-drawn-banner" for i in (1, 2, 3)]
    assert answer(*command)["titles"] == []


def test_without_a_name_nothing_is_cleared(home: Home, answer: Answer) -> None:
    answer("artwork", "draw", "--home", home.root, "--titles", "t1")
    art = Artworks.load(home)
    assert len(art) == 6
    assert not art.cleared(2**60, None).any()


def test_a_folder_can_be_drawn_instead(home: Home, answer: Answer, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert answer("artwork", "draw", "--home", home.root, "--titles", "t2", "--out", out)["out"] == str(out)
    assert len(list(out.glob("*.svg"))) == 6
    assert len(Artworks.load(home)) == 0


def test_unknown_titles_are_named(home: Home, answer: Answer) -> None:
    said = answer("artwork", "draw", "--home", home.root, "--titles", "t22", code=2)
    assert 'unknown title "t22". Did you mean "t2"?' in str(said)
