"""Details beside the page, and what is said about a title there."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.browser.visiting import Visit, until
from tests.console.static.stage import Stage

pytestmark = pytest.mark.slow
Opened = Callable[[str], Visit]


def details(visit: Visit, n: int = 1) -> None:
    """Open the details of a tile of the first row."""
    visit.page.locator("#rows .tile__link").nth(n).click()
    visit.page.locator("#panel[open] .details__play").wait_for()


def test_the_panel_has_an_address_and_gives_the_focus_back(opened: Opened) -> None:
    visit = opened("/watch")
    page = visit.page
    for how in ("Escape", "back", "button", "beside"):
        details(visit)
        assert page.url.endswith("/watch/title/t1-2?from=d1.1.2")
        assert page.evaluate("document.querySelector('#panel').contains(document.activeElement)")
        if how == "Escape":
            page.keyboard.press("Escape")
        elif how == "back":
            page.go_back()
        elif how == "button":
            page.locator(".panel__close").click()
        else:
            page.mouse.click(5, 300)
        page.locator("#panel").wait_for(state="hidden")
        assert page.url.endswith("/watch"), how
        assert page.evaluate("document.activeElement.closest('.tile').dataset.title") == "t1-2", how


def test_a_similar_title_opens_in_the_panel_and_back_returns(opened: Opened) -> None:
    visit = opened("/watch")
    page = visit.page
    details(visit)
    page.locator("#panel .tile__link").click()
    page.locator("#panel .details[data-title='s1'] .details__play").wait_for()
    page.go_back()
    page.locator("#panel .details[data-title='t1-2'] .details__play").wait_for()
    page.go_forward()
    page.locator("#panel .details[data-title='s1'] .details__play").wait_for()
    page.go_back()
    page.go_back()
    page.locator("#panel").wait_for(state="hidden")
    assert page.url.endswith("/watch")


def test_a_click_with_a_modifier_is_the_browsers(opened: Opened, visit: Visit) -> None:
    opened("/watch")
    with visit.context.expect_page() as new:
        visit.page.locator("#rows .tile__link").first.click(modifiers=["ControlOrMeta"])
    assert new.value.url.endswith("/watch/title/t1-1?from=d1.1.1")
    assert not visit.page.locator("#panel[open]").count()


def test_a_thumb_acts_at_once_and_is_sent(opened: Opened, stage: Stage) -> None:
    visit = opened("/watch")
    details(visit)
    up = visit.page.locator("#panel form.act button").first
    down = visit.page.locator("#panel form.act button").nth(1)
    up.click()
    assert (up.get_attribute("aria-pressed"), up.get_attribute("value")) == ("true", "thumb_clear")
    until(visit.page, lambda: bool(stage.of_type("signal")), "the signal")
    (event,) = stage.of_type("signal")
    assert (event["signal"], event["title_id"], event["row"], event["col"]) == ("thumb_up", "t1-2", 1, 2)
    down.click()
    assert (up.get_attribute("aria-pressed"), up.get_attribute("value")) == ("false", "thumb_up")
    assert down.get_attribute("aria-pressed") == "true"
    visit.page.locator("#panel [role=status]", has_text="[disliked]Name of t1-2").wait_for()


def test_what_the_server_refuses_is_undone(opened: Opened, stage: Stage) -> None:
    visit = opened("/watch")
    stage.refused = {"t1-2"}
    details(visit)
    visit.page.locator("#panel button[value=list_add]").click()
    visit.page.locator("#panel [role=status]", has_text="[failed]").wait_for()
    button = visit.page.locator("#panel button[value=list_add]")
    assert button.get_attribute("aria-pressed") == "false"


def test_a_title_with_its_thumb_down_fades_and_nothing_in_view_moves(opened: Opened, stage: Stage) -> None:
    visit = opened("/watch")
    page = visit.page
    details(visit)
    place = "() => document.querySelector('#rows .tile[data-title=\"t1-3\"]').getBoundingClientRect().left"
    before = page.evaluate(place)
    page.locator("#panel button[value=thumb_down]").click()
    page.locator("#rows .tile--gone[data-title='t1-2']").wait_for(state="attached")
    page.keyboard.press("Escape")
    page.locator("#panel").wait_for(state="hidden")
    page.wait_for_timeout(500)
    assert page.evaluate(place) == before
    assert page.evaluate("document.activeElement.closest('.tile').dataset.title") != "t1-2"
    assert page.evaluate("window.noted.shift") == 0


@pytest.mark.parametrize(
    "broken", ["panel.js", "impressions.js", "keys.js", "arrivals.js", "rows.js", "outbox.js", "search.js"]
)
def test_a_module_that_fails_takes_no_other_with_it(opened: Opened, stage: Stage, broken: str) -> None:
    stage.broken = {broken}
    visit = opened("/watch")
    visit.excuse("404", "does not run", "Failed to fetch")
    visit.page.locator("#rows .tile__link").first.click()
    visit.page.locator(".details__play").wait_for()
    assert visit.page.url.endswith("/watch/title/t1-1?from=d1.1.1")
    visit.page.wait_for_selector("html.is-ready")  # without panel.js this is another page
    ready = visit.page.evaluate("document.documentElement.dataset.ready").split()
    expected = {"rows", "further"} - {broken.removesuffix(".js")}
    assert expected <= set(ready)
