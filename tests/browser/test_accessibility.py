"""Each page for people who see or move otherwise: axe, focus, reflow, motion, colours, languages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from tests.browser.axe import findings, script
from tests.browser.visiting import LAPTOP, NEW_ROWS, PHONE, Visit, all_rows, new_row, titles

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow
Visiting = Callable[..., Visit]
MEMBER = "m60"
"""These tests change nothing of the member."""
LIGHT, DARK = "light", "dark"
SIDEWAYS = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"


def first_title(page: Page) -> str:
    """A title with everything: an image, a row above it, others like it."""
    return titles(page, NEW_ROWS)[0]


def show_profiles(visit: Visit) -> None:
    visit.excuse("409")  # what was seen last waits until the profile comes back
    page = visit.open("/watch")
    page.locator('form[action="/watch/leave"] button').first.evaluate("(one) => one.click()")
    page.locator('form[action="/watch/profile"]').first.wait_for()


def show_watch(visit: Visit) -> None:
    visit.enter(MEMBER)


def show_panel(visit: Visit) -> None:
    page = visit.enter(MEMBER)
    new_row(page).locator(".tile__link").first.click()
    page.locator("#panel .details form.act").first.wait_for()


def show_title(visit: Visit) -> None:
    visit.open(f"/watch/title/{first_title(visit.enter(MEMBER))}")


def show_player(visit: Visit) -> None:
    page = visit.enter(MEMBER)
    visit.open(f"/watch/play/{first_title(page)}")
    page.locator(".player__play").click()  # it stands still


def show_search(visit: Visit) -> None:
    visit.enter(MEMBER, "/watch/search?q=harbour")


def show_nothing_found(visit: Visit) -> None:
    visit.enter(MEMBER, "/watch/search?q=zzqxw")


def show_preview(visit: Visit) -> None:
    visit.open(f"/console/preview?member={MEMBER}")


def show_style(visit: Visit) -> None:
    visit.open("/console/style")


def show_missing(visit: Visit) -> None:
    visit.excuse("404")
    visit.open("/watch/title/nothing")


PAGES = (
    show_watch, show_panel, show_title, show_player, show_search, show_nothing_found, show_preview,
    show_style, show_missing, show_profiles,
)  # fmt: skip


@pytest.fixture
def signed_in(visit: Visiting) -> Iterator[Visiting]:
    """Opens visits that have chosen a profile."""

    def begin(**options: Any) -> Visit:
        seen = visit(**options)
        seen.enter(MEMBER)
        return seen

    return begin


@pytest.mark.parametrize("theme", [LIGHT, DARK])
@pytest.mark.parametrize("size", [PHONE, LAPTOP], ids=["phone", "laptop"])
def test_axe_finds_nothing_serious(signed_in: Visiting, size: dict[str, int], theme: str) -> None:
    text = script()
    seen = signed_in(viewport=size, color_scheme=theme, reduced_motion="reduce")
    wear(seen, theme)
    found = []
    for show in PAGES:
        show(seen)
        assert seen.page.locator("main, #panel[open]").count()
        found += [f"{show.__name__}: {one}" for one in findings(seen.page, text)]
    assert not found, "\n".join(found)


def wear(visit: Visit, theme: str) -> None:
    """Choose a theme, in the form that each page has for it."""
    page = visit.open("/console/style")
    page.locator('button[popovertarget="look"]').first.click()
    page.locator('form[action="/console/look"] select[name="theme"]').select_option(theme)
    page.locator('form[action="/console/look"] button[type="submit"]').click()
    page.locator(f'html[data-theme="{theme}"]').wait_for()


def test_the_theme_that_is_chosen_is_kept(visit: Visiting) -> None:
    seen = visit(color_scheme=DARK)
    ground = "() => getComputedStyle(document.querySelector('h1')).color"
    wear(seen, DARK)
    dark = seen.page.evaluate(ground)
    wear(seen, LIGHT)
    light = seen.open("/console/style").evaluate(ground)
    assert dark != light, "light is what was chosen, whatever the device prefers"


def test_german_is_chosen_by_the_browser_the_address_or_the_menu(visit: Visiting) -> None:
    german = visit(locale="de-DE")
    page = german.enter(MEMBER)
    assert page.locator("html").get_attribute("lang") == "de"
    heading = page.locator(".row h2").first.inner_text()
    english = visit(locale="en-GB")
    page = english.enter(MEMBER)
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.locator(".row h2").first.inner_text() != heading
    english.open("/watch?lang=de")
    assert page.locator(".row h2").first.inner_text() == heading
    english.open("/watch/search?q=zzqxw")
    assert page.locator("html").get_attribute("lang") == "de", "it is kept"


def test_pages_reflow_at_320_pixels(signed_in: Visiting) -> None:
    """WCAG 2.2, 1.4.10: 1280 pixels at 400 %."""
    seen = signed_in(viewport={"width": 320, "height": 640})
    for show in PAGES:
        show(seen)
        assert not seen.page.evaluate(SIDEWAYS), f"{show.__name__} scrolls sideways"


def test_text_of_twice_the_size_stays_readable(signed_in: Visiting) -> None:
    """WCAG 2.2, 1.4.4: 200 %."""
    seen = signed_in(viewport={"width": LAPTOP["width"] // 2, "height": LAPTOP["height"] // 2})
    for show in (show_watch, show_title, show_search):
        show(seen)
        assert not seen.page.evaluate(SIDEWAYS), show.__name__
        clipped = """() => [...document.querySelectorAll("h1, h2, .button, .tile__name")].filter((one) => {
          const style = getComputedStyle(one);
          const spills = style.overflow === "visible" && style.display !== "inline";
          return spills && one.scrollWidth > one.clientWidth + 2;
        }).map((one) => one.textContent.trim())"""
        assert seen.page.evaluate(clipped) == [], show.__name__


def test_the_focus_is_visible_and_goes_in_the_order_of_the_page(signed_in: Visiting) -> None:
    page = signed_in().page
    page.evaluate("scrollTo(0, 0)")
    stops: list[tuple[float, str]] = []
    page.locator("body").evaluate("() => document.activeElement.blur()")
    for _ in range(14):
        page.keyboard.press("Tab")
        page.wait_for_timeout(30)
        stop = page.evaluate(
            """() => {
              const one = document.activeElement, box = one.getBoundingClientRect();
              const ring = (style) => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2
                || style.boxShadow !== "none";
              let marked = ring(getComputedStyle(one));
              for (const inner of one.querySelectorAll("*")) marked ||= ring(getComputedStyle(inner));
              return {
                top: box.top + scrollY, row: one.closest(".row")?.dataset.row ?? "", marked,
                what: `${one.tagName}.${one.className}`, seen: box.bottom > 0 && box.top < innerHeight,
              };
            }"""
        )
        assert stop["marked"], f"{stop['what']} does not show that it has the focus"
        assert stop["seen"], f"{stop['what']} has the focus outside of the window"
        stops.append((stop["top"], stop["row"]))
    rows = [int(row) for _, row in stops if row]
    assert rows == sorted(rows)
    assert len(rows) == len(set(rows)), "a row is one stop"
    assert len(set(rows)) >= 3


def test_the_skip_link_is_the_first_stop(signed_in: Visiting) -> None:
    page = signed_in().page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.matches('a.skip')")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")


def test_nothing_moves_for_those_who_want_no_motion(signed_in: Visiting) -> None:
    seen = signed_in(reduced_motion="reduce")
    page = seen.page
    new_row(page).locator(".tile__link").first.hover()
    show_panel(seen)
    moving = page.evaluate(
        """() => document.getAnimations().filter((one) => {
          const {duration, iterations} = one.effect.getComputedTiming();
          return Number(duration) > 50 || iterations === Infinity;
        }).map((one) => one.effect.target.className)"""
    )
    assert moving == []


def test_pages_work_in_forced_colours(signed_in: Visiting) -> None:
    seen = signed_in(forced_colors="active")
    for show in (show_watch, show_panel, show_search):
        show(seen)
        assert seen.page.evaluate("matchMedia('(forced-colors: active)').matches")
        buttons = seen.page.locator(".button:visible").all()[:4]
        for button in buttons:
            assert button.evaluate(
                "(one) => parseFloat(getComputedStyle(one).borderTopWidth) > 0"
                " || getComputedStyle(one).textDecorationLine !== 'none'"
            )


def test_what_can_be_pressed_is_large_enough(signed_in: Visiting) -> None:
    """WCAG 2.2, 2.5.8: 24 by 24 pixels, links in a sentence apart."""
    seen = signed_in(viewport=PHONE)
    small = """() => [...document.querySelectorAll("a[href], button, input, select, summary")]
      .filter((one) => one.type !== "hidden")
      .map((one) => one.closest("label") ?? one) // a label is pressed as well as its box
      .filter((one) => one.checkVisibility({visibilityProperty: true}) && !one.closest("p"))
      .map((one) => [one.getBoundingClientRect(), one])
      .filter(([box]) => box.width > 1 && (box.width < 24 || box.height < 24))
      .map(([box, one]) => `${one.outerHTML.slice(0, 80)} ${box.width} x ${box.height}`)"""
    for show in PAGES:
        show(seen)
        assert seen.page.evaluate(small) == [], show.__name__


def test_nothing_shifts_after_the_first_paint(visit: Visiting) -> None:
    for size in (PHONE, LAPTOP):
        seen = visit(viewport=size)
        page = seen.enter(MEMBER)
        page.wait_for_load_state("networkidle")
        page.reload()
        page.wait_for_load_state("networkidle")
        all_rows(page)
        noted = page.evaluate("window.noted")
        assert noted["shift"] == 0, noted["shifts"]


@pytest.mark.parametrize("path", ["/watch", "/watch/search?q=harbour"])
def test_the_page_has_one_heading_and_landmarks(signed_in: Visiting, path: str) -> None:
    page = signed_in().open(path)
    assert page.locator("h1").count() == 1
    assert page.locator("main").count() == 1
    assert page.title().strip()
