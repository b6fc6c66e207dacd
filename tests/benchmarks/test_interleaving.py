"""Interleaving finds the better of two rankers with at most a tenth of the members of an A/B."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "interleaving.py"


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("interleaving_benchmark", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their own module up
    spec.loader.exec_module(module)
    return module


benchmark = load()


def test_members_needed_follow_the_textbook() -> None:
    """An effect of a tenth of a standard deviation: 1,570 in each arm, and 785 differences."""
    a = np.array([-1.0, 1.0] * 50)
    assert benchmark.needed_ab(a, a + 0.1) == pytest.approx(4 * 784.89, rel=1e-4)
    x = np.tile([-1.0, 0.0, 1.0, 0.0], 25)
    y = np.tile([0.0, 1.0, 0.0, -1.0], 25)
    assert benchmark.needed_adjusted(x + y, x + y + 0.1, x) == pytest.approx(
        benchmark.needed_ab(y, y + 0.1), rel=1e-9
    )


@pytest.mark.slow
def test_a_tenth_of_the_members_is_enough() -> None:
    """Two rankers that differ more than usual, so that three worlds are enough to tell the ratio."""
    lives = benchmark.together([benchmark.live(seed, 3_000, 28, noise_b=0.5) for seed in range(3)])
    found = benchmark.with_intervals(lives)
    assert found["lift"][1] > 0
    assert found["A/B over interleaving"][1] >= 10
    in_ab = round(found["members needed, A/B"][0])
    power = benchmark.power(lives, in_ab // 10, in_ab)
    assert power["interleaving"] >= 0.8
    assert power["A/B with as many"] < 0.4
    null = benchmark.Credits(lives.null_a, lives.null_b, 0 * lives.null_a, lives.top.astype(int))
    assert benchmark.prefer(null, alpha=0.001).winner() is None
    assert benchmark.prefer(lives.credits()).coin.fair
