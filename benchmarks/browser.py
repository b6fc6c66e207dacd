"""The homepage in headless Chromium: paint, bytes, interactions, shifts of the layout, memory; beside bounds.

    python benchmarks/browser.py [HOME] [--quick] [--only LINE ...] [--out FILE.json]

LINE is one of paint, bytes, interaction, scroll. HOME is copied first; default: demo-home, which `make demo`
makes; for `scroll` one with more titles is made. Paint is compared with a page of one line of text and one
image from the same process and with the same headers, in turn, each time in a browser context of its own
with an empty cache; what is compared are medians, and the interval of their ratio is a bootstrap over rounds.
First and largest contentful paint and layout shifts are those that Chromium reports (W3C Paint Timing,
Largest Contentful Paint, Layout Instability). Interaction to next paint is computed from W3C Event Timing as
https://web.dev/articles/inp defines it: the longest event of each interaction; of these the worst, less one
for each fifty. Exit code 1: a bound was not held.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.browser_shop import Shop  # noqa: E402
from benchmarks.chromium import NoBrowserError, chromium  # noqa: E402
from benchmarks.page_quality import conditions  # noqa: E402
from benchmarks.serve_host import with_bare_page  # noqa: E402
from benchmarks.serve_lines import Line  # noqa: E402

from benchmarks import browser_loading, browser_using  # noqa: E402

LINES: dict[str, Callable[[Shop, bool], list[Line]]] = {
    "paint": browser_loading.paint,
    "bytes": browser_loading.bytes_sent,
    "interaction": browser_using.interaction,
    "scroll": browser_using.scroll,
}


def main() -> int:
    """Measure, print, and say whether the bounds were held."""
    options = parser().parse_args()
    if not (options.home / "format.json").is_file():
        print(f"{options.home} is no home: run `make demo` first, or name one", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="matinee-bench-") as name:
        home = Path(shutil.copytree(options.home, Path(name) / "home", ignore=_unneeded))
        try:
            with chromium() as browser, with_bare_page(home) as server:
                return measure(Shop.open(browser, server, home), options)
        except NoBrowserError as problem:
            print(problem, file=sys.stderr)
            return 2


def measure(shop: Shop, options: argparse.Namespace) -> int:
    """All lines, and what they came to."""
    facts = conditions() | {"chromium": shop.browser.version, "load": f"{os.getloadavg()[0]:.1f}"}
    print(", ".join(f"{name} {value}" for name, value in facts.items()), flush=True)
    found: dict[str, list[Line]] = {}
    for line in options.only or LINES:
        began = time.perf_counter()
        found[line] = LINES[line](shop, options.quick)
        print(f"  {line}: {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
        print("\n".join(["", *(one.text() for one in found[line])]), flush=True)
    held = [one.held for lines in found.values() for one in lines if one.held is not None]
    load = f"{facts['load']} to {os.getloadavg()[0]:.1f}"
    print(f"\n{sum(held)} of {len(held)} bounds held; load of the machine {load}")
    if options.out:
        figures = {name: [asdict(one) for one in lines] for name, lines in found.items()}
        options.out.write_text(json.dumps(facts | {"lines": figures}, indent=1) + "\n")
    return 0 if all(held) else 1


def parser() -> argparse.ArgumentParser:
    """The options."""
    out = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    out.add_argument("home", nargs="?", type=Path, default=ROOT / "demo-home", help="default: demo-home")
    out.add_argument("--quick", action="store_true", help="fewer rounds")
    out.add_argument("--only", nargs="+", choices=LINES, metavar="LINE", help="only these lines")
    out.add_argument("--out", type=Path, help="write the figures as JSON")
    return out


def _unneeded(_folder: str, names: list[str]) -> set[str]:
    """What the server of a copy does not read."""
    return {"homepage.html", "pages.parquet", "server.txt"} & set(names)


if __name__ == "__main__":
    sys.exit(main())
