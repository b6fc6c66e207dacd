"""What a search over 50,000 titles costs, beside looking at each name in turn.

    python benchmarks/search.py [--titles 50000] [--queries 200] [--repeats 3] [--out FILE.json]

Titles, people and synopses are drawn from 40,000 made-up words, of which few are frequent (Zipf). Queries, in
equal parts: a whole name, the beginning of a name, a name with a letter missing, a person, words that stand
nowhere. The scan asks for each name whether it holds all words of the query, which finds only what is spelt
right, and no person, genre or synopsis. In turns, CPU time. Exit code 1: the median search costs more than
`BOUND` scans, or misspelt names are found in less than `FOUND` of the cases.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from matinee.console.watch.index import SearchIndex
from matinee.console.watch.words import plain, query_words
from matinee.observe.catalogue.catalogue import Catalogue

BOUND, FOUND = 1.0, 0.7
"""Made-up words lie closer together than real ones, so many titles are as near as the one that is meant."""
SYLLABLES = re.findall("..", "bakoritamenolosavidufegolimanopequiroshituwe")
GENRES = ("Action", "Comedy", "Crime", "Drama", "Horror", "Romance")
N_WORDS, N_PEOPLE, SYNOPSIS_WORDS, SHOWN = 40_000, 20_000, 40, 36


def catalogue(n_titles: int, rng: random.Random) -> Catalogue:
    """Titles of words that are drawn by Zipf's law."""
    words = ["".join(rng.choices(SYLLABLES, k=rng.choice([2, 3, 3, 4]))) for _ in range(N_WORDS)]
    share = [1 / (rank + 1) ** 0.9 for rank in range(N_WORDS)]
    total = np.cumsum(share) / sum(share)
    draws = np.random.default_rng(rng.randrange(2**31))

    def text(n: int) -> str:
        return " ".join(words[i] for i in np.searchsorted(total, draws.random(n)).tolist())

    people = [text(2) for _ in range(N_PEOPLE)]
    return Catalogue.from_rows(
        [
            {
                "title_id": f"t{i}",
                "name": text(rng.choice([1, 2, 3, 4])),
                "cast": rng.choices(people, k=5),
                "genres": rng.sample(GENRES, 2),
                "synopsis": text(SYNOPSIS_WORDS),
            }
            for i in range(n_titles)
        ]
    )


def queries(titles: Catalogue, n: int, rng: random.Random) -> dict[str, list[tuple[str, int]]]:
    """Queries by kind, each with the title that is meant (-1: any or none)."""
    assert titles.cast is not None
    out: dict[str, list[tuple[str, int]]] = {
        "name": [], "beginning": [], "misspelt": [], "person": [], "nowhere": [],
    }  # fmt: skip
    for _ in range(n // 5):
        title = rng.randrange(len(titles))
        name = str(titles.names[title])
        out["name"].append((name, title))
        out["beginning"].append((name[: max(2, len(name) - 2)], title))
        at = rng.randrange(1, len(name) - 1)
        out["misspelt"].append((name[:at] + name[at + 1 :], title))
        out["person"].append((str(titles.cast[title]).split("|")[0], -1))
        out["nowhere"].append(("zyxzyx wvuwvu", -1))
    return out


def scan(names: Sequence[str], query: str) -> list[int]:
    """Places of the names that hold all words."""
    asked = query_words(query)
    return [i for i, name in enumerate(names) if all(word in name for word in asked)]


def cpu_s(work: Callable[[], object]) -> float:
    """CPU time of a call, seconds."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def main() -> int:
    """Measure and print."""
    options = argparse.ArgumentParser(description="Cost of a search")
    options.add_argument("--titles", type=int, default=50_000)
    options.add_argument("--queries", type=int, default=200)
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--out", type=Path)
    given = options.parse_args()
    rng = random.Random(0)
    titles = catalogue(given.titles, rng)
    names, allowed = [plain(str(name)) for name in titles.names], np.ones(len(titles), np.bool_)
    begun, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    index = SearchIndex(titles)
    built_s = time.process_time() - begun
    grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    spent: dict[str, list[float]] = {}
    scans: list[float] = []
    hits = []
    for kind, asked in queries(titles, given.queries, rng).items():
        for query, meant in asked:
            turns = [cpu_s(lambda q=query: index.find(q, allowed, SHOWN)) for _ in range(given.repeats)]  # type: ignore[misc]
            spent.setdefault(kind, []).append(min(turns))
            scans.append(min(cpu_s(lambda q=query: scan(names, q)) for _ in range(given.repeats)))  # type: ignore[misc]
            if kind == "misspelt":
                hits.append(meant in {found.title for found in index.find(query, allowed, SHOWN)})
    every = sorted(one for each in spent.values() for one in each)
    scan_s, found = statistics.median(scans), sum(hits) / len(hits)
    ratio = statistics.median(every) / scan_s
    print(f"{len(titles):,} titles; index made in {built_s:.1f} s CPU, at most {grown_mb:.0f} MB more memory")
    for kind, each in spent.items():
        print(f"{kind:>10}: median {1e3 * statistics.median(each):.2f} ms CPU")
    median_ms, p95_ms = 1e3 * statistics.median(every), 1e3 * every[len(every) * 95 // 100]
    print(f"       all: median {median_ms:.2f} ms, p95 {p95_ms:.2f} ms")
    print(f"a scan of all names: {1e3 * scan_s:.2f} ms; a search costs {ratio:.2f} of it, bound {BOUND:g}")
    print(f"misspelt names among the first {SHOWN}: {found:.0%}, bound {FOUND:.0%}")
    if given.out:
        record = {
            "titles": len(titles), "built_s": built_s, "ratio": ratio, "misspelt_found": found,
            "median_ms": {kind: 1e3 * statistics.median(each) for kind, each in spent.items()},
        }  # fmt: skip
        given.out.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return 0 if ratio <= BOUND and found >= FOUND else 1


if __name__ == "__main__":
    sys.exit(main())
