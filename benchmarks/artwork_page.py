"""What the images cost a page: CPU time of pages with chosen images, with default ones, and without any.

    python benchmarks/artwork_page.py HOME [--rows 6] [--cols 10] [--pages 1800] [--times 3] [--out FILE.json]

HOME has images and a homepage in production, as the demo's has (`matinee demo --dir HOME`); it is written to,
so give a copy. Without a model of `artwork` its fallback chooses. Measured twice in one process: the response
of the application to GET /v1/members/{id}/homepage, and inside of it the page alone (no HTTP, no JSON).

Each member gets the three kinds, each `--times` over, in an order drawn anew, and the least of each kind
counts, so that neither what else the machine does nor who comes first favours one of them. The median of the
members' ratios has a 95 % interval by order statistics.
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
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

from matinee.observe.home import Home  # noqa: E402 - after the number of threads is set
from matinee.platform.dressing import Pictures  # noqa: E402
from matinee.serve.app import create  # noqa: E402
from matinee.serve.artworks import NAME  # noqa: E402
from matinee.serve.asked import Asked  # noqa: E402
from matinee.serve.config import ServeConfig  # noqa: E402
from matinee.serve.opened import NONE as NO_VERSION  # noqa: E402
from matinee.serve.pages import Pages  # noqa: E402
from matinee.serve.services import Services  # noqa: E402

Give = Callable[[str], Awaitable[None]]
"""Have one member's page made."""
MOST_COST = 0.10
"""Of a page without images."""
KINDS = ("chosen", "default", "none")
WARM = 30
PATIENT = ServeConfig(budget_ms=5_000, artwork_ms=4_000, session_s=0)


def responses(services: Services, rows: int, cols: int) -> Give:
    """The application, as a server calls it."""
    app = create(services)
    query = f"rows={rows}&cols={cols}".encode()
    nothing = {"type": "http.request", "body": b"", "more_body": False}

    async def receive() -> Any:
        return nothing

    async def give(member_id: str) -> None:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        path = f"/v1/members/{member_id}/homepage"
        await app(
            {
                "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1",
                "method": "GET", "scheme": "http", "path": path, "raw_path": path.encode(), "root_path": "",
                "query_string": query, "headers": [(b"host", b"127.0.0.1:8080"), (b"accept", b"*/*")],
                "client": ("127.0.0.1", 40_000), "server": ("127.0.0.1", 8_080), "state": {},
            },
            receive,
            send,
        )  # fmt: skip
        assert sent[0]["status"] == 200, sent

    return give


def pages_alone(services: Services, rows: int, cols: int) -> Give:
    """What the route asks."""
    pages, asked = Pages(services), Asked(rows=rows, cols=cols)

    async def give(member_id: str) -> None:
        await pages.page(member_id, asked)

    return give


async def measure(services: Services, give: Give, n: int, times: int) -> dict[str, list[float]]:
    """CPU microseconds, the least of each kind and member; one position in the lists is of one member."""
    rng = random.Random(0)
    member_ids = services.store.member_ids(limit=1_000)
    if not member_ids:
        raise SystemExit(
            "The home's state has no member, expected some. Run: matinee rebuild-state --home HOME"
        )
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
            await give(member_ids[turn % len(member_ids)])
            least[kind] = min(least[kind], 1e6 * (time.process_time() - began))
        if turn >= WARM // times:
            for kind, value in least.items():
                found[kind].append(value)
    services.released[NAME] = chooser
    return found


def told(found: dict[str, list[float]]) -> dict[str, Any]:
    """Medians, and the ratios with their intervals."""
    ratios = {
        kind: middle([a / b for a, b in zip(found[kind], found["none"], strict=True)]) for kind in KINDS[:2]
    }
    medians = {kind: statistics.median(values) for kind, values in found.items()}
    return {"medians_us": medians, "ratios": ratios, "held": ratios["chosen"][0] <= 1 + MOST_COST}


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
    chooser = services.released[NAME].keeper.now.incumbent.version
    sys.setswitchinterval(0.001)
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    out: dict[str, Any] = {"chooser": chooser}
    print(f"{given.rows} x {given.cols}, the least of {given.times} of each kind and member, CPU, medians")
    print(f"chosen by: {'the fallback of artwork' if chooser == NO_VERSION else chooser}\n")
    try:
        for name, made in (("response", responses), ("page alone", pages_alone)):
            give = made(services, given.rows, given.cols)
            out[name] = found = told(asyncio.run(measure(services, give, given.pages, given.times)))
            for kind in KINDS:
                line = f"{name:12}{kind:10}{found['medians_us'][kind]:9,.0f} us"
                if kind in found["ratios"]:
                    ratio, low, high = found["ratios"][kind]
                    line += f"   x {ratio:.3f} [{low:.3f}, {high:.3f}] of the same member's without"
                print(line)
            print(f"{'':12}at most {MOST_COST:.0%} more: {'held' if found['held'] else 'NOT HELD'}\n")
    finally:
        asyncio.run(services.stop())
    if given.out:
        given.out.write_text(json.dumps(out, indent=2) + "\n")
    return 0 if out["response"]["held"] and out["page alone"]["held"] else 1


if __name__ == "__main__":
    sys.exit(main())
