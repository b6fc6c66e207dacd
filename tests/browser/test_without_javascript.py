"""The pages without any script: links, forms, further rows, all of what can be changed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.browser.visiting import NEW_ROWS, Visit, kinds, new_row, titles

pytestmark = pytest.mark.slow


@pytest.fixture
def plain(visit: Callable[..., Visit]) -> Visit:
    """A visit in a browser that runs no scripts."""
    return visit(java_script_enabled=False)


def test_rows_and_further_rows_are_links(plain: Visit, member: str) -> None:
    page = plain.enter(member)
    first = titles(page)
    assert first
    pages = [set(page.eval_on_selector_all(".row", "all => all.map((one) => one.dataset.row)"))]
    for _ in range(12):
        more = page.locator("#more")
        if not more.count():
            break
        more.click()
        page.wait_for_load_state()
        rows = set(page.eval_on_selector_all(".row", "all => all.map((one) => one.dataset.row)"))
        assert rows
        assert not rows & set().union(*pages), "a row came twice"
        pages.append(rows)
    assert len(pages) > 1


def test_a_play_by_the_form_changes_the_next_page(plain: Visit, member: str) -> None:
    page = plain.enter(member)
    played = new_row(page).locator(".tile").first.get_attribute("data-title")
    new_row(page).locator(".tile__link").first.click()
    page.locator("main .details").wait_for()
    page.locator('.details a[href^="/watch/play/"]').first.click()
    page.locator('.player form button[name="watch_s"]').first.click()
    plain.open("/watch")
    assert played not in titles(page, NEW_ROWS)


def test_thumbs_and_the_list_are_forms(plain: Visit, member: str) -> None:
    page = plain.enter(member)
    row = NEW_ROWS
    wanted, unwanted = titles(page, row)[:2]
    plain.open(f"/watch/title/{wanted}")
    page.locator('.details button[name="act"][value="list_add"]').click()
    page.locator('.details button[name="act"][value="list_remove"]').wait_for()
    plain.open(f"/watch/title/{unwanted}")
    page.locator('.details button[name="act"][value="thumb_down"]').click()
    plain.open("/watch")
    assert wanted in titles(page, '.row[data-kind="my_list"]')
    assert unwanted not in titles(page)
    assert "my_list" in kinds(page)


def test_search_language_and_another_profile_are_forms(plain: Visit, member: str) -> None:
    page = plain.enter(member)
    page.locator('#search input[name="q"]').fill("harbour")
    page.locator('#search input[name="q"]').press("Enter")
    page.locator("#results .tile").first.wait_for()
    plain.open("/watch?lang=de")
    assert page.locator("html").get_attribute("lang") == "de"
    page.locator('form[action="/watch/leave"] button').first.click()
    page.locator('form[action="/watch/profile"]').first.wait_for()
