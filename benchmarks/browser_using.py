"""How soon the page answers a hand, on a slow processor; and what it keeps in memory after long scrolling."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.browser_loading import NOTES
from benchmarks.browser_shop import Shop, debugger
from benchmarks.serve_host import with_bare_page
from benchmarks.serve_lines import Line
from benchmarks.serving_home import make

from matinee.observe.home import Home

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession, Page

SLOWER = 4
ROUNDS, QUICK_ROUNDS = 5, 2
INTERACTION_MS = 200.0
ROWS, COLS = 40, 40
TILES_SHARE = 0.95
"""Of 40 rows of 40 that there must be: the last rows of a page have what others left."""
SIZES = {"members": 300, "titles": 12_000, "events": 30_000}
"""Of the home with so many tiles."""
AGAIN_NODES, AGAIN_MB = 1.1, 2.0
"""After scrolling to the end and back twice more: nodes, in those of the first time; heap that came."""
HEAP_MB = 50.0
EVENTS = """
window.hands = new Map();
const note = (list) => {
  for (const one of list.getEntries()) {
    if (!one.interactionId) continue;
    const before = window.hands.get(one.interactionId);
    if (!before || before.ms < one.duration) {
      const at = one.target ? `${one.target.tagName}.${one.target.className ?? ""}` : "?";
      window.hands.set(one.interactionId, {ms: one.duration, what: `${one.name} ${at}`});
    }
  }
};
new PerformanceObserver(note).observe({type: "event", durationThreshold: 16, buffered: true});
new PerformanceObserver(note).observe({type: "first-input", buffered: true});
"""


def interaction(shop: Shop, quick: bool) -> list[Line]:
    """Interaction to next paint of a visit in which most of what can be done is done."""
    worst, all_ms, slowest = [], [], {"ms": 0.0, "what": ""}
    for _ in range(QUICK_ROUNDS if quick else ROUNDS):
        with shop.page(script=EVENTS) as page:
            page.goto(f"{shop.address}/watch", wait_until="networkidle")
            debugger(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
            n_done = _use(page)
            page.wait_for_timeout(1_000)  # the observer reports an event after its paint
            seen: list[dict[str, Any]] = page.evaluate("[...window.hands.values()]")
            longest = sorted((one["ms"] for one in seen), reverse=True) or [0.0]
            worst.append(longest[min(len(longest) - 1, n_done // 50)])
            all_ms += longest
            slowest = max([slowest, *seen], key=lambda one: one["ms"])
    figure = statistics.median(worst)
    return [
        Line(
            f"interaction to next paint, processor {SLOWER} times slower",
            f"{figure:.0f} ms (median of {len(worst)} visits; worst {max(worst):.0f} ms)",
            f"under {INTERACTION_MS:g} ms",
            figure < INTERACTION_MS,
            f"{len(all_ms)} interactions above 16 ms; slowest: {slowest['what']}",
            {"ms": figure, "worst_ms": max(worst)},
        )
    ]


def _use(page: Page) -> int:
    """Keys along a row and down, a panel with thumb and list, search; returns how many interactions."""
    page.locator(".tile__link").first.focus()
    keys = ["ArrowRight"] * 4 + ["ArrowDown"] * 3 + ["ArrowLeft"] * 2 + ["ArrowUp"]
    for key in keys:
        page.keyboard.press(key)
    clicked = 0
    for number in (2, 3):
        page.locator(".row").nth(number).locator(".tile__link").nth(1).click()
        page.locator("#panel[open] .details").wait_for()
        for act in ("thumb_up", "list_add"):
            button = page.locator(f'#panel button[name="act"][value="{act}"]')
            if button.count():
                button.first.click()
                clicked += 1
        page.keyboard.press("Escape")
        page.locator("#panel[open]").wait_for(state="hidden")
        clicked += 2
    page.locator('#search input[name="q"]').focus()
    page.keyboard.type("the st", delay=40)
    page.wait_for_timeout(1_500)
    return len(keys) + clicked + 6


def scroll(shop: Shop, quick: bool) -> list[Line]:
    """Memory and nodes while 40 rows of 40 are scrolled through, and again; shifts of the layout meanwhile.

    The demo has too few titles for so many tiles, each of them once on a page, so this is another home:
    titles of 20 genres, each with a drawn image.
    """
    with tempfile.TemporaryDirectory(prefix="matinee-bench-") as name:
        home = large(Path(name) / "home")
        with with_bare_page(home.root) as server:
            return _scrolled(Shop.open(shop.browser, server, home.root), quick)


def large(folder: Path) -> Home:
    """A home with titles and images for 40 rows of 40."""
    home = make(folder, trained=False, **SIZES)
    draw = ["artwork", "draw", "--variants", "1", "--wide", "0", "--approve", "benchmark"]
    command = [sys.executable, "-m", "matinee", *draw, "--home", str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    return home


def _scrolled(shop: Shop, quick: bool) -> list[Line]:
    with shop.page(script=NOTES) as page:
        page.goto(f"{shop.address}/watch?cols={COLS}", wait_until="networkidle")
        counted = debugger(page)
        counted.send("Performance.enable")
        begin = _memory(counted)
        _to_the_end(page)
        _along_all_rows(page)
        full = _memory(counted)
        rows, tiles, held, images = (
            page.locator(one).count() for one in (".row", ".tile", ".tile__image[src]", ".tile__image")
        )
        for _ in range(1 if quick else 2):
            page.evaluate("scrollTo({top: 0, behavior: 'instant'})")
            page.wait_for_timeout(300)
            _to_the_end(page)
            _along_all_rows(page)
        again = _memory(counted)
        seen = page.evaluate("window.paints")
    heap_mb = again["heap_mb"] - full["heap_mb"]
    nodes = again["nodes"] / full["nodes"]
    enough = rows >= ROWS and tiles >= TILES_SHARE * ROWS * COLS
    return [
        Line(
            f"memory after {rows} rows with {tiles} tiles, scrolled through to their ends",
            f"heap {begin['heap_mb']:.1f} to {full['heap_mb']:.1f} MB, nodes {begin['nodes']:,.0f} to "
            f"{full['nodes']:,.0f}; scrolled through again {heap_mb:+.1f} MB and {nodes:.2f} times the nodes",
            f"under {HEAP_MB:g} MB, again at most {AGAIN_MB:g} MB more and {AGAIN_NODES:g} times",
            enough and full["heap_mb"] < HEAP_MB and heap_mb <= AGAIN_MB and nodes <= AGAIN_NODES,
            f"{held} of {images} images are held at the end"
            + ("" if enough else f"; the page has {rows} rows with {tiles} tiles, not {ROWS} of {COLS}"),
            {"begin": begin, "full": full, "again": again, "rows": rows, "tiles": tiles, "held": held},
        ),
        Line(
            "layout shift while scrolling",
            f"{seen['shift']:.4f}",
            "0",
            seen["shift"] == 0,
            f"moved: {', '.join(seen['moved'][:5])}" if seen["moved"] else "",
            {"shift": seen["shift"]},
        ),
    ]


def _to_the_end(page: Page) -> None:
    """Down the page by its length of screens, until no further rows come."""
    for _ in range(400):
        page.mouse.move(600, 400)
        page.mouse.wheel(0, 700)
        page.wait_for_timeout(60)
        done = page.evaluate(
            "() => !document.querySelector('#more')"
            " && scrollY + innerHeight >= document.documentElement.scrollHeight - 2"
        )
        if done:
            return
    raise SystemExit("the page did not end after 400 turns of the wheel")


def _along_all_rows(page: Page) -> None:
    """Each row to its right end and back."""
    page.evaluate(
        """async () => {
          for (const row of document.querySelectorAll(".row__tiles")) {
            row.scrollTo({left: row.scrollWidth, behavior: "instant"});
            await new Promise((done) => setTimeout(done, 30));
            row.scrollTo({left: 0, behavior: "instant"});
          }
        }"""
    )


def _memory(counted: CDPSession) -> dict[str, float]:
    """Heap of the scripts in MB and nodes, after the garbage is collected."""
    counted.send("HeapProfiler.collectGarbage")
    seen = {one["name"]: one["value"] for one in counted.send("Performance.getMetrics")["metrics"]}
    return {"heap_mb": seen["JSHeapUsedSize"] / 1e6, "nodes": seen["Nodes"]}
