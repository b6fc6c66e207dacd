"""What is told of a title that nobody decided to show: where it was found, and what it matches."""

from __future__ import annotations

import pytest
from tests.console.watch.homes import server
from tests.console.watch.opened import Browser, Document, Site

from matinee.observe.lake.connection import connect
from matinee.observe.lake.reader import open_events

__all__ = ["server"]


def plays(server: Site, member_id: str) -> list[tuple[object, ...]]:
    """What is logged of the plays of a member."""
    with connect() as con:
        open_events(con, server.services.home, "plays")
        return con.execute(
            'SELECT title_id, surface, decision_id, "row" FROM plays WHERE member_id = ? ORDER BY seq',
            [member_id],
        ).fetchall()


def watch_ten_minutes(browser: Browser, details: Document) -> str:
    """Press play on the page of a title, and watch with the form; returns the title."""
    (link,) = [str(a["href"]) for a in details.all("a", class_="details__play")]
    player = browser.get(link)
    fields = {str(a["name"]): str(a["value"]) for a in player.all("input", type="hidden") if a.get("name")}
    for name in ("csrf", "next", "act", "title_id"):
        value = fields.pop(name)
        if name == "title_id":
            title_id = value
    browser.act("play", title_id, watch_s="600", **fields)
    return title_id


def test_a_play_from_a_search_says_so_and_names_no_decision(server: Site) -> None:
    browser = server.browser("finder")
    (link, *_) = [str(a["href"]) for a in browser.get("/watch/search?q=fargo").all("a", class_="tile__link")]
    assert link == "/watch/title/fargo?from=search"
    played = watch_ten_minutes(browser, browser.get(link))
    assert plays(server, "finder") == [(played, "search", None, None)]


def test_a_play_of_a_similar_title_is_not_that_of_the_place_it_was_found_from(server: Site) -> None:
    browser = server.browser("wanderer")
    page = browser.get("/watch")
    details = browser.get(str(page.all("a", class_="tile__link")[0]["href"]))
    assert details.all("article", class_="details")[0]["data-decision"]
    near = details.all("a", class_="tile__link")
    assert all(str(a["href"]).endswith("?from=similar") for a in near)
    other = browser.get(str(near[0]["href"]))
    assert other.all("article", class_="details")[0]["data-surface"] == "similar"
    played = watch_ten_minutes(browser, other)
    assert plays(server, "wanderer") == [(played, "similar", None, None)]


def test_a_play_from_the_page_names_its_decision_and_no_surface(server: Site) -> None:
    browser = server.browser("homebody")
    page = browser.get("/watch")
    watch_ten_minutes(browser, browser.get(str(page.all("a", class_="tile__link")[0]["href"])))
    ((_, surface, decision_id, row),) = plays(server, "homebody")
    assert (surface, row) == (None, 1)
    assert decision_id == page.all("li", class_="tile")[0]["data-decision"]


def test_modules_report_the_surface_too_and_forms_none_of_their_own(server: Site) -> None:
    browser = server.browser("teller")
    browser.get("/watch")
    event = {"type": "play", "title_id": "t4", "watch_s": 60, "surface": "search", "event_id": "surface-1"}
    assert browser.send(event)["accepted"] == 1
    browser.act("play", "t5", watch_s="60", surface="<script>")
    assert [one[:2] for one in plays(server, "teller")] == [("t4", "search"), ("t5", None)]


def test_a_signal_says_where_it_was_given(server: Site) -> None:
    browser = server.browser("judge")
    details = browser.get("/watch/title/t8?from=similar")
    form = {str(a["name"]): a["value"] for a in details.all("input", type="hidden") if a.get("name")}
    assert form["surface"] == "similar"
    browser.act("list_add", "t8", surface=str(form["surface"]))
    with connect() as con:
        open_events(con, server.services.home, "signals")
        found = con.execute("SELECT title_id, surface FROM signals WHERE member_id = 'judge'").fetchall()
    assert found == [("t8", "similar")]


@pytest.mark.parametrize("query", ["", "?from=search", "?from=dgnobody.1.1"])
def test_without_a_decision_it_is_told_what_a_title_matches(server: Site, query: str) -> None:
    """m5 watched t35, t38, t41, t44, t47, t2 and t5."""
    found = server.browser("m5").get(f"/watch/title/t14{query}").text
    assert "Why this is here" not in found
    assert "What it matches" in found
    assert "You watch much of this: " in found
    assert "chance was involved" not in found


def test_somebody_new_is_told_nothing_that_is_not_known(server: Site) -> None:
    found = server.browser("stranger").get("/watch/title/t14").text
    assert "You watch much" not in found
    assert "which you watched" not in found
