from __future__ import annotations

import pytest

from matinee.initiatives.artwork import ARTWORK
from matinee.testing.initiatives import InitiativeContract


@pytest.mark.slow
class TestArtwork(InitiativeContract):
    initiative = ARTWORK
