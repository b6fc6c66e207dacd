"""The simulated player and the one event of each viewing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.browser.visiting import Visit, until
from tests.console.static.stage import Stage

pytestmark = pytest.mark.slow
Opened = Callable[[str], Visit]
WATCHED = "(s) => Number(document.querySelector('.player__seek').value) >= s"


def playing(opened: Opened, speed: str = "60") -> Visit:
    """The player, running at a speed."""
    visit = opened("/watch/play/t7")
    visit.page.locator(".player[data-playing] .player__speed select").select_option(speed)
    return visit


def test_a_viewing_is_one_event_when_the_page_is_left(opened: Opened, stage: Stage) -> None:
    visit = playing(opened)
    visit.page.wait_for_function(WATCHED, arg=60)
    visit.page.locator(".player__play").click()
    visit.page.wait_for_timeout(300)
    visit.page.locator(".player__play").click()
    visit.page.wait_for_function(WATCHED, arg=120)
    visit.page.locator("#home").click()
    visit.page.wait_for_url("**/watch")
    (event,) = stage.of_type("play")
    assert (event["title_id"], event["decision_id"], event["row"], event["col"]) == ("t7", "d1", 2, 3)
    assert event["watch_s"] == pytest.approx(event["position_s"], abs=2)
    assert 120 <= event["watch_s"] < 900


def test_it_goes_on_where_it_stopped_and_jumps_are_not_watching(opened: Opened, stage: Stage) -> None:
    stage.position_s = 400
    visit = playing(opened)
    visit.page.locator(".player__play").click()
    visit.page.evaluate(
        """() => {
          const seek = document.querySelector(".player__seek");
          seek.value = 800;
          seek.dispatchEvent(new Event("input"));
        }"""
    )
    visit.page.locator("#home").click()
    visit.page.wait_for_url("**/watch")
    (event,) = stage.of_type("play")
    assert 800 <= event["position_s"] <= 810
    assert 0 < event["watch_s"] < 300


def test_a_title_that_ends_says_what_comes_next(opened: Opened, stage: Stage) -> None:
    visit = playing(opened, "600")
    visit.page.locator(".player__next").wait_for()
    until(visit.page, lambda: bool(stage.of_type("play")), "the play")
    (event,) = stage.of_type("play")
    assert (event["watch_s"], event["position_s"]) == (1000, 1000)
    assert visit.page.locator(".player__play").get_attribute("data-does") == "again"
    visit.page.locator(".player__play").click()
    visit.page.locator(".player__next").wait_for(state="hidden")
    visit.page.wait_for_function(WATCHED, arg=100)
    visit.page.goto(f"{stage.address}/watch")
    until(visit.page, lambda: len(stage.of_type("play")) == 2, "the second viewing")


def test_it_plays_on_while_the_server_is_away(opened: Opened, stage: Stage) -> None:
    visit = playing(opened, "600")
    visit.excuse("Failed to load resource", "net::ERR")
    stage.answers = [(-1, {}), (503, {})]
    visit.page.locator(".player__next").wait_for()
    until(visit.page, lambda: bool(stage.of_type("play")), "the play, when the server is back")
    assert len(stage.of_type("play")) == 1


def test_a_viewing_that_ended_with_a_crash_is_found(opened: Opened, stage: Stage) -> None:
    visit = opened("/watch/title/t1")
    visit.page.evaluate(
        """() => localStorage.setItem("matinee.draft.p1.lost", JSON.stringify({
          event_id: "lost", type: "play", at: "1998-04-22T20:00:00Z", title_id: "t7", watch_s: 700,
          position_s: 700, beat_ms: Date.now() - 60_000}))"""
    )
    opened("/watch")
    until(visit.page, lambda: bool(stage.of_type("play")), "the lost play")
    assert stage.of_type("play")[0]["event_id"] == "lost"


def test_keys_play_and_jump(opened: Opened) -> None:
    visit = playing(opened, "1")
    page = visit.page
    page.keyboard.press("k")
    assert not page.locator(".player[data-playing]").count()
    before = float(page.locator(".player__seek").input_value())
    page.keyboard.press("l")
    page.keyboard.press("l")
    assert float(page.locator(".player__seek").input_value()) == pytest.approx(before + 20, abs=10)
    page.keyboard.press("k")
    assert page.locator(".player[data-playing]").count()
