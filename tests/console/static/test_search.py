"""Results while somebody types."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.browser.visiting import Visit, until
from tests.console.static.stage import Stage

pytestmark = pytest.mark.slow
Opened = Callable[[str], Visit]


def test_results_stand_in_for_the_rows_and_leave_them_as_they_were(opened: Opened, stage: Stage) -> None:
    visit = opened("/watch")
    page = visit.page
    page.evaluate("scrollTo({top: 400, behavior: 'instant'})")
    page.wait_for_timeout(100)
    stood = "() => document.querySelectorAll('.row')[1].getBoundingClientRect().top"
    before = page.evaluate(stood)
    field = page.locator("#search input")
    field.evaluate("(one) => one.focus({preventScroll: true})")
    letters = "one.value += letter, one.dispatchEvent(new Event('input', {bubbles: true}))"
    field.evaluate(f"(one) => {{ for (const letter of 'abc') {letters} }}")  # however slow the machine is
    page.locator("#results .tile").nth(2).wait_for()
    assert not page.locator("#rows").is_visible()
    page.locator("#said", has_text="3 results").wait_for()
    assert sum("/watch/search" in one for one in stage.asked) == 1, "not a request for each letter"
    page.keyboard.press("Escape")
    page.locator("#rows").wait_for()
    page.wait_for_timeout(200)
    assert page.evaluate(stood) == pytest.approx(before, abs=2)
    assert field.input_value() == ""


def test_the_last_query_wins(opened: Opened, stage: Stage) -> None:
    visit = opened("/watch")
    field = visit.page.locator("#search input")
    for query in ("a", "ab", "abcd"):
        field.fill(query)
        visit.page.wait_for_timeout(220)
    visit.page.locator("#results .tile[data-title='abcd3']").wait_for()
    assert visit.page.locator("#results .tile").count() == 4


def test_enter_goes_to_the_page_of_results(opened: Opened) -> None:
    visit = opened("/watch")
    visit.page.locator("#search input").fill("ab")
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_url("**/watch/search?q=ab")
    assert visit.page.locator("#results .tile").count() == 2


def test_a_search_is_reported_with_what_was_opened(opened: Opened, stage: Stage) -> None:
    visit = opened("/watch")
    page = visit.page
    page.locator("#search input").fill("ab")
    page.locator("#results .tile__link").nth(1).click()
    page.locator("#panel[open] .details__play").wait_for()
    until(page, lambda: bool(stage.of_type("search")), "the search")
    (event,) = stage.of_type("search")
    assert (event["query"], event["title_id"]) == ("ab", "ab1")


def test_a_search_that_opened_nothing_is_reported_too(opened: Opened, stage: Stage) -> None:
    visit = opened("/watch")
    visit.page.locator("#search input").fill("ab")
    visit.page.locator("#results .tile").first.wait_for()
    until(visit.page, lambda: bool(stage.of_type("search")), "the search")
    assert "title_id" not in stage.of_type("search")[0]
