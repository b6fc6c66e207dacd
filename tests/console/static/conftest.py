"""One browser for each file of tests, and pages in it whose errors fail the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from benchmarks.chromium import NoBrowserError, chromium
from tests.browser.visiting import LAPTOP, Visit, visiting
from tests.console.static.stage import Stage, staged

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, or why the test is skipped."""
    with ExitStack() as open_:
        try:
            found = open_.enter_context(chromium())
        except NoBrowserError as problem:
            pytest.skip(str(problem))
        yield found


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A server of its own."""
    with staged() as made:
        yield made


@pytest.fixture
def visit(browser: Browser, stage: Stage) -> Iterator[Visit]:
    """A browser at the server; it has opened nothing."""
    with visiting(browser, stage.address, viewport=LAPTOP) as made:
        yield made


@pytest.fixture
def opened(visit: Visit) -> Callable[[str], Visit]:
    """Opens a page and waits until all modules run."""

    def begin(path: str = "/watch") -> Visit:
        visit.open(path)
        visit.page.wait_for_selector("html.is-ready")
        return visit

    return begin
