from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from matinee.errors import InputError
from matinee.learn.features.aggregates import Count, DecayedSum, Distinct, LastK, Max, Ratio, Sum
from matinee.learn.features.declaration import Feature, FeatureView
from matinee.learn.features.predicates import any_of, is_null, not_, where
from matinee.learn.features.sources import Attribute, Facts, Source, lake_facts, lake_source, sql_source

PLAYS = lake_source("plays")
TITLES = lake_facts("titles")


def view(*features: Feature, **more: Any) -> FeatureView:
    return FeatureView("taste", "member", features, **more)


def plays(window: str = "7d", **more: Any) -> Feature:
    return Feature("plays", PLAYS, Count(), window, **more)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: plays("0d"), 'window is not "all"; it is "0d", expected a whole number above 0'),
        (lambda: plays("7 days"), '"7 days"'),
        (lambda: plays("999999999w"), "at most a hundred years"),
        (lambda: Feature("f", PLAYS, Sum("title_id"), "7d"), "Sum of title_id, which is text, expected int"),
        (
            lambda: Feature("f", PLAYS, Sum("watchs"), "7d"),
            'unknown column "watchs". Did you mean "watch_s"?',
        ),
        (lambda: Feature("f", PLAYS, Distinct("watch_s"), "7d"), "Distinct of watch_s, which is float"),
        (lambda: Feature("f", PLAYS, Max("device"), "7d"), "Max of device, which is text"),
        (lambda: plays(where=where("device", "==", 3)), "compares device, which is text, with 3"),
        (lambda: plays(where=where("watch_s", ">", True)), "compares watch_s, which is float, with True"),
        (lambda: plays(where=any_of(where("colour", "==", "x"))), 'unknown column "colour"'),
        (lambda: plays(by=Attribute("watch_s")), "group of watch_s, which is float, expected text or int"),
        (lambda: plays(by=Attribute("genre")), 'unknown column "genre"'),
        (lambda: Attribute("runtime_s", TITLES), "Attribute 'runtime_s' of titles"),
        (
            lambda: Feature(
                "f",
                lake_source("searches", "title_id"),
                Count(),
                "7d",
                by=Attribute(
                    "genres", Facts("x", "decision_id", {"decision_id": "text", "genres": "text[]"})
                ),
            ),
            'unknown column "decision_id"',
        ),
        (lambda: Feature("a b", PLAYS, Count(), "7d"), "name is 'a b'"),
        (lambda: Feature("at_us", PLAYS, Count(), "7d"), "which labels use themselves"),
        (lambda: Feature("f", PLAYS, "count", "7d"), "aggregate is 'count'"),  # type: ignore[arg-type]
        (lambda: LastK("title_id", 0), "k is 0, expected a whole number from 1 to 10,000"),
        (lambda: Ratio(value="watch_s"), "it would always be 1"),
        (lambda: Ratio(over="watch_s"), "neither part nor both"),
        (lambda: DecayedSum("0h"), 'half_life is "0h"'),
        (lambda: where("a", "~", 1), 'unknown operator "~"'),
        (lambda: where("a", "in", ()), "expected at least one value"),
        (lambda: where("a", "==", (1, 2)), 'Use "in" for several'),
        (lambda: where("a", "==", float("nan")), "expected a finite number"),
        (lambda: where("a", "==", None), "For a missing value use is_null"),  # type: ignore[arg-type]
        (any_of, "no condition was given"),
        (lambda: lake_source("play"), 'unknown table of events "play". Did you mean "plays"?'),
        (lambda: lake_facts("title"), 'unknown table of facts "title"'),
        (lambda: Source("x", {"a": "text"}), "entity is 'member_id'"),
        (lambda: Source("x", {"a": "string"}, "a"), 'unknown type "string"'),
        (lambda: Source("x", {"a;": "text"}, "a;"), "column is 'a;'"),
        (lambda: sql_source("x", " ", {"member_id": "text"}), "sql is empty"),
        (view, "it has no features"),
        (lambda: view(plays(), tail="0h"), 'tail is "0h"'),
        (lambda: view(plays(), version=0), "version is 0"),
        (lambda: view(plays(), plays()), "plays is there twice"),
        (lambda: view(plays()).only("play"), 'unknown feature "play". Did you mean "plays"?'),
    ],
)
def test_nonsense_is_refused_by_name(make: Callable[[], object], said: str) -> None:
    with pytest.raises(InputError) as error:
        make()
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: plays(7), 'Feature plays: window is not "all"; it is 7, expected a whole number above 0'),
        (lambda: plays(float("nan")), "it is nan, expected"),
        (lambda: plays("-7d"), 'it is "-7d", expected'),
        (lambda: Feature(7, PLAYS, Count(), "7d"), "Feature: name is 7, expected letters"),
        (lambda: Feature("f", "plays", Count(), "7d"), "source is 'plays', expected a Source."),
        (lambda: Feature("f", PLAYS, Count, "7d"), "aggregate is the class Count itself, expected"),
        (lambda: Feature("f", PLAYS, Sum(7), "7d"), "column of Sum is 7, expected the name"),
        (lambda: Feature("f", PLAYS, Sum(["watch_s"]), "7d"), "column of Sum is ['watch_s']"),
        (lambda: Feature("f", PLAYS, DecayedSum("7d", 7), "7d"), "column of DecayedSum is 7"),
        (lambda: plays(where="device = 'tv'"), "where is \"device = 'tv'\", expected a condition."),
        (lambda: plays(by="device"), "by is 'device', expected an Attribute."),
        (lambda: plays(by=TITLES), "by is a Facts, expected an Attribute."),
        (lambda: LastK("title_id", "5"), "k is '5', expected a whole number"),
        (lambda: LastK("title_id", 2.5), "k is 2.5, expected a whole number"),
        (lambda: LastK("title_id", True), "k is True, expected a whole number"),
        (lambda: DecayedSum(7), "half_life is 7, expected"),
        (lambda: Ratio(part="x"), "part is 'x', expected a condition."),
        (lambda: view("a"), "FeatureView taste: feature 1 is 'a', expected a Feature."),
        (lambda: FeatureView("v", "member", plays()), "features is a Feature, expected a tuple of Feature."),
        (lambda: FeatureView("v", "member", None), "features is None, expected a tuple"),
        (lambda: FeatureView("v", 7, (plays(),)), "entity is 7, expected a text."),
        (lambda: view(plays(), version="1"), "version is '1', expected a whole number"),
        (lambda: view(plays(), version=True), "version is True, expected a whole number"),
        (lambda: view(plays(), tail=48), "tail is 48, expected"),
        (lambda: view(plays()).only(7), "unknown feature 7."),
        (lambda: where(7, "==", 1), "where: column is 7, expected the name"),
        (lambda: where("a", 7, 1), "unknown operator 7."),
        (lambda: any_of("a"), "any_of: part 1 is 'a', expected a condition."),
        (lambda: not_("a"), "not_: its part is 'a', expected a condition."),
        (lambda: is_null(7), "is_null: column is 7, expected the name"),
        (lambda: Attribute(7), "Attribute: column is 7, expected the name"),
        (lambda: Attribute("genres", "titles"), "facts is 'titles', expected a Facts."),
        (lambda: Source(7, {"a": "text"}), "Source: table is 7, expected letters"),
        (lambda: Source("x", ["member_id"]), "columns is ['member_id'], expected types by column"),
        (lambda: Source("x", {"a": str}), "unknown type <class 'str'>."),
        (lambda: Source("x", {"a": "text"}, ["a"]), "entity is ['a'], expected the name"),
        (lambda: sql_source("x", 7, {"member_id": "text"}), "sql is 7, expected a SELECT"),
        (lambda: Facts("x", 7, {"a": "text"}), "key is 7, expected the name"),
        (lambda: lake_source(7), "unknown table of events 7."),
        (lambda: lake_facts([]), "unknown table of facts []."),
    ],
)
def test_another_kind_of_object_is_named_where_it_is_given(make: Callable[[], object], said: str) -> None:
    with pytest.raises(InputError) as error:
        make()
    assert said in str(error.value)


def test_two_versions_with_one_name_are_refused_with_both() -> None:
    one, other = plays("7d"), plays("8d")
    with pytest.raises(InputError, match="two versions of plays") as error:
        view(one, other)
    assert one.identity("48h") in str(error.value)
    assert other.identity("48h") in str(error.value)


def test_one_table_declared_in_two_ways_is_refused() -> None:
    other = Source("plays", {"member_id": "text", "watch_s": "int"})
    with pytest.raises(InputError, match="declares the source plays differently"):
        view(plays(), Feature("f", other, Sum("watch_s"), "7d"))


def test_an_identity_is_of_what_is_computed_not_of_names() -> None:
    known = Feature(
        "a", PLAYS, LastK("title_id", 5), "90d", where("device", "==", "tv"), Attribute("genres", TITLES)
    )
    renamed = Feature(
        "b", PLAYS, LastK("title_id", 5), "90d", where("device", "==", "tv"), Attribute("genres", TITLES)
    )
    assert known.identity("48h") == renamed.identity("48h") == known.identity("24h")
    changed = [
        Feature("a", PLAYS, LastK("title_id", 6), "90d", known.where, known.by),
        Feature("a", PLAYS, LastK("device", 5), "90d", known.where, known.by),
        Feature("a", PLAYS, LastK("title_id", 5), "91d", known.where, known.by),
        Feature("a", PLAYS, LastK("title_id", 5), "90d", where("device", "!=", "tv"), known.by),
        Feature("a", PLAYS, LastK("title_id", 5), "90d", known.where, Attribute("countries", TITLES)),
        Feature("a", PLAYS, LastK("title_id", 5), "90d", known.where),
        Feature("a", lake_source("impressions"), LastK("title_id", 5), "90d", where("device", "==", "tv")),
    ]
    identities = {feature.identity("48h") for feature in [known, *changed]}
    assert len(identities) == len(changed) + 1


def test_an_identity_stays_the_same_between_releases() -> None:
    """Registered features are known by it; if this fails, MEANING or the declaration changed."""
    assert plays().identity("48h") == "000f837a4fff2a85"


def test_the_tail_counts_where_it_decides_the_start_of_a_window() -> None:
    assert plays("3d").identity("48h") != plays("3d").identity("1w")
    assert plays("1h").identity("48h") == plays("1h").identity("1w")
    assert view(plays("1h")).identity != view(plays("1h"), tail="1w").identity


def test_features_of_free_sql_are_marked() -> None:
    custom = sql_source("sessions", "SELECT 1", {"member_id": "text"})
    both = view(plays(), Feature("sessions_7d", custom, Count(), "7d"))
    assert both.batch_only == ("sessions_7d",)
    assert both.only("plays").batch_only == ()
