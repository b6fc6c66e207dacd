"""What a server shows becomes what the world's members look at."""

from __future__ import annotations

import numpy as np
import pytest
from tests.world.fake_server import Fake, served

from matinee.errors import InputError
from matinee.world.client import Client
from matinee.world.config import WorldConfig
from matinee.world.pages import Visits, checked
from matinee.world.served_pages import Page, Row, ServedPages, Tile, as_shown
from matinee.world.world import World

WORLD = World.make(WorldConfig(n_members=20, n_titles=40, n_days=10, rows=2, cols=3))


def visits(n: int = 2) -> Visits:
    eligible = np.ones((1, 40), np.bool_)
    eligible[0, 7] = False
    zeros = np.zeros(n, np.int64)
    seen, likes = np.zeros((n, 40), np.bool_), np.zeros((n, 10), np.float32)
    return Visits(3, np.arange(n), zeros, zeros, zeros, eligible, seen, likes, rows=2, cols=3)


def page(*rows: list[Tile]) -> Page:
    return Page("d1", "2025-01-01T00:00:00Z", [Row(r, list(tiles)) for r, tiles in enumerate(rows, 1)])


def test_tiles_take_their_places_and_episodes_stand_for_their_series() -> None:
    first = page([Tile(1, "t00005-e03"), Tile(3, "t00002", "t00002-i2", 0.25)], [Tile(2, "t00001")])
    shown = as_shown([first, page()], visits(), WORLD.titles)
    slates = shown.slates
    assert slates.title[0].tolist() == [[5, -1, 2], [-1, 1, -1]]
    assert (slates.title[1] == -1).all()
    assert slates.resumes is not None
    assert slates.resumes[0].tolist() == [[True, False, False], [False] * 3]
    assert slates.artwork is not None
    assert slates.artwork[0, 0].tolist() == [-1, -1, 1]
    assert slates.propensity is not None
    assert slates.propensity[0, 0, 2] == 0.25
    assert (shown.empty, shown.unreadable, shown.decision_id.tolist()) == (1, 0, ["d1", "d1"])
    full = checked(slates, visits(), WORLD.titles, WORLD.draws)
    assert full.artwork is not None
    assert full.artwork[0, 0, 2] == 1, "an artwork that was chosen stays"
    plain = checked(type(slates)(slates.title), visits(), WORLD.titles, WORLD.draws)
    assert plain.artwork is not None
    assert full.artwork[0, 0, 0] == plain.artwork[0, 0, 0], "where none was chosen, luck is what it always is"


def test_what_members_cannot_use_and_what_stands_outside_the_page_is_left_out() -> None:
    tiles = [Tile(1, "t00007"), Tile(2, "x1"), Tile(3, "t00040"), Tile(4, "t00001")]
    shown = as_shown([page(tiles, [], [Tile(1, "t00001")])], visits(1), WORLD.titles)
    assert (shown.slates.title == -1).all()
    assert (shown.unreadable, shown.empty) == (3, 0)


def test_every_visitor_asks_for_a_page_of_the_worlds_size_on_their_device() -> None:
    fake = Fake()
    with served(fake) as address:
        client = Client(address, connections=3)
        ask = ServedPages(client, WORLD.titles)
        slates = ask(visits(5))
        client.close()
    assert sorted(fake.asked) == [f"m{m:06d}" for m in range(5)]
    assert fake.queries[0] == {"rows": ["2"], "cols": ["3"], "device": ["tv"]}
    assert slates.title[:, 0, 0].tolist() == [1] * 5
    assert ask.shown is not None
    assert ask.shown.fallbacks == 5
    assert ask.shown.decision_id[2] == "d-m000002-2025-01-01T00:00:00Z"


def test_a_process_that_is_a_day_behind_is_asked_again() -> None:
    fake, waited = Fake(), list[float]()

    def wait(seconds: float) -> None:
        waited.append(seconds)
        fake.at = "2025-01-02T05:00:00Z"

    with served(fake) as address:
        client = Client(address, connections=1, wait=wait)
        ServedPages(client, WORLD.titles, not_before_us=1_735_776_000_000_000)(visits(1))
        client.close()
    assert len(waited) == 1
    assert len(fake.asked) == 2


def test_a_reply_that_is_no_page_is_named() -> None:
    with served(Fake(before=lambda _method, _path: (200, {}))) as address:
        client = Client(address, connections=1)
        with pytest.raises(InputError, match="a homepage is not as expected"):
            ServedPages(client, WORLD.titles)(visits(1))
        client.close()
