"""On random services no way to a page breaks a rule: at once, below, made ahead, or without a model."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from deciders import decider_of, fallback_of, page_of, past_of
from page_rules import eligible, may_show, violations
from small_services import NOW_US, services

from matinee.errors import StorageError
from matinee.initiatives.homepage.asking import narrowed
from matinee.initiatives.homepage.page import MemberState, TitleState
from matinee.initiatives.homepage.popular import STRICTEST
from matinee.platform.answering import check
from matinee.platform.deciding import Decided, Request
from matinee.types import DAY_US

QUIET = settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
LONG = settings(QUIET, max_examples=3_000)


def rules_hold(
    titles: TitleState, member: MemberState, config, request: Request, rows: int, *parts: Decided
) -> None:
    for part in parts:
        check("homepage", request, part)
    page = page_of(titles, member.member_id, request.at_us, *parts)
    here = replace(member, limits=narrowed(member.limits, request))
    cols = request.context["cols"]
    broken = violations(titles, here, page, config, rows=rows, cols=cols)
    assert broken == [], broken
    for row in page.rows:
        if row.kind == "because_you_watched":
            (title,) = [t for t, name in enumerate(titles.catalogue.names) if row.reason.endswith(f" {name}")]
            assert may_show(titles, here.here, request.at_us, title), row.reason


@st.composite
def asked(draw: st.DrawFn):
    """A service, a request that may be later and narrower, and a new state of the member."""
    titles, member, config, rows, cols = draw(services())
    context = {"rows": rows, "cols": cols}
    if draw(st.booleans()):
        context["maturity"] = draw(st.sampled_from([0, 7, 16]))
    if draw(st.booleans()):
        context["kids"] = draw(st.booleans())
    if draw(st.booleans()):
        context["territory"] = draw(st.sampled_from(["AT", "DE"]))
    at_us = NOW_US + draw(st.sampled_from([0, 1, DAY_US // 2, 3 * DAY_US, 30 * DAY_US]))
    rng = np.random.default_rng(draw(st.integers(0, 2**20)))
    n = len(titles.catalogue)
    more = rng.integers(0, n, draw(st.integers(0, 4))).astype(np.int32)
    later = replace(
        member,
        history=np.concatenate([member.history, more]),
        history_at_us=np.concatenate([member.history_at_us, np.full(len(more), NOW_US, np.int64)]),
        history_weight=np.concatenate([member.history_weight, rng.random(len(more), np.float32)]),
        in_progress=rng.integers(0, n, 2).astype(np.int32),
        in_progress_share=rng.random(2, np.float32),
        my_list=rng.integers(0, n, 3).astype(np.int32),
        disliked=rng.integers(0, n, rng.integers(3)).astype(np.int32),
    )
    return titles, member, later, config, Request("m1", at_us, context)


def check_at_once_and_below(service) -> None:
    titles, member, _, config, request = service
    member = replace(member, member_id="m1")
    decider = decider_of(titles, member, config, NOW_US)
    rows = request.context["rows"]
    first = decider.decide(request)
    rules_hold(titles, member, config, request, rows, first)
    explained = decider.explain(request)
    assert explained.decided == first
    for stage in explained.stages:
        assert stage.candidates == sum(stage.removed.values()) + stage.left, stage
    here = replace(member, limits=narrowed(member.limits, request))
    assert bool(first.rows) == bool(eligible(titles, here, request.at_us))
    parts = [first]
    while parts[-1].more and len(parts) < 4:
        slots = tuple(slot for part in parts for slot in part.slots)
        notes = tuple(note for part in parts for note in part.rows)
        parts.append(decider.decide(replace(request, after=slots, after_rows=notes)))
    asked_rows = rows + sum(len(part.rows) for part in parts[:-1])
    rules_hold(titles, member, config, request, asked_rows, *parts)
    drawn = [slot for part in parts for slot in part.slots if slot.explored]
    assert len(drawn) <= config.explore_slots
    assert all(slot.n_permitted and slot.n_permitted > 1 for slot in drawn)


def check_made_ahead(service) -> bool:
    titles, member, later, config, request = service
    decider = decider_of(titles, replace(member, member_id="m1"), config, NOW_US)
    ((_, made),) = decider.precompute(["m1"])
    rows = request.context["rows"]
    kept = decider.decide_from(made, request)
    if kept is not None:
        rules_hold(titles, replace(member, member_id="m1"), config, request, rows, kept)
    decider.members.past = past_of(later, acted=2)
    changed = decider.decide_from(made, request)
    if changed is None:
        return False
    rules_hold(titles, replace(later, member_id="m1"), config, request, rows, changed)
    if rows + len(changed.rows) <= 12:
        below = replace(request, after=changed.slots, after_rows=changed.rows)
        more = decider.decide_from(made, below)
        if more is not None:
            rules_hold(titles, later, config, below, rows + len(changed.rows), changed, more)
    ((_, again),) = decider.precompute(["m1"])
    drawn = {slot.action: slot.propensity for slot in changed.slots if slot.explored}
    assert again != b""
    assert all(0 < p <= 1 for p in drawn.values())
    return True


def check_without_a_model(service) -> None:
    titles, member, later, config, request = service
    fallback = fallback_of(titles, replace(member, member_id="m1"), config, NOW_US)
    rows = request.context["rows"]
    for acted, state in enumerate((member, later)):
        fallback.members.past = past_of(state, acted)
        decided = fallback.decide(request)
        popular = replace(state, next_scores=fallback.share, window_scores=fallback.share)
        rules_hold(titles, popular, config, request, rows, decided)
    fallback.members.broken = StorageError("state: gone")
    for member_id, limits in (("m1", later.here), ("unknown", STRICTEST)):
        blind = replace(request, unit_id=member_id)
        decided = fallback.decide(blind)
        assert decided.context["limits"] == ("read before" if member_id == "m1" else "strictest")
        nothing = MemberState(
            member_id, limits, *(a[:0] for a in (later.history, later.history_at_us, later.history_weight)),
            fallback.share, fallback.share,
        )  # fmt: skip
        rules_hold(titles, nothing, config, blind, rows, decided)


@QUIET
@given(asked())
def test_at_once_and_below(service) -> None:
    check_at_once_and_below(service)


@QUIET
@given(asked())
def test_made_ahead(service) -> None:
    check_made_ahead(service)


@QUIET
@given(asked())
def test_without_a_model(service) -> None:
    check_without_a_model(service)


@pytest.mark.slow
@LONG
@given(asked())
def test_all_ways_on_thousands_of_services(service) -> None:
    check_at_once_and_below(service)
    check_made_ahead(service)
    check_without_a_model(service)
