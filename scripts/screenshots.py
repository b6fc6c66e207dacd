"""Pictures of each page at three sizes, light and dark, with an index.html that shows them all.

    .venv/bin/python scripts/screenshots.py [HOME] [--out screenshots] [--only watch panel]

HOME is copied first; default: demo-home, which `make demo` makes. Look at each picture before a change of the
pages is called done.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.browser_shop import Shop  # noqa: E402
from benchmarks.chromium import NoBrowserError, chromium  # noqa: E402
from benchmarks.serve_host import matinee  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Page

SIZES = {"phone": (390, 844), "laptop": (1366, 768), "ten-foot": (1920, 1080)}
THEMES = ("light", "dark")
SEARCH = "star"
SEARCH_GONE = "the matrix"
"""A film that a catalogue of 1998 lacks."""


def profiles(page: Page, address: str) -> None:
    """The choice of profiles."""
    page.goto(f"{address}/watch")
    leave = page.locator('form[action="/watch/leave"] button').first
    if leave.count():
        leave.evaluate("(button) => button.click()")
        page.wait_for_load_state("networkidle")


def watch(page: Page, address: str) -> None:
    """The first screen of a member."""
    page.goto(f"{address}/watch", wait_until="networkidle")


def further(page: Page, address: str) -> None:
    """The same, some rows down."""
    watch(page, address)
    page.mouse.wheel(0, 1_400)
    page.wait_for_timeout(800)


def focus(page: Page, address: str) -> None:
    """A tile that the keyboard stands on."""
    watch(page, address)
    page.locator(".row .tile__link").nth(1).focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(400)


def panel(page: Page, address: str) -> None:
    """The details of a title, over the page."""
    watch(page, address)
    page.locator(".row").nth(1).locator(".tile__link").nth(1).click()
    page.locator("#panel[open] .details").wait_for()
    page.wait_for_timeout(600)


def title(page: Page, address: str) -> None:
    """The details of a title as a page of their own."""
    watch(page, address)
    there = page.locator(".row").nth(1).locator(".tile__link").nth(1).get_attribute("href")
    page.goto(f"{address}{there}", wait_until="networkidle")


def player(page: Page, address: str) -> None:
    """The player."""
    watch(page, address)
    played = page.locator(".row").nth(1).locator(".tile").nth(1).get_attribute("data-title")
    page.goto(f"{address}/watch/play/{played}", wait_until="networkidle")


def search(page: Page, address: str) -> None:
    """What a search finds."""
    page.goto(f"{address}/watch/search?q={SEARCH}", wait_until="networkidle")


def search_gone(page: Page, address: str) -> None:
    """What is near a title that the catalogue lacks."""
    page.goto(f"{address}/watch/search?q={SEARCH_GONE}", wait_until="networkidle")


def preview(page: Page, address: str) -> None:
    """The page preview."""
    page.goto(f"{address}/console/preview?member=22", wait_until="networkidle")


def style(page: Page, address: str) -> None:
    """The design system."""
    page.goto(f"{address}/console/style", wait_until="networkidle")


PAGES: dict[str, Callable[[Page, str], None]] = {
    one.__name__: one
    for one in (watch, further, focus, panel, title, player, search, search_gone, preview, style, profiles)
}
ENTER = "enter"
"""The entrance: after all others, as from the first key on it is needed."""
WHOLE = ("style", "preview", "title")
"""Pages of which more than the first screen is taken."""


def main() -> int:
    """Take all pictures."""
    options = parser().parse_args()
    if not (options.home / "format.json").is_file():
        print(f"{options.home} is no home: run `make demo` first, or name one", file=sys.stderr)
        return 2
    options.out.mkdir(parents=True, exist_ok=True)
    taken = []
    with tempfile.TemporaryDirectory(prefix="matinee-screenshots-") as name:
        home = Path(shutil.copytree(options.home, Path(name) / "home"))
        try:
            with chromium() as browser, matinee(home) as server:
                shop = Shop.open(browser, server, home)
                for size in SIZES:
                    for theme in THEMES:
                        taken += photograph(shop, size, theme, options)
                if not options.only or ENTER in options.only:
                    taken += entrance(shop, home, options.out)
        except NoBrowserError as problem:
            print(problem, file=sys.stderr)
            return 2
    write_index(options.out, taken)
    print(f"{len(taken)} pictures: {options.out / 'index.html'}")
    return 0


def photograph(shop: Shop, size: str, theme: str, options: argparse.Namespace) -> list[Path]:
    """Each page at one size in one theme."""
    taken = []
    with shop.page(SIZES[size], member=options.member) as page:
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        page.context.add_cookies([{"name": "matinee_look", "value": f".{theme}", "url": shop.address}])
        for name in [name for name in options.only or PAGES if name != ENTER]:
            PAGES[name](page, shop.address)
            file = options.out / f"{name}-{size}-{theme}.png"
            page.screenshot(path=file, full_page=name in WHOLE)
            taken.append(file)
            print(f"  {file}", flush=True)
    return taken


def entrance(shop: Shop, home: Path, out: Path) -> list[Path]:
    """The page that asks for a key, at each size in each theme."""
    command = [sys.executable, "-m", "matinee", "key", "create", "screenshots", "--scope", "admin"]
    subprocess.run([*command, "--home", str(home)], check=True, capture_output=True)
    taken = []
    for size, (width, height) in SIZES.items():
        for theme in THEMES:
            context = shop.browser.new_context(
                viewport={"width": width, "height": height}, color_scheme=theme, locale="en-GB"
            )
            page = context.new_page()
            while page.goto(f"{shop.address}/console/enter") and not page.locator("#key").count():
                page.wait_for_timeout(500)  # the server has not seen the key yet
            taken.append(out / f"{ENTER}-{size}-{theme}.png")
            page.screenshot(path=taken[-1])
            context.close()
    return taken


def write_index(folder: Path, taken: list[Path]) -> None:
    """One page with all pictures, by page."""
    figures = "\n".join(
        f'<figure><a href="{escape(file.name)}"><img src="{escape(file.name)}" alt="" loading="lazy"></a>'
        f"<figcaption>{escape(file.stem)}</figcaption></figure>"
        for file in sorted(taken)
    )
    style_ = (
        "body{font:14px sans-serif;margin:16px;display:flex;flex-wrap:wrap;gap:16px;background:#888}"
        "figure{margin:0}img{height:320px;max-width:640px;object-fit:cover;object-position:top}"
    )
    head = f'<meta charset="utf-8"><title>Screenshots</title><style>{style_}</style>'
    text = f'<!doctype html><html lang="en">{head}'
    (folder / "index.html").write_text(f"{text}\n{figures}\n</html>\n", encoding="utf-8")


def parser() -> argparse.ArgumentParser:
    """The options."""
    out = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    out.add_argument("home", nargs="?", type=Path, default=ROOT / "demo-home", help="default: demo-home")
    out.add_argument("--out", type=Path, default=Path("screenshots"), help="folder; default: screenshots")
    out.add_argument("--only", nargs="+", choices=[*PAGES, ENTER], metavar="PAGE", help="only these pages")
    out.add_argument("--member", default="22", help="whose page; default: 22")
    return out


if __name__ == "__main__":
    sys.exit(main())
