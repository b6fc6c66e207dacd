"""The point-in-time job of `features.py` through Feast; run by the interpreter of Feast's own environment.

    .matinee-cache/feast/bin/python benchmarks/features_feast.py EVENTS.parquet LABELS.parquet FOLDER

Feast joins values that exist; it does not compute windows as of a label. So, as its users do, the aggregates
are first computed at every event (here with DuckDB's window functions, whose cost is given by itself) and
Feast takes the latest row before each label. The values are then as of the last event, not as of the label.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any


def precompute(events: Path, out: Path) -> None:
    import duckdb

    def over(days: int) -> str:
        span = days * 86_400_000_000
        return f"OVER (PARTITION BY member_id ORDER BY at_us RANGE BETWEEN {span} PRECEDING AND CURRENT ROW)"

    with duckdb.connect(
        config={"threads": 2, "memory_limit": "1500MB", "temp_directory": str(out.parent)}
    ) as con:
        con.execute(
            f"COPY (SELECT member_id, make_timestamp(at_us) AS event_timestamp, "
            f"make_timestamp(seen_us) AS created, count(*) {over(7)} AS plays_7d, "
            f"sum(watch_s) {over(30)} AS watch_30d, avg(watch_s) {over(30)} AS mean_30d, "
            f"min(watch_s) {over(90)} AS least_90d, max(watch_s) {over(90)} AS most_90d "
            f"FROM read_parquet('{events}')) TO '{out}' (FORMAT parquet)"
        )


def historical(values: Path, labels: Path, folder: Path) -> int:
    import pandas as pd
    from feast import Entity, FeatureStore, FeatureView, Field, FileSource
    from feast.types import Float64, Int64
    from feast.value_type import ValueType

    (folder / "feature_store.yaml").write_text(
        "project: bench\nprovider: local\nregistry: registry.db\noffline_store:\n  type: duckdb\n"
        "online_store:\n  type: sqlite\n  path: online.db\nentity_key_serialization_version: 3\n"
    )
    store = FeatureStore(repo_path=str(folder))
    member = Entity(name="member", join_keys=["member_id"], value_type=ValueType.STRING)
    source: Any = FileSource(path=str(values), timestamp_field="event_timestamp")
    names = {
        "plays_7d": Int64,
        "watch_30d": Float64,
        "mean_30d": Float64,
        "least_90d": Float64,
        "most_90d": Float64,
    }
    view = FeatureView(
        name="plays",
        entities=[member],
        ttl=timedelta(days=90),
        schema=[Field(name=name, dtype=type_) for name, type_ in names.items()],
        source=source,
    )
    store.apply([member, view])
    given = pd.read_parquet(labels)
    asked = pd.DataFrame(
        {
            "member_id": given["entity_id"],
            "event_timestamp": pd.to_datetime(given["at_us"], unit="us", utc=True),
            "label_id": given["label_id"],
        }
    )
    found = store.get_historical_features(
        entity_df=asked, features=[f"plays:{name}" for name in names]
    ).to_df()
    return len(found)


def main() -> None:
    events, labels, folder = (Path(word) for word in sys.argv[1:4])
    folder.mkdir(parents=True, exist_ok=True)
    values = folder / "values.parquet"
    start = time.perf_counter()
    import feast  # noqa: F401

    out: dict[str, float] = {"import_s": time.perf_counter() - start}
    for name, step in (
        ("precompute", lambda: precompute(events, values)),
        ("historical", lambda: historical(values, labels, folder)),
    ):
        start, cpu = time.perf_counter(), time.process_time()
        rows = step()
        out |= {f"{name}_wall_s": time.perf_counter() - start, f"{name}_cpu_s": time.process_time() - cpu}
        if rows is not None:
            out["rows"] = rows
    out["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print("\n" + json.dumps(out))


if __name__ == "__main__":
    main()
