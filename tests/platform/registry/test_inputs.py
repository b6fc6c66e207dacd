from __future__ import annotations

from typing import Any

import msgspec
import pytest

from matinee.errors import InputError, NotFoundError
from matinee.platform.registry.inputs import SourceRow


def test_the_same_twice_is_stored_once(story: Any) -> None:
    inputs = story.registry.inputs
    for _ in range(2):
        story.source("plays")
        story.feature("n", "1", "plays")
        story.dataset("d1", "plays", n="1")
    assert [row.name for row in inputs.sources()] == ["plays"]
    assert [(row.name, row.version) for row in inputs.features()] == [("n", "1")]
    assert inputs.dataset("d1").features == {"n": "1"}
    with story.registry.database.reading() as con:
        assert con.exec_driver_sql("SELECT COUNT(*) FROM edge").scalar() == 5
    later = msgspec.structs.replace(inputs.sources()[0], registered_us=77)
    inputs.register_source(later)
    assert inputs.sources()[0].registered_us == 0


def test_two_versions_with_one_name_are_refused(story: Any) -> None:
    inputs = story.registry.inputs
    story.source("plays")
    story.feature("n", "1", "plays")
    story.dataset("d1", "plays")
    with pytest.raises(InputError) as told:
        inputs.register_source(
            SourceRow(name="plays", kind="sql", query="SELECT 1", owner="data", registered_us=0)
        )
    assert str(told.value) == (
        'source plays: kind is "sql", expected "table", as registered before. Two versions cannot have one '
        "name: give the new one another."
    )
    other = msgspec.structs.replace(inputs.features("n")[0], declaration={"mean": "n"})
    with pytest.raises(InputError, match=r"feature n/1: declaration is .*'mean'.*expected .*'sum'"):
        inputs.register_feature(other)
    bigger = msgspec.structs.replace(inputs.dataset("d1"), n_rows=4)
    with pytest.raises(InputError, match="dataset d1: n_rows is 4, expected 3, as registered before"):
        inputs.register_dataset(bigger)


def test_versions_of_a_feature_stand_side_by_side(story: Any) -> None:
    story.source("plays")
    story.feature("n", "1", "plays")
    story.feature("n", "2", "plays")
    assert [row.version for row in story.registry.inputs.features("n")] == ["1", "2"]


def test_what_an_input_needs_must_be_registered(story: Any) -> None:
    story.source("plays")
    story.feature("n", "1", "plays")
    with pytest.raises(NotFoundError, match=r'feature m: unknown source "pays". Did you mean "plays"'):
        story.feature("m", "1", "pays")
    with pytest.raises(
        NotFoundError, match=r'dataset d: unknown feature "nn". Did you mean "n"|unknown feature'
    ):
        story.dataset("d", nn="1")
    with pytest.raises(NotFoundError, match='dataset d, feature n: unknown version "2"'):
        story.dataset("d", n="2")
    with pytest.raises(NotFoundError, match=r'unknown dataset "d". None is registered yet'):
        story.registry.inputs.dataset("d")
    with pytest.raises(NotFoundError, match='unknown feature "m"'):
        story.registry.inputs.features("m")
    with pytest.raises(InputError, match='source x: unknown kind "view"'):
        story.registry.inputs.register_source(SourceRow(name="x", kind="view", owner="data", registered_us=0))
