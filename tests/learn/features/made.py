"""Random declarations, events and labels for the parity tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb
from hypothesis import strategies as st

from matinee.learn.features import aggregates as a
from matinee.learn.features.declaration import Feature, FeatureView
from matinee.learn.features.predicates import Predicate, all_of, any_of, is_null, not_, where
from matinee.learn.features.sources import Attribute, Facts, Source

DAY = 86_400_000_000
HOUR = DAY // 24
START = 20_000 * DAY
PLAYS = Source(
    "plays",
    {
        "member_id": "text",
        "title_id": "text",
        "device": "text",
        "watch_s": "float",
        "pieces": "int",
        "kids": "bool",
        "tags": "text[]",
    },
)
SIGNALS = Source("signals", {"member_id": "text", "signal": "text", "worth": "int"})
TITLES = Facts("titles", "title_id", {"title_id": "text", "genres": "text[]", "maker": "text", "year": "int"})
TITLE_ROWS: dict[str, dict[str, Any]] = {
    "t0": {"genres": ["Drama", "Crime", "Drama"], "maker": "x", "year": 1998},
    "t1": {"genres": ["Crime"], "maker": None, "year": 2000},
    "t2": {"genres": [], "maker": "o'y", "year": None},
    "t3": {"genres": None, "maker": "x", "year": 1998},
}
FACT_ROWS = {"titles": TITLE_ROWS}
WINDOWS = ("30m", "5h", "24h", "47h", "48h", "49h", "3d", "1w", "30d", "all")
DEVICES = ("tv", "phone", "o'dd \\ one", "")


LEAVES = st.one_of(
    st.builds(where, st.just("device"), st.sampled_from(["==", "!=", "<", ">="]), st.sampled_from(DEVICES)),
    st.builds(where, st.just("device"), st.just("in"), st.sampled_from([("tv",), ("phone", "")])),
    st.builds(
        where, st.just("watch_s"), st.sampled_from(["<", "<=", ">", "!="]), st.sampled_from([0.0, 2.5])
    ),
    st.builds(where, st.just("pieces"), st.sampled_from(["==", ">", "<="]), st.integers(-3, 3)),
    st.builds(where, st.just("kids"), st.just("=="), st.booleans()),
    st.builds(is_null, st.sampled_from(["device", "watch_s", "kids"])),
)
PAIRS = st.one_of(
    st.builds(all_of, LEAVES, LEAVES), st.builds(any_of, LEAVES, LEAVES), st.builds(not_, LEAVES)
)
CONDITIONS: st.SearchStrategy[Predicate] = st.one_of(
    LEAVES, PAIRS, st.builds(not_, PAIRS), st.builds(any_of, PAIRS, LEAVES)
)
NUMBERS = st.sampled_from(["watch_s", "pieces"])
SCALARS = st.sampled_from(["title_id", "device", "watch_s", "pieces", "kids"])
MEASURES: st.SearchStrategy[a.Aggregate] = st.one_of(
    st.builds(a.Count, st.none() | SCALARS),
    st.builds(a.Sum, NUMBERS),
    st.builds(a.Mean, NUMBERS),
    st.builds(a.Min, NUMBERS),
    st.builds(a.Max, NUMBERS),
    st.builds(a.LastK, SCALARS, st.integers(1, 4)),
    st.builds(a.Distinct, st.sampled_from(["title_id", "device", "pieces", "kids"])),
    st.builds(a.Ratio, part=CONDITIONS),
    st.builds(a.Ratio, value=NUMBERS, part=CONDITIONS),
    st.builds(a.Ratio, value=st.just("watch_s"), over=st.just("pieces")),
    st.just(a.TimeSince()),
    st.builds(a.DecayedSum, st.sampled_from(["1h", "2d", "30d"]), st.none() | NUMBERS),
)
GROUPS = st.sampled_from([
    Attribute("device"),
    Attribute("tags"),
    Attribute("pieces"),
    Attribute("genres", TITLES),
    Attribute("maker", TITLES),
    Attribute("year", TITLES),
])  # fmt: skip
SAID = st.lists(
    st.tuples(MEASURES, st.sampled_from(WINDOWS), st.none() | CONDITIONS, st.none() | GROUPS),
    min_size=1,
    max_size=6,
)


@st.composite
def _views(draw: st.DrawFn) -> FeatureView:
    features = [Feature(f"f{n}", PLAYS, *said) for n, said in enumerate(draw(SAID))]
    if draw(st.booleans()):
        features.append(Feature("s", SIGNALS, a.Sum("worth"), draw(st.sampled_from(WINDOWS))))
    return FeatureView("v", "member", tuple(features), tail=draw(st.sampled_from(["48h", "5h", "1w"])))


VIEWS = _views()
HOURS = sorted(h + m for h in (0, 1, 2, 5, 24, 47, 48, 49, 72, 100, 168, 400, 720, 800) for m in (0, 0.5))
TIMES = st.sampled_from([START + int(h * HOUR) + us for h in HOURS for us in (-1, 0, 0, 1)])
"""Often equal, at the edges of days and windows, or a microsecond beside them."""
DELAYS = st.sampled_from([0, 0, 0, 1, 60_000_000, HOUR, DAY, 3 * DAY, 20 * DAY, -HOUR])
PLAY = st.fixed_dictionaries({
    "member_id": st.sampled_from(["m1", "m1", "m1", "m2"]),
    "at_us": TIMES,
    "delay_us": DELAYS,
    "title_id": st.sampled_from(["t0", "t1", "t2", "t3", "unknown", None]),
    "device": st.sampled_from([*DEVICES, None]),
    "watch_s": st.sampled_from([None, *(n / 8 for n in (-64, -3, 0, 1, 20, 33, 640))]),
    "pieces": st.sampled_from([None, -5, -1, 0, 1, 2, 3, 2**40]),
    "kids": st.sampled_from([None, True, False]),
    "tags": st.sampled_from([None, [], ["a"], ["b", "a", "b"], ["c", "b"]]),
})  # fmt: skip
SIGNAL = st.fixed_dictionaries({
    "member_id": st.just("m1"),
    "at_us": TIMES,
    "delay_us": DELAYS,
    "signal": st.just("thumb_up"),
    "worth": st.sampled_from([None, -9, 0, 4]),
})  # fmt: skip


def _arrived(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Number the rows against their order in the list, so that no engine can lean on that order."""
    return [
        {**row, "seen_us": row["at_us"] + row["delay_us"], "seq": (n * 7 + 3) % 1_009}
        for n, row in enumerate(rows)
    ]


PLAY_ROWS = st.one_of(st.lists(PLAY, min_size=12, max_size=25), st.lists(PLAY, max_size=3)).map(_arrived)
SIGNAL_ROWS = st.lists(SIGNAL, max_size=6).map(_arrived)
LABEL_ROWS = st.lists(
    st.tuples(st.sampled_from(["m1", "m1", "m1", "m2", "nobody"]), TIMES), min_size=2, max_size=6
).map(lambda labels: [*labels, *labels[:2]])
"""The first two stand there twice: equal labels must both come back, each counted once."""


SQL_TYPES = {"text": "VARCHAR", "int": "BIGINT", "float": "DOUBLE", "bool": "BOOLEAN", "text[]": "VARCHAR[]"}


def load(con: duckdb.DuckDBPyConnection, source: Source, rows: Sequence[dict[str, Any]]) -> None:
    """Make the table of a source."""
    columns = {"at_us": "int", "seen_us": "int", "seq": "int", **source.columns}
    _fill(con, source.table, columns, [tuple(row.get(c) for c in columns) for row in rows])


def load_titles(con: duckdb.DuckDBPyConnection) -> None:
    """Make the table of titles."""
    _fill(
        con,
        "titles",
        TITLES.columns,
        [(t, r["genres"], r["maker"], r["year"]) for t, r in TITLE_ROWS.items()],
    )


def _fill(con: duckdb.DuckDBPyConnection, table: str, columns: Any, rows: list[tuple[Any, ...]]) -> None:
    typed = ", ".join(f'"{c}" {SQL_TYPES[t]}' for c, t in columns.items())
    con.execute(f"CREATE OR REPLACE TEMP TABLE {table} ({typed})")
    if rows:
        marks = f"({', '.join('?' * len(columns))})"
        con.execute(
            f"INSERT INTO {table} VALUES {', '.join([marks] * len(rows))}", [v for r in rows for v in r]
        )
