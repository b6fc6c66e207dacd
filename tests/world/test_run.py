from __future__ import annotations

import hashlib

import numpy as np
import pytest

from matinee.errors import InputError
from matinee.world.draws import Floats
from matinee.world.leaving import OFFERS
from matinee.world.offers import Notices, no_offers
from matinee.world.pages import ShelfPages, Slates, Visits
from matinee.world.record import TYPES
from matinee.world.service import Run, World, WorldConfig, simulate


def digest(run: Run) -> str:
    found = hashlib.sha256()
    for table in TYPES:
        for column in run.record.table(table).values():
            found.update(column.tobytes())
    return found.hexdigest()


def test_the_same_seed_gives_the_same_bytes_and_another_does_not() -> None:
    config = WorldConfig(n_members=60, n_titles=40, n_days=45)
    assert digest(simulate(config)) == digest(simulate(config))
    other = WorldConfig(n_members=60, n_titles=40, n_days=45, seed=1)
    assert digest(simulate(other)) != digest(simulate(config))


def test_a_run_in_pieces_or_beside_others_is_the_same_run() -> None:
    config = WorldConfig(n_members=60, n_titles=40, n_days=45)
    half = Run(World.make(config)).go(20)
    branch = half.branch()
    half.go(5, offers=no_offers)
    assert digest(branch.go(25)) == digest(simulate(config))


def test_members_do_not_reach_each_other() -> None:
    """The first members of a larger world live the same lives, since chance and titles are the same."""
    few = simulate(WorldConfig(n_members=100, n_titles=60, n_days=40))
    many = simulate(WorldConfig(n_members=300, n_titles=60, n_days=40))
    whole = few.world.people.account < few.world.people.account[-1]  # the last account may be cut off
    a, b = few.record.table("plays"), many.record.table("plays")
    mine, same = whole[a["member"]], (b["member"] < len(whole)) & whole[np.minimum(b["member"], 99)]
    for name in ("member", "title", "at_us", "watch_s", "row"):
        assert np.array_equal(a[name][mine], b[name][same]), name


def test_more_is_played_from_the_first_row_and_column(history: Run) -> None:
    pages, plays = history.record.table("pages"), history.record.table("plays")
    shuffled = pages["page"][pages["shuffled"]]
    taken = plays["row"][np.isin(plays["page"], shuffled)]  # rows in random order: only the place differs
    by_row = np.bincount(taken, minlength=5)[1:]
    assert by_row[0] > by_row[2] > 0
    assert by_row[0] > 2 * by_row[3]
    by_col = np.bincount(plays["col"], minlength=7)[1:]
    assert (np.diff(by_col[[0, 2, 4]]) < 0).all()


def test_fewer_accounts_leave_after_more_quality_plays(crowd: Run) -> None:
    notices, outcomes = crowd.record.table("notices"), crowd.record.table("outcomes")
    stayed = dict(zip(outcomes["notice"].tolist(), outcomes["stayed"].tolist(), strict=True))
    known = np.isin(notices["notice"], outcomes["notice"]) & (notices["days_since_play"] <= 14)
    left = np.array([not stayed[n] for n in notices["notice"][known].tolist()])
    quality = notices["quality_plays_28d"][known]
    few, many = left[quality <= 2], left[quality >= 6]
    error = np.sqrt(few.var() / len(few) + many.var() / len(many))
    assert few.mean() - many.mean() > 3 * error


def test_old_plays_say_less_about_what_is_liked_now(history: Run) -> None:
    """The centre of a member's early quality plays lies farther from today's taste than that of late ones."""
    world, plays = history.world, history.record.table("plays")
    day = (plays["at_us"] - world.config.start_us) // 86_400_000_000
    now = history.truth.tastes(149)
    cosine = (now[plays["member"]] * world.titles.vector[plays["title"]]).sum(1)
    early, late = cosine[plays["liked"] & (day < 30)], cosine[plays["liked"] & (day >= 120)]
    error = np.sqrt(early.var() / len(early) + late.var() / len(late))
    assert late.mean() - early.mean() > 4 * error


def test_nobody_watches_what_is_not_available_or_after_leaving(history: Run) -> None:
    world, plays, state = history.world, history.record.table("plays"), history.state
    day = ((plays["at_us"] - world.config.start_us) // 86_400_000_000).astype(int)
    territory = world.people.territory[plays["member"]]
    titles = world.titles
    assert (titles.from_day[plays["title"], territory] <= day).all()
    assert (titles.until_day[plays["title"], territory] > day).all()
    kids = world.people.kids[plays["member"]]
    assert titles.maturity[plays["title"]][kids].max() <= 12
    end = state.end_day[world.people.account[plays["member"]]]
    assert ((end < 0) | (day < end)).all()
    episodes = titles.n_episodes[plays["title"]]
    assert ((plays["episode"] >= 1) == (episodes > 0)).all()
    assert (plays["episode"] <= episodes).all()
    assert ((plays["watch_s"] >= 0.7 * titles.runtime_s[plays["title"]] - 0.1) == plays["liked"]).all()


def test_offers_under_policies_share_their_luck(history: Run) -> None:
    """An account that both policies treat alike fares alike."""
    a, b = history.branch(), history.branch()

    def discount_for_even(notices: Notices) -> Floats:
        p = no_offers(notices)
        even = notices.standing.account % 2 == 0
        p[even] = np.eye(len(OFFERS))[OFFERS.index("discount")]
        return p

    a.go(40, offers=no_offers)
    b.go(40, offers=discount_for_even)
    odd = np.arange(len(a.state.active)) % 2 == 1
    pending = history.state.notice >= 0  # offered before the branch
    assert np.array_equal(a.totals.net_minor[odd], b.totals.net_minor[odd])
    assert not np.array_equal(a.totals.net_minor[~odd & ~pending], b.totals.net_minor[~odd & ~pending])


def test_a_page_that_knows_the_truth_gives_more_quality_plays(history: Run) -> None:
    base, better = history.branch(), history.branch()
    closeness = history.truth.closeness(150)

    def best(visits: Visits) -> Slates:
        score = np.where(visits.permitted & ~visits.watched, closeness[visits.member], -9.0)
        order = np.argsort(-score, axis=1)[:, : visits.rows * visits.cols]
        return Slates(order.reshape(len(visits), visits.rows, visits.cols))

    before = history.totals
    base.go(10)
    better.go(10, pages=best)
    gain = better.totals.since(before).quality_plays.sum() / base.totals.since(before).quality_plays.sum()
    assert gain > 1.2


def test_the_end_of_the_world_is_told() -> None:
    run = simulate(WorldConfig(n_members=5, n_titles=20, n_days=3, future_days=0))
    with pytest.raises(InputError, match=r"world: day is 3, expected one before 3, the end of this world"):
        run.step()


def test_pages_can_be_logged_for_a_share_of_members() -> None:
    run = simulate(WorldConfig(n_members=200, n_titles=40, n_days=20, impressions=0.3))
    pages = np.unique(run.record.table("pages")["member"])
    plays = run.record.table("plays")
    assert 0.1 < len(pages) / len(np.unique(plays["member"])) < 0.5
    assert np.isin(plays["member"][plays["page"] >= 0], pages).all()
    assert isinstance(run.logging_pages, ShelfPages)
