"""Reading an experiment of ten million unit-days, beside the bare DuckDB aggregation that it needs.

    python benchmarks/readout.py [--out FILE.json] [--units 360000] [--days 28] [--repeats 3]

A generated lake: every unit is exposed by a decision each week and has a play on each of its days, as many
again before. The bare query is one statement over the same Parquet files: first exposures from the decisions'
context, sums of each unit for the same metrics and their covariates, and sums and products of each arm. The
two are measured in turn in one process; medians of wall and CPU time. Exit code 1: the readout takes more
than twice as long.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from matinee.observe.home import Home
from matinee.observe.lake.connection import connect, spilling
from matinee.observe.lake.manifest import parquet, read_manifest
from matinee.observe.lake.spans import store_events
from matinee.observe.lake.tables import EVENTS
from matinee.observe.lake.writer import writing
from matinee.prove.experiment.definition import Arm, Design, Experiment, Guardrail
from matinee.prove.experiment.readout import read
from matinee.types import DAY_US

START_US = 20_000 * DAY_US
MOST_RATIO = 2.0
EXPERIMENT = Experiment(
    name="bench",
    initiative="shop",
    owner="bench",
    hypothesis="None.",
    arms=(Arm("control", 0.5, "v1"), Arm("bold", 0.5, "v2")),
    primary="plays",
    secondary=("watch_hours", "active_days", "watchers"),
    guardrails=(Guardrail("fallback_rate"),),
    design=Design(analysis="spending", days=28),
    salt="s",
)


def generate(home: Home, units: int, days: int, seed: int) -> dict[str, int]:
    """Write the lake; returns rows by table."""
    chance = f"hash(u, d, {seed})"
    decisions = (
        f"SELECT printf('d%09d-%d', u, d) AS event_id, event_id AS decision_id, 'shop' AS initiative, "
        f"printf('m%09d', u) AS member_id, member_id AS unit_id, {START_US} + d * {7 * DAY_US} "
        f"+ ({chance} % {DAY_US}::UBIGINT)::BIGINT AS at_us, 'p' AS policy, 'v1' AS model, "
        f'{chance} % 50 = 0 AS fallback, \'[{{"action":"t1"}}]\' AS slots, '
        f'\'{{"device":"tv","experiment":"bench","arm":"\' || CASE WHEN hash(u, {seed}) % 2 = 0 '
        "THEN 'control' ELSE 'bold' END || '\"}' AS context "
        f"FROM range({units}) AS a(u), range({(days + 6) // 7}) AS b(d)"
    )
    plays = (
        f"SELECT printf('m%09d', u) AS member_id, printf('t%04d', {chance} % 2000) AS title_id, "
        f"{START_US} + d * {DAY_US} + ({chance} % {DAY_US}::UBIGINT)::BIGINT AS at_us, "
        f"({chance} % 7200)::DOUBLE AS watch_s, 'tv' AS device "
        f"FROM range({units}) AS a(u), range(-{days}, {days}) AS b(d)"
    )
    with writing(home.lake) as write, connect(write.scratch / "spill") as con:
        for table, sql in (("decisions", decisions), ("plays", plays)):
            types = {c: t for c, t in EVENTS[table].items() if c not in ("copy", "seen_us", "seq")}
            have = {row[0] for row in con.execute(f"DESCRIBE {sql}").fetchall()}
            rest = ", ".join(f'NULL::{t} AS "{c}"' for c, t in types.items() if c not in have)
            con.execute(
                f"CREATE OR REPLACE TEMP VIEW incoming AS SELECT *, {rest}, at_us AS seen_us, "
                f"row_number() OVER () AS seq FROM ({sql})"
            )
            store_events(write, con, table, "incoming", has_ids=table == "decisions")
        rows: dict[str, int] = {}
        for file in write.added:
            rows[file.table] = rows.get(file.table, 0) + file.rows
    return rows


def bare(home: Home, days: int) -> list[tuple[object, ...]]:
    """The aggregation, written by hand."""
    manifest = read_manifest(home.lake)
    decisions, plays = (parquet(home.lake, manifest.of(table)) for table in ("decisions", "plays"))
    end, window = START_US + days * DAY_US, 28 * DAY_US
    pairs = [f"sum(y{i} * y{i}), sum(y{i} * x{i}), sum(x{i} * x{i}), sum(y{i}), sum(x{i})" for i in range(4)]
    sql = f"""
    WITH exposed AS (
        SELECT member_id, min(arm) AS arm, max(arm) AS other, min(at_us) AS first_us FROM (
            SELECT member_id, at_us, json_extract_string(context, ['$.experiment', '$.arm']) AS said,
            said[2] AS arm FROM {decisions} WHERE at_us BETWEEN {START_US} AND {end}
        ) WHERE said[1] = 'bench' GROUP BY member_id HAVING arm = other
    ), played AS (
        SELECT p.member_id, count(*) FILTER (since >= 0) AS y0, count(*) FILTER (since < 0) AS x0,
            sum(watch_s) FILTER (since >= 0) AS y1, sum(watch_s) FILTER (since < 0) AS x1,
            count(DISTINCT CASE WHEN since >= 0 THEN since // {DAY_US} END) AS y2,
            count(DISTINCT CASE WHEN since < 0 THEN since // {DAY_US} END) AS x2,
            max((since >= 0)::INT) AS y3, max((since < 0)::INT) AS x3
        FROM (SELECT p.member_id, p.at_us - e.first_us AS since, watch_s FROM {plays} AS p
            JOIN exposed AS e ON e.member_id = p.member_id
            WHERE p.at_us <= {end} AND since >= -{window}) AS p GROUP BY p.member_id
    ), answered AS (
        SELECT d.member_id, count(*) AS n, count(*) FILTER (fallback) AS f FROM {decisions} AS d
        JOIN exposed AS e ON e.member_id = d.member_id
        WHERE d.at_us <= {end} AND d.at_us >= e.first_us GROUP BY 1
    )
    SELECT arm, count(*), {", ".join(pairs)}, sum(f), sum(n), sum(f * f), sum(f * n), sum(n * n)
    FROM exposed LEFT JOIN played USING (member_id) LEFT JOIN answered USING (member_id) GROUP BY arm
    """
    with spilling() as con:
        return con.execute(sql).fetchall()


def timed(run: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - wall, time.process_time() - cpu


def main() -> int:
    """Measure and print."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--out", type=Path)
    words.add_argument("--units", type=int, default=360_000)
    words.add_argument("--days", type=int, default=28)
    words.add_argument("--repeats", type=int, default=3)
    words.add_argument("--seed", type=int, default=0)
    options = words.parse_args()
    with tempfile.TemporaryDirectory(prefix="matinee-readout-") as folder:
        home = Home.create(Path(folder))
        rows = generate(home, options.units, options.days, options.seed)
        unit_days = options.units * options.days
        size = sum(path.stat().st_size for path in home.lake.rglob("*.parquet"))
        print(f"{unit_days:,} unit-days: {rows}, {size / 1e6:,.0f} MB of Parquet, seed {options.seed}")
        until_us = START_US + options.days * DAY_US
        found = {"bare": list[tuple[float, float]](), "readout": list[tuple[float, float]]()}
        for _ in range(options.repeats):
            found["bare"].append(timed(lambda: bare(home, options.days)))
            found["readout"].append(
                timed(lambda: read(home, EXPERIMENT, [], started_us=START_US, until_us=until_us))
            )
        readout = read(home, EXPERIMENT, [], started_us=START_US, until_us=until_us)
    out: dict[str, object] = {"unit_days": unit_days, "rows": rows, "verdict": readout.verdict}
    medians = {}
    for name, times in found.items():
        medians[name] = [statistics.median(column) for column in zip(*times, strict=True)]
        out[name] = {"wall_s": medians[name][0], "cpu_s": medians[name][1]}
        print(f"{name:8} {medians[name][0]:7.2f} s wall, {medians[name][1]:7.2f} s CPU")
    wall, cpu = (a / b for a, b in zip(medians["readout"], medians["bare"], strict=True))
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    load = os.getloadavg()[0]
    print(
        f"ratio    {wall:7.2f} of wall, {cpu:7.2f} of CPU time; at most {MOST_RATIO:g} of CPU time is wanted"
    )
    print(f"peak memory {memory_mb:,.0f} MB, load of the machine {load:.1f}")
    out |= {"wall_ratio": wall, "cpu_ratio": cpu, "memory_mb": memory_mb, "load": load}
    if options.out:
        options.out.write_text(json.dumps(out, indent=2) + "\n", encoding="utf-8")
    return 0 if cpu <= MOST_RATIO else 1


if __name__ == "__main__":
    raise SystemExit(main())
