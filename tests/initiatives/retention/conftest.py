"""One small simulated service that all tests here read, and a service of two accounts that fits on a page."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from matinee.initiatives.retention.config import RetentionConfig
from matinee.observe.home import Home
from matinee.observe.lake.reader import last_event_us
from matinee.world.service import OfferTruth, WorldConfig, simulate, write_home


class Service(NamedTuple):
    """A home with a log of offers, its clock, and the truth that is not in it."""

    home: Home
    at_us: int
    truth: OfferTruth


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Service:
    """700 members for 150 days; nobody may write to it."""
    run = simulate(WorldConfig(n_members=700, n_titles=50, n_days=150, impressions=0.0, seed=1))
    return written(run, tmp_path_factory.mktemp("service"))


def written(run, folder: Path) -> Service:
    home = Home.create(folder)
    home.settings.write_text('[clock]\nnow = "last_event"\n', encoding="utf-8")
    write_home(home, run)
    return Service(home, last_event_us(home) or 0, run.truth.offers())


@pytest.fixture(scope="session")
def config() -> RetentionConfig:
    return RetentionConfig()
