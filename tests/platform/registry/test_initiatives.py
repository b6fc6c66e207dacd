from __future__ import annotations

from typing import Any

import msgspec
import pytest

from matinee.errors import InputError, NotFoundError
from matinee.platform.registry.edges import initiative_node
from matinee.types import DAY_US


def test_the_most_important_come_first(story: Any) -> None:
    story.initiative("b", tier=3)
    story.initiative("c", tier=1)
    story.initiative("a", tier=3)
    assert [row.name for row in story.registry.initiatives.all()] == ["c", "a", "b"]


def test_a_changed_declaration_keeps_when_it_was_first_registered(story: Any) -> None:
    story.initiative("art", day=1)
    story.initiative("art", day=5, tier=1, owner="ben")
    row = story.registry.initiatives.read("art")
    assert (row.tier, row.owner) == (1, "ben")
    assert (row.registered_us, row.changed_us) == (DAY_US, 5 * DAY_US)


def test_what_is_no_longer_declared_is_ended_and_stays_in_the_history(story: Any) -> None:
    story.source("plays")
    story.source("prices")
    story.feature("n", "1", "plays")
    story.initiative("art", day=1, sources=["plays"], features=[("n", "1")])
    story.initiative("art", day=5, sources=["prices"])
    story.initiative("art", day=9, sources=["prices", "plays"])
    upstream = story.registry.lineage.upstream
    me = initiative_node("art")
    assert sorted(upstream(me, on_us=2 * DAY_US).of("source")) == ["plays"]
    assert upstream(me, on_us=2 * DAY_US).of("feature") == ["n@1"]
    assert upstream(me, on_us=6 * DAY_US).of("source") == ["prices"]
    assert upstream(me, on_us=6 * DAY_US).of("feature") == []
    assert sorted(upstream(me).of("source")) == ["plays", "prices"]


def test_a_clock_that_stands_still_does_not_lose_an_input(story: Any) -> None:
    story.source("plays")
    for reads in (["plays"], [], ["plays"]):
        story.initiative("art", day=3, sources=reads)
    me = initiative_node("art")
    assert story.registry.lineage.upstream(me).of("source") == ["plays"]
    story.initiative("art", day=2, sources=["plays"])
    assert story.registry.lineage.upstream(me, on_us=3 * DAY_US).of("source") == ["plays"]


def test_wrong_fields_are_told(story: Any) -> None:
    story.initiative("art")
    row = story.registry.initiatives.read("art")
    with pytest.raises(InputError, match=r"initiative art: tier is 5, expected 1 to 4"):
        story.registry.initiatives.register(msgspec.structs.replace(row, tier=5))
    with pytest.raises(InputError, match=r'unknown kind "decide". Did you mean "decides"'):
        story.registry.initiatives.register(msgspec.structs.replace(row, kind="decide"))


def test_unknown_inputs_and_initiatives_are_told_and_nothing_is_stored(story: Any) -> None:
    with pytest.raises(NotFoundError, match=r'registry: unknown initiative "art". None is registered yet'):
        story.registry.initiatives.read("art")
    story.source("plays")
    story.feature("n_plays", "1", "plays")
    with pytest.raises(NotFoundError, match=r'unknown source "play". Did you mean "plays"'):
        story.initiative("art", sources=["play"])
    with pytest.raises(
        NotFoundError, match=r'initiative art: unknown feature "n_play". Did you mean "n_plays"'
    ):
        story.initiative("art", sources=["plays"], features=[("n_play", "1")])
    with pytest.raises(NotFoundError, match=r'feature n_plays: unknown version "2". Known: 1'):
        story.initiative("art", features=[("n_plays", "2")])
    assert story.registry.initiatives.all() == []
    for name in [f"i{number}" for number in range(25)]:
        story.initiative(name)
    with pytest.raises(NotFoundError, match=r'Did you mean "i2"\? 25 are known, such as i0, i1, i10'):
        story.registry.initiatives.read("i2x")
