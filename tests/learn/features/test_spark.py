"""Spark and DuckDB agree on 100,000 events, in pairs and in tiles."""

from __future__ import annotations

import shutil
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from made import DAY, DEVICES, HOUR, PLAYS, START, TITLES, load_titles
from oracle import same

from matinee.errors import InputError, NotFoundError
from matinee.learn.features import aggregates as a
from matinee.learn.features.backfill import backfill
from matinee.learn.features.declaration import Feature, FeatureView
from matinee.learn.features.predicates import all_of, any_of, is_null, not_, where
from matinee.learn.features.sources import Attribute
from matinee.learn.features.spark import Spark, backfill_spark

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

EVENTS, LABELS, MEMBERS = 100_000, 2_000, 1_000
ON_TV = where("device", "==", "tv")
ODD = any_of(all_of(where("device", "==", DEVICES[2]), not_(where("kids", "==", True))), is_null("watch_s"))
MEASURES: list[tuple[a.Aggregate, str]] = [
    (a.Count(), "30m"), (a.Count("watch_s"), "48h"), (a.Sum("pieces"), "3d"), (a.Sum("watch_s"), "30d"),
    (a.Mean("watch_s"), "all"), (a.Min("pieces"), "24h"), (a.Max("watch_s"), "1w"),
    (a.LastK("title_id", 5), "30d"),
    (a.LastK("watch_s", 2), "47h"), (a.Distinct("title_id"), "all"), (a.Distinct("pieces"), "24h"),
    (a.Ratio(part=ON_TV), "30d"), (a.Ratio(value="watch_s", over="pieces"), "1w"), (a.TimeSince(), "all"),
    (a.DecayedSum("2d"), "30d"), (a.DecayedSum("7d", "watch_s"), "all"),
]  # fmt: skip
VIEW = FeatureView(
    "v",
    "member",
    (
        *(Feature(f"f{n}", PLAYS, measure, window) for n, (measure, window) in enumerate(MEASURES)),
        Feature("odd", PLAYS, a.Count(), "30d", ODD),
        Feature("by_genre", PLAYS, a.Sum("watch_s"), "30d", by=Attribute("genres", TITLES)),
        Feature("by_tag", PLAYS, a.LastK("title_id", 2), "all", by=Attribute("tags")),
        Feature("by_year", PLAYS, a.TimeSince(), "1w", ON_TV, Attribute("year", TITLES)),
        Feature("by_pieces", PLAYS, a.DecayedSum("1d"), "48h", by=Attribute("pieces")),
    ),
)


def test_texts_cannot_leave_their_quotes() -> None:
    assert Spark().text("o'dd \\ one") == "'o\\'dd \\\\ one'"


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    pytest.importorskip("pyspark", reason="the extra spark is not installed")
    if shutil.which("java") is None:
        pytest.skip("java is not installed; Spark needs Java 17")
    from pyspark.sql import SparkSession

    folder = tmp_path_factory.mktemp("spark")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        session = (
            SparkSession.builder.master("local[2]")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.shuffle.partitions", "4")
            .config("spark.driver.memory", "2g")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.sql.warehouse.dir", str(folder))
            .getOrCreate()
        )
        session.sparkContext.setLogLevel("ERROR")
        yield session
        session.stop()


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of events, of whom one member has a tenth; some arrive late, many times are equal."""
    folder = tmp_path_factory.mktemp("tables")
    devices = "[" + ", ".join("'" + d.replace("'", "''") + "'" for d in DEVICES) + ", NULL]"
    with duckdb.connect() as con:
        load_titles(con)
        con.execute(
            "CREATE TABLE plays AS SELECT CASE WHEN i % 10 = 0 THEN 'm0' ELSE 'm' || (hash(i) % "
            f"{MEMBERS}) END AS member_id, "
            f"{START} + CAST(hash(i * 3) % {60 * 24} AS BIGINT) * {HOUR} + i % 2 AS at_us, at_us + CASE WHEN "
            f"hash(i * 5) % 10 = 0 THEN CAST(hash(i) % {3 * DAY} AS BIGINT) ELSE 0 END AS seen_us, "
            "i AS seq, "
            "['t0', 't1', 't2', 't3', 'unknown', NULL][1 + CAST(hash(i * 7) % 6 AS BIGINT)] AS title_id, "
            f"{devices}[1 + CAST(hash(i * 11) % {len(DEVICES) + 1} AS BIGINT)] AS device, "
            "CASE WHEN hash(i * 13) % 9 > 0 THEN CAST(hash(i * 17) % 7200 AS DOUBLE) / 7 END AS watch_s, "
            "CASE WHEN hash(i * 19) % 9 > 0 THEN CAST(hash(i * 23) % 12 AS BIGINT) - 5 END AS pieces, "
            "CASE WHEN hash(i * 29) % 3 > 0 THEN hash(i * 29) % 3 = 1 END AS kids, "
            "[['a'], ['b', 'a', 'b'], [], NULL][1 + CAST(hash(i * 31) % 4 AS BIGINT)] AS tags "
            f"FROM range({EVENTS}) AS t(i)"
        )
        con.execute(
            "CREATE TABLE asked AS SELECT i AS label_id, "
            f"CASE WHEN i % 20 = 0 THEN 'm0' ELSE 'm' || (hash(i) % {MEMBERS + 50}) END AS entity_id, "
            f"{START} + CAST(hash(i * 37) % {62 * 24} AS BIGINT) * {HOUR} + i % 3 AS at_us "
            f"FROM range({LABELS}) AS t(i)"
        )
        for table in ("plays", "titles", "asked"):
            con.execute(f"COPY {table} TO '{folder / table}.parquet' (FORMAT parquet)")
    return folder


def by_duckdb(view: FeatureView, tables: Path) -> list[dict[str, Any]]:
    with duckdb.connect() as con:
        for table in ("plays", "titles"):
            con.execute(f"CREATE VIEW {table} AS FROM '{tables / table}.parquet'")
        return backfill(con, view, tables / "asked.parquet").rows()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("view", "heavy_pairs"),
    [(VIEW, 10**9), (VIEW.only("f0", "f2", "f7", "f9", "f13", "f14", "by_tag"), 100_000)],
    ids=["pairs", "tiles"],
)
def test_spark_equals_duckdb(spark: SparkSession, tables: Path, view: FeatureView, heavy_pairs: int) -> None:
    for table in ("plays", "titles"):
        spark.read.parquet(str(tables / f"{table}.parquet")).createOrReplaceTempView(table)
    asked = spark.read.parquet(str(tables / "asked.parquet"))
    done = backfill_spark(spark, view, asked, heavy_pairs=heavy_pairs)
    found = [row.asDict() for row in done.collect()]
    done.unpersist()
    truth = by_duckdb(view, tables)
    assert len(found) == len(truth) == LABELS
    for one, other in zip(truth, found, strict=True):
        for name, value in one.items():
            assert same(value, other[name]), (one["label_id"], name, value, other[name])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_wrong_tables_and_labels_are_named(spark: SparkSession, tables: Path) -> None:
    asked = spark.read.parquet(str(tables / "asked.parquet"))
    for table in ("plays", "titles"):
        spark.catalog.dropTempView(table)
    with pytest.raises(NotFoundError, match="Source plays: it cannot be read"):
        backfill_spark(spark, VIEW, asked)
    for table in ("plays", "titles"):
        spark.read.parquet(str(tables / f"{table}.parquet")).createOrReplaceTempView(table)
    with pytest.raises(InputError, match="4,000 rows have 2,000 different label_id"):
        backfill_spark(spark, VIEW, asked.union(asked))
    with pytest.raises(InputError, match='unknown column "at_us"'):
        backfill_spark(spark, VIEW, asked.drop("at_us"))
    spark.sql("SELECT *, 'x' AS seq2 FROM plays").drop("pieces").createOrReplaceTempView("plays")
    with pytest.raises(InputError, match='table plays: unknown column "pieces"'):
        backfill_spark(spark, VIEW, asked)
