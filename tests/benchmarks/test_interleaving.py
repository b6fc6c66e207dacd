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
    """The whole 95 % interval of the ratio is above 10, for two rankers that differ more than usual."""
    found = benchmark.report(3, 3_000, 28, noise_b=0.5)
    _, low, _ = found["figures"]["A/B over interleaving"]
    assert low >= 10
    assert found["figures"]["lift"][1] > 0
    assert found["preference"]["B over A"][1] > 0
    _, null_low, null_high = found["preference"]["of two equally good rankers"]
    assert null_low < 0 < null_high
    assert found["power"]["interleaving"] >= 0.75
    assert found["coin_p"] > 0.001
