"""Where a running world stands: accounts, what each member has lately watched, and totals."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matinee.world.draws import Bools, Floats, Ints
from matinee.world.leaving import Standing
from matinee.world.titles import GENRES
from matinee.world.world import World

WINDOW_DAYS = 28
"""Days that accounts remember."""


@dataclass(slots=True)
class State:
    """Arrays over accounts or members that change from day to day.

    Attributes
    ----------
    active, on_hold, leaves : ndarray of bool, shape (n_accounts,)
        Subscribed; cannot watch since a charge declined; will end at the next renewal.
    renewal_day, end_day : ndarray of int64, shape (n_accounts,)
        Next renewal; last day, or -1.
    offer, notice : ndarray of int64, shape (n_accounts,)
        Offer made before the next renewal (0: none), and the notice it belongs to, or -1.
    retry, retry_day, reason, invoice : ndarray of int64, shape (n_accounts,)
        Retries done, day of the next one (-1: none is due), why the charge declined, what it is for.
    plays, quality, searches : ndarray of int32, shape (28, n_accounts)
        Counts of each of the last 28 days.
    last_play_day : ndarray of int64, shape (n_accounts,)
    satiation, genre_plays : ndarray of float32, shape (n_members, n_genres)
        How tired of each genre; quality plays of each genre, older ones counted less.
    watched, listed : ndarray of bool, shape (n_members, n_titles)
    series, next_episode : ndarray of int64, shape (n_members,)
        What is in progress (-1: nothing), and the episode that comes next, from 1.
    revenue_minor, cost_minor : ndarray of float64, shape (n_accounts,)
        Collected so far; spent on reminders so far. Discounts are in the revenue.
    n_visits, n_plays, n_quality_plays : ndarray of int64, shape (n_members,)
    watch_s : ndarray of float64, shape (n_members,)
    """

    day: int
    active: Bools
    on_hold: Bools
    leaves: Bools
    renewal_day: Ints
    end_day: Ints
    offer: Ints
    notice: Ints
    retry: Ints
    retry_day: Ints
    reason: Ints
    invoice: Ints
    plays: NDArray[np.int32]
    quality: NDArray[np.int32]
    searches: NDArray[np.int32]
    last_play_day: Ints
    satiation: NDArray[np.float32]
    genre_plays: NDArray[np.float32]
    watched: Bools
    listed: Bools
    series: Ints
    next_episode: Ints
    revenue_minor: Floats
    cost_minor: Floats
    n_visits: Ints
    n_plays: Ints
    n_quality_plays: Ints
    watch_s: Floats

    @staticmethod
    def begin(world: World) -> State:
        """Before day 0: accounts that are older than the world are subscribed."""
        people, period = world.people, world.config.leaving.period_days
        a, m, t = people.n_accounts, people.n_members, len(world.titles)
        before = np.maximum(-people.start_day, 0)

        def none(n: int) -> Ints:
            return np.full(n, -1, np.int64)

        return State(
            day=0,
            active=people.start_day < 0,
            on_hold=np.zeros(a, np.bool_),
            leaves=np.zeros(a, np.bool_),
            renewal_day=people.start_day + period * np.maximum(-(-before // period), 1),
            end_day=none(a),
            offer=np.zeros(a, np.int64),
            notice=none(a),
            retry=np.zeros(a, np.int64),
            retry_day=none(a),
            reason=none(a),
            invoice=none(a),
            plays=np.zeros((WINDOW_DAYS, a), np.int32),
            quality=np.zeros((WINDOW_DAYS, a), np.int32),
            searches=np.zeros((WINDOW_DAYS, a), np.int32),
            last_play_day=np.maximum(people.start_day, -1),
            satiation=np.zeros((m, len(GENRES)), np.float32),
            genre_plays=np.zeros((m, len(GENRES)), np.float32),
            watched=np.zeros((m, t), np.bool_),
            listed=np.zeros((m, t), np.bool_),
            series=none(m),
            next_episode=np.zeros(m, np.int64),
            revenue_minor=np.zeros(a),
            cost_minor=np.zeros(a),
            n_visits=np.zeros(m, np.int64),
            n_plays=np.zeros(m, np.int64),
            n_quality_plays=np.zeros(m, np.int64),
            watch_s=np.zeros(m),
        )

    def standing(self, world: World, account: Ints) -> Standing:
        """What is known of some accounts at the beginning of the day, from the 28 days before it."""
        return Standing(
            account=account,
            tenure_days=self.day - world.people.start_day[account],
            plays_28d=self.plays[:, account].sum(0, dtype=np.int64),
            quality_plays_28d=self.quality[:, account].sum(0, dtype=np.int64),
            days_since_play=self.day - self.last_play_day[account],
            searches_28d=self.searches[:, account].sum(0, dtype=np.int64),
        )

    def copy(self) -> State:
        """The same state, on its own."""
        return copy.deepcopy(self)
