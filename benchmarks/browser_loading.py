"""How soon the first screen is painted, beside a bare page, and how many bytes it takes."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from benchmarks.browser_shop import LAPTOP, PHONE, Shop, debugger
from benchmarks.serve_lines import Line

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROUNDS, QUICK_ROUNDS = 25, 6
TIMES = 3.0
"""Paint of /watch, in those of the bare page."""
FIRST_SCREEN_KB = 300.0
NOTES = """
window.paints = {lcp: 0, what: "", shift: 0, moved: []};
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) {
    window.paints.lcp = one.startTime;
    window.paints.what = `${one.element?.tagName ?? "?"}.${one.element?.className ?? ""}`;
  }
}).observe({type: "largest-contentful-paint", buffered: true});
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) {
    if (one.hadRecentInput) continue;
    window.paints.shift += one.value;
    window.paints.moved.push(...one.sources.map((s) => `${s.node?.nodeName}.${s.node?.className ?? ""}`));
  }
}).observe({type: "layout-shift", buffered: true});
"""


@dataclass(frozen=True)
class Load:
    """One load of one page with an empty cache, in ms from its beginning.

    Attributes
    ----------
    server_ms : float
        From the request for the document to the first byte of the answer.
    images_ms : float
        Until the last image in view had come. A page cannot paint early by holding back what a member sees:
        this would rise.
    shift : float
        Sum of the layout shifts until a second after the load.
    """

    first_ms: float
    largest_ms: float
    server_ms: float
    images_ms: float
    shift: float
    what: str
    moved: tuple[str, ...]


def load(page: Page, url: str) -> Load:
    """Open a page, and wait until it has its largest paint."""
    page.goto(url, wait_until="load")
    page.wait_for_timeout(1_000)  # lazy images of the first screen, and what scripts add
    seen = page.evaluate(
        """() => {
          const [first] = performance.getEntriesByName("first-contentful-paint");
          const [way] = performance.getEntriesByType("navigation");
          const seen = Array.from(document.images).filter((one) => {
            const {left, right, top, bottom, width} = one.getBoundingClientRect();
            return width && right > 0 && bottom > 0 && left < innerWidth && top < innerHeight;
          });
          const came = (one) => performance.getEntriesByName(one.currentSrc).at(-1)?.responseEnd ?? 0;
          return {
            ...window.paints, first: first.startTime, server: way.responseStart - way.requestStart,
            images: Math.max(0, ...seen.map(came)), missing: seen.filter((one) => !one.complete).length,
          };
        }"""
    )
    if seen["missing"]:
        raise SystemExit(f"{url}: {seen['missing']} images in view had not come a second after the load.")
    return Load(
        seen["first"],
        seen["lcp"],
        seen["server"],
        seen["images"],
        seen["shift"],
        seen["what"],
        tuple(seen["moved"][:5]),
    )


def paint(shop: Shop, quick: bool) -> list[Line]:
    """First and largest contentful paint of /watch, in those of the bare page; shifts of its layout."""
    ours, bare = [], []
    for _ in range(QUICK_ROUNDS if quick else ROUNDS):
        for address, into in ((f"{shop.address}/watch", ours), (shop.bare, bare)):
            with shop.page(script=NOTES) as page:
                into.append(load(page, address))
    worst = max(ours, key=lambda one: one.shift)
    return [
        beside("first contentful paint", "first_ms", ours, bare),
        beside("largest contentful paint", "largest_ms", ours, bare),
        Line(
            "layout shift after the first paint",
            f"{worst.shift:.4f} at most, of {len(ours)} loads",
            "0",
            worst.shift == 0,
            f"moved: {', '.join(worst.moved)}" if worst.moved else "",
            {"shift": worst.shift},
        ),
    ]


def beside(name: str, figure: str, ours: list[Load], bare: list[Load]) -> Line:
    """One kind of paint of our page, in that of the bare one."""

    def middle(loads: list[Load], of: str) -> float:
        return statistics.median(getattr(one, of) for one in loads)

    pairs = np.array([[getattr(a, figure), getattr(b, figure)] for a, b in zip(ours, bare, strict=True)])
    times, low, high = ratio(pairs)
    ms = middle(ours, figure), middle(bare, figure)
    return Line(
        f"{name} of /watch, cold",
        f"{times:.1f} times the bare page [{low:.1f}, {high:.1f}], {ms[0]:.0f} ms beside {ms[1]:.0f} ms",
        f"at most {TIMES:g}",
        times <= TIMES,
        f"first byte after {middle(ours, 'server_ms'):.0f} ms (bare {middle(bare, 'server_ms'):.0f}); "
        f"largest is {ours[-1].what}; all images in view after {middle(ours, 'images_ms'):.0f} ms",
        {"times": times, "low": low, "high": high, "ms": ms, "images_ms": middle(ours, "images_ms")},
    )


def ratio(pairs: np.ndarray) -> tuple[float, float, float]:
    """Ratio of the medians of two columns, with a 95 % percentile bootstrap over rows."""
    rng = np.random.default_rng(1)
    drawn = pairs[rng.integers(0, len(pairs), (2_000, len(pairs)))]
    medians = np.median(drawn, axis=1)
    low, high = np.quantile(medians[:, 0] / medians[:, 1], [0.025, 0.975])
    middle = np.median(pairs, axis=0)
    return float(middle[0] / middle[1]), float(low), float(high)


def bytes_sent(shop: Shop, _quick: bool) -> list[Line]:
    """Bytes of the first screen as they were sent, headers too: laptop, phone, and a second visit."""
    out = []
    for name, size in (("laptop", LAPTOP), ("phone", PHONE)):
        with shop.page(size) as page:
            first, kinds = _sent(page, f"{shop.address}/watch")
            again, _ = _sent(page, f"{shop.address}/watch")
        told = ", ".join(f"{kind} {kb:.0f}" for kind, kb in sorted(kinds.items(), key=lambda one: -one[1]))
        out.append(
            Line(
                f"first screen on a {name}",
                f"{first:.0f} kB sent, {again:.0f} kB on a second visit",
                f"under {FIRST_SCREEN_KB:g} kB",
                first < FIRST_SCREEN_KB,
                f"kB by kind: {told}",
                {"kb": first, "again_kb": again, "by_kind": kinds},
            )
        )
    return out


def _sent(page: Page, url: str) -> tuple[float, dict[str, float]]:
    """kB that came over the wire until the page was quiet, in all and by kind of resource."""
    network = debugger(page)
    network.send("Network.enable")
    kinds: dict[str, str] = {}
    sizes: dict[str, float] = {}
    network.on("Network.responseReceived", lambda seen: kinds.update({seen["requestId"]: seen["type"]}))
    network.on(
        "Network.loadingFinished",
        lambda seen: sizes.update({seen["requestId"]: seen["encodedDataLength"] / 1e3}),
    )
    page.goto(url, wait_until="networkidle")
    network.detach()
    by_kind: dict[str, float] = {}
    for request, kb in sizes.items():
        kind = kinds.get(request, "other").lower()
        by_kind[kind] = by_kind.get(kind, 0.0) + kb
    return sum(sizes.values()), by_kind
