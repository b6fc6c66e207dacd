"""The morning of a day: accounts begin, get notice, renew, are charged, are put on hold, end."""

from __future__ import annotations

import numpy as np

from matinee.types import HOUR_US, SECOND_US
from matinee.world.billing import p_decline, p_lost
from matinee.world.draws import Floats, Ints, sigmoid
from matinee.world.leaving import OFFERS, cost_minor, hazard_logit, offer_shift
from matinee.world.offers import Notices, OfferPolicy, draw_offers
from matinee.world.record import Record
from matinee.world.state import State
from matinee.world.world import World

STARTED, PAUSED, RESUMED, ENDED = range(4)
STATUSES = ("started", "paused", "resumed", "ended")
MINUTE_US = 60 * SECOND_US


def morning(world: World, state: State, record: Record, offers: OfferPolicy) -> None:
    """Everything about accounts on the day of `state`, in the order of the functions below."""
    if state.day == 0:
        _say(world, record, np.flatnonzero(state.active), STARTED, None)
    _begin(world, state, record)
    _notify(world, state, record, offers)
    _renew(world, state, record)
    _retry(world, state, record)


def p_leave(world: World, notices: Notices) -> Floats:
    """True probability that an account is gone after its next renewal, under each offer, shape (n, n_offers).

    It goes because it wants to, or because the invoice is never paid.
    """
    logit = hazard_logit(world.config.leaving, world.people, notices.standing)
    shift = offer_shift(world.config.leaving, world.people, notices.standing)
    lost = p_lost(world.config.billing, world.people)[notices.standing.account]
    stays: Floats = (1.0 - sigmoid(logit[:, None] + shift)) * (1.0 - lost)[:, None]
    return 1.0 - stays


def _say(world: World, record: Record, account: Ints, status: int, day: int | None) -> None:
    """Membership events; without a day, at the start of each account."""
    days = world.people.start_day[account] if day is None else day
    at_us = world.config.start_us + np.asarray(days, np.int64) * 24 * HOUR_US + (10 + status) * MINUTE_US
    record.add("membership", account=account, at_us=at_us, status=status)


def _begin(world: World, state: State, record: Record) -> None:
    """New accounts; the first invoice is paid, or there would be no account."""
    new = np.flatnonzero(world.people.start_day == state.day)
    state.active[new] = True
    _say(world, record, new, STARTED, state.day)
    _invoice(world, state, record, new, world.people.price_minor[new])
    _paid(world, state, record, new, attempt=1)


def _notify(world: World, state: State, record: Record, offers: OfferPolicy) -> None:
    """Accounts whose renewal is near make up their mind, with or without an offer."""
    config, people = world.config.leaving, world.people
    due = state.active & (state.renewal_day - config.notice_days == state.day)
    account = np.flatnonzero(due)
    if state.day < world.config.warmup_days or not len(account):
        return
    standing = state.standing(world, account)
    first_member = np.searchsorted(people.account, account)
    notices = Notices(
        state.day, standing, people.price_minor[account], people.plan[account], people.territory[first_member]
    )
    p = np.asarray(offers(notices), np.float64)
    renewal = state.renewal_day[account]
    action = draw_offers(world.draws, account, renewal, p)
    gone = p_leave(world, notices)
    logit = hazard_logit(config, people, standing)
    logit = logit + offer_shift(config, people, standing)[np.arange(len(account)), action]
    state.leaves[account] = world.draws.uniform("leave", account, renewal) < sigmoid(logit)
    state.offer[account] = action
    state.notice[account] = account * 10_000 + state.day
    state.cost_minor[account] += np.where(action == OFFERS.index("reminder"), config.reminder_minor, 0)
    record.add(
        "notices",
        notice=state.notice[account],
        account=account,
        day=state.day,
        at_us=world.day_us(state.day) + 5 * MINUTE_US,
        action=action,
        probability=p,
        tenure_days=standing.tenure_days,
        plays_28d=standing.plays_28d,
        quality_plays_28d=standing.quality_plays_28d,
        days_since_play=standing.days_since_play,
        searches_28d=standing.searches_28d,
        p_leave=gone,
    )


def _renew(world: World, state: State, record: Record) -> None:
    """Accounts that want to leave end; the others get an invoice, less what was offered."""
    due = state.active & (state.renewal_day == state.day)
    going = np.flatnonzero(due & state.leaves)
    _end(world, state, record, going)
    account = np.flatnonzero(due & ~state.leaves)
    price = world.people.price_minor[account]
    stays, leaves = cost_minor(world.config.leaving, price)
    offered = (stays - leaves)[np.arange(len(account)), state.offer[account]]
    _invoice(world, state, record, account, price - offered.astype(np.int64))
    state.renewal_day[account] += world.config.leaving.period_days
    luck = world.draws.uniform("charge", account, state.day)
    declined = luck < p_decline(world.config.billing, world.people)[account]
    _paid(world, state, record, account[~declined], attempt=1)
    held = account[declined]
    state.reason[held] = world.draws.category(world.config.billing.reasons, "reason", held, state.day)
    _charge(world, state, record, held, 1, approved=False)
    state.on_hold[held] = True
    state.retry[held] = 0
    state.retry_day[held] = state.day + world.config.billing.retry_days[0]
    _say(world, record, held, PAUSED, state.day)


def _retry(world: World, state: State, record: Record) -> None:
    """Try declined charges again; what is still unpaid after the last retry ends the account."""
    config = world.config.billing
    account = np.flatnonzero(state.active & (state.retry_day == state.day))
    if not len(account):
        return
    chance = np.array(config.recovery)[state.reason[account]]
    good = world.draws.uniform("retry", account, state.day) < chance
    state.retry[account] += 1
    tries = state.retry[account]
    fine = account[good]
    state.on_hold[fine] = False
    state.retry_day[fine] = -1
    _paid(world, state, record, fine, attempt=1 + state.retry[fine])
    _say(world, record, fine, RESUMED, state.day)
    bad = account[~good]
    _charge(world, state, record, bad, 1 + state.retry[bad], approved=False)
    last = tries[~good] >= len(config.retry_days)
    again = bad[~last]
    steps = np.diff(config.retry_days, append=config.retry_days[-1] + 1)
    state.retry_day[again] += steps[state.retry[again] - 1]
    _end(world, state, record, bad[last])


def _invoice(world: World, state: State, record: Record, account: Ints, amount_minor: Ints) -> None:
    state.invoice[account] = account * 10_000 + state.day
    record.add(
        "invoices",
        invoice=state.invoice[account],
        account=account,
        at_us=world.day_us(state.day) + 6 * MINUTE_US,
        amount_minor=amount_minor,
    )
    state.revenue_minor[account] += amount_minor  # taken back by `_end` if it is never paid


def _charge(
    world: World, state: State, record: Record, account: Ints, attempt: int | Ints, *, approved: bool
) -> None:
    record.add(
        "charges",
        invoice=state.invoice[account],
        attempt=np.broadcast_to(attempt, account.shape),
        at_us=world.day_us(state.day) + 7 * MINUTE_US,
        approved=approved,
        reason=-1 if approved else state.reason[account],
    )


def _paid(world: World, state: State, record: Record, account: Ints, *, attempt: int | Ints) -> None:
    _charge(world, state, record, account, attempt, approved=True)
    _settle(world, state, record, account, stayed=True)


def _end(world: World, state: State, record: Record, account: Ints) -> None:
    unpaid = account[state.on_hold[account]]
    if len(unpaid):
        price = world.people.price_minor[unpaid]
        stays, leaves = cost_minor(world.config.leaving, price)
        state.revenue_minor[unpaid] -= price - (stays - leaves)[np.arange(len(unpaid)), state.offer[unpaid]]
    state.active[account] = False
    state.on_hold[account] = False
    state.retry_day[account] = -1
    state.end_day[account] = state.day
    _say(world, record, account, ENDED, state.day)
    _settle(world, state, record, account, stayed=False)


def _settle(world: World, state: State, record: Record, account: Ints, *, stayed: bool) -> None:
    """What became of the notice before this renewal, if there was one."""
    known = account[state.notice[account] >= 0]
    config, price = world.config.leaving, world.people.price_minor[known]
    cost = cost_minor(config, price)[0 if stayed else 1][np.arange(len(known)), state.offer[known]]
    record.add(
        "outcomes",
        notice=state.notice[known],
        at_us=world.day_us(state.day) + 20 * MINUTE_US,
        stayed=stayed,
        cost_minor=cost,
        net_minor=(config.value_periods * price if stayed else 0.0) - cost,
    )
    state.notice[account] = -1
    state.offer[account] = 0
    state.leaves[account] = False
