from __future__ import annotations

import numpy as np

from matinee.initiatives.artwork.report import lifts_of, segment_lifts


def log(lift, n=60_000, seed=0):
    rng = np.random.default_rng(seed)
    title = np.repeat(np.arange(40), 4)
    image = rng.integers(0, 160, n)
    plays = (rng.random(n) < 0.1 * (1 + lift[image])).astype(float)
    return lifts_of(
        image, plays, np.full(n, 0.25), np.full(n, 4), title,
        ids=[f"i{i}" for i in range(160)], title_ids=[f"t{t}" for t in range(40)],
    )  # fmt: skip


def test_no_winner_where_there_is_none():
    assert sum(bool(log(np.zeros(160), seed=seed).winners) for seed in range(40)) <= 4


def test_a_real_winner_is_found_and_its_lift_is_shrunk():
    lift = np.zeros(160)
    lift[5] = 1.5
    found = log(lift)
    assert found.winners == ["i5"]
    best = found.images[0]
    assert best.artwork_id == "i5"
    assert best.low <= best.lift < best.naive
    assert best.verdict == "better"


def test_below_its_error_no_verdict_is_given():
    found = log(np.zeros(160), n=20_000)
    assert all(one.verdict == "refused" for one in found.images if abs(one.lift) < 0.01)
    assert {one.verdict for one in found.images} >= {"refused"}
    assert found.noise_of_winners > 0.5


def test_part_of_a_naive_winners_lift_is_noise():
    """Shrunken lifts of each title's best are right on average, naive ones are not."""
    rng = np.random.default_rng(1)
    lift = 0.19 * rng.standard_normal(160)
    lift -= np.repeat(lift.reshape(40, 4).mean(1), 4)
    found = log(lift, n=80_000)
    best = {}
    for one in found.images:
        if one.title_id not in best or one.naive > best[one.title_id].naive:
            best[one.title_id] = one
    true = np.mean([lift[int(one.artwork_id[1:])] for one in best.values()])
    naive, shrunk = (np.mean([getattr(one, name) for one in best.values()]) for name in ("naive", "lift"))
    assert abs(shrunk - true) < abs(naive - true)
    assert naive > 1.15 * true


def test_segments_are_shrunk_towards_each_other():
    rng = np.random.default_rng(0)
    n = 4_000
    member = rng.integers(0, 800, n)
    device = np.array(["tv", "mobile", "web", "tablet"])[member % 4]
    gain = 0.01 + 0.2 * rng.standard_normal(n)
    found = segment_lifts({"device": device}, gain, np.full(n, 0.1), member)
    naive, shrunk = np.array([one.naive for one in found]), np.array([one.lift for one in found])
    assert [one.name for one in found] == ["device=mobile", "device=tablet", "device=tv", "device=web"]
    assert shrunk.std() < naive.std()
    assert all(one.low <= one.lift <= one.high for one in found)
