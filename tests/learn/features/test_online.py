from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from made import DAY, FACT_ROWS, HOUR, PLAYS, START, TITLES

from matinee.errors import InputError
from matinee.learn.features import aggregates as a
from matinee.learn.features.declaration import Feature, FeatureView
from matinee.learn.features.online import OnlineEvaluator
from matinee.learn.features.sources import Attribute, sql_source

NOW = START + 100 * DAY + 5 * HOUR


def view(*said: tuple[a.Aggregate, str], **more: Any) -> FeatureView:
    return FeatureView(
        "v", "member", tuple(Feature(f"f{n}", PLAYS, x, w, **more) for n, (x, w) in enumerate(said))
    )


def play(seq: int, at_us: int, **more: Any) -> dict[str, Any]:
    return {"member_id": "m1", "at_us": at_us, "seq": seq, **more}


def test_an_unknown_entity_has_the_empty_values_and_is_not_stored() -> None:
    online = OnlineEvaluator(
        view((a.Count(), "7d"), (a.LastK("title_id", 2), "all"), (a.Mean("watch_s"), "1h"))
    )
    assert online.evaluate("nobody", NOW) == {"f0": 0, "f1": [], "f2": None}
    online.dump("nobody")
    assert len(online) == 0


def test_asking_changes_nothing() -> None:
    online = OnlineEvaluator(view((a.Count(), "7d"), (a.Distinct("title_id"), "all")))
    for n in range(50):
        online.update("plays", play(n, NOW - (50 - n) * 3 * HOUR, title_id=f"t{n % 7}"))
    before = online.dump("m1")
    first = online.evaluate("m1", NOW)
    assert online.evaluate("m1", NOW) == first == {"f0": 50, "f1": 7}
    assert online.dump("m1") == before


def test_memory_follows_the_tail_and_the_days_not_the_events() -> None:
    online = OnlineEvaluator(view((a.Count(), "7d"), (a.Sum("pieces"), "all")))
    for n in range(3_000):
        online.update("plays", play(n, START + n * HOUR, pieces=1))
    assert online.evaluate("m1", START + 3_000 * HOUR) == {"f0": 7 * 24, "f1": 3_000}
    assert len(online.dump("m1")) < 4_000


def test_a_late_event_goes_into_the_tile_of_its_day() -> None:
    online = OnlineEvaluator(view((a.Count(), "3d"), (a.Count(), "7d"), (a.LastK("title_id", 2), "7d")))
    online.update("plays", play(0, NOW - 5 * DAY, title_id="t0"))
    online.update("plays", play(1, NOW, title_id="t1"))
    online.update("plays", {**play(2, NOW - 4 * DAY, title_id="t2"), "seen_us": NOW + 1})
    assert online.evaluate("m1", NOW + 2) == {"f0": 1, "f1": 3, "f2": ["t1", "t2"]}


def test_a_clock_that_jumps_back_is_named() -> None:
    online = OnlineEvaluator(view((a.Count(), "7d")))
    online.update("plays", play(0, NOW - 5 * DAY))
    online.update("plays", play(1, NOW))
    with pytest.raises(InputError, match="before what was known when the last event arrived"):
        online.evaluate("m1", NOW - 2 * DAY)
    assert online.evaluate("m1", NOW - HOUR) == {"f0": 1}


def test_an_event_of_the_future_does_not_count_and_does_not_move_the_clock() -> None:
    online = OnlineEvaluator(view((a.Count(), "1h"), (a.Count(), "7d")))
    online.update("plays", play(0, NOW - 60))
    online.update("plays", {**play(1, NOW + 20 * HOUR), "seen_us": NOW})
    assert online.evaluate("m1", NOW + 1) == {"f0": 1, "f1": 1}
    assert online.evaluate("m1", NOW + 20 * HOUR + 1) == {"f0": 1, "f1": 2}


def test_state_moves_to_another_process() -> None:
    declared = view(
        (a.Distinct("device"), "30d"), (a.LastK("watch_s", 3), "all"), (a.DecayedSum("2d"), "30d")
    )
    declared = FeatureView("v", "member", (*declared.features, Feature(
        "g", PLAYS, a.Max("pieces"), "all", by=Attribute("genres", TITLES))))  # fmt: skip
    one, other = OnlineEvaluator(declared, FACT_ROWS), OnlineEvaluator(declared, FACT_ROWS)
    for n in range(40):
        one.update(
            "plays",
            play(
                n, START + n * 9 * HOUR, title_id=f"t{n % 3}", watch_s=n / 4, device="é" * (n % 3), pieces=n
            ),
        )
    other.load("m1", one.dump("m1"))
    now_us = START + 360 * HOUR
    assert other.evaluate("m1", now_us) == one.evaluate("m1", now_us)
    assert one.evaluate("m1", now_us)["g"] == {"Crime": 39, "Drama": 39}
    for n in range(40, 80):  # loaded states take in what follows, late events of folded days too
        late = START + n * 2 * HOUR
        event = play(n, late, title_id=f"t{n % 4}", watch_s=n / 4, device="tv", pieces=n) | {
            "seen_us": now_us
        }
        one.update("plays", event)
        other.update("plays", event)
    assert other.dump("m1") == one.dump("m1")
    assert one.drop("m1")
    assert not one.drop("m1")


def test_a_state_of_another_declaration_or_damaged_is_refused() -> None:
    one, other = OnlineEvaluator(view((a.Count(), "7d"))), OnlineEvaluator(view((a.Count(), "8d")))
    one.update("plays", play(0, NOW))
    with pytest.raises(InputError, match="made from the declaration"):
        other.load("m1", one.dump("m1"))
    format_, identity, clocks, jobs = msgspec.msgpack.decode(one.dump("m1"))
    torn = [[groups, latest, [99, *tail[1:]], *tiles] for groups, latest, tail, *tiles in jobs]
    wrong = [[format_, identity, clocks, torn], [format_, identity, clocks, [[]]], [format_, identity, [], 7]]
    for blob in (b"", b"\xc1", one.dump("m1")[:-3], *map(msgspec.msgpack.encode, wrong)):
        with pytest.raises(InputError, match="state of m1: it cannot be read"):
            one.load("m1", blob)


def test_batch_only_features_are_refused_by_name() -> None:
    custom = sql_source("sessions", "SELECT 1", {"member_id": "text"})
    declared = FeatureView("v", "member", (Feature("sessions_7d", custom, a.Count(), "7d"),))
    with pytest.raises(InputError, match="sessions_7d come from free-form SQL"):
        OnlineEvaluator(declared)


def test_facts_that_are_missing_are_named() -> None:
    with pytest.raises(InputError, match='unknown table of facts "titles"'):
        OnlineEvaluator(view((a.Count(), "7d"), by=Attribute("genres", TITLES)))


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({"seq": 1, "member_id": "m1"}, "at_us is missing"),
        ({"at_us": 1, "member_id": "m1"}, "seq is missing"),
        ({"at_us": 1, "seq": 1}, "member_id is missing"),
        ({"at_us": 1.5, "seq": 1, "member_id": "m1"}, "at_us is 1.5, expected int"),
        (play(1, NOW, watch_s="long"), "watch_s is 'long', expected float"),
        (play(1, NOW, watch_s=float("nan")), "watch_s is nan, expected float"),
        (play(1, NOW, pieces=2**63), "pieces is 9223372036854775808, expected int"),
        (play(1, NOW, pieces=True), "pieces is True, expected int"),
    ],
)
def test_wrong_events_are_named_and_change_nothing(event: dict[str, Any], said: str) -> None:
    online = OnlineEvaluator(view((a.Sum("watch_s"), "7d"), (a.Sum("pieces"), "7d")))
    with pytest.raises(InputError, match=said):
        online.update("plays", event)
    assert len(online) == 0


def test_events_of_other_tables_are_ignored() -> None:
    online = OnlineEvaluator(view((a.Count(), "7d")))
    online.update("searches", {"query": "x"})
    assert len(online) == 0


def test_sums_of_integers_are_exact_or_refused() -> None:
    online = OnlineEvaluator(view((a.Sum("pieces"), "all"), (a.Sum("pieces"), "1h")))
    for n in range(3):
        online.update("plays", play(n, NOW + n, pieces=2**61 + 1))
    assert online.evaluate("m1", NOW + 9) == {"f0": 3 * (2**61 + 1), "f1": 3 * (2**61 + 1)}
    online.update("plays", play(3, NOW + 3, pieces=2**61))
    with pytest.raises(
        InputError, match="sum of pieces: it is 9223372036854775811, expected an integer of 64"
    ):
        online.evaluate("m1", NOW + 9)
