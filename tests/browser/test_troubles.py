"""What goes on around a page: a server that stops and comes back, a slow network, tabs, images withdrawn."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from tests.browser.test_impressions import recorded
from tests.browser.visiting import Visit, all_rows, new_row, new_tiles, open_details, titles, until
from tests.serve.running import Running, serving

from matinee.observe.home import Home

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow
Visiting = Callable[..., Visit]
DOWN = ("ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "ERR_EMPTY_RESPONSE", "ERR_CONNECTION_CLOSED")
"""What the console says of a server that is not there."""


@contextmanager
def again(before: Running) -> Iterator[Running]:
    """A server of the same home at the same address."""
    with serving(before.home, port=urlsplit(before.address).port or 0) as running:
        yield running


def nothing_waits(page: Page) -> bool:
    """Whether all that this page noted is with the server; tiles seen meanwhile wait a moment."""
    return bool(page.evaluate("!Object.keys(localStorage).some((key) => key.startsWith('matinee.event.'))"))


def test_a_server_that_comes_back_has_lost_nothing(visit: Visiting, own_home: Home) -> None:
    with serving(own_home) as first:
        seen = visit(first.address)
        page = seen.enter("m1")
        wanted = open_details(new_tiles(page).nth(1))
        seen.excuse(*DOWN)
        first.kill()
        page.locator('#panel button[value="list_add"]').click()
        pressed = page.locator('#panel button[value="list_remove"][aria-pressed="true"]')
        pressed.wait_for()
        page.locator("#unsent").wait_for(state="visible")
        with again(first):
            page.locator("#unsent").wait_for(state="hidden", timeout=90_000)
            assert pressed.count() == 1
            page.keyboard.press("Escape")
            all_rows(page)
            seen.open("/watch")
            assert wanted in titles(page, '.row[data-kind="my_list"]')
            until(page, lambda: nothing_waits(page), "what waited is sent")


def test_what_waits_is_kept_when_the_page_is_closed_meanwhile(visit: Visiting, own_home: Home) -> None:
    with serving(own_home) as first:
        seen = visit(first.address)
        page = seen.enter("m2")
        wanted = open_details(new_tiles(page).first)
        seen.excuse(*DOWN)
        first.kill()
        page.locator('#panel button[value="list_add"]').click()
        page.locator("#unsent").wait_for(state="visible")
        page.close()
        with again(first):
            later = seen.another_tab("/watch")
            until(later, lambda: nothing_waits(later), "what waited is sent")
            later.reload()
            assert wanted in titles(later, '.row[data-kind="my_list"]')


def test_a_slow_network_shows_the_page_and_loses_nothing(
    visit: Visiting, member: str, server: Running
) -> None:
    seen = visit()
    network = seen.context.new_cdp_session(seen.page)
    network.send("Network.enable")
    slow = {"offline": False, "latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 20_000}
    network.send("Network.emulateNetworkConditions", slow)
    page = seen.enter(member)
    assert page.locator(".row").count() >= 2
    new_tiles(page).locator(".tile__link").first.click()
    page.locator("#panel[open]").wait_for()
    assert page.locator("#panel h2").first.inner_text().strip(), "the name stands there at once"
    page.locator("#panel .details form.act").first.wait_for()
    title = page.locator("#panel .details").get_attribute("data-title")
    page.locator('#panel button[value="list_add"]').click()
    page.locator('#panel button[value="list_remove"][aria-pressed="true"]').wait_for()
    until(page, lambda: nothing_waits(page), "the event is sent")
    page.keyboard.press("Escape")
    seen.open("/watch")
    assert title in titles(page, '.row[data-kind="my_list"]')


def test_two_tabs_agree(visit: Visiting, member: str, server: Running) -> None:
    seen = visit()
    one = seen.enter(member)
    wanted = new_tiles(one).nth(2).get_attribute("data-title")
    other = seen.another_tab(f"/watch/title/{wanted}")
    seen.open(f"/watch/title/{wanted}")
    one.locator('.details button[value="list_add"]').click()
    other.locator('.details button[value="list_remove"][aria-pressed="true"]').wait_for()
    other.locator('.details button[value="list_remove"]').click()
    one.locator('.details button[value="list_add"][aria-pressed="false"]').wait_for()
    for page in (one, other):
        page.goto(f"{server.address}/watch")
        page.mouse.move(300, 300)
    one.bring_to_front()
    until(one, lambda: bool(one.locator(".tile[data-seen]").count()), "tiles are seen")
    one.goto("about:blank")
    other.goto("about:blank")
    until(one, lambda: bool(recorded(server.home.root, member)), "impressions arrive")
    found = recorded(server.home.root, member)
    ids = [event["event_id"] for events in found.values() for event in events]
    assert len(ids) == len(set(ids))


def test_a_tab_of_another_profile_does_not_write_for_it(
    visit: Visiting, server: Running, member: str
) -> None:
    seen = visit()
    old = seen.enter(member)
    title = open_details(new_tiles(old).first)
    new = seen.another_tab("/watch")
    new.locator('form[action="/watch/leave"] button').first.click()
    new.locator('form[action="/watch/profile"]').first.wait_for()
    new.locator('form[action="/watch/profile"] button[name="member_id"]').first.click()
    new.locator("#rows .tile").first.wait_for()
    seen.excuse("409")
    with old.expect_response(lambda reply: reply.url.endswith("/watch/events") and reply.status == 409):
        old.locator('#panel button[value="list_add"]').click()
    new.goto(f"{server.address}/watch/title/{title}")
    assert new.locator('.details button[value="list_remove"][aria-pressed="true"]').count() == 0


def test_an_image_that_is_withdrawn_disappears(visit: Visiting, own_home: Home) -> None:
    with serving(own_home) as running:
        seen = visit(running.address)
        page = seen.enter("m3")
        shown = new_row(page).locator(".tile:has(img)").first
        title = shown.get_attribute("data-title")
        before = shown.locator("img").get_attribute("src")
        ids = {
            tile["artwork_id"]
            for row in running.page("m3")["rows"]
            for tile in row["tiles"]
            if tile["title_id"] == title and tile.get("artwork_id")
        }
        command = [sys.executable, "-m", "matinee", "artwork", "withdraw", *sorted(ids), "--why", "rights"]
        subprocess.run(
            [*command, "--by", "kim", "--home", str(own_home.root)],
            check=True,
            capture_output=True,
            timeout=120,
        )

        def gone() -> bool:
            seen.open("/watch")
            return before not in page.eval_on_selector_all(
                "img", "all => all.map((one) => one.getAttribute('src') ?? one.dataset.src)"
            )

        until(page, gone, "the image is withdrawn")
        seen.excuse("404")
        assert page.request.get(f"{running.address}{before}").status == 404
        assert title in titles(page), "the title stays"


def test_a_session_that_is_over_leads_back_to_the_profiles(visit: Visiting, member: str) -> None:
    seen = visit()
    page = seen.enter(member)
    open_details(new_tiles(page).first)
    seen.context.clear_cookies()
    seen.excuse("401", "403", "409")
    page.locator('#panel button[value="list_add"]').click()
    page.wait_for_timeout(500)
    seen.open("/watch")
    page.locator('form[action="/watch/profile"]').first.wait_for()
