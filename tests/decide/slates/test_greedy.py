"""The kernel that page and slates share: spread against what was placed, by plain arithmetic."""

from __future__ import annotations

import numpy as np
import pytest

from matinee.decide.slates.greedy import TagMix, Wish, add_to_mix, greedy_slate, likeness
from matinee.observe.catalogue.catalogue import Tags


def mix_of(tags: Tags, *placed: tuple[int, float]) -> TagMix:
    nothing = np.zeros(len(tags.names))
    mix = TagMix(tags.indptr, tags.tag, nothing, nothing.copy(), nothing.copy(), 0.01)
    for title, weight in placed:
        add_to_mix(mix, title, weight)
    return mix


def choose(tags: Tags, quality: list[float], mix: TagMix, k: int, spread: float) -> list[int]:
    n = len(quality)
    found = greedy_slate(
        np.arange(n, dtype=np.int32), np.log(np.array(quality)), np.zeros(0, np.int32), k, 0,
        np.zeros((n, 1), np.float32), Wish(0.0, 0.0, spread), mix, np.ones(k),
    )  # fmt: skip
    return list(found)


def test_likeness_is_the_mean_cosine_with_what_was_placed() -> None:
    tags = Tags.from_lists([["a", "b"], ["a"], ["c"], []])
    unit = tags.dense() / np.sqrt(np.maximum(tags.dense().sum(1, keepdims=True), 1))
    mix = mix_of(tags, (0, 1.0), (1, 0.5), (2, 0.5))
    for title in (0, 1, 2):
        want = (unit[[0, 1, 2]] @ unit[title] * [1.0, 0.5, 0.5]).sum() / 2
        assert likeness(mix, title, 2.0, 0.3) == pytest.approx(want)
    assert likeness(mix, 3, 2.0, 0.3) == 0.3  # without tags: neither like nor unlike
    assert mix.mass.tolist() == [1.0, 0.5, 0.5]


def test_spread_prefers_the_kind_of_title_that_the_page_lacks() -> None:
    tags = Tags.from_lists([["a"]] * 4 + [["b"]] * 4)
    quality = [0.4, 0.39, 0.38, 0.37, 0.3, 0.29, 0.28, 0.27]
    assert choose(tags, quality, mix_of(tags), 4, 0.0) == [0, 1, 2, 3]
    assert choose(tags, quality, mix_of(tags), 4, 2.0) == [0, 4, 1, 5]
    assert choose(tags, quality, mix_of(tags, (0, 3.0)), 2, 2.0) == [4, 5]


def test_a_title_without_tags_is_not_preferred_for_being_unlike() -> None:
    tags = Tags.from_lists([["a"], ["b"], ["a"], []])
    mix = mix_of(tags, (0, 1.0), (1, 1.0))
    assert choose(tags, [0.1, 0.1, 0.5, 0.45], mix, 1, 3.0) == [2]
