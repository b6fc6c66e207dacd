from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from matinee.cli.page import as_json, show_page, show_why
from matinee.initiatives.homepage.page import NO_ELIGIBLE_TITLE, MemberState, Page, Row, Tile
from matinee.initiatives.homepage.trace import PageTrace, RowTrace
from matinee.observe.catalogue.catalogue import Catalogue, Limits
from matinee.types import parse_at

AT_US = parse_at("1998-04-23T00:00:00Z")
CATALOGUE = Catalogue.from_rows(
    [
        {"title_id": "a", "name": "[bold]Fargo[/bold]", "release_us": parse_at("1996-03-08")},
        {"title_id": "b", "name": "Toy Story"},
    ]
)
TILES = [Tile(1, 0, "a", "Popular"), Tile(2, 1, "b", "Something different", 0.25, explored=True)]


def member(*history: int) -> MemberState:
    times, weights = np.zeros(len(history), np.int64), np.ones(len(history), np.float32)
    scores = np.zeros(2, np.float32)
    return MemberState("m1", Limits(), np.array(history, np.int32), times, weights, scores, scores)


def printed(page: Page, state: MemberState, capsys: pytest.CaptureFixture[str]) -> str:
    live = SimpleNamespace(titles=SimpleNamespace(catalogue=CATALOGUE))
    show_page(live, state, page)  # type: ignore[arg-type]
    return capsys.readouterr().out


def test_a_page_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [Row(1, "popular", "discover", "Popular on the service", TILES)]
    text = printed(Page("m1", AT_US, rows, ["pin of t9: unknown title"]), member(1, 0), capsys)
    assert "Member m1 at 1998-04-23T00:00:00Z" in text
    assert "2 titles watched, last: [bold]Fargo[/bold], Toy Story" in text
    assert " 1  Popular on the service" in text
    assert "[bold]Fargo[/bold] 1996" in text  # a name is never read as markup
    assert "exploring, p = 0.250" in text
    assert "Not kept: pin of t9: unknown title" in text


def test_what_all_tiles_say_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    same = [Tile(1, 0, "a", "Many watch it"), Tile(2, 1, "b", "Many watch it")]
    page = Page("m1", AT_US, [Row(1, "popular", "discover", "Popular", same)])
    assert printed(page, member(), capsys).count("Many watch it") == 1


def test_a_page_without_rows_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    page = Page("m1", AT_US, [], reason=NO_ELIGIBLE_TITLE)
    assert f"Nothing may be shown to this member now: {NO_ELIGIBLE_TITLE}." in printed(page, member(), capsys)
    assert as_json(CATALOGUE, page)["rows"] == []


def test_a_page_for_machines() -> None:
    found = as_json(CATALOGUE, Page("m1", AT_US, [Row(1, "popular", "discover", "Popular", TILES)]))
    assert found["at"] == "1998-04-23T00:00:00Z"
    assert found["rows"][0]["tiles"][1] == {  # type: ignore[index]
        "col": 2,
        "title_id": "b",
        "name": "Toy Story",
        "reason": "Something different",
        "artwork_id": None,
        "propensity": 0.25,
        "explored": True,
    }


def test_why_adds_up(capsys: pytest.CaptureFixture[str]) -> None:
    row = RowTrace(1, "popular", "", "Popular", 10, {"already watched": 3, "disliked": 0}, 2, 5, 4, 0.5)
    show_why(PageTrace([row], absent={"new": "no candidates"}))
    text = capsys.readouterr().out
    assert "already" in text
    assert "disliked" not in text
    assert "Absent: new: no candidates" in text
