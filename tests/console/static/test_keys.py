"""The page by keyboard."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.browser.visiting import TEN_FOOT, Visit
from tests.console.static.stage import Stage

pytestmark = pytest.mark.slow
Opened = Callable[[str], Visit]
HERE = "() => document.activeElement.closest('.tile')?.dataset.title ?? document.activeElement.name"
INSIDE = """() => {
  const box = document.activeElement.getBoundingClientRect();
  return box.left >= -1 && box.right <= innerWidth + 1 && box.top >= -1 && box.bottom <= innerHeight + 1;
}"""


def press(visit: Visit, *keys: str) -> str:
    """Where the focus stands after some keys."""
    for key in keys:
        visit.page.keyboard.press(key)
    visit.page.wait_for_function(INSIDE)
    here: str = visit.page.evaluate(HERE)
    return here


def test_arrows_go_along_a_row_and_stop_at_its_ends(opened: Opened) -> None:
    visit = opened("/watch")
    visit.page.locator(".tile__link").first.focus()
    assert press(visit, "ArrowLeft") == "t1-1"
    assert press(visit, "ArrowRight", "ArrowRight") == "t1-3"
    assert press(visit, "End") == "t1-12"
    assert press(visit, "ArrowRight") == "t1-12"
    assert press(visit, "Home") == "t1-1"


def test_up_and_down_keep_the_column_on_the_screen(opened: Opened) -> None:
    visit = opened("/watch")
    visit.page.locator(".tile__link").nth(3).focus()
    assert press(visit, "ArrowDown") == "t2-4"
    visit.page.evaluate(
        "document.querySelectorAll('.row__tiles')[2].scrollTo({left: 5000, behavior: 'instant'})"
    )
    below = press(visit, "ArrowDown")
    assert below.startswith("t3-")
    assert int(below.partition("-")[2]) > 4, "that row had been scrolled"
    assert press(visit, "ArrowUp") == "t2-4"
    assert press(visit, "PageDown").startswith(("t3", "t4", "t5"))
    assert press(visit, *["PageUp"] * 4).startswith("t1-")


def test_a_row_is_one_stop_of_tab(opened: Opened) -> None:
    visit = opened("/watch")
    visit.page.locator("#search input").focus()
    assert press(visit, "Tab") == "t1-1"
    assert press(visit, "ArrowRight", "Tab") == "t2-1"
    assert press(visit, "Shift+Tab") == "t1-2", "a row remembers where one was"


def test_slash_searches_and_p_plays(opened: Opened, stage: Stage) -> None:
    visit = opened("/watch")
    visit.page.locator(".tile__link").nth(2).focus()
    assert press(visit, "/") == "q"
    assert visit.page.locator("#search input").input_value() == ""
    visit.page.keyboard.type("a/p")
    assert visit.page.locator("#search input").input_value() == "a/p"
    visit.page.locator("#search input").fill("")
    visit.page.locator("#rows .tile__link").nth(2).focus()
    visit.page.keyboard.press("p")
    visit.page.wait_for_url("**/watch/play/t1-3?from=d1.1.3")


def test_single_letters_act_on_a_tile_alone(opened: Opened) -> None:
    visit = opened("/watch")
    here = visit.page.url
    for key in ("/", "p"):
        visit.page.locator("body").press(key)
    assert visit.page.evaluate("document.activeElement === document.body")
    assert visit.page.url == here


def test_rows_that_come_later_are_reached_too(opened: Opened, stage: Stage) -> None:
    stage.further = 3
    visit = opened("/watch")
    visit.page.locator(".tile__link").first.focus()
    for n in range(2, 15):
        visit.page.locator(".row").nth(n - 1).wait_for(state="attached")
        assert press(visit, "ArrowDown").partition("-")[0][1:] == str(n)
    assert visit.page.locator("#more").count() == 0


def test_a_remote_control_reaches_everything(opened: Opened, visit: Visit) -> None:
    visit.page.set_viewport_size(TEN_FOOT)
    opened("/watch")
    assert press(visit, "ArrowDown") == "t1-1"
    assert press(visit, "ArrowUp") == "q"
    assert press(visit, "ArrowDown").startswith("t1-")
    visit.page.keyboard.press("Enter")
    visit.page.locator("#panel[open] .details__play").wait_for()
    visit.page.keyboard.press("ArrowDown")
    assert visit.page.evaluate("document.activeElement.name") == "act"
    visit.page.keyboard.press("Backspace")
    visit.page.locator("#panel").wait_for(state="hidden")
    assert press(visit, "ArrowRight").startswith("t1-")
