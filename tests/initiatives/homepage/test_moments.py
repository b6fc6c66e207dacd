"""A decider lives for hours: each request gets what is permitted at its own microsecond."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from deciders import decider_of
from small_services import NOW_US, member_of, titles_of

from matinee.initiatives.homepage.audiences import Audiences
from matinee.initiatives.homepage.config import PageConfig
from matinee.initiatives.homepage.rows import row_kinds
from matinee.observe.catalogue.catalogue import Catalogue, Limits, Pin
from matinee.platform.deciding import Request
from matinee.types import ALWAYS_US, DAY_US, NEVER_US

HOUR_US = DAY_US // 24
CONFIG = PageConfig(explore_slots=0, new_days=2, leaving_days=1)


def windowed(n: int = 30) -> Catalogue:
    """t0 leaves in an hour, t1 comes in two, t2 is released in three; then t3 is pinned for an hour."""
    rows = [{"title_id": f"t{i}", "name": f"Film {i}", "genres": ["Drama"]} for i in range(n)]
    rows[2]["release_us"] = NOW_US + 3 * HOUR_US
    windows = [
        ("t0", "AT", NOW_US - 9 * DAY_US, NOW_US + HOUR_US),
        ("t1", "AT", NOW_US + 2 * HOUR_US, NEVER_US),
    ]
    pin = Pin(1, 1, "t3", from_us=NOW_US + 3 * HOUR_US, until_us=NOW_US + 4 * HOUR_US)
    return Catalogue.from_rows(rows, windows=windows, pins=[pin])


def titles_without_plays_of_t2():
    titles = titles_of(windowed())
    popularity = titles.popularity.copy() + 1
    popularity[2] = 0
    return replace(titles, popularity=popularity)


def shown(decider, at_us: int) -> list[str]:
    decided = decider.decide(Request("m1", at_us, {"rows": 8, "cols": 10}))
    return [slot.action for slot in decided.slots]


def test_titles_come_and_go_at_their_microsecond() -> None:
    titles = titles_without_plays_of_t2()
    decider = decider_of(titles, member_of(30, limits=Limits("AT")), CONFIG, NOW_US)
    for title, change_us, before in (("t0", 1, True), ("t1", 2, False), ("t2", 3, False)):
        assert (title in shown(decider, NOW_US + change_us * HOUR_US - 1)) is before
        assert (title in shown(decider, NOW_US + change_us * HOUR_US)) is not before
    assert shown(decider, NOW_US + 3 * HOUR_US)[0] == "t3"
    assert "t0" in shown(decider, NOW_US), "a clock that is set back"


def test_a_page_says_until_when_it_is_permitted() -> None:
    decider = decider_of(titles_without_plays_of_t2(), member_of(30, limits=Limits("AT")), CONFIG, NOW_US)
    assert decider.decide(Request("m1", NOW_US)).valid_until_us == NOW_US + HOUR_US
    assert decider.decide(Request("m1", NOW_US + HOUR_US)).valid_until_us == NOW_US + 2 * HOUR_US


def test_audiences_are_kept_from_one_change_to_the_next() -> None:
    audiences = Audiences(titles_without_plays_of_t2(), CONFIG, row_kinds())
    first = audiences.at(Limits("AT"), NOW_US)
    later = audiences.at(Limits("AT"), NOW_US + HOUR_US - 1)
    assert later.shelves is first.shelves
    assert later.audience.at_us == NOW_US + HOUR_US - 1
    after = audiences.at(Limits("AT"), NOW_US + HOUR_US)
    assert after.shelves is not first.shelves
    assert after.actions != first.actions
    assert "t0" in audiences.actions_of(first.actions)
    assert audiences.span(NOW_US - 99 * DAY_US)[0] == ALWAYS_US
    assert audiences.span(NOW_US + 99 * DAY_US)[1] == NEVER_US


def test_nothing_but_its_changes_changes_what_is_permitted() -> None:
    catalogue = windowed()
    changes = [ALWAYS_US, *catalogue.changes_us().tolist(), NEVER_US]
    assert catalogue.next_change_us(NOW_US) == NOW_US + HOUR_US
    assert catalogue.next_change_us(NOW_US + 4 * HOUR_US) == NEVER_US
    played = np.arange(30) != 2
    for first, end in pairwise(changes):
        begin, stop = (max(first, NOW_US - DAY_US), min(end, NOW_US + DAY_US) - 1)
        if begin <= stop:
            masks = [catalogue.allowed(Limits("AT"), at_us, played).tolist() for at_us in (begin, stop)]
            assert masks[0] == masks[1]


def test_threads_get_the_pages_that_one_after_the_other_gets() -> None:
    decider = decider_of(titles_without_plays_of_t2(), member_of(30, limits=Limits("AT")), CONFIG, NOW_US)
    moments = [NOW_US + k * HOUR_US // 4 for k in range(24)] * 3
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda at_us: shown(decider, at_us), moments))
    fresh = decider_of(titles_without_plays_of_t2(), member_of(30, limits=Limits("AT")), CONFIG, NOW_US)
    assert found == [shown(fresh, at_us) for at_us in moments]
