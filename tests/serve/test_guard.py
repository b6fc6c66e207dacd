"""The last look at a page agrees with the masks that pages are composed with, title by title."""

from __future__ import annotations

import numpy as np
import pytest

from matinee.observe.catalogue.catalogue import Catalogue, Limits
from matinee.observe.decisions import Slot
from matinee.serve.guard import Guard
from matinee.serve.known import STRICTEST, Known, asked
from matinee.types import DAY_US


def catalogue(rng: np.random.Generator, n: int = 40) -> Catalogue:
    rows = [
        {
            "title_id": f"t{i}",
            "maturity": None if rng.random() < 0.2 else int(rng.integers(0, 19)),
            "languages": list(rng.choice(["de", "en", "fr"], rng.integers(0, 3), replace=False)),
            "series_id": f"t{rng.integers(0, 5)}" if i >= 5 and rng.random() < 0.3 else None,
        }
        for i in range(n)
    ]
    windows = [
        (f"t{rng.integers(n)}", str(rng.choice(["AT", "DE"])), int(a) * DAY_US, int(a + b) * DAY_US)
        for a, b in zip(rng.integers(0, 8, n), rng.integers(1, 5, n), strict=True)
    ]
    return Catalogue.from_rows(rows, windows=windows)


@pytest.mark.parametrize("seed", range(20))
def test_it_agrees_with_the_masks(seed: int) -> None:
    rng = np.random.default_rng(seed)
    titles = catalogue(rng)
    guard = Guard(titles)
    everything = np.ones(len(titles), np.bool_)
    slots = [Slot(str(title_id), 1.0) for title_id in titles.title_ids]
    for _ in range(20):
        limits = Limits(
            [None, "", "AT", "DE"][rng.integers(4)],
            int(rng.integers(0, 19)),
            bool(rng.integers(2)),
            tuple(rng.choice(["de", "en"], rng.integers(0, 2), replace=False)),
        )
        at_us = int(rng.integers(0, 12) * DAY_US + rng.integers(-1, 2))
        allowed = titles.allowed(limits, at_us, everything)
        allowed &= allowed[titles.unit()]
        found = {slot.action for slot in guard.forbidden(slots, limits, at_us)}
        assert found == set(titles.title_ids[~allowed])


def test_a_title_without_facts_is_not_for_children() -> None:
    guard = Guard(Catalogue.from_rows([{"title_id": "t"}]))
    slots = [Slot("new", 1.0)]
    assert guard.forbidden(slots, Limits(), 0) == []
    assert guard.forbidden(slots, Limits(kids=True), 0) == slots


def test_somebody_unknown_sees_what_anybody_may() -> None:
    context = {"territory": "AT", "maturity": 18, "kids": False}
    nobody = Known()
    assert nobody.limits(context) == STRICTEST
    assert nobody.context(context) == {"territory": "", "maturity": 0, "kids": True}
    known = Known(reached=True, territory="DE")
    assert known.limits({}).territory == "DE"
    assert known.limits(context) == Limits("AT", 18)
    assert asked({"maturity": "x", "kids": 1, "territory": 3}) == Limits()
