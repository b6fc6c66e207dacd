"""How good is `recommend`? Our models and well-known peers on any viewing log, with intervals.

    python benchmarks/quality.py --interactions plays.csv --out quality.json

Prints one table per question: leave-last-out, the next title after a global cut in time, and everything
after the cut. Every model runs in a process of its own, on identical targets, ranked over the full catalogue
without the seen titles, ties counted against the model. The peers (`benchmarks/peers/`) have an environment
of their own and choose their settings on validation inside the training part; their answers are cached.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matinee.cli.console import print_table
from matinee.learn.reading import read_interactions
from matinee.prove.metrics.coverage import coverage
from matinee.prove.metrics.hit_rate import hit_rate
from matinee.prove.metrics.ndcg import ndcg
from matinee.prove.metrics.ranks import TargetRanks
from matinee.prove.metrics.recall import recall
from matinee.prove.stats.bootstrap import bootstrap
from matinee.prove.stats.holm import holm
from matinee.prove.stats.paired import paired_difference
from matinee.types import Mask
from peers.make_venv import default_venv, make
from protocols import PROTOCOLS, Task, make_task, save_log

HERE = Path(__file__).parent
PEERS = {
    "popularity": "popularity:Popularity",
    "item-kNN (implicit)": "item_knn:ItemKnn",
    "iALS (implicit)": "ials:Ials",
    "EASE": "ease:Ease",
    "SASRec (RecTools)": "sasrec:Sasrec",
}


DIVERSITY = 0.3
"""Share of each list that the second long-window row gives to rarely shown titles."""
LEARNS_ONCE = {"SASRec (RecTools)"}
"""Peers that learn the same for all questions after the cut; the others choose settings for each."""


@dataclass(frozen=True, slots=True)
class Model:
    """A model: its name in the tables, where it is, and what its constructor gets."""

    name: str
    model: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Result:
    """What one model answered on one protocol, and what it cost."""

    name: str
    facts: dict[str, Any]
    ranks: dict[str, TargetRanks]
    ranks_at_20: dict[str, TargetRanks]
    lists: dict[str, NDArray[np.int32]]


def our_models(protocol: str, *, sequence: bool) -> list[Model]:
    """Ours for a protocol; the first is compared with the peers."""
    if protocol == "window":
        named = f"Matinee window, --diversity {DIVERSITY}"
        return [
            Model("Matinee window", "ours:Ours", {"objective": "window"}),
            Model(named, "ours:Ours", {"objective": "window", "diversity": DIVERSITY}),
        ]
    arguments = {"objective": "next", "returns": protocol == "next-after-cut"}
    found = [Model("Matinee next", "ours:Ours", arguments)]
    if sequence:
        found.insert(0, Model("Matinee next + sequence", "ours:Ours", arguments | {"sequence": True}))
    return found


def main() -> None:
    """Parse the arguments, run everything, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--interactions", type=Path, required=True, help="CSV, Parquet or NDJSON: member_id, title_id, at")
    add("--titles", type=Path, help="metadata for our models")
    add("--protocols", default=",".join(PROTOCOLS), help="some of " + ",".join(PROTOCOLS))
    add("--peers", action=argparse.BooleanOptionalAction, default=True)
    add("--only-peers", help="names, separated by commas: " + ", ".join(PEERS))
    add("--ours", action=argparse.BooleanOptionalAction, default=True)
    add("--sequence", action="store_true", help="with the transformer of the extra `sequence`")
    add("--venv", type=Path, default=default_venv(), help="environment of the peers")
    add(
        "--cache",
        type=Path,
        default=HERE.parent / ".matinee-cache" / "quality",
        help="folder for the peers' answers",
    )
    add("--out", type=Path, help="JSON file for all figures")
    args = parser.parse_args()
    os.environ.setdefault("COLUMNS", "160")  # wide tables when the output is a file

    args.cache.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(args.interactions.read_bytes()).hexdigest()[:16]
    data = read_interactions(args.interactions)
    log = args.cache / f"{digest}.npz"
    save_log(data, log)
    chosen = args.only_peers.split(",") if args.only_peers else list(PEERS)
    python = make(args.venv) if args.peers else Path(sys.executable)
    print(
        f"{args.interactions.name}: {data.n_events} events, {data.n_members} members, {data.n_titles} titles"
    )
    report: dict[str, Any] = {
        "interactions": args.interactions.name,
        "sha256": digest,
        "events": data.n_events,
        "members": data.n_members,
        "titles": data.n_titles,
        "machine": {"python": platform.python_version(), "cpus": os.cpu_count(), "cpu": platform.machine()},
        "protocols": {},
    }
    for protocol in args.protocols.split(","):
        task = make_task(data, protocol)
        results = []
        for ours in our_models(protocol, sequence=args.sequence) if args.ours else []:
            out = args.cache / f"{digest}-{protocol}-ours-{len(results)}.npz"
            where = {"python": Path(sys.executable), "log": log, "protocol": protocol, "out": out}
            results.append(run(ours, task, **where, titles=args.titles))
        for name in chosen if args.peers else []:
            peer = Model(name, PEERS[name], {})
            fit = "next-after-cut" if protocol == "window" and name in LEARNS_ONCE else protocol
            out = args.cache / f"{digest}-{fit}-{peer_key(PEERS[name])}.npz"
            where = {"python": python, "log": log, "protocol": fit, "out": out}
            results.append(run(peer, task, **where, keep=True))
        report["protocols"][protocol] = show(protocol, task, results, compare=args.ours)
    if args.out:
        args.out.write_text(json.dumps(report, indent=1) + "\n")


def peer_key(model: str) -> str:
    """Changes when the peer's code, the shared code or the pinned versions change."""
    name = model.split(":", maxsplit=1)[0]
    files = [
        HERE / "peers" / f"{name}.py",
        HERE / "peers" / "tuning.py",
        HERE / "protocols.py",
        HERE / "peers" / "requirements.txt",
    ]
    text = b"".join(path.read_bytes() for path in files)
    return f"{name}-{hashlib.sha256(text).hexdigest()[:12]}"


def run(
    model: Model,
    task: Task,
    *,
    python: Path,
    log: Path,
    protocol: str,
    out: Path,
    titles: Path | None = None,
    keep: bool = False,
) -> Result:
    """Answers of one model, from its own process or from the cache."""
    if not (keep and out.exists()):
        print(f"  {protocol}: {model.name} ...", file=sys.stderr, flush=True)
        part = out.with_name(f"part-{os.getpid()}-{out.name}")
        command = [str(python), str(HERE / "peers" / "answer.py"), "--log", str(log), "--protocol", protocol]
        command += ["--model", model.model, "--arguments", json.dumps(model.arguments), "--out", str(part)]
        command += ["--titles", str(titles)] if titles else []
        env = os.environ | {"PYTHONPATH": os.pathsep.join([str(HERE.parent / "src"), str(HERE)])}
        subprocess.run(command, check=True, env=env, stdout=subprocess.DEVNULL)
        part.replace(out)
    with np.load(out) as file:
        facts = json.loads(str(file["facts"]))
        lists = {form: file[f"{form}/lists"] for form in task.queries}
        ranks, at_20 = {}, {}
        for form, queries in task.queries.items():
            name = f"{form}/rank"
            ranks[form] = TargetRanks(queries.target_indptr, file[name])
            long = f"{name}20" if f"{name}20" in file else name
            at_20[form] = TargetRanks(queries.target_indptr, file[long])
    return Result(model.name, facts, ranks, at_20, lists)


def figures(task: Task, form: str, group: Mask, result: Result) -> dict[str, NDArray[np.float64] | float]:
    """Per-query metrics of one group of queries; coverage is one number."""
    ranks = result.ranks[form]
    out: dict[str, NDArray[np.float64] | float] = {
        "HR@10": hit_rate(ranks, 10)[group],
        "NDCG@10": ndcg(ranks, 10)[group],
    }
    if form == "window":
        n_titles = len(np.unique(task.train.histories.title))
        out["Recall@20"] = recall(result.ranks_at_20[form], 20)[group]
        out["coverage@10"] = coverage(result.lists[form][group][:, :10], n_titles)
    return out


def show(protocol: str, task: Task, results: list[Result], *, compare: bool) -> dict[str, Any]:
    """Print the tables of one protocol and return its figures."""
    report: dict[str, Any] = {"notes": task.notes, "forms": {}, "models": {r.name: r.facts for r in results}}
    notes = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in task.notes.items())
    print(f"\n{PROTOCOLS[protocol].upper()}\n{notes}")
    for form, queries in task.queries.items():
        if form == "window" and protocol != "window":
            continue
        report["forms"][form] = {}
        apart = []
        for order, (group, mask) in enumerate(task.groups[form].items()):
            if not mask.any() or (order and mask.sum() == next(iter(task.groups[form].values())).sum()):
                continue
            member = queries.member[mask]
            values = {r.name: figures(task, form, mask, r) for r in results}
            against = versus(results[0].name, values, member) if compare and len(results) > 1 else {}
            report["forms"][form][group] = {
                "queries": int(mask.sum()),
                "members": len(np.unique(member)),
                "models": {
                    name: {
                        metric: value if isinstance(value, float) else asdict(bootstrap(value, member=member))
                        for metric, value in metrics.items()
                    }
                    for name, metrics in values.items()
                },
                "ours_minus_peer": against,
            }
            title = f"{group} ({int(mask.sum())} queries, {len(np.unique(member))} members)"
            if order == 0:
                print_form(f"{form}: {title}", results, values, against)
            else:
                pairs = [f"{np.mean(v['HR@10']):.4f} / {np.mean(v['NDCG@10']):.4f}" for v in values.values()]
                apart.append([title, *pairs])
        if apart:
            names = [result.name for result in results]
            print_table(apart, ["reported apart, HR@10 / NDCG@10", *names], title=f"{form}, apart")
    return report


def versus(ours: str, values: Mapping[str, Mapping[str, Any]], member: NDArray[np.int32]) -> dict[str, Any]:
    """Paired differences of the first model to each other one, per metric, with Holm-corrected p-values."""
    out: dict[str, Any] = {name: {} for name in values if name != ours}
    for metric, own in values[ours].items():
        if isinstance(own, float):
            continue
        found = {name: paired_difference(own, values[name][metric], member=member) for name in out}
        corrected = holm([d.p for d in found.values()])
        for (name, difference), p in zip(found.items(), corrected, strict=True):
            out[name][metric] = asdict(difference) | {"p_holm": p}
    return out


def print_form(
    title: str,
    results: list[Result],
    values: Mapping[str, Mapping[str, Any]],
    against: Mapping[str, Mapping[str, Any]],
) -> None:
    """One table: models, metrics, cost, and how far ours is from each."""
    metrics = list(next(iter(values.values()), {}))
    columns = ["model", *metrics, "fit CPU s", "peak MB"]
    columns += [f"ours - it, {m} [95 %]" for m in ("NDCG@10", "HR@10")] if against else []
    rows = []
    for result in results:
        row: list[Any] = [result.name]
        row += [f"{np.mean(values[result.name][m]):.4f}" for m in metrics]
        row += [f"{result.facts['fit_cpu_s']:.1f}", f"{result.facts['peak_mb']:.0f}"]
        for m in ("NDCG@10", "HR@10") if against else ():
            d = against.get(result.name, {}).get(m)
            row.append(f"{d['mean']:+.4f} [{d['low']:+.4f}, {d['high']:+.4f}]" if d else "")
        rows.append(row)
    print_table(rows, columns, title=title)


if __name__ == "__main__":
    main()
