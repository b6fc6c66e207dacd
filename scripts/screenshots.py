"""Pictures of each page on three screens, light and dark, with an index.html that shows them all.

    .venv/bin/python scripts/screenshots.py [HOME] [--out screenshots] [--only watch panel] [--on phone kids]

Beside the screens there are looks: in German, of a kids profile, without JavaScript, in forced colours, on
paper; and `--on readme` takes docs/watch.png.

HOME is copied first; default: demo-home, which `make demo` makes. Look at each picture before a change of the
pages is called done.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.browser_shop import Shop  # noqa: E402
from benchmarks.chromium import NoBrowserError, chromium  # noqa: E402
from benchmarks.serve_host import matinee  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Page

LIGHT, DARK = "light", "dark"
KID = "kid-of-the-pictures"
BEGUN = 5
PHONE = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36"
TV = "Mozilla/5.0 (SMART-TV; Linux; Tizen 7.0) AppleWebKit/537.36 Chrome/94.0 TV Safari/537.36"

SEARCH = "star"
SEARCH_GONE = "the matrix"
"""A film that a catalogue of 1998 lacks."""


def profiles(page: Page, address: str) -> None:
    """The choice of profiles. The session has no member after it."""
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


def preview_tile(page: Page, address: str) -> None:
    """The page preview with the reasons of one tile and of its row."""
    preview(page, address)
    first = page.locator("[data-side] .tile").nth(1)
    first.locator("a, summary, button").first.click()
    page.locator(".why").first.wait_for()
    page.wait_for_load_state("networkidle")


def preview_sides(page: Page, address: str) -> None:
    """Two pages beside each other: of the release, and without a model."""
    preview(page, address)
    page.goto(f"{page.url}&b.release=fallback", wait_until="networkidle")


def missing(page: Page, address: str) -> None:
    """An address that leads nowhere."""
    page.goto(f"{address}/watch/title/nothing", wait_until="networkidle")


def style(page: Page, address: str) -> None:
    """The design system."""
    page.goto(f"{address}/console/style", wait_until="networkidle")


PAGES: dict[str, Callable[[Page, str], None]] = {
    one.__name__: one
    for one in (
        watch, further, focus, panel, title, player, search, search_gone, preview, preview_tile,
        preview_sides, style, missing, profiles,
    )
}  # fmt: skip
ENTER = "enter"
"""The entrance: after all others, as from the first key on it is needed."""
WHOLE = ("style", "preview", "preview_tile", "preview_sides", "title")
"""Pages of which more than the first screen is taken."""


@dataclass(frozen=True)
class Look:
    """How pages are looked at.

    Attributes
    ----------
    size : (int, int)
    device : mapping
        Options of Playwright's `new_context`.
    media : mapping
        Of Playwright's `emulate_media`.
    themes : tuple of str
    pages : tuple of str
        Empty: all.
    member : str
        Empty: the one of the command.
    """

    size: tuple[int, int] = (1366, 768)
    device: Mapping[str, Any] = field(default_factory=dict)
    media: Mapping[str, Any] = field(default_factory=dict)
    themes: tuple[str, ...] = (DARK,)
    pages: tuple[str, ...] = ()
    member: str = ""


BOTH = (LIGHT, DARK)
IN_HAND = {"is_mobile": True, "has_touch": True, "device_scale_factor": 2, "user_agent": PHONE}
LOOKS: dict[str, Look] = {
    "phone": Look((390, 844), IN_HAND, themes=BOTH),
    "laptop": Look(themes=BOTH),
    "ten-foot": Look((1920, 1080), {"user_agent": TV}, themes=BOTH),
    "small-phone": Look((320, 640), IN_HAND, pages=("watch", "panel", "player", "search", "profiles")),
    "german": Look(
        device={"locale": "de-DE"},
        pages=("watch", "panel", "player", "search_gone", "preview_tile", "style", "missing", "profiles"),
    ),
    "german-phone": Look((360, 740), {**IN_HAND, "locale": "de-DE"}, pages=("watch", "panel", "profiles")),
    "kids": Look(themes=BOTH, pages=("watch", "panel", "player", "search"), member=KID),
    "kids-phone": Look((390, 844), IN_HAND, pages=("watch", "panel"), member=KID),
    "plain": Look(
        device={"java_script_enabled": False},
        pages=("watch", "title", "player", "search", "preview", "profiles"),
    ),
    "forced-colours": Look(
        media={"forced_colors": "active"}, pages=("watch", "panel", "player", "search", "preview", "profiles")
    ),
    "readme": Look((1280, 1180), pages=("watch",)),
    "print": Look(media={"media": "print"}, themes=(LIGHT,), pages=("watch", "title", "search", "preview")),
}


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
        add_kid(home, Path(name))
        try:
            with chromium() as browser, matinee(home) as server:
                shop = Shop.open(browser, server, home)
                live(shop, options.member)
                for look in options.on or LOOKS:
                    for theme in LOOKS[look].themes:
                        taken += photograph(shop, look, theme, options)
                if not options.only or ENTER in options.only:
                    taken += entrance(shop, home, options)
        except NoBrowserError as problem:
            print(problem, file=sys.stderr)
            return 2
    write_index(options.out, taken)
    print(f"{len(taken)} pictures: {options.out / 'index.html'}")
    return 0


def add_kid(home: Path, folder: Path) -> None:
    """A kids profile, which a home of public data lacks."""
    file = folder / "members.csv"
    with file.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([("member_id", "maturity_max", "kids"), (KID, 8, "true")])
    command = [sys.executable, "-m", "matinee", "import", "members", str(file), "--home", str(home)]
    subprocess.run(command, check=True, capture_output=True)


def live(shop: Shop, member: str) -> None:
    """Let the member begin some titles of their page, and put some on their list: so a page looks in use."""
    with urllib.request.urlopen(f"{shop.address}/v1/members/{member}/homepage", timeout=60) as reply:
        rows = json.load(reply)["rows"]
    offered = list(dict.fromkeys(tile["title_id"] for row in rows[:3] for tile in row["tiles"][2:6]))
    told: list[dict[str, Any]] = [
        {"type": "play", "title_id": one, "watch_s": s, "position_s": s}
        for one, s in zip(offered[:BEGUN], range(1_500, 6_000, 900), strict=False)
    ]
    told += [{"type": "signal", "title_id": one, "signal": "list_add"} for one in offered[BEGUN:]]
    events = [
        {**event, "member_id": member, "event_id": f"picture-{n}", "at": now(shop)}
        for n, event in enumerate(told)
    ]
    asked = urllib.request.Request(
        f"{shop.address}/v1/events", json.dumps(events).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(asked, timeout=60) as reply:
        if json.load(reply)["rejected"]:
            raise SystemExit("the events for the pictures were refused")


def now(shop: Shop) -> str:
    """The time of the home, which stands on each of its pages."""
    with urllib.request.urlopen(f"{shop.address}/watch", timeout=60) as reply:
        return str(reply.read().decode()).split('name="now" content="', 1)[1].split('"', 1)[0]


def photograph(shop: Shop, look: str, theme: str, options: argparse.Namespace) -> list[Path]:
    """Pages with one look in one theme."""
    taken, given = [], LOOKS[look]
    with shop.page(given.size, member=given.member or options.member, device=given.device) as page:
        page.emulate_media(**{"color_scheme": theme, "reduced_motion": "reduce", **given.media})
        page.context.add_cookies([{"name": "matinee_look", "value": f".{theme}", "url": shop.address}])
        for name, visit in PAGES.items():
            if name not in (options.only or PAGES) or name not in (given.pages or PAGES):
                continue
            visit(page, shop.address)
            file = options.out / f"{name}-{look}-{theme}.png"
            page.screenshot(path=file, full_page=name in WHOLE)
            taken.append(file)
            print(f"  {file}", flush=True)
    return taken


def entrance(shop: Shop, home: Path, options: argparse.Namespace) -> list[Path]:
    """The page that asks for a key; it is needed from the first key on."""
    command = [sys.executable, "-m", "matinee", "key", "create", "screenshots", "--scope", "admin"]
    subprocess.run([*command, "--home", str(home)], check=True, capture_output=True)
    taken = []
    for look in [look for look in options.on or LOOKS if not LOOKS[look].pages]:
        width, height = LOOKS[look].size
        for theme in LOOKS[look].themes:
            context = shop.browser.new_context(
                viewport={"width": width, "height": height}, color_scheme=theme, locale="en-GB"
            )
            page = context.new_page()
            while page.goto(f"{shop.address}/console/enter") and not page.locator("#key").count():
                page.wait_for_timeout(500)  # the server has not seen the key yet
            taken.append(options.out / f"{ENTER}-{look}-{theme}.png")
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
    out.add_argument("--on", nargs="+", choices=[*LOOKS], metavar="LOOK", help=f"of: {', '.join(LOOKS)}")
    out.add_argument("--member", default="22", help="whose page; default: 22")
    return out


if __name__ == "__main__":
    sys.exit(main())
