"""Scores by stage and "why not this title?": what is told is what decided, and telling changes nothing."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

sys.path.insert(0, str(Path(__file__).parent))

from deciders import decider_of, fallback_of
from small_services import NOW_US, member_of, plain_catalogue, services, titles_of

from matinee.errors import NotFoundError
from matinee.initiatives.homepage import build
from matinee.initiatives.homepage.board import Board
from matinee.initiatives.homepage.config import PageConfig
from matinee.initiatives.homepage.reckoning import Filling, Weighed, slate_terms, weigh
from matinee.observe.catalogue.catalogue import Catalogue, Limits
from matinee.platform.deciding import Request
from matinee.platform.whereabouts import Locates

N = 60


def decider(**more: object):
    catalogue = plain_catalogue(N)
    scores = np.arange(N, 0, -1) / sum(range(N + 1))
    member = member_of(N, history=[0, 1, 2], scores=scores, **more)  # type: ignore[arg-type]
    return decider_of(titles_of(catalogue), member, PageConfig(), NOW_US)


@settings(max_examples=25, deadline=None)
@given(services())
def test_the_chosen_title_has_the_largest_total_of_all_that_competed(service) -> None:
    titles, member, config, rows, cols = service
    given_to = build.weigh

    def checked(
        filling: Filling, chosen: np.ndarray, board: Board, wish: object, vectors: np.ndarray, k: int
    ) -> list[Weighed]:
        mix = filling.mix._replace(mass=filling.mix.mass.copy(), length=filling.mix.length.copy())
        found = weigh(filling, chosen, board, wish, vectors, k)  # type: ignore[arg-type]
        pool = filling.order[: build.POOL_FACTOR * filling.careful + build.POOL_EXTRA]
        first = found[0] if found else {}
        if "total" in first:
            stood = filling.given if len(filling.given) < k else None
            totals = [
                slate_terms(int(t), float(q), stood, first["look"], mix, wish, vectors)["total"]  # type: ignore[arg-type]
                for t, q in zip(pool, filling.quality, strict=False)
            ]
            assert first["total"] >= max(totals) - 1e-5
        return found

    build.weigh = checked
    try:
        one = decider_of(titles, member, config, NOW_US)
        request = Request(member.member_id, NOW_US, {"rows": rows, "cols": cols})
        told = one.explain(request)
    finally:
        build.weigh = given_to
    assert told.decided == one.decide(request)
    assert len(told.scores) == len(told.decided.slots)
    for scores in told.scores:
        if "expected" in scores:
            expected = scores["look"] * scores["play"] * (1 - scores["seen_above"])
            assert scores["expected"] == pytest.approx(expected)
        if "total" in scores:
            terms = [scores[name] for name in ("relevance", "diversity", "spread", "calibration")]
            assert scores["total"] == pytest.approx(sum(terms))


def test_rows_tell_what_they_add_and_what_would_have_stood_there() -> None:
    told = decider().explain(Request("m1", NOW_US, {"rows": 3, "cols": 4}))
    first = told.stages[1]
    assert first.scores["gain"] > 0
    assert first.scores["runner_up_gain"] > 0
    assert "next would have been" in first.note


def test_the_fallback_tells_the_share_of_plays_that_each_tile_has() -> None:
    made = decider()
    page = fallback_of(made.composer.titles, member_of(N), PageConfig(), NOW_US)
    told = page.explain(Request("m1", NOW_US, {"rows": 2, "cols": 4}))
    assert len(told.scores) == len(told.decided.slots) > 0
    assert all(scores["play"] > 0 for scores in told.scores)


def test_a_title_on_the_page_is_found_where_it_stands() -> None:
    made = decider()
    assert isinstance(made, Locates)
    request = Request("m1", NOW_US, {"rows": 2, "cols": 4})
    decided = made.decide(request)
    found = made.locate(request, decided.slots[2].action)
    assert (found.slots[0], found.rule) == (2, None)
    assert found.stages[0].place is not None
    assert found.stages[0].chosen == 4


def test_a_title_off_the_page_has_the_first_rule_or_its_place() -> None:
    made = decider(disliked=[5])
    request = Request("m1", NOW_US, {"rows": 2, "cols": 4})
    assert made.locate(request, "t0").rule == "already watched"
    assert made.locate(request, "t5").rule == "disliked"
    on_page = {slot.action for slot in made.decide(request).slots}
    off = next(f"t{i}" for i in range(N - 1, 5, -1) if f"t{i}" not in on_page)
    found = made.locate(request, off)
    assert (found.rule, found.slots) == (None, ())
    assert found.scores["order"] > 8
    assert all(place.place is None or place.place > 0 for place in found.stages)


def test_the_limits_of_a_request_are_told_as_rules() -> None:
    rows = [{"title_id": f"t{i}", "name": f"Film {i}", "maturity": 16 * (i % 2)} for i in range(N)]
    catalogue = Catalogue.from_rows(rows)
    made = decider_of(titles_of(catalogue), member_of(N, limits=Limits()), PageConfig(), NOW_US)
    request = Request("m1", NOW_US, {"maturity": 12})
    assert made.locate(request, "t1").rule == "above the maturity limit"
    assert made.locate(replace(request, context={}), "t1").rule is None


def test_the_fallback_finds_titles_too() -> None:
    made = decider()
    page = fallback_of(made.composer.titles, member_of(N, disliked=[7]), PageConfig(), NOW_US)
    request = Request("m1", NOW_US, {"rows": 2, "cols": 4})
    assert page.locate(request, "t7").rule == "disliked"
    shown = page.decide(request).slots[0].action
    assert page.locate(request, shown).slots[0] == 0


def test_an_unknown_title_is_told() -> None:
    with pytest.raises(NotFoundError, match=r'title "t999" is not in the catalogue of that moment'):
        decider().locate(Request("m1", NOW_US), "t999")
