from __future__ import annotations

import pytest

from matinee.initiatives.artwork.config import ArtworkConfig


@pytest.fixture(scope="session")
def config() -> ArtworkConfig:
    return ArtworkConfig()
