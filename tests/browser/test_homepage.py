"""What a member does with the homepage: choose, scroll, play, go on, list, thumb, search."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.browser.shop import ARABIC, BARE_EVERY, HARD, HEBREW, LEAVING, LONG_NAME, SCRIPT_NAME
from tests.browser.visiting import (
    NEW_ROWS,
    Visit,
    all_rows,
    kinds,
    new_row,
    new_tiles,
    open_details,
    tile,
    titles,
    until,
)
from tests.serve.running import Running

pytestmark = pytest.mark.slow
Visiting = Callable[..., Visit]


def test_choosing_a_profile_shows_the_page_of_that_member(visit: Visiting, member: str) -> None:
    page = visit().enter(member)
    assert page.url.endswith("/watch")
    assert kinds(page)[:1] == ["continue_watching"]
    assert page.locator(".row").first.locator(".tile").first.get_attribute("data-col") == "1"
    for row in page.locator(".row").all()[:3]:
        assert row.locator("h2").inner_text().strip()


def test_the_keyboard_moves_along_rows_and_between_them(visit: Visiting, member: str) -> None:
    page = visit().enter(member)
    new_row(page).locator(".tile__link").first.focus()
    stands = "() => document.activeElement.closest('.tile').dataset"
    before = page.evaluate(stands)
    for _ in range(8):
        page.keyboard.press("ArrowRight")
    there = page.evaluate(stands)
    assert (there["row"], int(there["col"])) == (before["row"], int(before["col"]) + 8)
    inside = """() => {
      const {left, right, top, bottom} = document.activeElement.getBoundingClientRect();
      return left >= -1 && right <= innerWidth + 1 && top >= -1 && bottom <= innerHeight + 1;
    }"""
    page.wait_for_function(inside)
    assert page.evaluate("document.activeElement.closest('.row__tiles').scrollLeft") > 0, "the row has moved"
    page.keyboard.press("ArrowDown")
    page.wait_for_function(f"(row) => ({stands})().row !== row", arg=before["row"])
    page.wait_for_function(inside)
    page.keyboard.press("Home")
    assert page.evaluate(stands)["col"] == "1"
    for _ in range(4):
        page.keyboard.press("PageDown")
    page.wait_for_function("scrollY > 0")
    page.wait_for_function(inside)


def test_rows_come_as_they_come_near_and_then_end(visit: Visiting, member: str) -> None:
    page = visit().enter(member)
    first = page.locator(".row").count()
    all_rows(page)
    rows = page.eval_on_selector_all(".row", "all => all.map((one) => Number(one.dataset.row))")
    assert len(rows) > first
    assert rows == sorted(set(rows))
    assert page.locator(f'.tile[data-title="{LEAVING}"] .badge--leaving').count() >= 1


def test_a_play_changes_the_page_and_the_next_one(visit: Visiting, member: str) -> None:
    seen = visit()
    page = seen.enter(member)
    played = open_details(new_tiles(page).first)
    panel = page.locator("#panel[open]")
    assert page.url.partition("?")[0].endswith(f"/watch/title/{played}")
    panel.locator('a[href^="/watch/play/"]').first.click()
    page.wait_for_url("**/watch/play/**")
    page.locator(".player__play").wait_for()
    page.locator(".player__speed select").select_option("600")
    page.locator(".player__seek").wait_for()
    page.wait_for_function("() => Number(document.querySelector('.player__seek').value) > 900")
    page.locator('.player__play[data-does="pause"]').click()
    page.locator('a[href="/watch"]').first.click()
    page.wait_for_url("**/watch")
    page.wait_for_function(
        """(title) => document.querySelector(
          `.row[data-kind="continue_watching"] .tile[data-title="${title}"]`)""",
        arg=played,
    )
    going_on = page.locator(f'.row[data-kind="continue_watching"] .tile[data-title="{played}"]')
    assert going_on.locator("progress").get_attribute("value")
    all_rows(page)
    assert played not in titles(page, NEW_ROWS)
    open_details(going_on)
    page.locator('#panel[open] a[href^="/watch/play/"]').first.click()
    page.locator(".player__play").wait_for()
    assert float(page.locator(".player").get_attribute("data-position-s") or 0) > 900


IN_VIEW = """() => {
  const row = document.querySelector('.row[data-kind="continue_watching"]');
  return [...document.querySelectorAll("#rows .tile")].filter((one) => {
    const {top, bottom, left, right} = one.getBoundingClientRect();
    return !row?.contains(one) && bottom > 0 && top < innerHeight && right > 0 && left < innerWidth;
  }).map((one) => {
    const {x, y} = one.getBoundingClientRect();
    return [one.dataset.title, Math.round(x), Math.round(y)];
  });
}"""
"""Tiles in view outside of the row that may change there, with their places."""


def test_a_page_that_is_open_changes_by_a_play_and_nothing_in_view_moves(
    visit: Visiting, member: str
) -> None:
    seen = visit()
    page = seen.enter(member)
    page.mouse.move(2, 2)
    page.wait_for_load_state("networkidle")
    page.evaluate("window.same = true")
    played = new_tiles(page).nth(3).get_attribute("data-title")
    before = page.evaluate(IN_VIEW)
    player = seen.another_tab(f"/watch/play/{played}")
    player.locator(".player__speed select").select_option("600")
    player.wait_for_function("() => Number(document.querySelector('.player__seek').value) > 900")
    player.close(run_before_unload=True)
    page.bring_to_front()
    page.wait_for_function(
        """(title) => document.querySelector(
          `.row[data-kind="continue_watching"] .tile[data-title="${title}"]`)""",
        arg=played,
    )
    assert page.evaluate("window.same"), "it was not loaded again"
    assert page.evaluate(IN_VIEW) == before


def test_what_was_begun_goes_on_where_it_stopped(visit: Visiting, member: str, server: Running) -> None:
    page = visit().enter(member)
    first = page.locator('.row[data-kind="continue_watching"] .tile').first
    begun = first.get_attribute("data-title")
    value = first.locator("progress").get_attribute("value")
    page.goto(f"{server.address}/watch/play/{begun}")
    assert float(page.locator(".player").get_attribute("data-position-s") or 0) > 0
    assert value
    assert 0 < float(value) < 100


def test_my_list_takes_a_title_and_gives_it_back(visit: Visiting, member: str) -> None:
    seen = visit()
    page = seen.enter(member)
    wanted = open_details(new_tiles(page).nth(2))
    button = page.locator('#panel .details form.act button[name="act"][value="list_add"]')
    with page.expect_response("**/watch/events"):
        button.click()
    page.locator('#panel .details button[value="list_remove"][aria-pressed="true"]').wait_for()
    page.keyboard.press("Escape")
    seen.open("/watch")
    mine = page.locator(f'.row[data-kind="my_list"] .tile[data-title="{wanted}"]')
    open_details(mine)
    with page.expect_response("**/watch/events"):
        page.locator('#panel .details button[value="list_remove"]').click()
    page.keyboard.press("Escape")
    seen.open("/watch")
    assert wanted not in titles(page, '.row[data-kind="my_list"]')


def test_a_title_with_its_thumb_down_goes(visit: Visiting, member: str, server: Running) -> None:
    seen = visit()
    page = seen.enter(member)
    unwanted = open_details(new_tiles(page).nth(1))
    with page.expect_response("**/watch/events"):
        page.locator('#panel .details button[value="thumb_down"]').click()
    page.keyboard.press("Escape")
    page.wait_for_function(
        """(title) => [...document.querySelectorAll(`#rows .tile[data-title="${title}"]`)].every(
          (one) => one.inert && getComputedStyle(one.querySelector(".tile__link")).opacity === "0")""",
        arg=unwanted,
    )
    seen.open("/watch")
    all_rows(page)
    assert unwanted not in titles(page)
    reply = server.page(member)
    assert unwanted not in [one["title_id"] for each in reply["rows"] for one in each["tiles"]]


def test_back_closes_the_panel_and_gives_the_focus_back(visit: Visiting, member: str) -> None:
    page = visit().enter(member)
    link = new_row(page).locator(".tile__link").nth(1)
    for leave in ("Escape", "back", "button"):
        link.focus()
        page.keyboard.press("Enter")
        page.locator("#panel[open] .details").wait_for()
        assert page.evaluate("document.querySelector('#panel').contains(document.activeElement)")
        if leave == "Escape":
            page.keyboard.press("Escape")
        elif leave == "back":
            page.go_back()
        else:
            page.locator(".panel__close").click()
        page.locator("#panel[open]").wait_for(state="hidden")
        assert page.url.endswith("/watch")
        assert link.evaluate("(one) => one === document.activeElement"), leave


def test_the_image_of_a_title_stays_from_its_tile_to_the_player(visit: Visiting, member: str) -> None:
    page = visit().enter(member)
    one = page.locator(f"{NEW_ROWS} .tile:has(img)").first
    image = "(one) => new URL(one.src).pathname"
    shown = one.locator("img").evaluate(image)
    open_details(one)
    assert page.locator("#panel .details__image").evaluate(image) == shown
    page.locator("#panel .details__play").click()
    page.wait_for_url("**/watch/play/**")
    assert page.locator(".player__poster").evaluate(image) == shown


def test_a_title_has_an_address_of_its_own(visit: Visiting, member: str, server: Running) -> None:
    seen = visit()
    page = seen.enter(member)
    open_details(new_tiles(page).first)
    page.reload()
    page.locator("main .details").wait_for()
    assert page.locator("#panel[open]").count() == 0


def test_names_that_are_hard_to_show_are_shown_as_they_are(
    visit: Visiting, member: str, server: Running
) -> None:
    seen = visit()
    seen.enter(member)
    for title_id, name in HARD.items():
        page = seen.open(f"/watch/title/{title_id}")
        heading = page.locator(".details h1, .details h2").first
        assert heading.text_content().strip() == name
        wide = "() => document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        assert page.evaluate(wide), f"{title_id} makes the page scroll sideways"
    assert page.evaluate("document.scripts.length") == page.locator("script[src]").count()
    for title_id, name in (("x-hebrew", HEBREW), ("x-arabic", ARABIC)):
        page = seen.open(f"/watch/search?q={name}")
        found = tile(page, title_id).locator(".tile__name")
        assert found.evaluate("(one) => getComputedStyle(one).direction") == "rtl", title_id
    for query in (SCRIPT_NAME, LONG_NAME[:60], '"><img src=x onerror=alert(9)>', "' OR 1=1 --"):
        page = seen.open("/watch")
        page.locator('#search input[name="q"]').fill(query)
        page.keyboard.press("Enter")
        page.wait_for_url("**/watch/search?**")
        assert page.locator('#search input[name="q"]').input_value() == query.strip()


def test_titles_without_an_image_show_their_name_instead(visit: Visiting, member: str) -> None:
    page = visit().enter(member)
    all_rows(page)
    bare = page.locator(".tile:not(:has(img))")
    assert bare.count() > 0
    for one in bare.all()[:5]:
        number = (one.get_attribute("data-title") or "").removeprefix("f")
        assert not number.isdigit() or int(number) % BARE_EVERY == 0
        assert (one.locator(".tile__ground").text_content() or "").strip()
    broken = "all => all.filter((one) => one.src && one.complete && !one.naturalWidth).map((one) => one.src)"
    assert page.eval_on_selector_all("img", broken) == []


def test_search_finds_and_recommends_what_is_near(visit: Visiting, member: str) -> None:
    page = visit().enter(member)
    page.locator('#search input[name="q"]').fill("harbour")
    page.keyboard.press("Enter")
    page.wait_for_url("**/watch/search?**")
    names = page.locator("#results .tile__name").all_inner_texts()
    assert names
    assert any("Harbour" in name for name in names)
    page.locator('#search input[name="q"]').fill("golden harbour 2049")
    page.keyboard.press("Enter")
    until(page, lambda: "2049" in page.url, "the second search")
    page.locator("#results .tile").first.wait_for()
    page.locator('#search input[name="q"]').fill("zzqxw")
    page.keyboard.press("Enter")
    until(page, lambda: "zzqxw" in page.url, "the third search")
    assert page.locator("#results").inner_text().strip()


def test_somebody_of_whom_nothing_is_known_has_a_page(visit: Visiting) -> None:
    page = visit().enter("new")
    assert page.locator(".tile").count() > 10
    assert "continue_watching" not in kinds(page)


def test_who_lives_elsewhere_sees_what_may_be_shown_there(visit: Visiting) -> None:
    seen = visit()
    page = seen.enter("abroad")
    all_rows(page)
    assert LEAVING not in titles(page)
    reply = page.request.get(f"{seen.address}/watch/title/{LEAVING}")
    assert reply.status == 404
