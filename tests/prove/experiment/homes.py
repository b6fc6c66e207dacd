"""Homes with the log of an experiment, written from rows or columns."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from matinee.observe.home import Home
from matinee.observe.lake.connection import connect, literal, quoted
from matinee.observe.lake.facts import store_facts
from matinee.observe.lake.spans import store_events
from matinee.observe.lake.tables import EVENTS, FACTS, VERSION
from matinee.observe.lake.writer import writing
from matinee.prove.experiment.definition import Arm, Design, Experiment
from matinee.types import DAY_US

START_US = 20_000 * DAY_US
EXPERIMENT = Experiment(
    name="bolder-rows",
    initiative="shop",
    owner="Ann",
    hypothesis="More rows bring more plays.",
    arms=(Arm("control", 0.5, "v1"), Arm("bold", 0.5, "v2")),
    primary="plays",
    design=Design(analysis="fixed", days=28, looks=1),
    salt="s",
)


def at(days: float) -> int:
    """A moment so many days after the start."""
    return START_US + round(days * DAY_US)


def new_home(folder: Path) -> Home:
    """An empty home."""
    home = Home.create(folder)
    home.settings.write_text('[clock]\nnow = "last_event"\n', encoding="utf-8")
    return home


def add_rows(home: Home, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add events or facts; what a row does not say is missing."""
    types = EVENTS.get(table) or FACTS[table]
    names = [c for c in types if c not in ("copy", *VERSION)]
    path = home.root / "rows.ndjson"
    filled = [{name: row.get(name) for name in names} for row in rows]
    for i, row in enumerate(filled):
        if table in EVENTS:
            row["seq"] = i
            row["seen_us"] = row["seen_us"] or row["at_us"]
    path.write_bytes(b"\n".join(msgspec.json.encode(row) for row in filled))
    kinds = ", ".join(f"{literal(c)}: {literal(types[c])}" for c in names)
    source = f"SELECT * FROM read_json({literal(path)}, format = 'newline_delimited', columns = {{{kinds}}})"
    _store(home, table, source, {})
    path.unlink()


def add_columns(home: Home, table: str, columns: Mapping[str, Any]) -> None:
    """Add many events from arrays of equal length."""
    types = {c: t for c, t in EVENTS[table].items() if c != "copy"}
    n = len(columns["at_us"])
    given = {"seq": np.arange(n), "seen_us": columns["at_us"], **columns}
    texts = {
        c: np.asarray(v, dtype=object) if np.asarray(v).dtype.kind == "U" else v for c, v in given.items()
    }
    chosen = ", ".join(
        f"{quoted(c)}::{t} AS {quoted(c)}" if c in given else f"NULL::{t} AS {quoted(c)}"
        for c, t in types.items()
    )
    _store(home, table, f"SELECT {chosen} FROM given", {"given": texts})


def _store(home: Home, table: str, source: str, views: Mapping[str, Any]) -> None:
    with writing(home.lake) as write, connect(write.scratch / "spill") as con:
        for name, columns in views.items():
            con.register(name, columns)
        con.execute(f"CREATE TEMP TABLE incoming AS {source}")
        if table in FACTS:
            store_facts(write, con, table, "incoming", from_us=0)
            return
        con.execute(f"UPDATE incoming SET seq = seq + {write.next_seq}")
        store_events(write, con, table, "incoming", has_ids=table in ("decisions", "rewards"))
        (last,) = con.execute("SELECT max(seq) FROM incoming").fetchall()[0]
        write.next_seq = int(last) + 1


def decision(member: str, arm: str, days: float, **more: Any) -> dict[str, Any]:
    """A decision for a member in an arm, so many days after the start; `more` are columns or the context."""
    context = {"experiment": "bolder-rows", "arm": arm} | more.pop("context", {})
    row = {
        "decision_id": f"d-{member}-{days}-{arm}",
        "initiative": "shop",
        "unit_id": member,
        "member_id": member,
        "at_us": at(days),
        "context": json.dumps(context),
        "policy": "p",
        "model": "v1",
        "fallback": False,
        "slots": '[{"action":"t1"}]',
    } | more
    return row | {"event_id": row["decision_id"]}


def play(member: str, days: float, watch_s: float = 600.0, **more: Any) -> dict[str, Any]:
    """A play so many days after the start."""
    return {"member_id": member, "title_id": "t1", "at_us": at(days), "watch_s": watch_s} | more


def random_home(
    folder: Path,
    *,
    n: int,
    lift: float = 0.0,
    days: int = 14,
    seed: int = 0,
    arms: tuple[str, ...] = ("control", "bold"),
) -> Home:
    """A home of n members whose plays are Poisson, with tastes that also show in the 28 days before.

    `lift` is what every treated arm's rate is greater by. Members enter evenly over the days.
    """
    rng = np.random.default_rng(seed)
    home = new_home(folder)
    ids = np.array([f"m{i:06d}" for i in range(n)])
    arm = rng.integers(0, len(arms), n)
    enters = rng.uniform(0, days * 0.8, n)
    rate = rng.gamma(2.0, 0.15, n)
    contexts = [json.dumps({"experiment": "bolder-rows", "arm": name}) for name in arms]
    add_columns(
        home,
        "decisions",
        {
            "event_id": np.char.add("d", ids), "decision_id": np.char.add("d", ids),
            "initiative": np.full(n, "shop"), "unit_id": ids, "member_id": ids,
            "at_us": START_US + (enters * DAY_US).astype(np.int64),
            "context": np.array(contexts)[arm], "slots": np.full(n, "[]"),
            "device": np.array(["tv", "phone"])[rng.integers(0, 2, n)],
            "fallback": rng.random(n) < 0.02, "latency_ms": rng.lognormal(3, 0.5, n),
        },
    )  # fmt: skip
    after = days - enters
    counts = rng.poisson(rate * after * np.where(arm > 0, 1 + lift, 1.0))
    before = rng.poisson(rate * 28)
    member = np.concatenate([np.repeat(np.arange(n), counts), np.repeat(np.arange(n), before)])
    since = np.concatenate(
        [
            np.repeat(enters, counts) + rng.random(counts.sum()) * np.repeat(after, counts),
            np.repeat(enters, before) - rng.random(before.sum()) * 28,
        ]
    )
    add_columns(
        home,
        "plays",
        {
            "member_id": ids[member], "title_id": np.full(len(member), "t1"),
            "at_us": START_US + (since * DAY_US).astype(np.int64),
            "watch_s": rng.gamma(2.0, 1_000.0, len(member)),
        },
    )  # fmt: skip
    add_rows(home, "titles", [{"title_id": "t1", "name": "One", "kind": "film", "runtime_s": 3_000.0}])
    return home
