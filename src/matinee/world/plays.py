"""Plays of an evening: the chosen title, and for a series the episodes that follow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from matinee.types import SECOND_US
from matinee.world.draws import Bools, Floats, Ints
from matinee.world.record import Record
from matinee.world.state import WINDOW_DAYS, State
from matinee.world.watching import goes_on, p_quality, watched_share
from matinee.world.world import World

SIGNALS = ("list_add", "list_remove", "thumb_up", "thumb_down")
LIST_ADD, LIST_REMOVE, THUMB_UP, THUMB_DOWN = range(len(SIGNALS))


@dataclass(frozen=True, slots=True)
class Sitting:
    """One visit each of some members.

    Attributes
    ----------
    member, device : ndarray of int64, shape (n,)
    at_us : ndarray of int64, shape (n,)
        When they came.
    delay_us : ndarray of int64, shape (n,)
        How long their events took to arrive.
    """

    member: Ints
    device: Ints
    at_us: Ints
    delay_us: Ints

    def take(self, kept: Bools | Ints) -> Sitting:
        """Some of them."""
        return Sitting(self.member[kept], self.device[kept], self.at_us[kept], self.delay_us[kept])


@dataclass(frozen=True, slots=True)
class Plays:
    """What members begin to watch.

    Attributes
    ----------
    by : Sitting
    title, episode : ndarray of int64, shape (n,)
        `episode` from 1; 0 for a film.
    wait_us : ndarray of int64, shape (n,)
        From the beginning of the visit to the play.
    pull : ndarray of float64, shape (n,)
        What the artwork promised; 0 if none was seen.
    row, col : ndarray of int64, shape (n,)
        Place on the page, from 1; 0: not from the page.
    page : ndarray of int64, shape (n,)
        -1: not from a page that is logged.
    """

    by: Sitting
    title: Ints
    episode: Ints
    wait_us: Ints
    pull: Floats
    row: Ints
    col: Ints
    page: Ints

    @property
    def member(self) -> Ints:
        """Who watches."""
        return self.by.member

    @staticmethod
    def off_page(by: Sitting, title: Ints, episode: Ints, *, wait_us: int) -> Plays:
        """Plays that did not begin on the page."""
        n = len(title)
        none = np.zeros(n, np.int64)
        return Plays(by, title, episode, np.full(n, wait_us), np.zeros(n), none, none, none - 1)

    @staticmethod
    def joined(parts: Sequence[Plays]) -> Plays:
        """All of them, in order of members."""
        order = np.argsort(np.concatenate([p.member for p in parts]), kind="stable")

        def all_of(column: Callable[[Plays], Ints]) -> Ints:
            out: Ints = np.concatenate([column(p) for p in parts])[order]
            return out

        return Plays(
            Sitting(
                all_of(lambda p: p.by.member),
                all_of(lambda p: p.by.device),
                all_of(lambda p: p.by.at_us),
                all_of(lambda p: p.by.delay_us),
            ),
            all_of(lambda p: p.title),
            all_of(lambda p: p.episode),
            all_of(lambda p: p.wait_us),
            np.concatenate([p.pull for p in parts])[order],
            all_of(lambda p: p.row),
            all_of(lambda p: p.col),
            all_of(lambda p: p.page),
        )


def watch(world: World, state: State, record: Record, plays: Plays, account: Ints) -> None:
    """Watch what was chosen, episode after episode, and remember it."""
    config, draws, day = world.config.watching, world.draws, state.day
    midnight = world.day_us(day + 1)
    going = np.arange(len(plays.title))
    at_us = plays.by.at_us + plays.wait_us
    episode = plays.episode.copy()
    taste = world.people.taste(day)[plays.member].astype(np.float64)
    closeness = (taste * world.titles.vector[plays.title]).sum(1)
    for sitting in range(config.max_episodes):
        m, t = plays.member[going], plays.title[going]
        pull = plays.pull[going] if sitting == 0 else np.zeros(len(going))
        p = p_quality(config, closeness[going], world.titles.quality[t], pull)
        keys = m, day, t, sitting
        liked = draws.uniform("liked", *keys) < p
        share = watched_share(config, liked, draws.uniform("share", *keys))
        watch_s = np.round(share * world.titles.runtime_s[t], 1)
        first = sitting == 0
        record.add(
            "plays", member=m, title=t, episode=episode[going], at_us=at_us[going],
            seen_us=at_us[going] + plays.by.delay_us[going], watch_s=watch_s,
            row=plays.row[going] if first else 0, col=plays.col[going] if first else 0,
            device=plays.by.device[going], page=plays.page[going] if first else -1, liked=liked,
        )  # fmt: skip
        _remember(world, state, m, t, liked, share, watch_s, account)
        _say(world, state, record, plays, going, at_us[going], liked, share, sitting)
        _progress(world, state, m, t, episode[going], liked)
        at_us[going] += (watch_s * SECOND_US).astype(np.int64) + 15 * SECOND_US
        on = goes_on(config, draws, liked, *keys) & (episode[going] < world.titles.n_episodes[t])
        going = going[on & (at_us[going] < midnight)]
        episode[going] += 1
        if not len(going):
            return


def _remember(
    world: World, state: State, m: Ints, t: Ints, liked: Bools, share: Floats, watch_s: Floats, account: Ints
) -> None:
    """Counts, satiation and tastes shown; `m` has no repetition, since nobody plays two titles at once."""
    genre, other = world.titles.genres[t].T
    state.watched[m, t] = True
    state.satiation[m, genre] += share
    state.genre_plays[m, genre] += liked
    two = other >= 0
    state.genre_plays[m[two], other[two]] += 0.5 * liked[two]
    state.n_plays[m] += 1
    state.n_quality_plays[m] += liked
    state.watch_s[m] += watch_s
    a, slot = account[m], state.day % WINDOW_DAYS
    np.add.at(state.plays[slot], a, 1)
    np.add.at(state.quality[slot], a, liked)
    state.last_play_day[a] = state.day


def _say(
    world: World, state: State, record: Record, plays: Plays, going: Ints, at_us: Ints, liked: Bools,
    share: Floats, sitting: int,
) -> None:  # fmt: skip
    """Thumbs, and titles that leave the list once they were liked."""
    m, t = plays.member[going], plays.title[going]
    u = world.draws.uniform("thumb", m, state.day, t, sitting)
    done = liked & state.listed[m, t]
    state.listed[m[done], t[done]] = False
    for which, signal in (
        (liked & (u < 0.1), THUMB_UP),
        (~liked & (share < 0.3) & (u < 0.06), THUMB_DOWN),
        (done, LIST_REMOVE),
    ):
        ends = at_us[which] + (share[which] * world.titles.runtime_s[t[which]] * SECOND_US).astype(np.int64)
        record.add(
            "signals", member=m[which], title=t[which], at_us=ends + SECOND_US,
            seen_us=ends + SECOND_US + plays.by.delay_us[going][which], signal=signal,
            device=plays.by.device[going][which],
        )  # fmt: skip


def _progress(world: World, state: State, m: Ints, t: Ints, episode: Ints, liked: Bools) -> None:
    """Which episode comes next; a series is dropped when it is over, or after one that was not liked."""
    n = world.titles.n_episodes[t]
    part = n > 0
    dropped = ~liked & (world.draws.uniform("forget", m, state.day, t) < world.config.watching.forget)
    over = (liked & (episode >= n)) | dropped
    state.series[m[part]] = np.where(over, -1, t)[part]
    state.next_episode[m[part]] = (episode + liked)[part]
