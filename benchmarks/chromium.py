"""Headless Chromium for benchmarks, screenshots and the tests of pages.

Debian's (`apt-get install chromium`), the one that MATINEE_CHROMIUM names, or the one that
`playwright install chromium` keeps; driven by Playwright for Python, which is no dependency of Matinee.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

PLACE = "MATINEE_CHROMIUM"
DEBIAN = Path("/usr/bin/chromium")
OPTIONS = (
    "--no-sandbox",  # the pages are our own, and tests may run as root
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--font-render-hinting=none",
)


class NoBrowserError(RuntimeError):
    """There is no browser, or nothing to drive one with; the message says what to install."""


@contextmanager
def chromium(*options: str) -> Iterator[Browser]:
    """A browser without a window, closed at the end.

    Playwright keeps an event loop in this thread meanwhile, so `asyncio.run` cannot be called in it.

    Parameters
    ----------
    options : str
        Of its command line, beside `OPTIONS`.

    Raises
    ------
    NoBrowserError
        Playwright or Chromium is missing.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise NoBrowserError(
            "playwright is not installed: .venv/bin/python -m pip install playwright==1.65.2"
        ) from error
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=_executable(playwright), args=[*OPTIONS, *options], chromium_sandbox=False
        )
        try:
            yield browser
        finally:
            browser.close()


def _executable(playwright: Playwright) -> str:
    """Where Chromium is: the first of the three that is there."""
    named = os.environ.get(PLACE)
    places = [Path(named)] if named else [DEBIAN, Path(playwright.chromium.executable_path)]
    for place in places:
        if place.is_file():
            return str(place)
    looked = ", ".join(str(place) for place in places)
    raise NoBrowserError(f"no Chromium at {looked}: apt-get install chromium, or playwright install chromium")
