"""On random services no page breaks a rule, none is empty without need, and every draw is a distribution."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

sys.path.insert(0, str(Path(__file__).parent))

from page_rules import eligible, violations
from small_services import NOW_US, services

from matinee.initiatives.homepage.compose import Composer
from matinee.initiatives.homepage.page import NO_ELIGIBLE_TITLE
from matinee.initiatives.homepage.trace import PageTrace

QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large]


def check(service) -> None:
    titles, member, config, rows, cols = service
    trace = PageTrace()
    composer = Composer(titles, at_us=NOW_US, config=config)
    page = composer.page(member, seed=1, rows=rows, cols=cols, trace=trace)
    broken = violations(titles, member, page, config, rows=rows, cols=cols)
    assert broken == [], broken
    may_see = eligible(titles, member, NOW_US)
    assert bool(page.rows) == bool(may_see)
    assert page.reason == (None if may_see else NO_ELIGIBLE_TITLE)
    drawn = [(row.row, tile) for row in page.rows for tile in row.tiles if tile.explored]
    assert [(row, tile.title) for row, tile in drawn] == [(e.row, e.title) for e in trace.explored]
    for (_, tile), slot in zip(drawn, trace.explored, strict=True):
        assert abs(slot.probabilities.sum() - 1) < 1e-9
        assert len(set(slot.titles.tolist())) == len(slot.titles)
        assert tile.propensity == slot.probabilities[np.flatnonzero(slot.titles == tile.title)[0]]
    for row in trace.rows:
        assert row.candidates == sum(row.removed.values()) + row.on_page + row.left
    assert composer.page(member, seed=1, rows=rows, cols=cols) == page


@settings(max_examples=100, deadline=None, suppress_health_check=QUIET, derandomize=True)
@given(services())
def test_no_rule_is_broken(service) -> None:
    check(service)


@pytest.mark.slow
@settings(max_examples=10_000, deadline=None, suppress_health_check=QUIET)
@given(services())
def test_no_rule_is_broken_on_ten_thousand_services(service) -> None:
    check(service)
