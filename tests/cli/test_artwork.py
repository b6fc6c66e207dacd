"""Images from a folder to a page's record, by the commands a person would give."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.observe.catalogue import images
from tests.observe.catalogue.test_artwork_audit import page

from matinee.cli.main import main
from matinee.observe.home import Home
from matinee.serve.moment import Moment

Answer = Callable[..., Any]


@pytest.fixture
def home(tmp_path: Path) -> str:
    folder = tmp_path / "shop"
    assert main(["init", str(folder)]) == 0
    (tmp_path / "titles.csv").write_text("title_id,name\nt1,One\nt2,Two\n", encoding="utf-8")
    assert main(["import", "titles", str(tmp_path / "titles.csv"), "--home", str(folder)]) == 0
    shots = tmp_path / "shots"
    for name in ("t1/wide.png", "t1/tall.png", "t2.png"):
        (shots / name).parent.mkdir(parents=True, exist_ok=True)
        (shots / name).write_bytes(images.png(20, 30) if "tall" in name else images.png())
    return str(folder)


def test_from_a_folder_to_cleared_images_and_back(
    home: str, tmp_path: Path, answer: Answer, capsys: pytest.CaptureFixture[str]
) -> None:
    at = ["--home", home]
    assert main(["import", "artwork", str(tmp_path / "shots"), *at, "--dry-run"]) == 0
    assert main(["import", "artwork", str(tmp_path / "shots"), *at]) == 0
    assert "3 of 3 images are not cleared and are not shown: approve them" in capsys.readouterr().out
    assert answer("artwork", "list", "--uncleared", *at)["images"] == 3
    done = answer("artwork", "approve", "t1--wide", "t2", "--by", "Ada", "--territories", "NL,BE", *at)
    assert (done["approved"]["images"], done["approved"]["bare"]) == (["t1--wide", "t2"], [])
    assert main(["artwork", "list", "--title", "t1", *at]) == 0
    printed = capsys.readouterr().out
    assert "yes in BE, NL" in printed
    assert "no: not approved" in printed
    planned = ["artwork", "withdraw", "t2", "--why", "rights", "--by", "Bob"]
    assert main([*planned, "--dry-run", *at]) == 0
    assert "1 titles would be left without any cleared image: t2" in capsys.readouterr().err
    assert main([*planned, *at]) == 0
    assert main(["artwork", "show", "t2", *at]) == 0
    printed = capsys.readouterr().out
    assert "no: withdrawn" in printed
    assert "withdrawn_us, withdrawn_by, withdrawn_why" in printed.replace("\n", " ")
    assert answer("artwork", "show", "t1--wide", *at)["cleared"]
    assert answer("artwork", "approve", "t1--wide", "--by", "Ada", "--territories", "all", *at)["approved"][
        "images"
    ]
    assert answer("artwork", "show", "t1--wide", *at)["facts"]["territories"] == []
    assert "3+" in answer("artwork", "tags")["tags"]["people"]


def test_the_audit_answers_and_its_check_has_a_verdict(
    home: str, tmp_path: Path, answer: Answer, capsys: pytest.CaptureFixture[str]
) -> None:
    at = ["--home", home]
    main(["import", "artwork", str(tmp_path / "shots"), *at])
    main(["artwork", "approve", "t2", "--by", "Ada", *at])
    now_us = Moment.open(Home(Path(home))).now_us
    log = Path(home) / "log" / "1-a-0001.ndjson"
    log.write_bytes(page("d1", "m1", now_us, "t2"))
    assert answer("artwork", "audit", "t2", *at)["audit"]["serves"] == 1
    assert main(["artwork", "audit", "t2", *at]) == 0
    assert "pooled@2" in capsys.readouterr().out
    assert main(["artwork", "audit", "t22", *at]) == 2
    assert 'unknown id "t22"' in capsys.readouterr().err
    assert main(["artwork", "audit", "t2", "--from", "2025-01-02", "--until", "2025-01-01", *at]) == 2
    assert main(["artwork", "audit", "--check", *at]) == 0
    log.write_bytes(page("d1", "m1", now_us, "t2", "t1--wide"))
    assert main(["artwork", "audit", "--check", *at]) == 1
    assert "2 images were served; 1 of them were not cleared" in capsys.readouterr().out
    assert answer("artwork", "audit", "--check", *at, code=1)["check"]["reasons"] == {"not approved": 1}


def test_an_act_is_dated_by_the_clock_of_the_servers(home: str, tmp_path: Path, answer: Answer) -> None:
    (Path(home) / "matinee.toml").write_text('[clock]\nnow = "last_event"\n', encoding="utf-8")
    (tmp_path / "plays.csv").write_text("member_id,title_id,at\nm1,t1,2024-01-01\n", encoding="utf-8")
    main(["import", "events", str(tmp_path / "plays.csv"), "--home", home])
    main(["import", "artwork", str(tmp_path / "shots"), "--home", home])
    server = Moment.open(Home(Path(home)))
    before = server.now_us
    done = answer("artwork", "approve", "t2", "--by", "Ada", "--home", home)
    assert before <= done["approved"]["at_us"] <= server.now_us


def test_bad_lines_are_named(home: str, capsys: pytest.CaptureFixture[str]) -> None:
    at = ["--home", home]
    for line, words in (
        (["artwork", "approve", "--by", "Ada"], "no id is given"),
        (["artwork", "approve", "t9", "--by", "Ada"], 'unknown id "t9". No image is known'),
        (["artwork", "withdraw", "t9", "--by", "Ada"], "--why"),
        (["artwork", "show", "t9"], "No image is known"),
        (["artwork", "audit"], "name an image, or pass --check"),
        (["artwork", "audit", "--check", "--out", "x.csv"], "--out goes with an image"),
        (["artwork", "list", "--title", "t9"], 'title "t9" has no image'),
    ):
        assert main([*line, *at]) == 2
        assert words in capsys.readouterr().err
