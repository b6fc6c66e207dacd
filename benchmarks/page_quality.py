"""How good is the composed homepage? Ours and other ways to make a page from the same models, with intervals.

    python benchmarks/page_quality.py --movietweetings FOLDER --out page_quality.json
    python benchmarks/page_quality.py --interactions plays.csv --titles titles.csv

The models learn from the first 80 % of the log; the pages of that moment are judged by what members watched
later. Then each requirement is checked, on all members and on a half of them (by a hash of their ids) that
was not looked at when the settings were chosen. `--tune diversity=0.2,0.4` compares settings on the other
half; given several times, it tries all combinations.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import itertools
import json
import os
import platform
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np  # noqa: E402 - after the number of threads is set

from matinee.cli.console import print_table, progress, say  # noqa: E402
from matinee.cli.evaluate import show  # noqa: E402
from matinee.cli.init import create  # noqa: E402
from matinee.initiatives.homepage.config import PageConfig  # noqa: E402
from matinee.initiatives.homepage.evaluation import HomepageReport, Trial  # noqa: E402
from matinee.initiatives.homepage.judging import CATALOGUE_SIZE, MakerReport  # noqa: E402
from matinee.initiatives.homepage.training import METRICS, as_evaluation  # noqa: E402
from matinee.learn.interactions import Interactions  # noqa: E402
from matinee.learn.reading import interactions_from_home, load_catalogue  # noqa: E402
from matinee.observe.catalogue.catalogue import Catalogue  # noqa: E402
from matinee.observe.clock import Clock  # noqa: E402
from matinee.observe.importers.run import run_import  # noqa: E402
from matinee.observe.lake.reader import last_event_us  # noqa: E402
from matinee.types import Index  # noqa: E402

OURS, POPULAR, INDEPENDENT = "composed page", "popularity page", "rows ranked independently"
CHOPPED, SCREEN_FIRST = "one ranker, chopped", "one ranker, screen first"
NAMES = {metric.name: metric.label for metric in METRICS}
SOURCES = ("movietweetings", "movielens", "interactions")
LEAST_RECALL = 0.95
"""Part of the chopped ranker's Recall@3-by-4 that the structure of the page may leave."""
LEAST_KINDS = 4
LESS_IS_BETTER = {"calibration_error"}


@dataclass(frozen=True, slots=True)
class Requirement:
    """One line of what the page is asked for. `verdict`: holds, not significant, or FALLS SHORT."""

    text: str
    figure: str
    verdict: str


def requirements(reports: Mapping[str, MakerReport]) -> list[Requirement]:
    """Check the figures of members with a history; a difference holds with its whole interval."""
    ours = reports[OURS]
    wanted = [(m, other) for other in (POPULAR, INDEPENDENT) for m in ("recall_3_by_4", "ndcg_2d")]
    structure = ("calibration_error", "diversity_of_screen", "diversity_of_page", CATALOGUE_SIZE)
    found = [_better(reports, metric, other) for metric, other in wanted]
    for other in (CHOPPED, SCREEN_FIRST):
        share = ours.metrics["recall_3_by_4"].mean / reports[other].metrics["recall_3_by_4"].mean
        text = f"Recall@3-by-4 at least {LEAST_RECALL:.0%} of: {other}"
        found.append(Requirement(text, f"{share:.1%}", _said(share >= LEAST_RECALL)))
    found += [_better(reports, metric, CHOPPED) for metric in structure]
    text = f"at least {LEAST_KINDS} row kinds in the first 6 rows of every page"
    found.append(
        Requirement(text, f"least {ours.head_kinds_least}", _said(ours.head_kinds_least >= LEAST_KINDS))
    )
    text = "pages whose first 6 rows repeat a kind that may stand once"
    found.append(Requirement(text, str(ours.repeated_kinds), _said(ours.repeated_kinds == 0)))
    return found


def requirements_of_strangers(reports: Mapping[str, MakerReport]) -> list[Requirement]:
    """Check the figures of members without a history: no worse than the charts."""
    found = []
    for metric in ("recall_3_by_4", "ndcg_2d"):
        difference = reports[POPULAR].ours_minus_it[metric]
        verdict = "not significant" if difference.mean < 0 <= difference.high else _said(difference.mean >= 0)
        found.append(Requirement(f"{NAMES[metric]} no worse than: {POPULAR}", str(difference), verdict))
    return found


def _better(reports: Mapping[str, MakerReport], metric: str, other: str) -> Requirement:
    difference = reports[other].ours_minus_it[metric]
    sign = -1.0 if metric in LESS_IS_BETTER else 1.0
    certain = difference.high < 0 if sign < 0 else difference.low > 0
    verdict = "not significant" if sign * difference.mean > 0 and not certain else _said(certain)
    name = f"diversity {NAMES[metric]}" if NAMES[metric].startswith("of ") else NAMES[metric]
    return Requirement(f"{name} better than: {other}", str(difference), verdict)


def _said(holds: bool) -> str:
    return "holds" if holds else "FALLS SHORT"


def halves(trial: Trial) -> tuple[Index, Index]:
    """Members with a history: those for choosing settings, and those for reporting."""
    warm = trial.split.warm
    ids = [str(trial.split.data.member_ids[m]) for m in warm]
    second = np.array([hashlib.sha256(i.encode()).digest()[0] % 2 == 1 for i in ids], np.bool_)
    return warm[~second], warm[second]


def grid(tune: Sequence[str]) -> Iterator[dict[str, Any]]:
    """All combinations of settings like "diversity=0.2,0.4".

    >>> list(grid(["diversity=0.2,0.4", "anchors=3"]))
    [{'diversity': 0.2, 'anchors': 3}, {'diversity': 0.4, 'anchors': 3}]
    """
    names = [one.partition("=")[0] for one in tune]
    values = [json.loads(f"[{one.partition('=')[2]}]") for one in tune]
    for combination in itertools.product(*values):
        yield dict(zip(names, combination, strict=True))


def compare_settings(trial: Trial, members: Index, tune: Sequence[str]) -> None:
    """Print one line for each combination of settings."""
    rows: list[list[object]] = []
    for settings in grid(tune):
        reports = trial.judge(members, config=PageConfig(**settings))
        short = sum(one.verdict == "FALLS SHORT" for one in requirements(reports))
        name = ", ".join(f"{key} {value}" for key, value in settings.items())
        rows.append([name, *(reports[OURS].metrics[metric].mean for metric in NAMES), short])
    columns = ["settings", *NAMES.values(), "requirements missed"]
    print_table(rows, columns, title=f"Settings, on the {len(members):,} members for choosing them")


def load(kind: str, path: Path, titles: Path | None, scratch: Path) -> tuple[Interactions, Catalogue]:
    """Import into a temporary home, and read the log and the catalogue as of its last event."""
    home, _ = create(scratch / "home", now="last_event")
    since_ever = Clock.last_event(0)  # facts hold from the beginning, so that the past can be replayed
    run_import(home, "events" if kind == "interactions" else kind, path, clock=since_ever)
    if titles is not None:
        run_import(home, "titles", titles, clock=since_ever)
    now_us = last_event_us(home)
    assert now_us is not None
    catalogue = load_catalogue(home, now_us)
    return interactions_from_home(home, until_us=now_us, catalogue=catalogue), catalogue


def conditions() -> dict[str, object]:
    """When, where and with which version."""
    asked = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} x {processor()}",
        "python": platform.python_version(),
        "commit": commit or "unknown",
    }


def processor() -> str:
    """Name of the processor."""
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text().splitlines() if facts.is_file() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.machine()


def main() -> None:
    """Parse the arguments, learn, judge, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--movietweetings", type=Path, help="folder with ratings.dat and movies.dat")
    source.add_argument("--movielens", type=Path, help="folder or zip of any edition")
    source.add_argument("--interactions", type=Path, help="CSV, Parquet or NDJSON: member_id, title_id, at")
    parser.add_argument("--titles", type=Path, help="metadata for --interactions")
    parser.add_argument("--tune", action="append", default=[], metavar="NAME=V,V", help="compare settings")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="JSON file for all figures")
    args = parser.parse_args()
    os.environ.setdefault("COLUMNS", "240")  # wide tables when the output is a file

    kind = next(name for name in SOURCES if getattr(args, name))
    facts = conditions()
    say(f"{kind}: " + ", ".join(f"{name} {value}" for name, value in facts.items()))
    with tempfile.TemporaryDirectory(prefix="matinee-") as scratch:
        data, catalogue = load(kind, getattr(args, kind), args.titles, Path(scratch))
    with progress("Learning") as tell:
        trial = Trial.prepare(data, catalogue, seed=args.seed, progress=tell)
    choosing, reporting = halves(trial)
    if args.tune:
        compare_settings(trial, choosing, args.tune)
    with progress("Judging") as tell:
        result = trial.report(progress=tell)
    show(as_evaluation(result))
    half = trial.judge(reporting)
    groups = {f"all {result.n_warm:,} members": result.warm, "half not used for settings": half}
    checked = {name: requirements(reports) for name, reports in groups.items() if reports}
    if result.cold:
        checked[f"{result.n_cold:,} members without a history"] = requirements_of_strangers(result.cold)
    for name, lines in checked.items():
        rows = [[one.text, one.figure, one.verdict] for one in lines]
        print_table(rows, ["requirement", "ours minus it", "verdict"], title=f"Requirements, {name}")
    if args.out:
        write(args.out, facts | {"source": kind, "seed": args.seed}, result, checked)


def write(
    path: Path, facts: Mapping[str, object], result: HomepageReport, checked: Mapping[str, list[Requirement]]
) -> None:
    """Save all figures as JSON."""
    figures = {
        **facts,
        "settings": dataclasses.asdict(PageConfig()),
        "result": dataclasses.asdict(result),
        "requirements": {name: [dataclasses.asdict(one) for one in lines] for name, lines in checked.items()},
    }
    path.write_text(json.dumps(figures, indent=2, default=float) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
