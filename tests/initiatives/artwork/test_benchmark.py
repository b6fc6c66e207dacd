"""A small run of the benchmark of images: its bounds on a stream of a quarter of the length."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind", ["realistic", "strong"])
def test_ours_captures_more_than_single_images_and_titles_alone(kind):
    from artwork_policies import BestSingle, Ours, PerTitleThompson, play
    from artwork_stream import make

    stream = make(kind, 300_000, 50)
    share = {}
    for policy in (BestSingle(), PerTitleThompson(), Ours(stream)):
        ours, best, _ = play(policy, stream, 60)
        share[type(policy).__name__] = float(ours.sum() / best.sum())
    assert share["Ours"] > 1.1 * max(share["BestSingle"], share["PerTitleThompson"])


def test_where_images_are_alike_none_loses_half_and_none_wins():
    from artwork import under_none

    found = under_none(6, 60_000, None, 0)
    assert found["winners"] <= 1 / 6
    assert found["least_share"] >= 0.5


def test_choosing_costs_at_most_three_times_the_arithmetic():
    from artwork import cost

    assert min(cost(500)["ratio"] for _ in range(3)) <= 3.0
