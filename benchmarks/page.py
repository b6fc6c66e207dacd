"""Cost of composing a page, as ratios to scoring the same catalogue once, and growth in members and titles.

    python benchmarks/page.py [--out FILE.json] [--repeats 300]

The unit is the product of a 10,000 x 128 float32 matrix with a vector and the 500 best titles in order,
one thread, measured beside the pages in the same run (medians, interleaved). The bounds are for wall-clock
time on a quiet machine; processor time is shown beside it, since other work on the machine counts for less.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np  # noqa: E402 - after the number of threads is set

from matinee.initiatives.homepage.compose import Composer  # noqa: E402
from matinee.initiatives.homepage.page import MemberState, TitleState  # noqa: E402
from matinee.observe.catalogue.catalogue import Catalogue, Limits  # noqa: E402
from matinee.types import DAY_US  # noqa: E402
from page_quality import conditions  # noqa: E402

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


def clock(work: Callable[[], object]) -> tuple[float, float]:
    """Milliseconds of one call: wall-clock time, and processor time of the thread."""
    wall, cpu = time.perf_counter(), time.thread_time()
    work()
    return 1e3 * (time.perf_counter() - wall), 1e3 * (time.thread_time() - cpu)


def ratios(repeats: int) -> dict[str, float]:
    """Medians in milliseconds, and the ratios, at 10,000 titles; those of processor time end with `_cpu`."""
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
    took: dict[str, list[tuple[float, float]]] = {"score": [], "first": [], "full": []}
    for i in range(repeats):
        member = members[i % len(members)]
        took["score"].append(clock(score))
        took["first"].append(clock(partial(composer.page, member, rows=6, cols=10)))
        took["score"].append(clock(score))
        took["full"].append(clock(partial(composer.page, member, rows=40, cols=40)))
    page = composer.page(members[0], rows=40, cols=40)
    out: dict[str, float] = {}
    for which, end in enumerate(("", "_cpu")):
        ms = {name: statistics.median(pair[which] for pair in values) for name, values in took.items()}
        out |= {f"{name}_ms{end}": value for name, value in ms.items()}
        out[f"first_screen_ratio{end}"] = ms["first"] / ms["score"]
        out[f"full_page_ratio{end}"] = ms["full"] / ms["score"]
    out["full_page_tiles"] = sum(len(row.tiles) for row in page.rows)
    return out


def prepare(composer: Composer) -> None:
    """Masks and shared shelves of three territories."""
    for territory in ("AT", "DE", "US"):
        composer.audience(Limits(territory))


def compose_all(composer: Composer, states: list[MemberState]) -> None:
    """Full pages of all members."""
    for _ in composer.pages(states, rows=40, cols=40):
        pass


def growth(sizes: tuple[int, ...], members: int) -> list[dict[str, float]]:
    """Milliseconds of processor time per page of batches, by catalogue size and by number of members."""
    out = []
    for n in sizes:
        titles = make_titles(n)
        states = [make_member(titles, i) for i in range(members)]
        composer = Composer(titles, at_us=NOW_US)
        prepare_ms = clock(partial(prepare, composer))[1]
        for count in (members // 4, members // 2, members):
            ms = clock(partial(compose_all, composer, states[:count]))[1]
            out.append({"titles": n, "members": count, "ms_per_page": ms / count, "prepare_ms": prepare_ms})
        print(f"{n:>7} titles  {out[-1]['ms_per_page']:7.2f} ms per page   audiences {prepare_ms:8.1f} ms")
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    parser.add_argument("--repeats", type=int, default=300)
    parser.add_argument("--members", type=int, default=80, help="members of the growth curve")
    options = parser.parse_args()
    facts = conditions()
    print(", ".join(f"{name} {value}" for name, value in facts.items()))
    one = ratios(options.repeats)
    print("                              wall clock              processor time")
    print(
        f"score 10,000 x 128 + top 500  {one['score_ms']:7.3f} ms              {one['score_ms_cpu']:7.3f} ms"
    )
    for name, ratio, size in (
        ("first", "first_screen_ratio", FIRST_SCREEN),
        ("full", "full_page_ratio", FULL_PAGE),
    ):
        held = "holds" if one[ratio] <= LIMITS[size] else "FALLS SHORT"
        cost = (
            f"{one[f'{name}_ms{end}']:7.3f} ms, {one[f'{ratio}{end}']:5.1f} x score" for end in ("", "_cpu")
        )
        what = f"page {size[0]:>2} x {size[1]:<2}".ljust(28)
        print(f"{what}  {'  '.join(cost)}   at most {LIMITS[size]:g}: {held}")
    curve = growth((1_000, 10_000, 50_000), options.members)
    if options.out:
        figures = {**facts, "page": one, "growth": curve}
        options.out.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
