from __future__ import annotations

import numpy as np
import pytest

from matinee.initiatives.artwork.belief import TasteTable, tastes
from matinee.initiatives.artwork.features import DEVICES, Tastes, context_of, devices_of
from matinee.initiatives.artwork.lift import Lift

RNG = np.random.default_rng(3)
GENRES, RANK, TITLES = 4, 3, 30
N_CONTEXT = GENRES + len(DEVICES)
OF_TITLE = np.vstack([(RNG.random((TITLES, GENRES)) < 0.4).astype(float), np.zeros((1, GENRES))])
MEMBERS = Tastes(tuple("abcd"), OF_TITLE)
COEF = RNG.standard_normal((1 + N_CONTEXT, RANK))
USUAL = RNG.random(N_CONTEXT)
LIFT = Lift(COEF, np.zeros(1), np.ones(1), np.ones(1), (0.1, 0.1, 0.1), 1.0)


@pytest.mark.parametrize("device", [None, "tv", "web", "a fridge"])
@pytest.mark.parametrize("titles", [[], [3], [3, 3, -1], list(range(TITLES))])
def test_a_table_says_what_the_lift_says(device, titles):
    titles = np.array(titles, np.int32)
    context = context_of(MEMBERS.shares(titles), devices_of([device])[0]) - USUAL
    expected = tastes(LIFT, context)
    found = TasteTable.of(COEF, MEMBERS, USUAL).taste(titles, device)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
