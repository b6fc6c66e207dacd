"""Known answers on services that are small enough to see through."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from page_rules import violations
from small_services import NOW_US, member_of, plain_catalogue, titles_of

from matinee.errors import InputError
from matinee.initiatives.homepage.compose import Composer, compose_page
from matinee.initiatives.homepage.config import PageConfig, Quota
from matinee.initiatives.homepage.page import NO_ELIGIBLE_TITLE, Page
from matinee.initiatives.homepage.record import to_record
from matinee.initiatives.homepage.trace import PageTrace
from matinee.observe.catalogue.catalogue import Catalogue, Limits, Pin
from matinee.types import DAY_US

PLAIN = PageConfig(diversity=0.0, calibration=0.0, spread=0.0, explore_slots=0)
FALLING = np.geomspace(1, 1e-3, 120)


def page_of(
    catalogue: Catalogue, *, config: PageConfig = PLAIN, rows: int = 6, cols: int = 10, **member
) -> Page:
    n = len(catalogue)
    who = member_of(n, **({"scores": FALLING[: len(catalogue)]} | member))
    titles = titles_of(catalogue)
    page = compose_page(titles, who, at_us=NOW_US, config=config, rows=rows, cols=cols)
    assert violations(titles, who, page, config, rows=rows, cols=cols) == []
    return page


def ids(page: Page, row: int) -> list[str]:
    return [tile.title_id for tile in page.rows[row - 1].tiles]


def kinds(page: Page) -> list[str]:
    return [row.kind for row in page.rows]


def test_the_first_row_starts_with_the_strongest_predictions() -> None:
    page = page_of(plain_catalogue(120), history=[119])
    assert kinds(page)[0] == "top_picks"
    assert ids(page, 1)[:4] == ["t0", "t1", "t2", "t3"]


def test_the_visible_block_holds_better_titles_than_the_tenth_column() -> None:
    page = page_of(plain_catalogue(120), history=[119])
    visible = {int(t[1:]) for row in (1, 2, 3) for t in ids(page, row)[:4]}
    assert sum(sorted(visible)) < sum([*range(4), *range(10, 14), *range(20, 24)])


def test_the_first_rows_hold_four_kinds() -> None:
    page = page_of(plain_catalogue(120), history=[119, 118])
    assert len(set(kinds(page)[:6])) >= 4
    assert not any("kinds of row" in line for line in page.unmet)


def test_no_title_stands_twice_while_titles_suffice() -> None:
    page = page_of(plain_catalogue(120), history=[119])
    shown = [tile.title for row in page.rows for tile in row.tiles]
    assert len(shown) == len(set(shown)) == 60


def test_titles_come_again_only_outside_the_viewport() -> None:
    page = page_of(plain_catalogue(40), history=[39], rows=9)
    assert len(page.rows) > 4


def test_one_title_and_no_history() -> None:
    page = page_of(Catalogue.from_rows([{"title_id": "t0"}]), scores=[0.0])
    assert [ids(page, row.row) for row in page.rows] == [["t0"]]


def test_zero_scores_fall_back_to_popularity() -> None:
    catalogue = plain_catalogue(30)
    page = page_of(catalogue, scores=np.zeros(30), cols=5)
    best = int(np.argmax(titles_of(catalogue).popularity))
    assert page.rows[0].tiles[0].title == best


def test_everything_watched_still_makes_a_page() -> None:
    page = page_of(plain_catalogue(5), history=range(5))
    assert kinds(page) == ["watch_again"]
    page = page_of(plain_catalogue(5), history=range(5), weight=0.1)
    assert (kinds(page), len(page.rows[0].tiles)) == (["watch_again"], 5)


def test_no_eligible_title() -> None:
    page = page_of(plain_catalogue(5), limits=Limits(kids=True))
    assert (page.rows, page.reason) == ([], NO_ELIGIBLE_TITLE)


def test_kids_never_read_the_name_of_what_they_may_not_see() -> None:
    rows = [
        {"title_id": f"t{i}", "name": f"Film {i}", "genres": ["Drama"], "maturity": 18 if i == 0 else 6}
        for i in range(30)
    ]
    page = page_of(Catalogue.from_rows(rows), history=[0, 1], limits=Limits(kids=True))
    sentences = [row.reason for row in page.rows]
    assert "Because you watched Film 0" not in sentences
    assert "Because you watched Film 1" in sentences


def test_continue_watching_shows_the_next_episode_with_its_share() -> None:
    rows = [{"title_id": "s", "name": "Series", "kind": "series"}]
    rows += [{"title_id": f"e{i}", "name": f"Episode {i}", "series_id": "s"} for i in (1, 2)]
    rows += [{"title_id": f"t{i}", "name": f"Film {i}"} for i in range(8)]
    page = page_of(Catalogue.from_rows(rows), history=[0], in_progress=[2])
    (row,) = [row for row in page.rows if row.kind == "continue_watching"]
    assert [(t.title_id, t.reason) for t in row.tiles] == [("e2", "40 % watched")]
    assert all(not tile.title_id.startswith("e") for r in page.rows if r is not row for tile in r.tiles)


def test_my_list_and_dislikes() -> None:
    page = page_of(plain_catalogue(60), history=[59], my_list=[50, 51, 52, 53, 51], disliked=[51, 0])
    (row,) = [row for row in page.rows if row.kind == "my_list"]
    assert {tile.title_id for tile in row.tiles} == {"t50", "t52", "t53"}


def test_what_is_on_the_list_stands_there_however_good_it_is() -> None:
    best = [0, 1]
    page = page_of(plain_catalogue(60), history=[59], scores=FALLING[:60], my_list=best)
    assert [row.kind for row in page.rows for tile in row.tiles if tile.title in best] == ["my_list"] * 2
    pinned = plain_catalogue(60, pins=[Pin(2, 3, "t0")])
    page = page_of(pinned, history=[59], scores=FALLING[:60], my_list=best)
    assert page.rows[1].tiles[2].title_id == "t0"
    assert [row.kind for row in page.rows for tile in row.tiles if tile.title == 1] == ["my_list"]
    without = replace(PLAIN, quotas=(Quota("my_list", 0, 0),))
    page = page_of(plain_catalogue(60), history=[59], scores=FALLING[:60], my_list=best, config=without)
    assert {tile.title for row in page.rows for tile in row.tiles} >= set(best)
    long = page_of(plain_catalogue(60), history=[59], scores=FALLING[:60], my_list=range(9, -1, -1))
    places = {tile.title: row.kind for row in long.rows for tile in row.tiles}
    assert {places[t] for t in (6, 7, 8, 9)} == {"my_list"}, "the latest"
    assert {places[t] for t in range(6)} - {"my_list"}, "those before compete for every row"
    everything = page_of(plain_catalogue(4), my_list=range(4))
    assert [(row.kind, len(row.tiles)) for row in everything.rows] == [("my_list", 4)]


def test_leaving_and_new_say_when() -> None:
    rows = [{"title_id": f"t{i}", "name": f"Film {i}"} for i in range(20)]
    day = DAY_US
    windows = [
        ("t0", "AT", NOW_US - 300 * day, NOW_US + 3 * day),
        ("t1", "AT", NOW_US - 2 * day, NOW_US + 900 * day),
    ]
    windows += [(f"t{i}", "AT", NOW_US - 5 * day, NOW_US + 900 * day) for i in range(2, 6)]
    scores = np.r_[0.3, 0.001, np.full(18, 0.01)]
    config = replace(PLAIN, quotas=(Quota("leaving", 1), Quota("new", 1)), cols=5, min_tiles=1)
    page = page_of(
        Catalogue.from_rows(rows, windows=windows),
        config=config,
        limits=Limits("AT"),
        scores=scores,
        cols=2,
        rows=8,
    )
    reasons = {
        tile.title_id: tile.reason
        for row in page.rows
        for tile in row.tiles
        if row.kind in {"leaving", "new"}
    }
    assert all(text.startswith(("Leaves on 1972-09-30", "New since 1972-09-2")) for text in reasons.values())


def test_a_pinned_title_stands_where_it_was_pinned() -> None:
    catalogue = plain_catalogue(60, pins=[Pin(2, 3, "t57"), Pin(5, None, None, "hidden_gems")])
    page = page_of(catalogue, history=[59])
    assert page.rows[1].tiles[2].title_id == "t57"
    assert page.rows[1].tiles[2].reason == "Chosen by the editors"
    assert page.rows[4].kind == "hidden_gems"
    assert page.unmet == []


def test_pins_without_a_column_make_the_editors_row() -> None:
    catalogue = plain_catalogue(60, pins=[Pin(1, None, "t40"), Pin(1, None, "t41")])
    page = page_of(catalogue, history=[59])
    assert (page.rows[0].kind, ids(page, 1)) == ("editorial", ["t40", "t41"])


def test_a_pin_that_breaks_a_rule_is_reported_with_the_rule() -> None:
    pins = [
        Pin(1, 1, "t59"),
        Pin(1, 2, "nowhere"),
        Pin(2, None, None, "no_such_kind"),
        Pin(9, 1, "t5", None, "DE"),
    ]
    page = page_of(plain_catalogue(60, pins=pins), history=[59], rows=9)
    assert 'pin row 1 col 1 title "t59": already watched' in page.unmet
    assert 'pin row 1 col 2 title "nowhere": the catalogue has no such title' in page.unmet
    assert 'pin row 2 kind "no_such_kind": there is no such kind of row' in page.unmet
    assert len(page.unmet) == 3


def test_a_pin_is_kept_even_when_no_row_can_hold_it() -> None:
    page = page_of(plain_catalogue(1, pins=[Pin(4, 2, "t0")]))
    assert ids(page, 1) == ["t0"]
    assert page.unmet[0] == 'pin row 4 col 2 title "t0": no room for it, it stands at row 1 col 1'.replace(
        "no room", "no row"
    )


def test_quotas() -> None:
    config = replace(PLAIN, quotas=(Quota("trending", 1), Quota("genre", 0, 1), Quota("my_list", 1)))
    page = page_of(plain_catalogue(120), config=config, history=[119])
    assert kinds(page).count("trending") == 1
    assert kinds(page).count("genre") <= 1
    assert page.unmet == ['quota "my_list" min_rows 1: 0 placed, no more has enough titles that may be shown']


def test_an_explored_slot_logs_its_odds() -> None:
    catalogue = plain_catalogue(120)
    titles, who = titles_of(catalogue), member_of(120, history=[119], scores=FALLING)
    composer = Composer(titles, at_us=NOW_US, config=replace(PLAIN, explore_slots=2))
    drawn = set()
    for seed in range(30):
        trace = PageTrace()
        page = composer.page(who, seed=seed, rows=6, cols=10, trace=trace)
        tiles = [tile for row in page.rows for tile in row.tiles if tile.explored]
        assert len(tiles) == 2
        for tile, slot in zip(tiles, trace.explored, strict=True):
            assert slot.probabilities.sum() == pytest.approx(1)
            assert tile.propensity == slot.probabilities[slot.titles.tolist().index(tile.title)]
        record = to_record(page, decision_id="d", model="m")
        assert [s.n_permitted for s in record.slots if s.explored] == [len(s.titles) for s in trace.explored]
        assert len(record.slots) == sum(len(row.tiles) for row in page.rows)
        drawn.add(tiles[0].title)
    assert len(drawn) > 3


def test_draws_follow_their_propensities() -> None:
    titles, who = titles_of(plain_catalogue(12)), member_of(12, scores=FALLING[:12])
    config = replace(PLAIN, explore_slots=1, explore_row=1, explore_col=1)
    composer = Composer(titles, at_us=NOW_US, config=config)
    n, first, odds = 2_000, np.zeros(12), np.zeros(12)
    for seed in range(n):
        trace = PageTrace()
        page = composer.page(who, seed=seed, rows=1, cols=4, trace=trace)
        first[page.rows[0].tiles[0].title] += 1
        odds[trace.explored[0].titles] = trace.explored[0].probabilities
    assert np.abs(first / n - odds).max() < 4 * np.sqrt(0.25 / n)


def test_the_page_does_not_depend_on_what_was_composed_before() -> None:
    titles = titles_of(plain_catalogue(80))
    members = [member_of(80, member_id=f"m{i}", history=[i], scores=FALLING[:80]) for i in range(5)]
    composer = Composer(titles, at_us=NOW_US)
    together = list(composer.pages(members, seed=3, rows=6, cols=8))
    alone = [compose_page(titles, m, at_us=NOW_US, seed=3, rows=6, cols=8) for m in members[::-1]][::-1]
    assert together == alone


def test_calibration_moves_the_page_towards_the_members_genres() -> None:
    catalogue = Catalogue.from_rows(
        [
            {"title_id": f"t{i}", "name": f"Film {i}", "genres": ["Drama" if i % 4 == 0 else "Action"]}
            for i in range(120)
        ]
    )
    history = [100, 104, 108]
    shares = []
    for strength in (0.0, 5.0):
        page = page_of(catalogue, config=replace(PLAIN, calibration=strength), history=history, rows=3)
        tiles = [t.title for row in page.rows if row.intent == "discover" for t in row.tiles]
        shares.append(sum(t % 4 == 0 for t in tiles) / len(tiles))
    assert shares[1] > shares[0]


def test_diversity_spreads_a_row() -> None:
    catalogue = plain_catalogue(100)
    titles, who = titles_of(catalogue), member_of(100, history=[99], scores=FALLING[:100])
    volume = []
    for diversity in (0.0, 0.7):
        page = compose_page(
            titles, who, at_us=NOW_US, config=replace(PLAIN, diversity=diversity), rows=1, cols=2
        )
        vectors = titles.vectors[[tile.title for tile in page.rows[0].tiles]]
        volume.append(np.linalg.slogdet((1 + vectors @ vectors.T) / 2)[1])
    assert volume[1] > volume[0]


def test_spread_keeps_the_page_from_one_kind_of_title() -> None:
    kinds_of_title = [["Drama"], ["Drama"], ["Drama"], ["Action"]]
    catalogue = Catalogue.from_rows(
        [{"title_id": f"t{i}", "name": f"Film {i}", "genres": kinds_of_title[i % 4]} for i in range(200)]
    )
    shares = []
    for spread in (0.0, 3.0):
        page = page_of(catalogue, config=replace(PLAIN, spread=spread), history=[199], rows=1, scores=None)
        shares.append(np.mean([tile.title % 4 == 3 for tile in page.rows[0].tiles]))
    assert shares[1] > shares[0] + 0.1


def test_a_title_is_shown_from_its_release_on_or_when_somebody_has_played_it() -> None:
    catalogue = plain_catalogue(30, release_us=NOW_US + DAY_US)
    titles = titles_of(catalogue)
    played = np.zeros(30, np.float32)
    played[:8] = 1
    titles = replace(titles, popularity=played)
    who = member_of(30, scores=FALLING[:30])
    trace = PageTrace()
    page = compose_page(titles, who, at_us=NOW_US, config=PLAIN, trace=trace)
    assert {tile.title for row in page.rows for tile in row.tiles} == set(range(8))
    genre = next(row for row in trace.rows if row.kind == "genre")
    assert genre.removed["not released yet"] > 0
    later = compose_page(titles, who, at_us=NOW_US + DAY_US, config=PLAIN)
    assert {tile.title for row in later.rows for tile in row.tiles} == set(range(30))


def test_strangers_get_the_charts_first_whatever_the_size_of_their_scores() -> None:
    n = 120
    titles = replace(titles_of(plain_catalogue(n)), popularity=np.geomspace(1e4, 1, n).astype(np.float32))
    flat = np.linspace(1.01, 1.0, n)
    config = replace(PLAIN, spread=0.7, diversity=0.4)
    page = compose_page(titles, member_of(n, scores=flat), at_us=NOW_US, config=config, rows=6, cols=10)
    assert kinds(page)[0] == "popular"
    corner = {tile.title for row in page.rows[:3] for tile in row.tiles[:4]}
    assert len(corner & set(range(12))) >= 9
    assert len(set(kinds(page))) >= 3


def test_strangers_in_a_territory_see_first_what_is_watched_there() -> None:
    n = 60
    titles = replace(titles_of(plain_catalogue(n)), popularity=np.full(n, 1e3, np.float32))
    here = np.where(np.arange(n) % 2 == 1, np.geomspace(1e5, 1e4, n), 1.0).astype(np.float32)
    titles = replace(titles, territory_popularity={"AT": here})
    who = member_of(n, limits=Limits("AT"), scores=np.full(n, 1 / n))
    page = compose_page(titles, who, at_us=NOW_US, config=PLAIN, rows=2, cols=8)
    assert page.rows[0].reason == "Popular in AT"
    assert all(tile.title % 2 == 1 for row in page.rows for tile in row.tiles[:4])


def test_a_member_without_a_stored_territory_is_where_they_played_last() -> None:
    catalogue = plain_catalogue(60)
    home = [("t0", "AT", 0, NOW_US + DAY_US), ("t1", "DE", 0, NOW_US + DAY_US)]
    catalogue = replace(catalogue, windows=Catalogue.from_rows(
        [{"title_id": f"t{i}"} for i in range(60)], windows=home
    ).windows)  # fmt: skip
    titles = titles_of(catalogue)
    seen = {}
    for stored, played in ((None, None), (None, "AT"), ("DE", "AT")):
        who = replace(member_of(60, limits=Limits(stored), scores=FALLING[:60]), last_territory=played)
        page = compose_page(titles, who, at_us=NOW_US, config=PLAIN, rows=8, cols=10)
        shown = {tile.title_id for row in page.rows for tile in row.tiles}
        popular = next(row.reason for row in page.rows if row.kind == "popular")
        seen[stored, played] = (shown & {"t0", "t1"}, popular)
    assert seen == {
        (None, None): (set(), "Popular on the service"),
        (None, "AT"): ({"t0"}, "Popular in AT"),
        ("DE", "AT"): ({"t1"}, "Popular on the service"),
    }


def test_draws_change_from_day_to_day_and_not_within_one() -> None:
    titles, who = titles_of(plain_catalogue(120)), member_of(120, history=[119], scores=FALLING)

    def drawn(at_us: int) -> list[int]:
        page = compose_page(titles, who, at_us=at_us, config=replace(PLAIN, explore_slots=1), rows=6)
        return [tile.title for row in page.rows for tile in row.tiles if tile.explored]

    days = [drawn(NOW_US + day * DAY_US) for day in range(10)]
    assert len({title for (title,) in days}) > 3
    assert drawn(NOW_US + 1) == days[0]


def test_the_rates_of_the_log_decide_how_high_the_list_stands() -> None:
    titles = titles_of(plain_catalogue(120))
    who = member_of(120, history=[119], scores=FALLING, my_list=[60, 61])
    places = []
    for rate in (1e-6, 0.9):
        told = replace(titles, rates=replace(titles.rates, from_list=rate))
        page = compose_page(told, who, at_us=NOW_US, config=PLAIN, rows=12, cols=10)
        places.append(kinds(page).index("my_list") if "my_list" in kinds(page) else 99)
    assert places[1] == 0 < places[0]


def test_the_trace_accounts_for_every_candidate() -> None:
    trace = PageTrace()
    titles, who = (
        titles_of(plain_catalogue(60)),
        member_of(60, history=[0, 1, 2], scores=FALLING[:60], disliked=[3]),
    )
    compose_page(titles, who, at_us=NOW_US, config=PLAIN, rows=4, cols=5, trace=trace)
    top = next(row for row in trace.rows if row.kind == "top_picks")
    assert (top.candidates, top.removed) == (60, {"disliked": 1, "already watched": 3})
    assert top.left + top.on_page == 56
    assert trace.absent["my_list"] == "no candidates"
    assert trace.absent["continue_watching"] == "no candidates"


def test_scores_that_do_not_fit_are_refused() -> None:
    titles = titles_of(plain_catalogue(3))
    with pytest.raises(InputError, match=r'Member "m1": next_scores has shape \(2,\), expected \(3,\)'):
        compose_page(titles, member_of(2), at_us=0)
    with pytest.raises(InputError, match=r"next_scores goes from -1.0 to 1.0, expected finite numbers"):
        compose_page(titles, member_of(3, scores=[-1, 0, 1]), at_us=0)
    with pytest.raises(InputError, match=r"rows is 0 and cols is 4, expected 1 or more"):
        compose_page(titles, member_of(3), at_us=0, rows=0, cols=4)


def test_a_state_of_another_catalogue_is_refused() -> None:
    titles = titles_of(plain_catalogue(3))
    with pytest.raises(InputError, match="TitleState: popularity has 2 rows, expected 3"):
        Composer(replace(titles, popularity=titles.popularity[:2]), at_us=0)
