"""The evening of a day: who comes, what they see on their page, what they choose or search for."""

from __future__ import annotations

import numpy as np

from matinee.types import DAY_US, HOUR_US, SECOND_US, parse_at
from matinee.world.browsing import artwork_effect, choose, examined, utility
from matinee.world.draws import Bools, Ints, sigmoid
from matinee.world.pages import PagePolicy, Slates, Visits, checked
from matinee.world.people import DEVICES, DORMANT_DAYS, MATURITY_CLASSES
from matinee.world.plays import LIST_ADD, Plays, Sitting, watch
from matinee.world.record import Record
from matinee.world.state import WINDOW_DAYS, State
from matinee.world.world import World

MOBILE = DEVICES.index("mobile")
ASLEEP_LOGIT = -4.0
CONTINUE_SHARE = 0.6
"""Share of visits of members with a series in progress that go straight to its next episode."""
ROW_US = 4 * SECOND_US
"""Time from one row to the next."""


def evening(world: World, state: State, record: Record, pages: PagePolicy) -> Slates | None:
    """All visits of the day of `state`; returns the pages that were shown."""
    account = world.people.account
    slot = state.day % WINDOW_DAYS
    state.plays[slot] = state.quality[slot] = state.searches[slot] = 0
    state.satiation *= world.config.watching.satiation_decay
    state.genre_plays *= 0.98
    here = _who_comes(world, state)
    if not len(here.member):
        return None
    state.n_visits[here.member] += 1
    eligible = world.eligible(state.day)
    segment = _segment(world, here.member)
    series = state.series[here.member]
    again = (series >= 0) & eligible[segment, np.maximum(series, 0)]
    again &= world.draws.uniform("continue", here.member, state.day) < CONTINUE_SHARE
    resumed = here.take(again)
    plays = [
        Plays.off_page(resumed, series[again], state.next_episode[resumed.member], wait_us=8 * SECOND_US)
    ]
    browsing = here.take(~again)
    shown = None
    if len(browsing.member):
        visits = _visits(world, state, browsing, segment[~again], eligible)
        shown = checked(pages(visits), visits, world.titles, world.draws)
        chosen = _read(world, state, record, browsing, shown)
        plays.append(chosen)
        left = np.isin(browsing.member, chosen.member, invert=True)
        plays.append(_search(world, state, record, browsing.take(left), visits.segment[left], eligible))
    watch(world, state, record, Plays.joined(plays), account)
    return shown


def _who_comes(world: World, state: State) -> Sitting:
    people, draws, day = world.people, world.draws, state.day
    first_weekday = parse_at(world.config.start) // DAY_US + 3  # 1970-01-01 was a Thursday
    weekend = (first_weekday + day) % 7 >= 4
    asleep = people.dormant[min(day // DORMANT_DAYS, len(people.dormant) - 1)]
    found = np.log1p(state.quality.sum(0)) - 1.0
    logit = people.activity + 0.35 * weekend + (0.3 * found + ASLEEP_LOGIT * asleep)[people.account]
    may = (state.active & ~state.on_hold)[people.account]
    m = np.flatnonzero(may & (draws.uniform("visit", np.arange(people.n_members), day) < sigmoid(logit)))
    hour = np.where(people.kids[m], 16.0, 19.5) + 2.2 * draws.normal("hour", m, day)
    at_us = world.day_us(day) + (np.clip(hour, 6.0, 23.5) * HOUR_US).astype(np.int64)
    other = draws.category([0.25] * 4, "other device", m, day)
    device = np.where(draws.uniform("device today", m, day) < 0.75, people.device[m], other)
    late = (device == MOBILE) & (draws.uniform("late", m, day) < world.config.late)
    u = draws.uniform("delay", m, day)
    delay_us = np.where(late, (u * DAY_US).astype(np.int64), ((0.5 + 3 * u) * SECOND_US).astype(np.int64))
    return Sitting(m, device, at_us, delay_us)


def _segment(world: World, member: Ints) -> Ints:
    return world.people.territory[member] * len(MATURITY_CLASSES) + world.people.maturity_class[member]


def _visits(world: World, state: State, here: Sitting, segment: Ints, eligible: Bools) -> Visits:
    return Visits(
        day=state.day,
        member=here.member,
        device=here.device,
        territory=world.people.territory[here.member],
        segment=segment,
        eligible=eligible,
        watched=state.watched[here.member],
        genre_plays=state.genre_plays[here.member],
        rows=world.config.rows,
        cols=world.config.cols,
    )


def _read(world: World, state: State, record: Record, here: Sitting, slates: Slates) -> Plays:
    """Members look over their page and choose at most one title."""
    draws, titles, config, day = world.draws, world.titles, world.config, state.day
    n, rows, cols = slates.title.shape
    assert slates.artwork is not None
    assert slates.resumes is not None
    tile, artwork = np.maximum(slates.title, 0), slates.artwork
    member = here.member[:, None, None]
    resumes = slates.resumes & (tile == state.series[member])
    looked = examined(config.browsing, draws, here.member, day, here.device, (rows, cols))
    looked &= slates.title >= 0
    taste = world.people.taste(day)[here.member].astype(np.float64)
    closeness = np.einsum("nk,nrck->nrc", taste, titles.vector[tile])
    tired = state.satiation[member, titles.genres[tile, 0]].astype(np.float64)
    u = utility(
        config.browsing, closeness, titles.appeal[tile], tired, state.watched[member, tile] & ~resumes
    )
    u = u + artwork_effect(world.people, titles, member, tile, artwork)
    luck = draws.gumbel("choice", member, day, tile)
    option = np.where(looked, u, -np.inf).reshape(n, -1)
    place = choose(option, luck.reshape(n, -1), draws.gumbel("nothing", here.member, day))
    page = day * world.people.n_members + here.member
    logged = draws.uniform("logged", here.member) < config.impressions
    if logged.any():
        _log_page(
            world, record, here.take(logged), page[logged], slates, looked[logged], np.flatnonzero(logged)
        )
    keen = world.people.curiosity[world.people.account[here.member]]
    add = looked & (draws.uniform("list", member, day, tile) < 0.06 * keen[:, None, None] * sigmoid(u + 2.5))
    add &= ~state.listed[member, tile]
    v, r, c = np.nonzero(add)
    state.listed[here.member[v], tile[v, r, c]] = True
    at_us = here.at_us[v] + r * ROW_US + c * SECOND_US // 2
    record.add(
        "signals", member=here.member[v], title=tile[v, r, c], at_us=at_us, seen_us=at_us + here.delay_us[v],
        signal=LIST_ADD, device=here.device[v],
    )  # fmt: skip
    took = np.flatnonzero(place >= 0)
    r, c = np.divmod(place[took], cols)
    title = tile[took, r, c]
    them = here.take(took)
    episode = np.where(resumes[took, r, c], state.next_episode[them.member], 1)
    pause_s = 20 + np.floor(40 * draws.uniform("pause", them.member, day)).astype(np.int64)
    return Plays(
        them,
        title,
        np.where(titles.n_episodes[title] > 0, episode, 0),
        wait_us=pause_s * SECOND_US + r * ROW_US,
        pull=titles.artwork_pull[title, artwork[took, r, c]],
        row=r + 1,
        col=c + 1,
        page=np.where(logged[took], page[took], -1),
    )


def _log_page(
    world: World, record: Record, here: Sitting, page: Ints, slates: Slates, looked: Bools, which: Ints
) -> None:
    """The decision, and an impression of each tile in the rows that came into view."""
    assert slates.artwork is not None
    assert slates.propensity is not None
    assert slates.shelf is not None
    assert slates.shuffled is not None
    title, artwork = slates.title[which], slates.artwork[which]
    record.add(
        "pages", page=page, member=here.member, at_us=here.at_us, device=here.device,
        shuffled=slates.shuffled[which], shelf=slates.shelf[which], title=title,
        artwork=artwork, n_artworks=world.titles.n_artworks[np.maximum(title, 0)],
        propensity=slates.propensity[which],
    )  # fmt: skip
    rows = np.arange(title.shape[1])
    reached = np.where(looked.any(2), rows, 0).max(1)
    in_view = rows <= np.maximum(reached, world.config.browsing.viewport_rows - 1)[:, None]
    v, r, c = np.nonzero(in_view[:, :, None] & (title >= 0))
    tile = title[v, r, c]
    long = -np.log(world.draws.uniform("dwell", here.member[v], page[v], tile))
    at_us = here.at_us[v] + r * ROW_US
    record.add(
        "impressions", member=here.member[v], title=tile, at_us=at_us, seen_us=at_us + here.delay_us[v],
        dwell_ms=np.round(np.where(looked[v, r, c], 900 + 900 * long, 300 + 250 * long)),
        row=r + 1, col=c + 1, device=here.device[v], page=page[v],
    )  # fmt: skip


def _search(
    world: World, state: State, record: Record, here: Sitting, segment: Ints, eligible: Bools
) -> Plays:
    """Some who found nothing type the name of what they would like most; it may not be available."""
    draws, titles, config, day = world.draws, world.titles, world.config.browsing, state.day
    keen = world.people.curiosity[world.people.account[here.member]]
    tried = draws.uniform("search", here.member, day) < 0.08 + 0.25 * keen
    here, segment = here.take(tried), segment[tried]
    taste = world.people.taste(day)[here.member].astype(np.float64)
    tired = state.satiation[here.member][:, titles.genres[:, 0]].astype(np.float64)
    u = utility(config, taste @ titles.vector.T, titles.appeal, tired, state.watched[here.member])
    out = titles.release_day <= day
    mature = titles.maturity <= MATURITY_CLASSES[world.people.maturity_class[here.member]][:, None]
    u = np.where(out & mature, u, -np.inf)
    luck = draws.gumbel("wish", here.member[:, None], day, np.arange(len(titles)))
    wish = choose(u, luck, np.full(len(u), -np.inf)) if len(u) else np.zeros(0, np.int64)
    found = (wish >= 0) & eligible[segment, np.maximum(wish, 0)]
    at_us = here.at_us + 60 * SECOND_US
    named = wish >= 0
    record.add(
        "searches", member=here.member[named], title=wish[named], at_us=at_us[named],
        seen_us=(at_us + here.delay_us)[named], found=found[named], device=here.device[named],
    )  # fmt: skip
    np.add.at(state.searches[day % WINDOW_DAYS], world.people.account[here.member[named]], 1)
    them, title = here.take(found), wish[found]
    return Plays.off_page(them, title, np.where(titles.n_episodes[title] > 0, 1, 0), wait_us=75 * SECOND_US)
