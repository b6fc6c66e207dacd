from __future__ import annotations

import re
from typing import Any

import pytest

from matinee.errors import InputError, NotFoundError
from matinee.platform.registry.edges import (
    Node,
    dataset_node,
    feature_node,
    initiative_node,
    link,
    model_node,
    owner_node,
    release_node,
    source_node,
)
from matinee.prove.experiment.definition import Arm, Experiment
from matinee.types import DAY_US


@pytest.fixture
def two(story: Any) -> Any:
    """Two initiatives.

    plays -> n@1 -> d1 -> r1 -> art/v1 -> release
    plays -> n@2 -> d2 -> art/v2 (never released), pay/v1 -> release; prices -> d2
    """
    with story.registry.transaction():
        story.source("plays")
        story.source("prices")
        story.feature("n", "1", "plays")
        story.feature("n", "2", "plays")
        story.dataset("d1", n="1")
        story.dataset("d2", "prices", n="2")
        story.initiative("art", owner="ana")
        story.initiative("pay", owner="ben", sources=["prices"])
        story.run("r1", "art", "d1")
        story.model("art", "v1", run_id="r1")
        story.model("art", "v2", "d2")
        story.model("pay", "v1", "d2")
        story.release("art", "v1", 1)
        story.release("pay", "v1", 1)
    return story


def test_what_feeds_an_initiative_nearest_first(two: Any) -> None:
    graph = two.registry.lineage.upstream(initiative_node("art"))
    number = two.registry.releases.current("art").id
    assert [str(node) for node in graph.nodes] == [
        f"release {number}", "model art/v1", "run r1", "dataset d1", "feature n@1", "source plays",
    ]  # fmt: skip
    assert [(str(one.start), one.relation) for one in graph.edges if one.end == model_node("art", "v1")] == [
        ("run r1", "made")
    ]
    assert len(graph.edges) == 6


def test_what_feeds_a_model_a_release_a_feature(two: Any) -> None:
    lineage = two.registry.lineage
    assert lineage.upstream(model_node("pay", "v1")).of("source") == ["prices", "plays"]
    released = two.registry.releases.current("pay")
    assert lineage.upstream(release_node(released.id)).of("model") == ["pay/v1"]
    assert [str(node) for node in lineage.upstream(feature_node("n", "2")).nodes] == ["source plays"]
    assert lineage.upstream(source_node("plays")).nodes == []


def test_who_uses_a_feature(two: Any) -> None:
    lineage = two.registry.lineage
    old = lineage.users_of_feature("n", "1")
    assert (old.features, old.datasets, old.models, old.initiatives) == (["n@1"], ["d1"], ["art/v1"], ["art"])
    new = lineage.users_of_feature("n", "2")
    assert (new.models, new.initiatives) == (["art/v2", "pay/v1"], ["pay"])
    both = lineage.users_of_feature("n")
    assert sorted(both.models) == ["art/v1", "art/v2", "pay/v1"]
    assert both.initiatives == ["art", "pay"]


def test_what_breaks_if_a_source_stops(two: Any) -> None:
    tried = Experiment(
        name="x-1", initiative="art", owner="ana", hypothesis="If we, then they.", primary="plays",
        arms=(Arm("a", 0.5, "v1"), Arm("b", 0.5, "v2")), salt="s",
    )  # fmt: skip
    two.registry.experiments.start(tried, digest="d", started_us=0)
    hit = two.registry.lineage.breaks_if_stops("prices")
    assert hit.features == []
    assert hit.datasets == ["d2"]
    assert hit.models == ["art/v2", "pay/v1"]
    assert hit.releases == [two.registry.releases.current("pay").id]
    assert hit.experiments == ["x-1"]
    assert hit.initiatives == ["pay"]
    all_of_it = two.registry.lineage.breaks_if_stops("plays")
    assert sorted(all_of_it.features) == ["n@1", "n@2"]
    assert all_of_it.initiatives == ["art", "pay"]
    assert len(all_of_it.releases) == 2


def test_owners_are_in_the_graph_and_do_not_carry_data(two: Any) -> None:
    reached = two.registry.lineage.downstream(source_node("plays")).nodes
    assert not [node for node in reached if node.kind == "owner"]
    owned = two.registry.lineage.owned_by
    assert [str(node) for node in owned("ben")] == ["initiative pay"]
    assert [str(node) for node in owned("ana")] == ["feature n@1", "feature n@2", "initiative art"]
    two.initiative("pay", owner="cleo", day=2)
    with pytest.raises(NotFoundError, match=r'unknown owner "ben"\. Known: ana, cleo, data'):
        owned("ben")


def test_a_cycle_and_a_diamond_end(story: Any) -> None:
    story.source("plays")
    story.dataset("d", "plays")
    story.initiative("art")
    story.run("r", "art", "d")
    story.model("art", "v", "d", run_id="r")
    with story.registry.database.transaction() as con:
        con.exec_driver_sql(
            "INSERT INTO edge VALUES ('model', 'art/v', 'dataset', 'd', 'used by', 0, NULL)"
        )  # no way of ours leads to it; a hand in the database may
    graph = story.registry.lineage.downstream(dataset_node("d"))
    assert graph.of("model") == ["art/v"]
    assert graph.of("run") == ["r"]
    assert len(graph.edges) == 4


def test_deep_and_wide_graphs(story: Any) -> None:
    with story.registry.transaction():
        story.source("plays")
        for number in range(15):
            story.feature("n", str(number), "plays")
            story.dataset(f"d{number}", n=str(number))
        story.initiative("art")
        for number in range(15):
            story.model("art", f"v{number}", *(f"d{other}" for other in range(number + 1)))
    hit = story.registry.lineage.breaks_if_stops("plays")
    assert (len(hit.features), len(hit.datasets), len(hit.models)) == (15, 15, 15)
    assert len(story.registry.lineage.upstream(model_node("art", "v14")).edges) == 45


def test_only_agreed_pairs_are_linked(story: Any) -> None:
    with (
        pytest.raises(
            InputError, match="edge: model a/b leads to source s, expected one of: dataset to model"
        ),
        story.registry.database.transaction() as con,
    ):
        link(con, model_node("a", "b"), source_node("s"), since_us=0)


UNKNOWN = [
    (source_node("plas"), 'unknown source "plas". Did you mean "plays"'),
    (feature_node("nn", "1"), 'unknown feature "nn"'),
    (feature_node("n", "9"), 'feature n: unknown version "9"'),
    (dataset_node("d9"), 'unknown dataset "d9". Known: d1, d2'),
    (Node(kind="run", id="r9"), 'unknown run "r9"'),
    (model_node("art", "v9"), 'art: unknown model version "v9"'),
    (model_node("arts", "v1"), 'unknown initiative "arts". Did you mean "art"'),
    (release_node(99), 'unknown release "99"'),
    (initiative_node("arts"), 'unknown initiative "arts"'),
    (Node(kind="experiment", id="x"), 'unknown experiment "x". None is registered yet'),
]


def test_unknown_nodes_are_told(two: Any) -> None:
    for node, text in UNKNOWN:
        with pytest.raises(NotFoundError, match=re.escape(text)):
            two.registry.lineage.upstream(node)


def test_other_unknowns_are_told(two: Any) -> None:
    lineage = two.registry.lineage
    with pytest.raises(InputError, match='kind is "owner", expected source, feature'):
        lineage.upstream(owner_node("ana"))
    with pytest.raises(NotFoundError, match=r'unknown source "price". Did you mean "prices"'):
        lineage.breaks_if_stops("price")
    with pytest.raises(NotFoundError, match='unknown feature "m"'):
        lineage.users_of_feature("m")
    with pytest.raises(NotFoundError, match='feature n: unknown version "3"'):
        lineage.users_of_feature("n", "3")
    assert lineage.breaks_if_stops("plays", on_us=-DAY_US).initiatives == []
