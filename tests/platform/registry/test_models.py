from __future__ import annotations

from typing import Any

import msgspec
import pytest

from matinee.errors import InputError, NotFoundError
from matinee.platform.registry.edges import model_node
from matinee.platform.registry.models import EvaluationRow

JUDGED = EvaluationRow(
    initiative="art", code="c1", data="home", at_us=1, metric="ndcg", value=0.3, low=0.2, high=0.4,
    baseline="popular", lift=0.1, lift_low=0.05, lift_high=0.15, figures={"n": 10}, registered_us=2,
)  # fmt: skip


def test_a_version_knows_what_made_it(story: Any) -> None:
    story.source("plays")
    story.dataset("d1", "plays")
    story.initiative("art")
    story.run("r1", "art", "d1")
    row = story.model("art", "v1", run_id="r1")
    story.model("art", "v1", run_id="r1")
    assert story.registry.models.read("art", "v1") == row
    graph = story.registry.lineage.upstream(model_node("art", "v1"))
    assert [str(node) for node in graph.nodes] == ["run r1", "dataset d1", "source plays"]


def test_two_initiatives_may_name_a_version_alike(story: Any) -> None:
    for name in ("art", "pay"):
        story.initiative(name)
        story.model(name, "v1")
    assert [(row.initiative, row.version) for row in story.registry.models.versions("pay")] == [("pay", "v1")]
    assert len(story.registry.models.versions()) == 2


def test_other_files_under_one_version_are_refused(story: Any) -> None:
    story.initiative("art")
    row = story.model("art", "v1")
    with pytest.raises(
        InputError, match=r"model art/v1: files is {'model.txt': 'xx'}, expected {'model.txt': 'v1'}"
    ):
        story.registry.models.register(msgspec.structs.replace(row, files={"model.txt": "xx"}))
    with pytest.raises(InputError, match="model art/v1: at_us is 5, expected 0"):
        story.registry.models.register(msgspec.structs.replace(row, at_us=5))


def test_unknown_names_are_told(story: Any) -> None:
    models = story.registry.models
    with pytest.raises(NotFoundError, match='unknown initiative "art"'):
        story.model("art", "v1")
    story.initiative("art")
    with pytest.raises(NotFoundError, match='model art/v1: unknown run "r9"'):
        story.model("art", "v1", run_id="r9")
    with pytest.raises(NotFoundError, match='model art/v1: unknown dataset "d9"'):
        story.model("art", "v1", "d9")
    assert models.versions() == []
    story.model("art", "version1")
    with pytest.raises(
        NotFoundError, match=r'art: unknown model version "version2". Did you mean "version1"'
    ):
        models.read("art", "version2")


def test_evaluations_are_found_by_code_and_the_latest_comes_first(story: Any) -> None:
    models = story.registry.models
    story.initiative("art")
    story.run("r1", "art")
    story.model("art", "v1")
    first = models.evaluated(JUDGED)
    second = models.evaluated(
        msgspec.structs.replace(JUDGED, code="c2", run_id="r1", version="v1", lift=None)
    )
    assert second > first
    assert [row.id for row in models.evaluations("art")] == [second, first]
    assert models.evaluations("art", code="c1") == [msgspec.structs.replace(JUDGED, id=first)]
    assert models.evaluations("art", code="c3") == []
    with pytest.raises(InputError, match="evaluation of art: ndcg is nan, expected a number"):
        models.evaluated(msgspec.structs.replace(JUDGED, value=float("nan")))
    unknown = models.evaluated(msgspec.structs.replace(JUDGED, low=float("nan"), high=float("inf")))
    assert models.evaluations("art")[0] == msgspec.structs.replace(JUDGED, id=unknown, low=None, high=None)
    with pytest.raises(NotFoundError, match='evaluation of art: unknown model version "v2"'):
        models.evaluated(msgspec.structs.replace(JUDGED, version="v2"))
    with pytest.raises(NotFoundError, match='unknown run "r2"'):
        models.evaluated(msgspec.structs.replace(JUDGED, run_id="r2"))
