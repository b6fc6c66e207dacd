from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matinee.decide.slates.calibration import calibrated_slate, calibration_kl, tag_mass, tag_mix
from matinee.errors import ConfigError
from matinee.observe.catalogue.catalogue import Tags

NAMES = ["a", "b", "c", "d"]


def random_tags(rng: np.random.Generator, n: int) -> Tags:
    lists = [list(rng.choice(NAMES, rng.integers(0, 4), replace=False)) for _ in range(n)]
    return Tags.from_lists([*lists, NAMES])


def mix_by_hand(tags: Tags, titles: list[int]) -> np.ndarray:
    mass = dict.fromkeys(tags.names, 0.0)
    for title in titles:
        for label in tags.of(title):
            mass[label] += 1 / len(tags.of(title))
    total = sum(mass.values())
    return np.array([mass[name] / total if total else 0.0 for name in tags.names])


def kl_by_hand(target: np.ndarray, mix: np.ndarray, alpha: float) -> float:
    return sum(
        p * math.log(p / ((1 - alpha) * q + alpha * p)) for p, q in zip(target, mix, strict=True) if p > 0
    )


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.2, 1.0, 4.0]), st.sampled_from([0.01, 0.1]))
def test_each_step_is_the_best_by_direct_computation(seed: int, strength: float, alpha: float) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 15))
    tags = random_tags(rng, n - 1)
    quality = rng.random(n).astype(np.float32) + 0.01
    target = rng.dirichlet(np.ones(4))
    found = calibrated_slate(quality, tags, target, min(n, 5), strength=strength, alpha=alpha).tolist()
    shown: list[int] = []
    for choice in found:
        worth = {}
        for i in set(range(n)) - set(shown):
            # a title without tags dilutes nothing by hand, so compare only those with tags exactly
            mix = mix_by_hand(tags, [*shown, i])
            worth[i] = math.log(quality[i]) - strength * kl_by_hand(target, mix, alpha)
        tagged = {i: w for i, w in worth.items() if tags.of(i)}
        if tags.of(choice) and tagged:
            assert worth[choice] >= max(tagged.values()) - 1e-5
        shown.append(choice)


def test_divergence_is_the_formula() -> None:
    target, mix = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.8, 0.0])
    assert calibration_kl(target, mix, alpha=0.05) == pytest.approx(kl_by_hand(target, mix, 0.05))


def test_a_title_shares_its_weight_among_its_tags() -> None:
    tags = Tags.from_lists([["a", "b"], ["b"], []])
    assert tag_mass(tags, np.array([0, 1, 2]), np.array([2.0, 1.0, 5.0])).tolist() == [1.0, 2.0]
    assert tag_mix(tags, np.array([2])).tolist() == [0.0, 0.0]


def test_seventy_thirty_stays_seventy_thirty() -> None:
    tags = Tags.from_lists([["Romance"]] * 20 + [["Action"]] * 20)
    quality = np.float32([0.5] * 20 + [0.1] * 20)
    wanted = np.array([0.3, 0.7])
    slate = calibrated_slate(quality, tags, wanted, 10, strength=200.0)
    assert (slate >= 20).sum() == 3


def test_no_strength_is_the_ranking() -> None:
    tags = Tags.from_lists([["a"], ["b"], ["a"]])
    assert calibrated_slate(np.float32([1, 3, 2]), tags, np.array([1.0, 0.0]), 3, strength=0).tolist() == [
        1,
        2,
        0,
    ]


def test_bad_settings_are_refused() -> None:
    tags = Tags.from_lists([["a"]])
    with pytest.raises(ConfigError, match=r"strength is -1, expected 0 or more"):
        calibrated_slate(np.ones(1, np.float32), tags, np.ones(1), 1, strength=-1)
    with pytest.raises(ConfigError, match=r"alpha is 1, expected between 0 and 1"):
        calibrated_slate(np.ones(1, np.float32), tags, np.ones(1), 1, alpha=1)
