from __future__ import annotations

import random
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from matinee.errors import InputError, StorageError
from matinee.learn.features import aggregates as a
from matinee.learn.features.backfill import backfill, open_view
from matinee.learn.features.declaration import Feature, FeatureView
from matinee.learn.features.predicates import where
from matinee.learn.features.served import ServedFeatures, read_facts, servable
from matinee.learn.features.sources import Attribute, lake_facts, lake_source, sql_source
from matinee.observe.clock import Clock
from matinee.observe.events.schema import Impression, Play, Signal, stored
from matinee.observe.home import Home
from matinee.observe.importers.run import run_import
from matinee.observe.lake.compaction import compact
from matinee.observe.lake.connection import spilling
from matinee.observe.state.open import open_store
from matinee.observe.state.rebuild import rebuild
from matinee.observe.state.store import Arrival

HOUR = 3_600_000_000
START = 20_000 * 24 * HOUR
NOW = START + 40 * 24 * HOUR
PLAYS, SHOWN = lake_source("plays"), lake_source("impressions")
VIEW = FeatureView(
    "taste",
    "member",
    (
        Feature("plays_6h", PLAYS, a.Count(), "6h"),
        Feature("plays_7d", PLAYS, a.Count(), "7d"),
        Feature("watch_30d", PLAYS, a.Sum("watch_s"), "30d"),
        Feature("titles", PLAYS, a.Distinct("title_id"), "all"),
        Feature("last", PLAYS, a.LastK("title_id", 3), "7d"),
        Feature("tv_7d", PLAYS, a.Count(), "7d", where=where("device", "==", "tv")),
        Feature("genres", PLAYS, a.Count(), "30d", by=Attribute("genres", lake_facts("titles"))),
        Feature("shown_2d", SHOWN, a.Count(), "2d"),
    ),
)
TITLES = "title_id,name,genres\nt0,A,Drama|Crime\nt1,B,Crime\nt2,C,\n"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home.create(tmp_path / "shop")
    path = tmp_path / "titles.csv"
    path.write_text(TITLES)
    run_import(home, "titles", path, clock=Clock("fixed", START))
    return home


def arrivals(n: int, seed: int) -> list[Arrival]:
    """Events in the order of arrival; some come late, some are of a type that no feature reads."""
    rng = random.Random(seed)
    out = []
    for i in range(n):
        seen_us = START + (NOW - START) * i // n
        at_us = max(START, seen_us - rng.choice([0, 0, 1_000, 5 * HOUR, 60 * HOUR]))
        head: dict[str, Any] = {"event_id": f"e{seed}-{i}", "member_id": f"m{rng.randrange(4)}", "at": 0}
        title = {"title_id": f"t{rng.randrange(4)}", "device": rng.choice([None, "tv", "phone"])}
        kind = rng.randrange(6)
        event: Play | Impression | Signal
        if kind < 3:
            event = Play(**head, **title, watch_s=rng.choice([None, 10, 2.5]))
        elif kind < 5:
            event = Impression(**head, **title)
        else:
            event = Signal(**head, **title, signal="thumb_up")
        out.append(Arrival(event.event_id, event.member_id, stored(event, at_us, seen_us, 10**15 + i)))
    return out


def of_batch(home: Home) -> dict[str, dict[str, Any]]:
    ids = [f"m{n}" for n in range(5)]
    labels = {"label_id": ids, "entity_id": ids, "at_us": [NOW] * 5}
    with spilling() as con:
        open_view(con, home, VIEW)
        done = backfill(con, VIEW, labels)
        cursor = con.execute(f"SELECT label_id, {', '.join(VIEW.names)} FROM {done.table}")
        return {row[0]: dict(zip(VIEW.names, row[1:], strict=True)) for row in cursor.fetchall()}


@pytest.mark.parametrize("seed", range(3))
def test_served_values_equal_those_of_a_batch(home: Home, seed: int) -> None:
    served = ServedFeatures(VIEW, read_facts(home, VIEW))
    sent = arrivals(400, seed)
    with closing(open_store(home, folds=[served])) as store:
        for start in range(0, len(sent), 9):
            group = sent[start : start + 9]
            with (home.log / f"1-{start // 180:04d}.ndjson").open("ab") as file:
                file.write(b"".join(one.line for one in group))
            store.take([*group, *group[:2]], None, NOW)
            if start % 90 == 0:
                store.maintain(NOW)
        compact(home)
        expected = of_batch(home)
        for member_id, values in expected.items():
            assert served.values(store, member_id, NOW) == values, member_id
        rebuild(home, store, NOW)
        for member_id, values in expected.items():
            assert served.values(store, member_id, NOW) == values, member_id


def test_an_acknowledged_event_counts_at_once_and_asking_stores_nobody(home: Home) -> None:
    served = ServedFeatures(VIEW, read_facts(home, VIEW))
    with closing(open_store(home, folds=[served])) as store:
        assert served.values(store, "m1", NOW)["plays_6h"] == 0
        line = stored(Play(event_id="e", member_id="m1", at=0, title_id="t0"), NOW - 5, NOW - 5, 1)
        store.take([Arrival("e", "m1", line)], None, NOW)
        found = served.values(store, "m1", NOW)
        assert (found["plays_6h"], found["last"], found["genres"]) == (1, ["t0"], {"Crime": 1, "Drama": 1})
        assert store.member_ids() == ["m1"]


def test_an_event_that_does_not_fit_is_left_out(home: Home) -> None:
    served = ServedFeatures(VIEW, read_facts(home, VIEW))
    bad = b'{"type":"play","member_id":"m1","event_id":"b","at_us":1,"seq":1,"watch_s":"long"}\n[]\n{\n'
    good = stored(Play(event_id="e", member_id="m1", at=0, title_id="t0"), NOW, NOW, 1)
    assert served.apply("m1", None, bad + good) == served.apply("m1", None, good)


def test_a_new_declaration_is_refused_until_it_was_rebuilt(home: Home) -> None:
    first, second = ServedFeatures(VIEW.only("plays_6h")), ServedFeatures(VIEW.only("plays_7d"))
    assert first.name != second.name
    with closing(open_store(home, folds=[first])) as store:
        store.take(arrivals(50, 1), None, NOW)
        store.maintain(NOW)
    with (
        closing(open_store(home, folds=[second])) as store,
        pytest.raises(StorageError, match="Run matinee rebuild-state"),
    ):
        second.values(store, "m1", NOW)


def test_other_features_are_refused_with_the_reason() -> None:
    own = sql_source("own", "SELECT 1", {"member_id": "text"})
    for source, why in (
        (own, "free-form SQL"),
        (lake_source("decisions"), "not a table of events of members"),
    ):
        view = FeatureView("v", "member", (Feature("f", source, a.Count(), "7d"),))
        assert why in servable(view)
        with pytest.raises(InputError, match="Compute them with backfill"):
            ServedFeatures(view)
