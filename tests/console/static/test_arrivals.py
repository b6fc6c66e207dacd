"""What changes on a page that is open, and what does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from tests.browser.visiting import Visit, until
from tests.console.static.stage import Stage, home_rows

if TYPE_CHECKING:
    from playwright.sync_api import Route

pytestmark = pytest.mark.slow
Opened = Callable[[str], Visit]
PLAY = """async (title) => {
  const { add } = await import("/console/static/x/outbox.js");
  add({type: "play", title_id: title, watch_s: 600, position_s: 600});
}"""
TITLES = """(n) => Array.from(
  document.querySelectorAll('.row')[n].querySelectorAll('.tile'), (one) => one.dataset.title)"""
KINDS = "() => Array.from(document.querySelectorAll('.row'), (row) => row.dataset.kind)"


def changing(decision: int) -> list[tuple[str, list[str]]]:
    """A page whose first row has one title more with each decision, and whose last rows are others."""
    rows = home_rows(8)
    if decision > 1:
        rows[0] = ("continue_watching", ["new", *rows[0][1]])
        rows[1:] = [
            (f"{kind}_{decision}", [f"{decision}-{one}" for one in titles]) for kind, titles in rows[1:]
        ]
    return rows


@pytest.fixture
def page_of_changes(stage: Stage, opened: Opened) -> Visit:
    """A page at its top, with the pointer on nothing."""
    stage.rows = changing
    visit = opened("/watch")
    visit.page.mouse.move(3, 3)
    return visit


def test_a_play_changes_its_row_and_what_is_below_the_fold(page_of_changes: Visit) -> None:
    page = page_of_changes.page
    before = page.evaluate(KINDS)
    in_view = page.evaluate(
        """() => Array.from(document.querySelectorAll('.row'))
          .filter((row) => row.getBoundingClientRect().top < innerHeight).length"""
    )
    page.evaluate(PLAY, "new")
    page.locator(".tile[data-title='new']").first.wait_for()
    page.wait_for_function("() => document.querySelector('.row:last-of-type').dataset.kind.endsWith('_2')")
    after = page.evaluate(KINDS)
    assert after[:in_view] == before[:in_view]
    assert all(kind.endswith("_2") for kind in after[in_view:])
    assert page.evaluate(TITLES, 0)[0] == "new"
    assert page.evaluate(TITLES, 1) == home_rows(8)[1][1], "a row in view stays as it is"
    assert page.locator(".row").first.locator(".tile").first.get_attribute("data-decision") == "d2"
    page.wait_for_timeout(200)
    assert page.evaluate("window.noted.shift") == 0, page.evaluate("window.noted.shifts")


@pytest.mark.parametrize("how", ["focus", "pointer"])
def test_a_row_in_the_hand_waits_until_the_hand_has_left(page_of_changes: Visit, how: str) -> None:
    page = page_of_changes.page
    first = page.locator(".row").first.locator(".tile__link").nth(2)
    if how == "focus":
        first.focus()
    else:
        first.hover()
    page.evaluate(PLAY, "new")
    page.wait_for_function("() => document.querySelector('.row:last-of-type').dataset.kind.endsWith('_2')")
    assert page.evaluate(TITLES, 0)[0] == "t1-1"
    if how == "focus":
        page.keyboard.press("ArrowDown")
    else:
        page.mouse.move(3, 3)
    page.locator(".tile[data-title='new']").first.wait_for()


def test_a_row_with_the_focus_below_the_fold_stays(page_of_changes: Visit) -> None:
    page = page_of_changes.page
    page.evaluate("document.querySelectorAll('.row')[5].querySelector('a').focus({preventScroll: true})")
    page.evaluate(PLAY, "new")
    page.wait_for_function("() => document.querySelector('.row:last-of-type').dataset.kind.endsWith('_2')")
    kinds = page.evaluate(KINDS)
    assert kinds[5] == "kind_6"
    assert page.evaluate("document.activeElement.closest('.row').dataset.kind") == "kind_6"


def test_another_tab_changes_too(page_of_changes: Visit) -> None:
    other = page_of_changes.another_tab("/watch/title/t9")
    other.wait_for_selector("html.is-ready")
    other.evaluate(PLAY, "new")
    page_of_changes.page.bring_to_front()
    page_of_changes.page.locator(".tile[data-title='new']").first.wait_for()


def test_no_title_stands_twice_after_a_change(stage: Stage, opened: Opened) -> None:
    stage.rows = lambda decision: home_rows(8) if decision == 1 else list(reversed(home_rows(8, "other")))
    visit = opened("/watch")
    visit.page.mouse.move(3, 3)
    kept = visit.page.evaluate("() => document.querySelectorAll('.row').length")
    visit.page.evaluate(PLAY, "x")
    until(visit.page, lambda: any("/watch/rows" in one for one in stage.asked), "the rows")
    visit.page.wait_for_timeout(300)
    titles = visit.page.evaluate(
        "() => Array.from(document.querySelectorAll('.tile'), (one) => one.dataset.title)"
    )
    assert len(titles) == len(set(titles))
    assert kept


def test_further_rows_come_before_they_are_reached_and_then_end(stage: Stage, opened: Opened) -> None:
    stage.further = 16
    visit = opened("/watch")
    page = visit.page
    for _ in range(60):
        page.mouse.wheel(0, 900)
        page.wait_for_timeout(60)
        if not page.locator("#more").count():
            break
    assert page.locator(".row").count() == 40
    page.evaluate("scrollTo({top: 1e6, behavior: 'instant'})")
    page.wait_for_timeout(400)
    with_images = page.evaluate(
        """() => Array.from(document.querySelectorAll('.row'))
          .filter((row) => row.querySelector('img[src]')).length"""
    )
    assert with_images < 20, "rows far away give their images back"
    far, near = page.evaluate(
        """() => {
          const rows = Array.from(document.querySelectorAll('.row'));
          const far = rows.find((row) => row.querySelector('img') && !row.querySelector('img[src]'));
          far.style.contentVisibility = 'visible';
          const tall = (row) => row.querySelector('.tile__link').offsetHeight;
          return [tall(far), tall(rows.at(-1))];
        }"""
    )
    assert far > 0.8 * near, "and keep their height"
    page.evaluate("scrollTo({top: 0, behavior: 'instant'})")
    page.wait_for_function("() => document.querySelector('.row img').getAttribute('src')")
    assert page.evaluate("window.noted.shift") == 0, page.evaluate("window.noted.shifts")


def test_rows_that_came_too_late_for_their_page_are_asked_for_anew(stage: Stage, opened: Opened) -> None:
    stage.rows, stage.further = changing, 1
    held: list[Route] = []
    visit = opened("/watch/title/t9")
    page = visit.page
    page.route("**/watch/rows?cursor=0", lambda route: held.append(route) if not held else route.continue_())
    page.goto(stage.address + "/watch")
    page.mouse.move(3, 3)
    page.evaluate("scrollTo({top: 1e6, behavior: 'instant'})")
    until(page, lambda: bool(held), "the first question for further rows")
    page.evaluate(
        """() => {
          const more = document.getElementById("more");
          more.dataset.rows = more.dataset.rows + "&page=2";
        }"""
    )
    held[0].continue_()
    page.locator(".row[data-kind='more_10']").wait_for()
    assert not page.locator("#more").count()
