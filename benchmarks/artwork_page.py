"""What the images cost a page: CPU time of pages with chosen images, with default ones, and without any.

    python benchmarks/artwork_page.py HOME [--rows 6] [--cols 10] [--pages 1800] [--times 3] [--out FILE.json]

HOME has images and a homepage in production, as the demo's has (`matinee demo --dir HOME`); it is written to,
so give a copy. In one process, without HTTP; each member gets the three kinds of page, each `--times` over,
in an order drawn anew, and the least of each kind counts, so that neither what else the machine does nor who
comes first favours one of them. The median of the members' ratios has a 95 % interval by order statistics.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import random
import statistics
import sys
import time
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

from matinee.observe.home import Home  # noqa: E402 - after the number of threads is set
from matinee.platform.dressing import Pictures  # noqa: E402
from matinee.serve.artworks import NAME  # noqa: E402
from matinee.serve.asked import Asked  # noqa: E402
from matinee.serve.config import ServeConfig  # noqa: E402
from matinee.serve.pages import Pages  # noqa: E402
from matinee.serve.services import Services  # noqa: E402

MOST_COST = 0.10
"""Of a page without images."""
KINDS = ("chosen", "default", "none")
WARM = 30
PATIENT = ServeConfig(budget_ms=5_000, artwork_ms=4_000, session_s=0)


async def measure(services: Services, rows: int, cols: int, n: int, times: int) -> dict[str, list[float]]:
    """CPU microseconds, the least of each kind and member; one position in the lists is of one member."""
    pages, rng = Pages(services), random.Random(0)
    member_ids = services.store.member_ids(limit=1_000)
    full, chooser = services.artwork.pictures, services.released[NAME]
    empty = Pictures({}, {}, {}, {}, frozenset())
    kinds, found = list(KINDS) * times, {kind: list[float]() for kind in KINDS}
    for turn in range(n // len(kinds) + WARM // times):
        rng.shuffle(kinds)
        least = dict.fromkeys(KINDS, float("inf"))
        for kind in kinds:
            services.artwork.pictures = empty if kind == "none" else full
            if kind == "default":
                services.released.pop(NAME, None)
            else:
                services.released[NAME] = chooser
            began = time.process_time()
            await pages.page(member_ids[turn % len(member_ids)], Asked(rows=rows, cols=cols))
            least[kind] = min(least[kind], 1e6 * (time.process_time() - began))
        if turn >= WARM // times:
            for kind, value in least.items():
                found[kind].append(value)
    services.released[NAME] = chooser
    return found


def middle(values: list[float]) -> tuple[float, float, float]:
    """Median, and the order statistics between which it lies in 95 % of samples."""
    order, n = sorted(values), len(values)
    reach = 0.98 * n**0.5
    return statistics.median(order), order[max(0, int(n / 2 - reach))], order[min(n - 1, int(n / 2 + reach))]


def main() -> int:
    """Measure, print, and say whether the bound is held."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("home", type=Path)
    parser.add_argument("--rows", type=int, default=6)
    parser.add_argument("--cols", type=int, default=10)
    parser.add_argument("--pages", type=int, default=1_800)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    services = Services.open(Home(given.home), PATIENT)
    sys.setswitchinterval(0.001)
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    try:
        found = asyncio.run(measure(services, given.rows, given.cols, given.pages, given.times))
    finally:
        asyncio.run(services.stop())
    medians = {kind: statistics.median(values) for kind, values in found.items()}
    ratios = {
        kind: middle([a / b for a, b in zip(found[kind], found["none"], strict=True)]) for kind in KINDS[:2]
    }
    print(
        f"{given.rows} x {given.cols}, {len(found['none'])} members, the least of {given.times} pages of "
        "each kind, CPU, medians\n"
    )
    for kind in KINDS:
        line = f"{kind:10}{medians[kind]:9,.0f} us"
        if kind in ratios:
            ratio, low, high = ratios[kind]
            line += f"   x {ratio:.3f} [{low:.3f}, {high:.3f}] of the same member's page without"
        print(line)
    held = ratios["chosen"][0] <= 1 + MOST_COST
    print(f"\nat most {MOST_COST:.0%} of the page: {'held' if held else 'NOT HELD'}")
    if given.out:
        given.out.write_text(
            json.dumps({"medians_us": medians, "ratios": ratios, "held": held}, indent=2) + "\n"
        )
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
