"""Memory of a server under mixed requests: it fills its caches, and then it stays."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

ROOT = Path(__file__).parents[2]
MEMBERS, TITLES = 300, 200
MOST_GROWTH = 0.15
"""In five minutes. Facts that are read again move the memory up and down by a tenth (390 to 484 MB in one
run, with a slope of +6 %), so a short run sees only fast leaks; the soak of
the benchmark has the narrow bound."""
MINUTES = float(os.environ.get("MATINEE_TEST_SOAK_MINUTES", "5"))


@pytest.fixture
def benchmarks(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    monkeypatch.syspath_prepend(str(ROOT))
    names = ("serve_soak", "serve_host", "serving_home")
    return SimpleNamespace(**{name: importlib.import_module(f"benchmarks.{name}") for name in names})


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_five_minutes_of_mixed_requests_do_not_move_the_memory(
    benchmarks: SimpleNamespace, tmp_path: Path
) -> None:
    home = benchmarks.serving_home.make(tmp_path / "home", members=MEMBERS, titles=TITLES, events=10_000)
    soak: ModuleType = benchmarks.serve_soak
    people = soak.People([f"m{n:07d}" for n in range(MEMBERS)], [f"t{n:06d}" for n in range(TITLES)])
    with benchmarks.serve_host.matinee(home.root) as server:
        found = soak.soak(server.port, people, server.rss_mb, minutes=MINUTES)
        violations = server.figure("matinee_constraint_violations")
    print(f"{found.requests} requests, memory {found.growth():+.2%}: {found.samples[::20]}")
    assert found.errors == 0, found.statuses
    assert {kind for kind, code in found.statuses if code == 200} == set(soak.SHARES)
    assert violations == 0
    assert found.growth() < MOST_GROWTH, found.samples


def test_growth_is_that_of_the_memory_after_the_warm_up(benchmarks: SimpleNamespace) -> None:
    soak = benchmarks.serve_soak
    filled = [(n, 100.0 + min(n, 400) / 10) for n in range(0, 1_001, 10)]
    leaking = [(n, 100.0 + n / 100) for n in range(0, 1_001, 10)]
    one_peak = [(n, 100.0 + 50.0 * (n == 700)) for n in range(0, 1_001, 10)]
    for samples, growth in ((filled, 0.0), (leaking, 6 / 104), (one_peak, 0.0)):
        found = soak.Soaked(samples)
        found.statuses["page", 200] = 1_000
        assert found.growth() == pytest.approx(growth)


def test_refusals_that_the_mix_brings_about_are_no_errors(benchmarks: SimpleNamespace) -> None:
    found = benchmarks.serve_soak.Soaked()
    found.statuses.update({("page", 200): 9, ("further", 410): 2, ("why", 404): 1, ("events", 503): 3})
    assert (found.requests, found.errors) == (15, 3)
