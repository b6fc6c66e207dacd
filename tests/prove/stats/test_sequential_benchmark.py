"""The bounds that benchmarks/sequential.py promises, with half of its experiments and another seed."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path
from types import ModuleType

import pytest

RUNS = 10_000
FILE = Path(__file__).parents[3] / "benchmarks" / "sequential.py"


def loaded() -> ModuleType:
    spec = importlib.util.spec_from_file_location("sequential_benchmark", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_looking_daily_is_as_seldom_wrong_as_promised_and_peeking_is_not() -> None:
    found = loaded().found(0.0, RUNS, seed=11)
    error = math.sqrt(0.05 * 0.95 / RUNS)
    assert found["spending"][0] <= 0.05 + 3 * error
    assert found["fixed"][0] == pytest.approx(0.05, abs=3 * error)
    assert found["sequence"][0] <= 0.05
    assert found["peeking"][0] == pytest.approx(0.28, abs=0.02)


@pytest.mark.slow
def test_power_is_within_two_points_of_what_is_known() -> None:
    sequential = loaded()
    for place, lift in enumerate(sequential.LIFTS):
        found = sequential.found(lift, RUNS, seed=11)
        for name, known in sequential.POWER.items():
            assert 100 * found[name][0] == pytest.approx(known[place], abs=2.0)
