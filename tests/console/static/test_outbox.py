"""Events on their way: kept, sent once, for the profile they belong to."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.browser.visiting import Visit, until
from tests.console.static.stage import Stage

pytestmark = pytest.mark.slow
Opened = Callable[[str], Visit]

ADD = """async (events) => {
  const { add } = await import("/console/static/x/outbox.js");
  return events.map((one) => add(one).event_id);
}"""
LIKE = {"type": "signal", "signal": "thumb_up", "title_id": "t1"}
WAITING = "() => Object.keys(localStorage).filter((key) => key.startsWith('matinee.event.')).length"


def test_an_event_has_an_id_and_the_time_of_the_home(opened: Opened, stage: Stage) -> None:
    page = opened("/watch").page
    ids = page.evaluate(ADD, [LIKE])
    until(page, lambda: bool(stage.of_type("signal")), "the event")
    (event,) = stage.of_type("signal")
    assert event["event_id"] == ids[0]
    assert event["at"].startswith("1998-04-22T23:0"), "the device says another year"
    assert "member_id" not in event
    until(page, lambda: page.evaluate(WAITING) == 0, "the answer")


def test_many_events_go_in_batches_in_their_order(opened: Opened, stage: Stage) -> None:
    page = opened("/watch").page
    ids = page.evaluate(ADD, [LIKE | {"title_id": f"t{i}"} for i in range(120)])
    until(page, lambda: len(stage.of_type("signal")) == 120, "the events")
    assert [one["event_id"] for one in stage.of_type("signal")] == ids
    assert max(map(len, stage.batches)) == 50


def test_what_cannot_be_sent_waits_and_is_sent_once(opened: Opened, stage: Stage) -> None:
    seen = opened("/watch")
    seen.excuse("Failed to load resource", "net::ERR")
    page = seen.page
    stage.answers = [(-1, {}), (503, {"Retry-After": "1"}), (429, {"Retry-After": "1"})]
    ids = page.evaluate(ADD, [LIKE])
    until(page, lambda: len(stage.answers) < 2, "an answer that fails")
    assert page.evaluate(WAITING) == 1
    until(page, lambda: bool(stage.of_type("signal")), "the event")
    assert [[one["event_id"] for one in batch] for batch in stage.batches] == [ids]


def test_it_is_said_when_an_act_waits_and_when_it_has_arrived(opened: Opened, stage: Stage) -> None:
    seen = opened("/watch")
    seen.excuse("Failed to load resource")
    page = seen.page
    stage.answers = [(503, {"Retry-After": "12"})]
    page.evaluate(ADD, [LIKE])
    page.locator("#unsent", has_text="1 wait").wait_for()
    page.locator("#unsent").wait_for(state="hidden")
    assert len(stage.of_type("signal")) == 1


def test_what_an_earlier_page_could_not_send_is_sent_by_the_next(opened: Opened, stage: Stage) -> None:
    seen = opened("/watch")
    seen.excuse("Failed to load resource", "net::ERR")
    stage.answers = [(503, {"Retry-After": "60"})]
    ids = seen.page.evaluate(ADD, [LIKE])
    until(seen.page, lambda: not stage.answers, "the answer that fails")
    seen.page.reload()
    until(seen.page, lambda: bool(stage.of_type("signal")), "the event")
    assert stage.of_type("signal")[0]["event_id"] == ids[0]


def test_nothing_is_sent_for_another_profile(opened: Opened, stage: Stage) -> None:
    seen = opened("/watch")
    seen.excuse("Failed to load resource")
    page = seen.page
    stage.profile = "p2"  # another tab has chosen somebody else
    page.evaluate(ADD, [LIKE])
    page.locator("#said", has_text="[other-profile]").wait_for()
    opened("/watch")
    page.wait_for_timeout(500)
    assert stage.of_type("signal") == []
    assert page.evaluate(WAITING) >= 1, "the signal, and what was seen"
    stage.profile = "p1"
    opened("/watch")
    until(page, lambda: len(stage.of_type("signal")) == 1, "the event of the first profile")


def test_an_old_token_is_renewed(opened: Opened, stage: Stage) -> None:
    seen = opened("/watch")
    seen.excuse("403")
    stage.csrf = "c2"
    seen.page.evaluate(ADD, [LIKE])
    until(seen.page, lambda: len(stage.of_type("signal")) == 1, "the event")
    assert seen.page.get_attribute('meta[name="csrf"]', "content") == "c2"


def test_one_event_that_spoils_a_batch_is_found(opened: Opened, stage: Stage) -> None:
    seen = opened("/watch")
    seen.excuse("Failed to load resource")
    stage.answers = [(400, {}), (400, {}), (400, {})]  # four, two, one: that one is the bad one
    seen.page.evaluate(ADD, [LIKE | {"title_id": f"t{i}"} for i in range(4)])
    until(seen.page, lambda: len(stage.of_type("signal")) == 3, "the other events")
    assert [one["title_id"] for one in stage.of_type("signal")] == ["t1", "t2", "t3"]
    until(seen.page, lambda: seen.page.evaluate(WAITING) == 0, "the answers")


def test_two_tabs_send_each_event_once(opened: Opened, stage: Stage, visit: Visit) -> None:
    first = opened("/watch").page
    second = visit.another_tab("/watch")
    second.wait_for_selector("html.is-ready")
    for page in (first, second):
        page.evaluate(ADD, [LIKE | {"title_id": f"t{i}"} for i in range(60)])
    until(first, lambda: len(stage.of_type("signal")) == 120, "events of both")
    assert sum(map(len, stage.batches)) == 120
    until(first, lambda: first.evaluate(WAITING) == 0, "the answers")


def test_the_other_tab_hears_what_became_of_an_event(opened: Opened, stage: Stage, visit: Visit) -> None:
    first = opened("/watch").page
    second = visit.another_tab("/watch/title/t9")
    second.wait_for_selector("html.is-ready")
    second.evaluate(
        "() => document.addEventListener('matinee:settled', ({detail}) => (window.heard = detail))"
    )
    first.evaluate(ADD, [LIKE | {"title_id": "t9"}])
    second.wait_for_function("() => window.heard?.[0].event.title_id === 't9'")
    assert second.locator('button[value="thumb_clear"]').get_attribute("aria-pressed") == "true"
