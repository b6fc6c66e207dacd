"""Previews of a trained release: the page of the command line and of the server, then and as it might be."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

sys.path.insert(0, str(Path(__file__).parents[2] / "serve"))

from images import images_of, store
from running import N_TITLES, play
from tests.console.door import ADDRESS, Door
from trained import trained_home

from matinee.cli.main import main
from matinee.console.app import create
from matinee.console.parts import Console
from matinee.console.preview.changes import Change
from matinee.console.preview.desk import Desk
from matinee.console.preview.engine import Engine
from matinee.console.preview.imagined import Facts
from matinee.console.preview.logged import logged
from matinee.console.preview.question import Question
from matinee.console.preview.seen import Page
from matinee.serve.config import ServeConfig
from matinee.serve.services import Services
from matinee.types import HOUR_US, format_at, parse_at

pytestmark = pytest.mark.slow
PATIENT = "[serve]\nrefresh_s = 3600\nbudget_ms = 20000\nartwork_ms = 5000\n"


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    home = trained_home(tmp_path_factory, tmp_path_factory.mktemp("preview") / "home", PATIENT)
    store(home, images_of([f"t{i}" for i in range(N_TITLES)]))
    config = ServeConfig(refresh_s=3600, compact_s=3600, budget_ms=20_000, artwork_ms=5_000)
    services = Services.open(home, config)
    with TestClient(create(services), base_url=ADDRESS) as http:
        yield Door(services, http)


@pytest.fixture(scope="module")
def engine(door: Door) -> Engine:
    found = Desk(Console(door.services, *(None,) * 5)).engine  # type: ignore[arg-type]
    assert found is not None
    return found


def ids(page: Page) -> list[list[tuple[str, str | None]]]:
    return [[(t.title_id, t.image and t.image.artwork_id) for t in row.tiles] for row in page.rows]


def served(door: Door, member_id: str, **query: Any) -> Any:
    reply = door.http.get(f"/v1/members/{member_id}/homepage", params=query)
    assert reply.status_code == 200, reply.text
    found = reply.json()
    assert not found["fallback"], found
    return found


def ids_of(page: Any) -> list[list[tuple[str, str | None]]]:
    return [[(tile["title_id"], tile["artwork_id"]) for tile in row["tiles"]] for row in page["rows"]]


@pytest.mark.parametrize("at", ["2024-11-08T20:00:00Z", "2024-11-05T12:00:00Z"])
@pytest.mark.parametrize("member_id", ["m1", "kid", "m2", "nobody"])
def test_it_is_the_page_of_the_command_line(
    door: Door, engine: Engine, capsys: pytest.CaptureFixture[str], member_id: str, at: str
) -> None:
    made = engine.answer(Question(member_id, parse_at(at), rows=5, cols=6)).page
    home = str(door.services.home.root)
    words = ["page", member_id, "--home", home, "--at", at, "--rows", "5", "--cols", "6", "--json"]
    assert main(words) == 0
    assert ids(made) == ids_of(json.loads(capsys.readouterr().out))


def test_it_is_the_page_of_the_server_now(door: Door, engine: Engine) -> None:
    made = engine.answer(Question("m3", rows=4, cols=6, device="tv")).page
    assert ids(made) == ids_of(served(door, "m3", rows=4, cols=6, device="tv"))


def test_a_play_that_is_imagined_gives_the_page_that_the_server_gives_after_it(
    door: Door, engine: Engine
) -> None:
    clock = door.services.clock
    at_us = clock.now_us
    change = Change("play", "t30", at_us=at_us - at_us % 1_000_000)
    before = engine.answer(Question("m4", rows=4, cols=6)).page
    imagined = engine.answer(Question("m4", rows=4, cols=6, changes=(change,))).page
    event = play("real-1", "m4", "t30", format_at(at_us), watch_s=6000.0, position_s=6000.0)
    assert door.http.post("/v1/events", json=[event]).json()["accepted"] == 1
    after = served(door, "m4", rows=4, cols=6)
    assert ids(imagined) == ids_of(after)
    assert ids(before) != ids_of(after)
    assert imagined.plays[0].title.title_id == "t30"
    undone = engine.answer(Question("m4", rows=4, cols=6, changes=(Change("unplay", "t30"),))).page
    assert ids(undone) == ids(before)


def test_the_past_is_not_changed_by_what_came_later(door: Door, engine: Engine) -> None:
    question = Question("m5", parse_at("2024-11-06T00:00:00Z"), rows=4, cols=6)
    before = engine.answer(question).page
    event = play("late-1", "m5", "t40", format_at(door.services.clock.now_us), watch_s=6000.0)
    assert door.http.post("/v1/events", json=[event]).json()["accepted"] == 1
    door.services.ingestor.drain(5.0)
    late = play("late-2", "m5", "t41", "2024-11-05T10:00:00Z", watch_s=6000.0)
    assert door.http.post("/v1/events", json=[late]).json()["accepted"] == 1
    door.services.ingestor.drain(5.0)
    after = engine.answer(question).page
    assert ids(after) == ids(before), "it happened before, and arrived after"
    assert after.n_plays == before.n_plays


def test_limits_that_are_imagined_hold(engine: Engine) -> None:
    page = engine.answer(Question("m1", rows=8, cols=20, facts=Facts("DE", 6, None))).page
    assert page.limits.territory == "DE"
    assert all((tile.title.maturity or 0) <= 6 for tile in page.tiles)
    assert "t1" not in {t.title_id for t in engine.answer(Question("m1", rows=8, cols=20)).page.tiles}


def test_thumbs_and_the_list_are_imagined(engine: Engine) -> None:
    tiles = engine.answer(Question("m6", rows=4, cols=6)).page.tiles
    first = tiles[0]
    down = engine.answer(Question("m6", rows=4, cols=6, changes=(Change("down", first.title_id),))).page
    assert first.title_id not in {tile.title_id for tile in down.tiles}
    several = tuple(Change("list", tile.title_id) for tile in tiles[:8])  # one may stand above
    listed = engine.answer(Question("m6", rows=8, cols=6, changes=several)).page
    assert "my_list" in {row.kind for row in listed.rows}


def test_every_tile_says_what_it_weighed(engine: Engine) -> None:
    answer = engine.answer(Question("m1", rows=6, cols=8), "t30")
    tiles = answer.page.tiles
    assert all(tile.scores["play"] > 0 for tile in tiles)
    assert any("total" in tile.scores for tile in tiles)
    assert all(row.stage is not None for row in answer.page.rows)
    assert answer.page.located is not None
    assert answer.page.measures.expected_plays == pytest.approx(
        sum(tile.scores.get("expected", 0.0) for tile in tiles)
    )
    drawn = [tile for tile in tiles if tile.explored]
    assert all(tile.propensity < 1 and tile.n_permitted for tile in drawn)


def test_releases_that_are_on_disk_can_be_previewed(engine: Engine) -> None:
    known = engine.openings.releases()
    assert [one.version for one in known][-1] == "fallback"
    assert known[0].current
    assert known[0].newest
    named = engine.answer(Question("m1", release=known[0].version)).page
    assert named.version == engine.answer(Question("m1")).page.version
    fallback = engine.answer(Question("m1", release="fallback")).page
    assert fallback.policy != named.policy


def test_a_logged_page_comes_out_the_same_and_one_that_cannot_is_told(door: Door, engine: Engine) -> None:
    services = door.services
    found = served(door, "m7", rows=3, cols=5)
    assert services.ingestor.drain(5.0)
    told = logged(services.home, services.initiatives, "homepage", found["decision_id"], engine)
    assert (told.reproduced, told.again) == (True, None)
    assert ids(told.page) == ids_of(found)
    assert told.page.tiles[0].scores["play"] > 0
    assert (told.page.question.member_id, told.page.question.at_us) == ("m7", told.page.at_us)
    assert (told.page.question.rows, told.page.question.cols) == (3, 5)
    reply = door.http.get(f"/console/preview?decision={found['decision_id']}")
    assert "Computed once more, the page comes out the same." in reply.text
    repeated = served(door, "m7", rows=3, cols=5)
    assert repeated["sticky_of"] == found["decision_id"]
    assert services.ingestor.drain(5.0)
    sticky = logged(services.home, services.initiatives, "homepage", repeated["decision_id"], engine)
    assert (sticky.made, sticky.reproduced) == (found["decision_id"], True)


def test_a_moment_in_the_future_shows_what_will_be_there(engine: Engine) -> None:
    later = engine.now().now_us + 48 * HOUR_US
    assert engine.answer(Question("m1", later)).page.at_us == later
