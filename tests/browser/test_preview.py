"""The page preview: why a page looks as it does, two of them side by side, and what would change it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.browser.shop import ADULT_AGE, titles
from tests.browser.visiting import Visit
from tests.browser.visiting import titles as shown
from tests.serve.running import Running

pytestmark = pytest.mark.slow
Visiting = Callable[..., Visit]
MEMBER = "m59"
"""Previews change nothing, so one member does for all of these tests."""
ADULT = {row["title_id"] for row in titles() if row["maturity"] >= ADULT_AGE}


def tiles(page: object, side: str = "a") -> list[str]:
    """Titles of the page on one side."""
    return shown(page, f'[data-side="{side}"]')


def test_a_member_is_chosen_and_their_page_is_explained(visit: Visiting) -> None:
    page = visit().open("/console/preview")
    page.locator('input[name="member"]').first.fill(MEMBER)
    page.locator('input[name="member"]').first.press("Enter")
    page.wait_for_url(f"**/console/preview?*member={MEMBER}*")
    assert len(tiles(page)) > 20
    page.locator(".tile").nth(3).locator("a, button, summary").first.click()
    page.locator(".why").first.wait_for()
    assert page.locator(".why").first.inner_text().strip()


def test_what_if_is_asked_from_the_reasons_of_a_tile_and_taken_back(visit: Visiting) -> None:
    page = visit().open(f"/console/preview?member={MEMBER}")
    page.evaluate("window.same = true")
    tile = page.locator('[data-side="a"] .tile').nth(4)
    title = tile.get_attribute("data-title")
    tile.locator(".tile__link").click()
    said = page.locator(".reasons.why")
    said.wait_for()
    assert said.inner_text().strip()
    said.locator(f'a[href*="play%3A{title}"]').click()
    page.locator('[data-side="b"] .tile').first.wait_for()
    assert page.evaluate("window.same"), "it is computed beside, the page stays"
    assert f"b.change=play%3A{title}" in page.url
    assert tiles(page, "a") != tiles(page, "b")
    assert "differ" in page.locator("#differs").inner_text()
    page.locator('[data-side="b"] a.chip').first.click()
    page.locator('[data-side="b"]').wait_for(state="detached")
    assert "change" not in page.url
    page.go_back()
    page.locator('[data-side="b"] .tile').first.wait_for()


def test_why_a_title_is_not_there_is_told(visit: Visiting) -> None:
    page = visit().open(f"/console/preview?member={MEMBER}&maturity=12")
    unseen = next(one for one in sorted(ADULT) if one not in tiles(page))
    page.locator("#why-title").fill(unseen)
    page.locator("#why-title").press("Enter")
    page.wait_for_url("**title=*")
    page.get_by_text("is kept off: above the highest age").wait_for()


def test_what_if_a_title_was_played_is_computed_at_once(visit: Visiting, server: Running) -> None:
    seen = visit()
    page = seen.open(f"/console/preview?member={MEMBER}")
    before = tiles(page)
    page = seen.open(f"/console/preview?member={MEMBER}&change=play:{before[5]}")
    assert tiles(page) != before
    assert {tile["title_id"] for row in server.page(MEMBER)["rows"] for tile in row["tiles"]} & set(before)


def test_what_if_they_were_younger(visit: Visiting) -> None:
    seen = visit()
    page = seen.open(f"/console/preview?member={MEMBER}&maturity=12")
    assert tiles(page)
    assert not set(tiles(page)) & ADULT


def test_two_pages_stand_side_by_side_and_the_link_can_be_shared(visit: Visiting) -> None:
    seen = visit()
    page = seen.open(f"/console/preview?member={MEMBER}&b.maturity=6&b.kids=yes")
    first, second = tiles(page, "a"), tiles(page, "b")
    assert first
    assert second
    assert first != second
    address = page.url
    other = visit()
    again = other.open(address.removeprefix(other.address))
    assert (tiles(again, "a"), tiles(again, "b")) == (first, second)


def test_a_wrong_address_is_told_beside_its_field(visit: Visiting) -> None:
    seen = visit()
    seen.excuse("400")
    page = seen.open(f"/console/preview?member={MEMBER}&rows=many")
    assert "many" in page.locator("main").inner_text()
