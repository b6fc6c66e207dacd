"""A visit of a page by somebody with a browser. Whatever goes wrong in the page is noted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Locator, Page, Request

LEFT_BEHIND = "409 (Conflict)"
"""Of events that were told as their profile was left: they wait in the browser until it comes back."""
TIMEOUT_MS = 30_000
"""Longest wait for one condition: other tests use the same machine."""
PHONE = {"width": 390, "height": 844}
LAPTOP = {"width": 1366, "height": 768}
TEN_FOOT = {"width": 1920, "height": 1080}
OWN = ("continue_watching", "my_list", "watch_again")
"""Rows of titles that the member knows."""
NEW_ROWS = "#rows .row" + "".join(f':not([data-kind="{kind}"])' for kind in OWN)
"""Rows with something new."""
NOTES = """
window.noted = {shift: 0, shifts: [], violations: []};
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    if (entry.hadRecentInput) continue;
    window.noted.shift += entry.value;
    window.noted.shifts.push(entry.sources.map((one) => one.node?.outerHTML?.slice(0, 120) ?? "?"));
  }
}).observe({type: "layout-shift", buffered: true});
document.addEventListener("securitypolicyviolation", (event) => {
  window.noted.violations.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`);
});
"""
"""Runs before the scripts of each page; the policy of the page does not hold for it."""


@dataclass
class Visit:
    """One browser context (its own cookies and storage) with its first page.

    Attributes
    ----------
    problems : list of str
        Errors of the console and of scripts, requests to other machines, dialogs, crashes.
    excused : list of str
        Parts of problems that the test causes itself.
    """

    address: str
    context: BrowserContext
    page: Page
    problems: list[str] = field(default_factory=list)
    excused: list[str] = field(default_factory=lambda: [LEFT_BEHIND])

    def follow(self, page: Page) -> Page:
        """Note what goes wrong in a page."""
        page.set_default_timeout(TIMEOUT_MS)
        page.on("console", lambda said: self._note("console", said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self._note("script", f"{error.message} {error.stack or ''}"))
        page.on("crash", lambda _: self._note("crash", page.url))
        page.on("dialog", lambda dialog: (self._note("dialog", dialog.message), dialog.dismiss()))
        page.on("request", self._at_home)
        return page

    def excuse(self, *parts: str) -> None:
        """Say which problems the test causes on purpose."""
        self.excused.extend(parts)

    def open(self, path: str) -> Page:
        """Open a path of the server in the first page."""
        self.page.goto(self.address + path)
        return self.page

    def enter(self, member: str, path: str = "/watch") -> Page:
        """Choose a profile as its page offers it, then open a path."""
        choose(self.page, self.address, member)
        if path != "/watch":
            self.open(path)
        return self.page

    def another_tab(self, path: str) -> Page:
        """A second page with the same cookies and storage."""
        page = self.follow(self.context.new_page())
        page.goto(self.address + path)
        return page

    def real_problems(self) -> list[str]:
        """Problems that the test did not cause on purpose; violations of the policy of open pages too."""
        found = list(self.problems)
        for page in self.context.pages:
            if not page.is_closed() and page.url.startswith(self.address):
                found += [f"policy: {one}" for one in page.evaluate("window.noted?.violations ?? []")]
        return [one for one in found if not any(part in one for part in self.excused)]

    def _note(self, kind: str, text: str) -> None:
        self.problems.append(f"{kind}: {text}")

    def _at_home(self, request: Request) -> None:
        if not request.url.startswith((self.address, "data:", "blob:", "about:")):
            self._note("elsewhere", request.url)


@contextmanager
def visiting(browser: Browser, address: str, **options: Any) -> Iterator[Visit]:
    """A new visit; its end fails if something went wrong in its pages.

    Parameters
    ----------
    options : dict
        Of Playwright's `new_context`, beside a laptop's window and English.
    """
    given = {"viewport": LAPTOP, "locale": "en-GB", "timezone_id": "UTC"} | options
    context = browser.new_context(**given)
    try:
        context.set_default_timeout(TIMEOUT_MS)
        if given.get("java_script_enabled", True):
            context.add_init_script(NOTES)
        visit = Visit(address, context, context.new_page())
        visit.follow(visit.page)
        yield visit
        assert not (problems := visit.real_problems()), "\n".join(problems)
    finally:
        context.close()


def choose(page: Page, address: str, member: str) -> None:
    """Take a profile on the page of profiles, by the search and the form that it has for this."""
    page.goto(f"{address}/watch?who={member}")
    leave = page.locator('form[action="/watch/leave"] button')
    if leave.count():
        leave.first.click()
        page.locator('form[action="/watch/profile"]').first.wait_for()
        page.goto(f"{address}/watch?who={member}")
    page.locator(f'form[action="/watch/profile"] button[name="member_id"][value="{member}"]').click()
    page.locator("#rows .tile").first.wait_for()


def tile(page: Page, title_id: str) -> Locator:
    """The first tile of a title."""
    return page.locator(f'.tile[data-title="{title_id}"]').first


def new_row(page: Page) -> Locator:
    """The first row with something new."""
    return page.locator(NEW_ROWS).first


def new_tiles(page: Page) -> Locator:
    """Tiles of that row which are not on the member's list."""
    return new_row(page).locator(".tile:not(:has(.badge--listed))")


def open_details(one: Locator) -> str:
    """Click a tile, and wait until its details stand in the panel; returns the title."""
    page = one.page
    title = one.get_attribute("data-title")
    assert title
    one.locator(".tile__link").click()
    page.locator(f'#panel[open] .details[data-title="{title}"]').wait_for()
    return title


def titles(page: Page, row: str = "#rows .row") -> list[str]:
    """Titles on a page, in the order in which they stand."""
    found: list[str] = page.eval_on_selector_all(f"{row} .tile", "all => all.map((one) => one.dataset.title)")
    return found


def kinds(page: Page) -> list[str]:
    """Kinds of the rows on a page."""
    found: list[str] = page.eval_on_selector_all(".row", "all => all.map((one) => one.dataset.kind)")
    return found


def until(
    page: Page, holds: Callable[[], bool], what: str | Callable[[], str], *, timeout_ms: float = TIMEOUT_MS
) -> None:
    """Wait for a condition that is looked at from outside of the page; `what` says what did not come."""
    waited = 0.0
    while not holds():
        if waited >= timeout_ms:
            told = what if isinstance(what, str) else what()
            raise AssertionError(f"waited {timeout_ms / 1000:.0f} s in vain: {told}")
        page.wait_for_timeout(100)
        waited += 100


def all_rows(page: Page) -> None:
    """Scroll until no further rows come."""
    for _ in range(60):
        n_rows = page.locator("#rows .row").count()
        if not page.locator("#more").count():
            return
        page.evaluate("scrollTo({top: document.documentElement.scrollHeight, behavior: 'instant'})")
        page.wait_for_function(
            "(n) => document.querySelectorAll('#rows .row').length > n || !document.querySelector('#more')",
            arg=n_rows,
        )
    raise AssertionError("further rows came without an end")
