"""What the images cost a page: CPU time of pages with chosen images, with default ones, and without any.

    python benchmarks/artwork_page.py HOME [--rows 6] [--cols 10] [--pages 1500] [--out FILE.json]

HOME has images and a homepage in production, as the demo's has (`matinee demo --dir HOME`); it is written to,
so give a copy. In one process, without HTTP; each member gets the three kinds of page one after the other, in
an order drawn anew, so that neither what else the machine does nor who comes first favours one of them.
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


async def measure(services: Services, rows: int, cols: int, n: int) -> dict[str, list[float]]:
    """CPU microseconds of each page, by kind; pages of one position in the lists are of the same member."""
    pages, rng = Pages(services), random.Random(0)
    member_ids = services.store.member_ids(limit=1_000)
    full, chooser = services.artwork.pictures, services.released[NAME]
    empty = Pictures({}, {}, {}, {}, frozenset())
    kinds, found = list(KINDS), {kind: list[float]() for kind in KINDS}
    for turn in range(n // len(KINDS) + WARM):
        rng.shuffle(kinds)
        for kind in kinds:
            services.artwork.pictures = empty if kind == "none" else full
            if kind == "default":
                services.released.pop(NAME, None)
            else:
                services.released[NAME] = chooser
            began = time.process_time()
            await pages.page(member_ids[turn % len(member_ids)], Asked(rows=rows, cols=cols))
            if turn >= WARM:
                found[kind].append(1e6 * (time.process_time() - began))
    services.released[NAME] = chooser
    return found


def main() -> int:
    """Measure, print, and say whether the bound is held."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("home", type=Path)
    parser.add_argument("--rows", type=int, default=6)
    parser.add_argument("--cols", type=int, default=10)
    parser.add_argument("--pages", type=int, default=1_500)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    services = Services.open(Home(given.home), PATIENT)
    sys.setswitchinterval(0.001)
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    try:
        found = asyncio.run(measure(services, given.rows, given.cols, given.pages))
    finally:
        asyncio.run(services.stop())
    medians = {kind: statistics.median(values) for kind, values in found.items()}
    ratios = {
        kind: statistics.median(a / b for a, b in zip(found[kind], found["none"], strict=True))
        for kind in KINDS[:2]
    }
    print(f"{given.rows} x {given.cols}, {len(found['none'])} pages of each kind, CPU, medians\n")
    for kind in KINDS:
        ratio = f"   x {ratios[kind]:.3f} of the same member's page without" if kind in ratios else ""
        print(f"{kind:10}{medians[kind]:9,.0f} us{ratio}")
    held = ratios["chosen"] <= 1 + MOST_COST
    print(f"\nat most {MOST_COST:.0%} of the page: {'held' if held else 'NOT HELD'}")
    if given.out:
        given.out.write_text(
            json.dumps({"medians_us": medians, "ratios": ratios, "held": held}, indent=2) + "\n"
        )
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
