"""Interleaving beside an A/B on the simulated service: how many members does each need? SIMULATED figures.

    python benchmarks/interleaving.py [--out FILE.json] [--worlds 10] [--members 4000] [--noise-b 0.8]

Two rankers order pages by what each member would really choose, with noise; B has a little less of it, so B
is better. By how much is measured by letting all members live the same weeks twice, once under each. A page
has a row of the best titles and rows of genres, so the two differ in titles, in rows and in their order. In a
third life everybody gets both pages interleaved (`prove/experiment/interleaving.py`); plays count for the
team of their slot, and `prefer` compares the teams.

Members needed for 80 % power at two-sided 5 % and a fixed end: of an A/B with two equal arms (both together)
2 (z + z')^2 (var A + var B) / (mean B - mean A)^2, of the interleaving (z + z')^2 var / mean^2 of a member's
difference. The metric is quality plays per member; beside it, as harder comparisons, only those that began on
the page, and an A/B adjusted by what members did before (CUPED). Intervals are 95 %, by a bootstrap over the
members of all worlds. Then the power is checked by drawing members.

Exit code 1: the interleaving needed more than a tenth of the A/B's members, by the lower end of the interval.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import dataclass, field, fields
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np  # noqa: E402 - after the number of threads is set
from numpy.typing import NDArray  # noqa: E402

from matinee.observe.decisions import RowNote, Slot  # noqa: E402
from matinee.prove.experiment.interleaving import Draft, interleave  # noqa: E402
from matinee.prove.experiment.interleaving_preference import Credits, prefer  # noqa: E402
from matinee.types import DAY_US, derive_seed  # noqa: E402
from matinee.world.config import WorldConfig  # noqa: E402
from matinee.world.pages import Slates, Visits  # noqa: E402
from matinee.world.run import Run  # noqa: E402
from matinee.world.world import World  # noqa: E402

NOISE_A, NOISE_B = 1.0, 0.8
"""Standard deviation of the rankers' errors; that of a member's true utility over titles is 1.15."""
TITLES, BEFORE_DAYS = 400, 30
ALPHA, Z_ALPHA, Z_POWER = 0.05, 1.959964, 0.841621
POOL = 100
DRAWS = 1_000
FACTOR = 10.0
Floats = NDArray[np.float64]
Rows = list[tuple[str, list[int]]]


@dataclass(slots=True)
class Ranker:
    """Pages by true utility plus an error that stays the same for a member and a title."""

    world: World
    name: str
    noise: float
    error: Floats = field(init=False)

    def __post_init__(self) -> None:
        members, titles = np.arange(self.world.people.n_members)[:, None], np.arange(len(self.world.titles))
        self.error = self.noise * self.world.draws.normal(f"ranker {self.name}", members, titles)

    def rows(self, visits: Visits) -> list[Rows]:
        """Of each visit: a row of the best titles, then the genres whose best titles are worth most."""
        titles, browsing = self.world.titles, self.world.config.browsing
        taste = self.world.people.taste(visits.day)[visits.member].astype(np.float64)
        worth = browsing.taste * (taste @ titles.vector.T) + browsing.appeal * titles.appeal
        worth += self.error[visits.member]
        worth[~visits.permitted | visits.watched] = -np.inf
        near = np.argpartition(-worth, POOL, axis=1)[:, :POOL]
        order = np.take_along_axis(near, np.argsort(-np.take_along_axis(worth, near, 1), axis=1), 1)
        genre = titles.genres[:, 0].tolist()
        return [self._page(order[i].tolist(), worth[i], genre, visits) for i in range(len(visits))]

    def _page(self, order: list[int], worth: Floats, genre: list[int], visits: Visits) -> Rows:
        value, cols = worth[order].tolist(), visits.cols
        n = sum(v > -np.inf for v in value)
        shelves: dict[int, list[int]] = {}
        total: dict[int, float] = {}
        for title, v in zip(order[cols:n], value[cols:n], strict=True):
            shelf = shelves.setdefault(genre[title], [])
            if len(shelf) < cols:
                shelf.append(title)
                total[genre[title]] = total.get(genre[title], 0.0) + v
        full = sorted((g for g in shelves if len(shelves[g]) == cols), key=total.__getitem__, reverse=True)
        genres = [(f"genre {g}", shelves[g]) for g in full[: visits.rows - 1]]
        return [("For you", order[: min(cols, n)]), *genres]

    def __call__(self, visits: Visits) -> Slates:
        """Pages for the world."""
        title = np.full((len(visits), visits.rows, visits.cols), -1, np.int64)
        for i, page in enumerate(self.rows(visits)):
            for r, (_, row) in enumerate(page):
                title[i, r, : len(row)] = row
        return Slates(title)


@dataclass(slots=True)
class Interleaved:
    """Both rankers' pages as one; remembers the team of each slot."""

    a: Ranker
    b: Ranker
    teams: dict[tuple[int, int], dict[tuple[int, int], str]] = field(default_factory=dict)
    first: dict[int, int] = field(default_factory=dict)

    def __call__(self, visits: Visits) -> Slates:
        """Pages for the world."""
        title = np.full((len(visits), visits.rows, visits.cols), -1, np.int64)
        pages = zip(visits.member.tolist(), self.a.rows(visits), self.b.rows(visits), strict=True)
        for i, (member, one, other) in enumerate(pages):
            seed = derive_seed(self.a.world.config.seed, "page", member, visits.day)
            merged = interleave(draft(one), draft(other), seed=seed)
            place = [((s.row or 0) - 1, (s.col or 0) - 1) for s in merged.slots]
            for (r, c), slot in zip(place, merged.slots, strict=True):
                title[i, r, c] = int(slot.action)
            self.teams[member, visits.day] = dict(zip(place, merged.teams, strict=True))
            top = merged.teams.replace("-", "")[:1]
            self.first.setdefault(member, "AB".index(top) if top else -1)
        return Slates(title)


def draft(page: Rows) -> Draft:
    """A page as the server knows it."""
    notes = [RowNote(r, name, name) for r, (name, _) in enumerate(page, start=1)]
    slots = [
        Slot(str(title), 1.0, r, c, name)
        for r, (name, row) in enumerate(page, start=1)
        for c, title in enumerate(row, start=1)
    ]
    return Draft(slots, notes)


@dataclass(frozen=True, slots=True)
class Lives:
    """What members watched well, one entry each: before, under A, under B, and of each team's slots.

    `*_page` counts only what began on the page. `null_a` and `null_b` are of two equally good rankers.
    """

    before: Floats
    before_page: Floats
    all_a: Floats
    all_b: Floats
    page_a: Floats
    page_b: Floats
    team_a: Floats
    team_b: Floats
    top: Floats
    null_a: Floats
    null_b: Floats

    def at(self, units: NDArray[np.int64]) -> Lives:
        """Of some members."""
        return Lives(*(getattr(self, f.name)[units] for f in fields(self)))

    def credits(self) -> Credits:
        """Of the interleaving."""
        return Credits(self.team_a, self.team_b, np.zeros(len(self.top)), self.top.astype(np.int64))


def live(seed: int, members: int, days: int, noise_b: float = NOISE_B) -> Lives:
    """The lives of one world's members; only of those who came to a page in each."""
    world = World.make(
        WorldConfig(
            n_members=members,
            n_titles=TITLES,
            n_days=BEFORE_DAYS,
            future_days=days,
            seed=seed,
            impressions=0.0,
        )
    )
    a, b = Ranker(world, "A", NOISE_A), Ranker(world, "B", noise_b)
    past = Run(world).go(BEFORE_DAYS)
    under_a, under_b = past.branch().go(days, pages=a), past.branch().go(days, pages=b)
    both, null = Interleaved(a, b), Interleaved(a, Ranker(world, "C", NOISE_A))
    under_both, under_null = past.branch().go(days, pages=both), past.branch().go(days, pages=null)
    team_a, team_b = earned(under_both, both)
    null_a, null_b = earned(under_null, null)
    whole = Lives(
        *quality_plays(past, 0), *(x for pair in zip(quality_plays(under_a, BEFORE_DAYS),
        quality_plays(under_b, BEFORE_DAYS), strict=True) for x in pair),
        team_a, team_b, np.array([both.first.get(m, -2) for m in range(members)], np.float64), null_a, null_b,
    )  # fmt: skip
    return whole.at(np.flatnonzero(whole.top > -2))


def together(parts: list[Lives]) -> Lives:
    """The members of several worlds."""
    return Lives(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Lives)))


def quality_plays(run: Run, from_day: int) -> tuple[Floats, Floats]:
    """Of each member: all of them, and those that began on a page."""
    plays = run.record.table("plays")
    good = plays["liked"] & (plays["at_us"] >= run.world.day_us(from_day))
    n = run.world.people.n_members
    whole = np.bincount(plays["member"][good], minlength=n).astype(np.float64)
    page = np.bincount(plays["member"][good & (plays["row"] > 0)], minlength=n).astype(np.float64)
    return whole, page


def earned(run: Run, pages: Interleaved) -> tuple[Floats, Floats]:
    """Quality plays of each member that began on a slot of A, and on one of B."""
    plays = run.record.table("plays")
    out = {team: np.zeros(run.world.people.n_members) for team in "AB-"}
    good = plays["liked"] & (plays["row"] > 0) & (plays["at_us"] >= run.world.day_us(BEFORE_DAYS))
    day = (plays["at_us"] - run.world.config.start_us) // DAY_US
    rows = zip(*(x[good].tolist() for x in (plays["member"], day, plays["row"], plays["col"])), strict=True)
    for member, on, row, col in rows:
        out[pages.teams[member, on][row - 1, col - 1]][member] += 1
    return out["A"], out["B"]


def needed_ab(a: Floats, b: Floats) -> float:
    """Members of both arms together."""
    gap = b.mean() - a.mean()
    return float(2 * (Z_ALPHA + Z_POWER) ** 2 * (a.var() + b.var()) / gap**2)


def needed_adjusted(a: Floats, b: Floats, before: Floats) -> float:
    """Members of an A/B whose metric is adjusted by the same metric before."""
    x = before - before.mean()
    slope = (x @ a + x @ b) / (2 * x @ x)
    return needed_ab(a - slope * x, b - slope * x)


def needed_interleaved(a: Floats, b: Floats) -> float:
    """Members who get merged pages."""
    difference, total = b - a, a + b
    rest = difference - difference.sum() / total.sum() * total
    return float((Z_ALPHA + Z_POWER) ** 2 * rest.var() / difference.mean() ** 2)


def figures(lives: Lives) -> dict[str, float]:
    """All figures of some members."""
    n = needed_interleaved(lives.team_a, lives.team_b)
    out = {
        "lift": lives.all_b.mean() / lives.all_a.mean() - 1,
        "lift, begun on the page": lives.page_b.mean() / lives.page_a.mean() - 1,
        "members needed, interleaving": n,
        "members needed, A/B": needed_ab(lives.all_a, lives.all_b),
        "members needed, A/B with CUPED": needed_adjusted(lives.all_a, lives.all_b, lives.before),
        "members needed, A/B, begun on the page": needed_ab(lives.page_a, lives.page_b),
        "members needed, A/B, begun on the page, with CUPED": needed_adjusted(
            lives.page_a, lives.page_b, lives.before_page
        ),
    }
    ratios = {
        f"A/B over interleaving{name.removeprefix('members needed, A/B')}": value / n
        for name, value in out.items()
        if "A/B" in name
    }
    return {name: float(value) for name, value in (out | ratios).items()}


def with_intervals(lives: Lives, seed: int = 0) -> dict[str, tuple[float, float, float]]:
    """Each figure with the ends of its 95 % interval."""
    rng, n = np.random.default_rng(seed), len(lives.top)
    drawn = [figures(lives.at(rng.integers(0, n, n))) for _ in range(DRAWS)]
    return {
        name: (value, *(float(q) for q in np.quantile([one[name] for one in drawn], [0.025, 0.975])))
        for name, value in figures(lives).items()
    }


def power(lives: Lives, interleaved: int, in_ab: int, seed: int = 1) -> dict[str, float]:
    """Share of draws in which a method with so many members finds B better."""
    rng, n = np.random.default_rng(seed), len(lives.top)
    found = {"interleaving": 0, "A/B with as many": 0, "A/B with its own": 0}
    for _ in range(DRAWS):
        some = lives.at(rng.integers(0, n, interleaved))
        found["interleaving"] += prefer(some.credits(), alpha=ALPHA).winner() == "B"
        for name, members in (("A/B with as many", interleaved), ("A/B with its own", in_ab)):
            a, b = (rng.choice(arm, members // 2) for arm in (lives.all_a, lives.all_b))
            found[name] += b.mean() - a.mean() > Z_ALPHA * (a.var() / len(a) + b.var() / len(b)) ** 0.5
    return {name: count / DRAWS for name, count in found.items()}


def report(worlds: int, members: int, days: int, noise_b: float = NOISE_B) -> dict[str, object]:
    """Live, count and compare."""
    began = time.perf_counter()
    parts = [live(seed, members, days, noise_b) for seed in range(worlds)]
    lives = together(parts)
    found = with_intervals(lives)
    n, in_ab = (round(found[f"members needed, {name}"][0]) for name in ("interleaving", "A/B"))
    equal = Credits(lives.null_a, lives.null_b, np.zeros(len(lives.top)), lives.top.astype(np.int64))
    preferences = {"B over A": prefer(lives.credits()), "of two equally good rankers": prefer(equal)}
    return {
        "worlds": worlds,
        "members": len(lives.top),
        "days": days,
        "noise": [NOISE_A, noise_b],
        "figures": found,
        "preference": {name: [p.estimate, p.low, p.high] for name, p in preferences.items()},
        "first_slot": [preferences["B over A"].coin.a, preferences["B over A"].coin.b],
        "coin_p": preferences["B over A"].coin.p,
        "power_at": [n, in_ab],
        "power": power(lives, n, in_ab),
        "interleaving_by_world": [needed_interleaved(p.team_a, p.team_b) for p in parts],
        "duration_s": round(time.perf_counter() - began, 1),
    }


def show(found: dict) -> None:
    """Print it."""
    print(
        f"{found['worlds']} worlds, {found['members']:,} members who came in {found['days']} days; errors of "
        f"the rankers {found['noise'][0]} (A) and {found['noise'][1]} (B)"
    )
    for name, (value, low, high) in found["figures"].items():
        pattern = "{:+.1%}" if name.startswith("lift") else "{:,.0f}" if "needed" in name else "{:.1f}"
        said = pattern.format(value), *(pattern.format(x) for x in (low, high))
        print(f"  {name:58}{said[0]:>9}  [{said[1]}, {said[2]}]")
    for name, (value, low, high) in found["preference"].items():
        print(f"  preference, {name:46}{value:>+9.1%}  [{low:+.1%}, {high:+.1%}]")
    a, b = found["first_slot"]
    print(f"  first slot of a member's first page: A {a:,}, B {b:,}; fair coin p = {found['coin_p']:.2f}")
    p, (n, in_ab) = found["power"], found["power_at"]
    print(
        f"  power, by drawing members: interleaving with {n:,} {p['interleaving']:.0%}, A/B with as many "
        f"{p['A/B with as many']:.0%}, A/B with {in_ab:,} {p['A/B with its own']:.0%}"
    )
    by_world = ", ".join(f"{n:,.0f}" for n in found["interleaving_by_world"])
    print(f"  members needed by the interleaving, by world: {by_world}")
    print(f"  took {found['duration_s']:.0f} s")


def main(argv: list[str] | None = None) -> int:
    """Run it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--worlds", type=int, default=10)
    parser.add_argument("--members", type=int, default=4_000)
    parser.add_argument("--days", type=int, default=28)
    parser.add_argument("--noise-b", type=float, default=NOISE_B, help="error of the better ranker")
    parser.add_argument("--factor", type=float, default=FACTOR, help="the bound that is checked")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args(argv)
    found = report(options.worlds, options.members, options.days, options.noise_b)
    show(found)
    if options.out is not None:
        options.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    low = found["figures"]["A/B over interleaving"][1]  # type: ignore[index]
    if low < options.factor:
        print(
            f"not held: the A/B needs {low:.1f} times as many members at least, expected {options.factor:g}"
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
