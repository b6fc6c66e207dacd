from __future__ import annotations

import asyncio
import tracemalloc
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from matinee.console import titles as titles_file
from matinee.console.titles import Facts, Seen, Titles, TitlesNow
from matinee.errors import StorageError
from matinee.observe.catalogue.catalogue import Catalogue, Limits
from matinee.serve.guard import Guard
from matinee.types import DAY_US

NOW = 20_000 * DAY_US
ROWS: list[dict[str, Any]] = [
    {
        "title_id": "f", "name": "Fargo", "release_us": 826_243_200_000_000, "runtime_s": 5880.4,
        "genres": ["Crime"], "maturity": 16, "synopsis": "Snow.", "cast": ["A", "B"], "directors": ["C"],
    },
    {"title_id": "bare"},
    {"title_id": "s", "name": "Series", "kind": "series", "maturity": 18},
    {"title_id": "e2", "kind": "episode", "series_id": "s", "season": 1, "episode": 2, "maturity": 0},
    {"title_id": "e1", "kind": "episode", "series_id": "s", "season": 1, "episode": 1, "maturity": 0},
    {"title_id": "x", "kind": "episode", "series_id": "s", "maturity": 0},
    {"title_id": "w", "maturity": 0},
    {"title_id": "new", "maturity": 0, "release_us": NOW - DAY_US},
]  # fmt: skip
WINDOWS = [
    ("w", "AT", 0, NOW + 3 * DAY_US),
    ("w", "AT", NOW + 2 * DAY_US, NOW + 5 * DAY_US),
    ("w", "DE", 0, NOW),
]


def made(rows: list[dict[str, Any]] | None = None, windows: Any = WINDOWS) -> Titles:
    catalogue = Catalogue.from_rows(ROWS if rows is None else rows, windows=windows)
    n = len(catalogue)
    return Titles(catalogue, np.arange(n, dtype=np.float32), np.zeros(n, np.bool_))


def test_facts_are_for_people() -> None:
    titles = made()
    assert titles.facts("f") == Facts(
        "f", "Fargo", "film", "Snow.", 1996, 5880, 16, ("Crime",), ("A", "B"), ("C",)
    )
    assert titles.facts("bare") == Facts("bare", "bare", "film")
    assert titles.facts("nobody") is None
    episode = titles.facts("e2")
    assert episode is not None
    assert (episode.series_id, episode.series, episode.season, episode.episode) == ("s", "Series", 1, 2)


def test_episodes_are_in_order_and_count_for_their_series() -> None:
    titles = made()
    assert titles.episodes("s") == ["e1", "e2", "x"]
    assert titles.episodes("f") == titles.episodes("nobody") == []
    assert (titles.unit("e1"), titles.unit("f"), titles.unit("nobody")) == ("s", "f", "nobody")


def test_a_window_that_goes_on_does_not_leave() -> None:
    titles = made()
    assert titles.leaving_us("w", "AT", NOW) == NOW + 5 * DAY_US
    assert titles.leaving_us("w", "AT", NOW - 100 * DAY_US) is None
    assert titles.leaving_us("w", "DE", NOW) is None
    assert titles.leaving_us("f", "AT", NOW) is None


def test_new_is_what_came_lately() -> None:
    titles = made()
    assert titles.is_new("new", None, NOW)
    assert not titles.is_new("new", None, NOW + 100 * DAY_US)
    assert titles.is_new("w", "DE", 10 * DAY_US)
    assert not titles.is_new("w", "DE", NOW - 1)
    assert not titles.is_new("bare", None, NOW)
    assert not titles.is_new("nobody", None, NOW)


def test_what_may_be_seen_follows_title_and_series() -> None:
    titles = made()
    kids = Seen(titles, Guard(titles.catalogue), Limits("AT", 12, kids=True), NOW)
    assert [one for one in ("f", "bare", "e1", "w", "nobody") if kids.permits(one)] == ["w"]
    assert kids.facts("e1") is None
    grown = Seen(titles, Guard(titles.catalogue), Limits("DE"), NOW)
    assert grown.only(["f", "bare", "e1", "w", "nobody"]) == ["f", "bare", "e1"]
    assert grown.only(["f", "bare"], 1) == ["f"]


def test_masks_are_kept_until_something_changes() -> None:
    titles = made()
    limits = Limits("AT")
    mask = titles.allowed(limits, NOW)
    assert titles.allowed(limits, NOW + 1) is mask
    assert titles.allowed(limits, NOW + 6 * DAY_US)[titles.position("w")] != mask[titles.position("w")]
    for n in range(100):
        titles.allowed(Limits(f"T{n}"), NOW)
    assert len(titles._masks) == titles_file.MASKS_KEPT


def test_an_empty_catalogue_is_no_trouble() -> None:
    titles = made([], [])
    assert titles.popular(titles.allowed(Limits(), NOW), 5) == []
    assert titles.size == (240, 360)


def test_memory_of_fifty_thousand_titles_is_bounded() -> None:
    n = 50_000
    rows = [{"title_id": f"t{i}", "name": f"Name {i}", "genres": ["Crime"]} for i in range(n)]
    catalogue = Catalogue.from_rows(rows)
    tracemalloc.start()
    titles = Titles(catalogue, np.zeros(n, np.float32), np.zeros(n, np.bool_))
    for k in range(100):
        titles.allowed(Limits(f"T{k}"), NOW)
        assert titles.facts(f"t{k}") is not None
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size < 20e6, "besides the catalogue itself: an index of ids, and masks"


def kept(load: Any) -> TitlesNow:
    now = TitlesNow(SimpleNamespace(guard=object()))  # type: ignore[arg-type]
    now._load = load  # type: ignore[method-assign]
    return now


def test_the_titles_follow_the_guard() -> None:
    made_of: list[Titles] = []

    def load() -> Titles:
        made_of.append(made())
        return made_of[-1]

    async def story() -> None:
        now = kept(load)
        one, other = await asyncio.gather(now.now(), now.now())
        assert one is other is await now.now()
        now.services.guard = object()  # type: ignore[assignment]
        assert await now.now() is made_of[1]

    asyncio.run(story())
    assert len(made_of) == 2


def test_what_cannot_be_read_leaves_the_titles_of_before() -> None:
    broken = False

    def load() -> Titles:
        if broken:
            raise StorageError("the lake is away")
        return made()

    async def story() -> None:
        nonlocal broken
        now = kept(load)
        one = await now.now()
        broken = True
        now.services.guard = object()  # type: ignore[assignment]
        assert await now.now() is one
        assert await now.now() is one
        with pytest.raises(StorageError):
            await kept(load).now()

    asyncio.run(story())


def test_a_change_of_the_catalogue_does_not_read_all_plays_again(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[object] = []
    monkeypatch.setattr(titles_file, "watched_lately", lambda *_: {"t1": float(len(given))})
    monkeypatch.setattr(titles_file, "aspect_of", lambda *_: "")
    monkeypatch.setattr(Titles, "load", lambda *_, watched, **__: given.append(watched) or made())
    services = SimpleNamespace(guard=object(), home=None, initiatives={}, clock=SimpleNamespace(now_us=0))

    async def story() -> None:
        now = TitlesNow(services)  # type: ignore[arg-type]
        await now.now()
        services.guard = object()
        await now.now()
        now.again_s = 0.0
        services.guard = object()
        await now.now()

    asyncio.run(story())
    assert given == [{"t1": 0.0}, {"t1": 0.0}, {"t1": 2.0}]
