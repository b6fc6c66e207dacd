"""Images on the pages of one process: chosen in time, else the default; and never one that is not cleared."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from images import SVG, Chooser, image, images_of, released, store
from running import N_TITLES, make_home
from tests.platform.toys import TOY

from matinee.errors import NotFoundError
from matinee.observe.decision_log import find_decision
from matinee.observe.decisions import DecisionRecord, Slot
from matinee.platform.deciding import Decided, Request
from matinee.platform.initiative import Fallback
from matinee.platform.loading import load
from matinee.serve import services as opening
from matinee.serve.artworks import NAME
from matinee.serve.asked import Asked
from matinee.serve.budget import Breaker, Pool
from matinee.serve.config import ServeConfig
from matinee.serve.deciding import decide_for
from matinee.serve.explaining import explain
from matinee.serve.known import look
from matinee.serve.pages import Pages
from matinee.serve.preparing import prepare
from matinee.serve.schemas import PageReply, TileReply
from matinee.serve.services import Services
from matinee.types import NEVER_US

TITLES = ["s", "s1e1", *(f"t{i}" for i in range(N_TITLES))]
PATIENT = ServeConfig(budget_ms=5_000, artwork_ms=2_000)


NUMBER = count(1)


def only_homepage(patch: pytest.MonkeyPatch) -> None:
    found = {"homepage": load("homepage")}
    patch.setattr(opening, "deciding", lambda _home: found.items())


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    home = make_home(tmp_path_factory.mktemp("artworks") / "home")
    prepare(home, PATIENT, lambda *_: None)
    with pytest.MonkeyPatch.context() as patch:
        only_homepage(patch)
        services = Services.open(home, PATIENT)
    yield services
    services._close()


@pytest.fixture
def services(opened: Services, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    """All titles have two images again, and nobody has seen a page yet."""
    store(opened.home, images_of(TITLES), from_us=next(NUMBER))
    opened.artwork.follow()
    monkeypatch.setattr(opened, "config", PATIENT)
    monkeypatch.setenv("MEMBER", f"new{next(NUMBER)}")
    yield opened
    opened.released.pop(NAME, None)
    opened.initiatives.pop(NAME, None)


def page(services: Services, member: str | None = None, **asked: Any) -> PageReply:
    """A page of a member, else of one whom no other test knows."""
    member = member or os.environ["MEMBER"]
    cursor = asked.pop("cursor", None)
    return asyncio.run(Pages(services).page(member, Asked(**asked), cursor=cursor))


def tiles(reply: PageReply) -> list[TileReply]:
    return [tile for row in reply.rows for tile in row.tiles]


def context(services: Services, reply: PageReply) -> dict[str, Any]:
    assert services.ingestor.drain(5)
    record = find_decision(services.home, reply.decision_id)
    assert record is not None
    return dict(record.context)


def withdraw(services: Services, *ids: str) -> None:
    rows = [image(one, one.rpartition("-")[0], withdrawn_us=5, withdrawn_why="rights") for one in ids]
    store(services.home, rows, from_us=next(NUMBER))
    services.artwork.follow()


def test_every_tile_has_the_image_that_was_chosen_and_its_propensity(services: Services) -> None:
    services.released[NAME] = released(Chooser())
    found = page(services)
    assert tiles(found)
    first: set[str] = set()
    for tile in tiles(found):
        assert tile.artwork_id == f"{tile.title_id}-1"
        assert tile.artwork_propensity == (1.0 if tile.title_id in first else 0.25)
        assert tile.artwork_url == f"/artwork/{tile.artwork_id}.svg"
        first.add(tile.title_id)
    said = context(services, found)
    assert (said["artwork_policy"], said["artwork_model"]) == ("chooser@1", "v1")
    assert "artwork_late" not in said
    record = find_decision(services.home, found.decision_id)
    assert record is not None
    assert {slot.artwork_n for slot in record.slots} == {2}


def test_the_same_page_and_the_rows_below_keep_the_images(services: Services) -> None:
    chooser = Chooser()
    services.released[NAME] = released(chooser)
    found = page(services, rows=2, cols=4)
    assert found.next_cursor is not None
    below = page(services, rows=2, cols=4, cursor=found.next_cursor)
    again = page(services, rows=2, cols=4)
    assert again.sticky_of == found.decision_id
    assert again.rows == found.rows
    assert {tile.artwork_id for tile in tiles(below)} == {f"{tile.title_id}-1" for tile in tiles(below)}
    assert chooser.n_asked == 2


@pytest.mark.parametrize(
    ("chooser", "late", "said"),
    [
        (Chooser(sleeps_s=0.6), True, ("late", "overloaded")),  # the latter where no thread came to it
        (Chooser(problem=ValueError("no")), False, "raised: ValueError: no"),
        (None, False, "no model"),
    ],
)
def test_without_a_choice_in_time_each_title_has_its_default_image(
    services: Services, chooser: Chooser | None, late: bool, said: str | tuple[str, ...]
) -> None:
    services.config = ServeConfig(budget_ms=5_000, artwork_ms=150 if late else 2_000)
    services.released[NAME] = released(chooser)
    found = page(services)
    assert {tile.artwork_id for tile in tiles(found)} == {f"{tile.title_id}-0" for tile in tiles(found)}
    assert {tile.artwork_propensity for tile in tiles(found)} == {1.0}
    told = context(services, found)
    assert told.get("artwork_late", False) is late
    assert told["artwork_policy"] == "default"
    assert str(told["artwork_reason"]).startswith(said)


def test_while_nothing_is_released_a_fallback_that_can_choose_does(services: Services) -> None:
    services.released[NAME] = released(None, fallback=Chooser(policy="tags@1"))
    found = page(services)
    assert {tile.artwork_propensity for tile in tiles(found)} <= {0.25, 1.0}
    told = context(services, found)
    assert (told["artwork_policy"], told["artwork_model"]) == ("tags@1", "none")


def test_an_image_that_is_unknown_or_of_another_title_is_never_shown(services: Services) -> None:
    services.released[NAME] = released(Chooser(suffix="-9"))
    found = page(services)
    assert {tile.artwork_id for tile in tiles(found)} == {f"{tile.title_id}-0" for tile in tiles(found)}
    assert context(services, found)["artwork_replaced"] == len({tile.title_id for tile in tiles(found)})


def test_a_withdrawn_image_is_gone_from_new_pages_kept_pages_and_rows_below(services: Services) -> None:
    services.released[NAME] = released(Chooser())
    found = page(services, rows=2, cols=4)
    below = page(services, rows=2, cols=4, cursor=found.next_cursor)
    gone = [one.artwork_id for one in (tiles(found)[0], tiles(below)[0]) if one.artwork_id]
    withdraw(services, *gone)
    kept = page(services, rows=2, cols=4)
    assert kept.sticky_of == found.decision_id
    assert tiles(kept)[0].artwork_id == f"{tiles(kept)[0].title_id}-0"
    assert tiles(kept)[0].artwork_propensity == 1.0
    assert services.ingestor.drain(5)
    logged = find_decision(services.home, kept.decision_id)
    assert logged is not None
    assert logged.slots[0].artwork_id == tiles(kept)[0].artwork_id
    for other in (
        page(services, rows=2, cols=4, cursor=found.next_cursor),
        page(services, "m3"),
        page(services),
    ):
        assert not {tile.artwork_id for tile in tiles(other)} & set(gone)


def test_a_title_without_any_cleared_image_has_none(services: Services) -> None:
    services.released[NAME] = released(Chooser())
    found = page(services)
    title = tiles(found)[0].title_id
    withdraw(services, f"{title}-0", f"{title}-1")
    (tile, *_) = [one for one in tiles(page(services)) if one.title_id == title]
    assert (tile.artwork_id, tile.artwork_propensity, tile.artwork_url) == (None, None, None)


def test_territory_and_time_of_an_image_hold(services: Services) -> None:
    changed = [image(f"{one}-1", one, territories=["DE"]) for one in TITLES]
    changed += [image(f"{one}-0", one, start_us=1, end_us=NEVER_US - 1) for one in TITLES]
    store(services.home, changed, from_us=next(NUMBER))
    services.artwork.follow()
    services.released[NAME] = released(Chooser())
    austrian = tiles(page(services, "m1"))
    german = tiles(page(services, "m2"))
    assert {tile.artwork_id for tile in austrian} == {f"{tile.title_id}-0" for tile in austrian}
    assert {tile.artwork_id for tile in german} == {f"{tile.title_id}-1" for tile in german}


def test_a_home_without_images_has_pages_as_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only_homepage(monkeypatch)
    services = Services.open(make_home(tmp_path / "home"), PATIENT)
    try:
        chooser = Chooser()
        services.released[NAME] = released(chooser)
        found = page(services, "m1")
        assert {tile.artwork_id for tile in tiles(found)} == {None}
        assert not [name for name in context(services, found) if name.startswith("artwork")]
        assert chooser.n_asked == 0
    finally:
        services.released.pop(NAME)
        services._close()


def test_an_explanation_names_the_image_of_each_tile_and_why(services: Services) -> None:
    chooser = Chooser()
    services.released[NAME] = released(None, fallback=chooser)
    fallback = Fallback("chooser", lambda _around: chooser)
    services.initiatives[NAME] = replace(TOY, name=NAME, fallback=fallback)
    first = page(services)
    assert services.ingestor.drain(5)
    chosen = explain(services, first.decision_id)["artwork"]
    assert [one["artwork_id"] for one in chosen] == [tile.artwork_id for tile in tiles(first)]
    assert (chosen[0]["propensity"], chosen[0]["n"], chosen[0]["why"]) == (0.25, 2, "because it is dark")
    chooser.suffix = "-0"
    (why, *_) = [one["why"] for one in explain(services, first.decision_id)["artwork"]]
    title = tiles(first)[0].title_id
    assert why == f"drawn with probability 0.25 from 2 images; chosen again it would be {title}-0"


def test_an_explanation_says_why_images_are_the_default_ones(services: Services) -> None:
    services.released[NAME] = released(None)
    found = page(services)
    assert services.ingestor.drain(5)
    told = explain(services, found.decision_id)["artwork"]
    assert told[0]["why"] == "the default image, because no model"


def test_files_are_given_out_while_an_image_in_them_is_cleared(services: Services) -> None:
    now = services.clock.now_us
    assert services.artwork.file("t1-1.svg", now).read_bytes() == SVG
    withdraw(services, "t1-1")
    for name in ("t1-1.svg", "t9999.svg", "../matinee.toml", "", ".."):
        with pytest.raises(NotFoundError, match="is not there"):
            services.artwork.file(name, now)
    store(
        services.home,
        [image("t2-1", "t2", territories=["DE"]), image("t3-1", "t3", end_us=now)],
        from_us=next(NUMBER),
    )
    services.artwork.follow()
    assert services.artwork.file("t2-1.svg", now)
    with pytest.raises(NotFoundError):
        services.artwork.file("t3-1.svg", now)


def test_a_decision_about_images_names_none_that_is_not_cleared(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Request] = []

    async def answer(_name: str, request: Request, decision_id: str, *_: Any) -> Any:
        asked.append(request)
        slots = [Slot("t1-1", 1.0)]
        record = DecisionRecord(decision_id, NAME, request.unit_id, request.at_us, "p", "v", slots)
        return SimpleNamespace(record=record, fallback=None)

    monkeypatch.setattr(services, "answer", answer)
    monkeypatch.setitem(services.initiatives, NAME, replace(TOY, name=NAME))
    now, known = services.clock.now_us, look(services, "m2")

    def decided(territory: str) -> DecisionRecord:
        request = Request("m2", now, context={"territory": territory})
        return asyncio.run(decide_for(services, NAME, request, known, "d", 1e3))[0]

    assert [slot.action for slot in decided("AT").slots] == ["t1-1"]
    assert asked[0].context["territory"] == known.limits({"territory": "AT"}).territory
    slots, request = [Slot("t1-1", 1.0)], Request("m2", now)
    assert services.artwork.holds(slots, request, known)
    withdraw(services, "t1-1")
    gone = decided("AT")
    assert (gone.slots, gone.context["artwork_replaced"]) == ([], 1)
    assert not services.artwork.holds(slots, request, known)


def test_the_log_says_in_which_territory_images_were_cleared(services: Services) -> None:
    services.released[NAME] = released(Chooser())
    store(services.home, [image("t5-1", "t5", territories=["DE"])], from_us=next(NUMBER))
    services.artwork.follow()
    first = page(services, "m2", device="tv")  # who is in DE by the facts
    said = context(services, first)
    assert ("territory" in said, said["artwork_territory"]) == (False, "DE")
    shown = tiles(first)[0]
    withdraw(services, str(shown.artwork_id))
    again = page(services, "m2", device="tv")
    assert again.sticky_of == first.decision_id
    assert context(services, again)["artwork_territory"] == "DE"
    assert "artwork_territory" not in context(services, page(services, "m2", territory="DE"))


def test_images_are_chosen_in_the_thread_that_composed_the_page(services: Services) -> None:
    chooser = Chooser()
    names: list[str] = []
    chosen = chooser.choose_artwork

    def choose(request: Request, titles: Any) -> Any:
        names.append(threading.current_thread().name)
        return chosen(request, titles)

    chooser.choose_artwork = choose  # type: ignore[method-assign]
    one = services.released[NAME] = released(chooser)
    incumbent = services.released["homepage"].keeper.now.incumbent
    assert incumbent.answering.decider is None  # nothing was trained: the fallback has no thread to go on in
    page(services)
    assert names[0].startswith("chooser-")
    pool = Pool(2, name="page")
    then = services.artwork.alongside(
        services, Request("m2", services.clock.now_us), look(services, "m2"), None, 5.0
    )
    assert then is not None
    asyncio.run(pool.ask_async(lambda: Decided((Slot("t1", 1.0), Slot("t2", 1.0)), (), None), 5.0, then.then))
    assert names[1].startswith("page-")
    found = then.choice(["t1", "t2"])
    assert found is not None
    assert found.choices is not None
    assert found.choices.artwork_id == ["t1-1", "t2-1"]
    assert then.choice(["t2"]) is None, "a title was taken from the page: its images are chosen again"
    one.keeper.now.incumbent.pool.breaker = Breaker(trips=1)
    one.keeper.now.incumbent.pool.told("late", strict=True)
    assert services.artwork.alongside(services, Request("m2", 1), look(services, "m2"), None, 5.0) is None


def test_choices_that_hang_take_half_of_the_threads_of_pages_at_most(services: Services) -> None:
    free = threading.Event()
    chooser = Chooser()
    chooser.choose_artwork = lambda *_: free.wait(20)  # type: ignore[assignment,method-assign]
    services.config = ServeConfig(budget_ms=5_000, artwork_ms=20, threads=4)
    services.released[NAME] = released(chooser)
    pool, began = Pool(4, name="page"), time.monotonic()

    async def one() -> Any:
        images = services.artwork.alongside(
            services, Request("m2", services.clock.now_us), look(services, "m2"), None, 5.0
        )
        assert images is not None
        made = await pool.ask_async(lambda: Decided((Slot("t1", 1.0),), (), None), 5.0, images.then)
        assert made.why is None
        return images.choice(["t1"])

    async def many() -> list[Any]:
        return [await one() for _ in range(8)]

    try:
        found = asyncio.run(many())
        assert [choice.how for choice in found[:2]] == ["late", "late"]
        assert found[2:] == [None] * 6
        while pool.busy > 2:  # a thread that has answered takes a moment to say so
            assert time.monotonic() - began < 10
            time.sleep(0.01)
        assert pool.busy == 2
    finally:
        free.set()
