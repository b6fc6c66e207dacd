"""What the server is told was seen equals what was in view."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.browser.visiting import Visit, until
from tests.console.static.stage import Stage

pytestmark = pytest.mark.slow
Opened = Callable[[str], Visit]
SEEN_MS = 1_600
"""Longer than a tile must be in view to count, with room for a slow machine."""
IN_VIEW = """() => Array.from(document.querySelectorAll("#rows .tile")).filter((tile) => {
  const box = tile.getBoundingClientRect(), row = tile.parentElement.getBoundingClientRect();
  const across = Math.min(box.right, row.right, innerWidth) - Math.max(box.left, row.left, 0);
  const down = Math.min(box.bottom, row.bottom, innerHeight) - Math.max(box.top, row.top, 0);
  return across > 0 && down > 0 && across * down >= box.width * box.height / 2;
}).map((tile) => tile.dataset.title)"""


def told(stage: Stage) -> list[str]:
    """Titles of impressions that the server has."""
    return [one["title_id"] for one in stage.of_type("impression")]


def leave(visit: Visit, stage: Stage, n: int) -> None:
    """Go elsewhere, and wait for what the page told when it was left."""
    visit.page.goto(f"{stage.address}/watch/title/t0")
    until(visit.page, lambda: len(told(stage)) >= n, "the impressions")
    visit.page.wait_for_timeout(200)


def test_tiles_in_view_are_told_when_the_page_is_left(opened: Opened, stage: Stage) -> None:
    seen = opened("/watch")
    in_view = seen.page.evaluate(IN_VIEW)
    seen.page.wait_for_timeout(SEEN_MS)
    assert told(stage) == []
    leave(seen, stage, len(in_view))
    assert sorted(told(stage)) == sorted(in_view)
    for event in stage.of_type("impression"):
        row, col = event["title_id"].removeprefix("t").split("-")
        assert (event["row"], event["col"], event["decision_id"]) == (int(row), int(col), "d1")
        assert 1_000 <= event["dwell_ms"] < 60_000


def test_what_was_scrolled_past_quickly_was_not_seen(opened: Opened, stage: Stage) -> None:
    seen = opened("/watch")
    page = seen.page
    page.wait_for_timeout(SEEN_MS)
    first = set(page.evaluate(IN_VIEW))
    page.evaluate("""() => new Promise((done) => {
      scrollTo({top: 900, behavior: "instant"});
      setTimeout(() => (scrollTo({top: 1e6, behavior: "instant"}), done()), 150);
    })""")
    page.wait_for_timeout(100)  # rows that come into view are drawn, and may be higher than was guessed
    last = set(page.evaluate(IN_VIEW))
    page.wait_for_timeout(SEEN_MS)
    leave(seen, stage, len(first | last))
    assert set(told(stage)) == first | last


def test_a_row_that_was_scrolled_sideways_tells_what_came_into_view(opened: Opened, stage: Stage) -> None:
    seen = opened("/watch")
    page = seen.page
    page.wait_for_timeout(SEEN_MS)
    before = set(page.evaluate(IN_VIEW))
    page.evaluate("document.querySelector('.row__tiles').scrollTo({left: 5000, behavior: 'instant'})")
    page.wait_for_timeout(SEEN_MS)
    after = set(page.evaluate(IN_VIEW))
    assert after - before
    leave(seen, stage, len(before | after))
    assert set(told(stage)) == before | after


def test_a_tile_is_told_once_in_a_visit(opened: Opened, stage: Stage) -> None:
    seen = opened("/watch")
    page = seen.page
    page.wait_for_timeout(SEEN_MS)
    page.evaluate("scrollTo({top: 1e6, behavior: 'instant'})")
    until(page, lambda: "t1-1" in told(stage), "what left the view is told after a while")
    page.evaluate("scrollTo({top: 0, behavior: 'instant'})")
    page.wait_for_timeout(SEEN_MS)
    leave(seen, stage, 10)
    assert len(told(stage)) == len(set(told(stage)))
    assert told(stage).count("t1-1") == 1


def test_behind_a_panel_nothing_is_seen(opened: Opened, stage: Stage) -> None:
    seen = opened("/watch")
    page = seen.page
    page.locator("#rows .tile__link").first.click()
    page.locator("#panel[open] .details__play").wait_for()
    marked = page.locator(".tile[data-seen]").count()
    page.wait_for_timeout(SEEN_MS)
    assert page.locator("#rows .tile[data-seen]").count() == marked
    page.keyboard.press("Escape")
    page.locator("#rows .tile[data-seen]").first.wait_for()


def test_a_hidden_tab_tells_and_stops_looking(opened: Opened, stage: Stage, visit: Visit) -> None:
    seen = opened("/watch")
    page = seen.page
    page.wait_for_timeout(SEEN_MS)
    n = page.locator(".tile[data-seen]").count()
    hide = """() => {
      Object.defineProperty(document, "visibilityState", {value: "hidden", configurable: true});
      Object.defineProperty(document, "hidden", {value: true, configurable: true});
      document.dispatchEvent(new Event("visibilitychange"));
    }"""
    page.evaluate(hide)
    until(page, lambda: len(told(stage)) == n, "what was seen until now")
    page.evaluate("scrollTo({top: 1e6, behavior: 'instant'})")
    page.wait_for_timeout(SEEN_MS)
    assert page.locator(".tile[data-seen]").count() == n
