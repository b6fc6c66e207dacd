"""Cost of composing a page, as ratios to scoring the same catalogue once, and growth in members and titles.

    python benchmarks/page.py [--out FILE.json] [--repeats 300]

The unit is the product of a 10,000 x 128 float32 matrix with a vector and the 500 best titles in order,
one thread, measured beside the pages in the same run (medians, interleaved, processor time).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np  # noqa: E402 - after the number of threads is set

from matinee.initiatives.homepage.compose import Composer  # noqa: E402
from matinee.initiatives.homepage.page import MemberState, TitleState  # noqa: E402
from matinee.observe.catalogue.catalogue import Catalogue, Limits  # noqa: E402
from matinee.types import DAY_US  # noqa: E402

NOW_US = 20_000 * DAY_US
FIRST_SCREEN, FULL_PAGE = (6, 10), (40, 40)
LIMITS = {FIRST_SCREEN: 8.0, FULL_PAGE: 40.0}


def make_titles(n: int, *, d: int = 64, seed: int = 0) -> TitleState:
    """A catalogue with 20 genres, 8 decades, 12 countries, 3 territories and expiring windows."""
    rng = np.random.default_rng(seed)
    genres = [f"Genre {g}" for g in range(20)]
    share = rng.dirichlet(np.full(20, 2.0))
    rows = [
        {
            "title_id": f"t{i}",
            "name": f"Film {i}",
            "genres": list(rng.choice(genres, rng.integers(1, 4), replace=False, p=share)),
            "countries": [f"C{rng.integers(12)}"],
            "maturity": int(rng.integers(0, 19)),
            "release_us": int(NOW_US - rng.integers(0, 80 * 365) * DAY_US),
        }
        for i in range(n)
    ]
    windows = [
        (
            f"t{i}",
            territory,
            NOW_US - int(rng.integers(0, 900)) * DAY_US,
            NOW_US + int(rng.integers(1, 900)) * DAY_US,
        )
        for i in rng.choice(n, n // 2, replace=False)
        for territory in ("AT", "DE", "US")
    ]
    vectors = rng.normal(size=(n, d)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    popularity = (rng.pareto(1.0, n) * 10).astype(np.float32)
    return TitleState(
        Catalogue.from_rows(rows, windows=windows),
        popularity,
        rng.normal(size=n).astype(np.float32),
        {t: (popularity * rng.gamma(2, 0.5, n)).astype(np.float32) for t in ("AT", "DE", "US")},
        vectors,
        rng.integers(0, n, (n, 100)).astype(np.int32),
        rng.random((n, 100)).astype(np.float32),
    )


def make_member(titles: TitleState, number: int) -> MemberState:
    """100 titles watched, two in progress, ten listed; scores as long-tailed as a model's."""
    rng = np.random.default_rng(number)
    n = len(titles.catalogue)
    affinity = np.exp(titles.vectors @ titles.vectors[rng.integers(n)] * 4 + rng.normal(size=n) * 0.5)
    window = (affinity * np.sqrt(titles.popularity + 0.1)).astype(np.float32)
    following = (window * rng.gamma(1, 1, n)).astype(np.float32)
    history = rng.integers(0, n, 100).astype(np.int32)
    return MemberState(
        f"m{number}",
        Limits(("AT", "DE", "US")[number % 3]),
        history,
        np.sort(NOW_US - rng.integers(0, 400, 100) * DAY_US).astype(np.int64),
        rng.random(100).astype(np.float32),
        following / following.sum(),
        window / window.sum(),
        rng.integers(0, n, 2).astype(np.int32),
        rng.random(2).astype(np.float32),
        rng.integers(0, n, 10).astype(np.int32),
    )


def clock(work: Callable[[], object]) -> float:
    """Milliseconds of one call: time of the thread, so that other work on the machine counts for little."""
    start = time.thread_time()
    work()
    return 1e3 * (time.thread_time() - start)


def ratios(repeats: int) -> dict[str, float]:
    """Medians in milliseconds, and the two ratios, at 10,000 titles."""
    titles = make_titles(10_000)
    composer = Composer(titles, at_us=NOW_US)
    members = [make_member(titles, i) for i in range(20)]
    rng = np.random.default_rng(1)
    matrix = rng.normal(size=(10_000, 128)).astype(np.float32)
    query = rng.normal(size=128).astype(np.float32)

    def score() -> object:
        scores = matrix @ query
        head = np.argpartition(-scores, 500)[:500]
        return head[np.argsort(-scores[head])]

    for member in members[:3]:  # compile, and prepare the audiences
        composer.page(member)
    took: dict[str, list[float]] = {"score": [], "first": [], "full": []}
    for i in range(repeats):
        member = members[i % len(members)]
        took["score"].append(clock(score))
        took["first"].append(clock(lambda m=member: composer.page(m, rows=6, cols=10)))
        took["score"].append(clock(score))
        took["full"].append(clock(lambda m=member: composer.page(m, rows=40, cols=40)))
    page = composer.page(members[0], rows=40, cols=40)
    out = {f"{name}_ms": statistics.median(values) for name, values in took.items()}
    out["first_screen_ratio"] = out["first_ms"] / out["score_ms"]
    out["full_page_ratio"] = out["full_ms"] / out["score_ms"]
    out["full_page_tiles"] = sum(len(row.tiles) for row in page.rows)
    return out


def growth(sizes: tuple[int, ...], members: int) -> list[dict[str, float]]:
    """Milliseconds per page of batches, by catalogue size and by number of members."""
    out = []
    for n in sizes:
        titles = make_titles(n)
        states = [make_member(titles, i) for i in range(members)]
        composer = Composer(titles, at_us=NOW_US)
        prepare_ms = clock(lambda c=composer: [c.audience(Limits(t)) for t in ("AT", "DE", "US")])
        for count in (members // 4, members // 2, members):
            ms = clock(lambda c=composer, s=states[:count]: list(c.pages(s, rows=40, cols=40)))
            out.append({"titles": n, "members": count, "ms_per_page": ms / count, "prepare_ms": prepare_ms})
        print(f"{n:>7} titles  {out[-1]['ms_per_page']:7.2f} ms per page   audiences {prepare_ms:8.1f} ms")
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    parser.add_argument("--repeats", type=int, default=300)
    parser.add_argument("--members", type=int, default=80, help="members of the growth curve")
    options = parser.parse_args()
    one = ratios(options.repeats)
    print(f"score 10,000 x 128 + top 500   {one['score_ms']:7.3f} ms")
    for name, size in (("first", FIRST_SCREEN), ("full", FULL_PAGE)):
        ratio = one["first_screen_ratio" if name == "first" else "full_page_ratio"]
        held = "holds" if ratio <= LIMITS[size] else "FALLS SHORT"
        print(
            f"page {size[0]:>2} x {size[1]:<2}                   {one[f'{name}_ms']:7.3f} ms   "
            f"{ratio:5.1f} x score, at most {LIMITS[size]:g}: {held}"
        )
    curve = growth((1_000, 10_000, 50_000), options.members)
    if options.out:
        figures = {
            "machine": platform.machine(),
            "python": sys.version.split()[0],
            "page": one,
            "growth": curve,
        }
        options.out.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
