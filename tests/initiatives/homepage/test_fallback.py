"""The page without a model: what it shows without the state, how it is explained, what it makes ready."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

sys.path.insert(0, str(Path(__file__).parent))

from deciders import OneMember, decider_of, fallback_of, past_of
from small_services import NOW_US, member_of, services, titles_of

from matinee.errors import StorageError
from matinee.initiatives.homepage import popular as popular_file
from matinee.initiatives.homepage.config import PageConfig
from matinee.initiatives.homepage.popular import PopularHomepage
from matinee.initiatives.homepage.serving import HomepageDecider
from matinee.observe.catalogue.catalogue import Catalogue, Limits
from matinee.platform.abilities import Explains, Forgets, Prepares
from matinee.platform.deciding import Request
from matinee.types import DAY_US, NEVER_US

SOON_US = NOW_US + 10_000_000


def catalogue() -> Catalogue:
    """Maturity 0 and 16 in turn; a third each is for everywhere, for AT only, for AT from soon on."""
    rows = [
        {"title_id": f"t{i}", "name": f"Film {i}", "maturity": 16 * (i % 2), "genres": ["Crime"]}
        for i in range(60)
    ]
    begins = {1: 0, 2: SOON_US}
    windows = [(f"t{i}", "AT", begins[i % 3], NEVER_US) for i in range(60) if i % 3]
    return Catalogue.from_rows(rows, windows=windows)


def fallback(limits: Limits, **more: object) -> tuple[PopularHomepage, OneMember]:
    titles = titles_of(catalogue())
    member = member_of(60, limits=limits, **more)  # type: ignore[arg-type]
    made = fallback_of(titles, member, PageConfig(), NOW_US)
    assert isinstance(made.members, OneMember)
    return made, made.members


def shown(page: PopularHomepage, request: Request) -> set[str]:
    return {slot.action for slot in page.decide(request).slots}


@pytest.mark.parametrize("context", [{}, {"territory": "AT"}, {"territory": "DE"}, {"maturity": 18}])
def test_of_somebody_unknown_only_what_anybody_may_see_anywhere(context) -> None:
    page, members = fallback(Limits("AT"))
    members.broken = StorageError("state: gone")
    decided = page.decide(Request("m1", NOW_US, context))
    assert {slot.action for slot in decided.slots} == {f"t{i}" for i in range(0, 60, 6)}
    assert (decided.context["limits"], decided.context["state_problem"]) == ("strictest", "state: gone")


def test_limits_that_were_read_hold_for_a_day_and_until_the_member_is_forgotten() -> None:
    page, members = fallback(Limits("AT"))
    page.decide(Request("m1", NOW_US))
    members.broken = StorageError("state: gone")
    soon, late = Request("m1", NOW_US + DAY_US - 1), Request("m1", NOW_US + DAY_US)
    assert page.decide(soon).context["limits"] == "read before"
    assert shown(page, soon) - {f"t{i}" for i in range(0, 60, 6)}
    assert page.decide(replace(soon, context={"territory": "DE"})).context["limits"] == "read before"
    assert not shown(page, replace(soon, context={"territory": "DE"})) - {f"t{i}" for i in range(0, 60, 3)}
    assert page.decide(late).context["limits"] == "strictest"
    page.forget({"m1", "somebody"})
    assert page.decide(soon).context["limits"] == "strictest"


def test_it_says_what_it_can() -> None:
    page, _ = fallback(Limits())
    decider = decider_of(titles_of(catalogue()), member_of(60), PageConfig(), NOW_US)
    for one in (page, decider):
        assert isinstance(one, Explains)
        assert isinstance(one, Prepares)
        assert isinstance(one, Forgets)


@settings(max_examples=60, deadline=None)
@given(services())
def test_the_explained_page_is_the_page_and_its_numbers_add_up(drawn) -> None:
    titles, member, config, rows, cols = drawn
    page = fallback_of(titles, member, config, NOW_US)
    for acted in (3, None):
        page.members.past = replace(past_of(member), acted=acted)  # type: ignore[attr-defined]
        request = Request(member.member_id, NOW_US, {"rows": rows, "cols": cols})
        decided, told = page.decide(request), page.explain(request)
        assert told.decided == decided
        assert told.stages[0].candidates == len(titles.catalogue)
        assert [stage.name for stage in told.stages[1:]] == [
            f"row {note.row}: {note.kind}" for note in decided.rows
        ]
        for stage in told.stages:
            assert stage.candidates == sum(stage.removed.values()) + stage.left
        here = [sum(slot.row == note.row for slot in decided.slots) for note in decided.rows]
        if not titles.catalogue.pins:  # a pin may stand in a row that would not have proposed it
            assert all(s.left >= n for s, n in zip(told.stages[1:], here, strict=True))


def test_what_was_decided_without_the_state_is_explained_without_it() -> None:
    page, members = fallback(Limits("AT"), history=range(0, 12, 6))
    for seen_before in (False, True):
        if seen_before:
            members.broken = None
            page.decide(Request("m1", NOW_US))
        members.broken = StorageError("state: gone")
        decided = page.decide(Request("m1", NOW_US))
        assert page.explain(Request("m1", NOW_US)).decided == decided
        members.broken = None
        again = page.explain(Request("m1", NOW_US, dict(decided.context)))
        assert again.decided == decided


def test_pages_and_audiences_of_the_next_change_are_made_before_it(monkeypatch) -> None:
    page, _ = fallback(Limits("AT"))
    decider = decider_of(titles_of(catalogue()), member_of(60, limits=Limits("AT")), PageConfig(), NOW_US)
    monkeypatch.setattr(popular_file, "StateMembers", OneMember)
    for one in (page, decider):
        one.decide(Request("m1", NOW_US))
        one.prepare(SOON_US - 1)
        audiences = one.composer.audiences
        assert len(audiences._kept) == 1
        one.prepare(SOON_US)
        kept = dict(audiences._kept)
        assert len(kept) == 2
        assert max(span[0] for span, _ in kept) == SOON_US
        one.prepare(SOON_US)
        assert dict(audiences._kept) == kept
        monkeypatch.setattr(audiences, "_prepare", None)
        one.decide(Request("m1", SOON_US))
    assert len(page._pages) == 2


def test_preparing_keeps_the_order_in_which_audiences_were_asked_for() -> None:
    page, _ = fallback(Limits("AT"))
    for maturity in (12, 16, 18):
        page.decide(Request("m1", NOW_US, {"maturity": maturity}))
    before = page.composer.audiences.in_use()
    page.prepare(SOON_US)
    assert page.composer.audiences.in_use() == before
    assert [limits.maturity_max for limits in before] == [18, 16, 12]


def test_scores_of_a_member_are_kept_for_a_minute_and_until_they_are_forgotten() -> None:
    decider: HomepageDecider = decider_of(titles_of(catalogue()), member_of(60), PageConfig(), NOW_US)
    for member in ("m1", "m2", "m3"):
        decider.decide(Request(member, NOW_US))
    kept = decider._recent._kept
    assert [key[0] for key in kept] == ["m1", "m2", "m3"]
    decider.forget({"m2", "somebody"})
    assert [key[0] for key in kept] == ["m1", "m3"]
    decider.decide(Request("m4", NOW_US + 60_000_000))
    assert [key[0] for key in kept] == ["m4"]
    assert np.isfinite(next(iter(kept.values()))[0]).all()
