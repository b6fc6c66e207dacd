"""Models that learned from somebody who was erased, on both databases."""

from __future__ import annotations

from typing import Any

from matinee.types import DAY_US


def test_versions_that_learned_from_the_member_are_marked(story: Any) -> None:
    story.initiative("art")
    for day, version in enumerate(("v0", "v1", "v2")):
        story.model("art", version, day=day)
    retraining = story.registry.retraining
    first = retraining.mark(learned_after_us=1 * DAY_US, marked_us=9 * DAY_US)
    assert first == ["art/v1", "art/v2"]
    assert retraining.mark(learned_after_us=1 * DAY_US, marked_us=9 * DAY_US, already=first) == first
    assert [(r.version, r.members, r.since_us // DAY_US) for r in retraining.all("art")] == [
        ("v1", 1, 9),
        ("v2", 1, 9),
    ]
    assert retraining.mark(learned_after_us=2 * DAY_US, marked_us=11 * DAY_US) == ["art/v2"]
    assert {r.version: r.members for r in retraining.all()} == {"v1": 1, "v2": 2}
    assert retraining.all("other") == []


def test_training_again_takes_the_mark_away(story: Any) -> None:
    story.initiative("art")
    story.model("art", "v1", day=1)
    story.registry.retraining.mark(learned_after_us=0, marked_us=DAY_US)
    story.registry.retraining.trained_again("art", "v1")
    assert story.registry.retraining.all() == []
