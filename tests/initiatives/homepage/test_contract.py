from __future__ import annotations

import pytest

from matinee.initiatives.homepage import HOMEPAGE
from matinee.testing.initiatives import InitiativeContract


@pytest.mark.slow
class TestHomepage(InitiativeContract):
    initiative = HOMEPAGE
