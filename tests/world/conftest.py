"""One small history that all tests here look at."""

from __future__ import annotations

import pytest

from matinee.world.service import Run, WorldConfig, simulate, small


@pytest.fixture(scope="session")
def history() -> Run:
    """150 days of 400 members; nobody may step it (branch it instead)."""
    return simulate(small())


@pytest.fixture(scope="session")
def crowd() -> Run:
    """1,000 members whose pages are not logged, for what needs many accounts."""
    return simulate(WorldConfig(n_members=1_000, n_titles=100, n_days=120, impressions=0.0))
