"""What is really so in a world: for tests and benchmarks, never written to a home."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matinee.world.browsing import artwork_effect, examination
from matinee.world.draws import Floats, Ints
from matinee.world.leaving import OFFERS, cost_minor
from matinee.world.record import Record
from matinee.world.state import State
from matinee.world.watching import p_quality
from matinee.world.world import World

KINDS = ("sure thing", "persuadable", "lost cause", "sleeping dog")
SURE_BELOW, LOST_ABOVE, MOVED = 0.08, 0.4, 0.03
"""Bounds of the kinds: a probability of leaving, and a change of it by the best or worst offer."""


@dataclass(frozen=True, slots=True)
class OfferTruth:
    """What each offer would do to each account that got notice, in the order of the notices.

    Attributes
    ----------
    notice, account, day : ndarray of int64, shape (n,)
    p_leave : ndarray of float64, shape (n, n_offers)
        Probability of being gone after the renewal under each of `OFFERS`.
    net_minor : ndarray of float64, shape (n, n_offers)
        Expected value: what staying is counted as, times its probability, less the expected cost.
    """

    notice: Ints
    account: Ints
    day: Ints
    p_leave: Floats
    net_minor: Floats

    @property
    def uplift(self) -> Floats:
        """How much each offer lowers the probability of leaving, shape (n, n_offers)."""
        return self.p_leave[:, :1] - self.p_leave

    @property
    def oracle(self) -> Ints:
        """The best offer of each account, as a position in `OFFERS`."""
        best: Ints = self.net_minor.argmax(1).astype(np.int64)
        return best

    @property
    def kind(self) -> Ints:
        """Position in `KINDS` of each account at its notice."""
        best, worst = self.uplift[:, 1:].max(1), self.uplift[:, 1:].min(1)
        alone = self.p_leave[:, 0]
        dog = (worst < -MOVED) & (best < MOVED)
        return np.select(
            [dog, best >= MOVED, alone > LOST_ABOVE, alone < SURE_BELOW], [3, 1, 2, 0], default=0
        ).astype(np.int64)

    def value(self, p: Floats | Ints) -> float:
        """True expected value of a policy, minor units per notice.

        Parameters
        ----------
        p : ndarray, shape (n, n_offers) of probabilities, or shape (n,) of positions in `OFFERS`
        """
        if p.ndim == 1:
            return float(self.net_minor[np.arange(len(p)), p.astype(np.int64)].mean())
        return float((self.net_minor * p).sum(1).mean())


@dataclass(frozen=True, slots=True)
class Truth:
    """Access to what a service can only estimate."""

    world: World
    record: Record
    state: State

    def tastes(self, day: int) -> Floats:
        """Taste of each member on a day, shape (n_members, n_tastes); unit vectors."""
        return self.world.people.taste(day).astype(np.float64)

    def closeness(self, day: int) -> Floats:
        """Cosine of each member's taste and each title, shape (n_members, n_titles)."""
        return self.tastes(day) @ self.world.titles.vector.T

    def examination(self, device: int) -> Floats:
        """Probability that each place of a page is looked at, shape (rows, cols)."""
        config = self.world.config
        return examination(config.browsing, config.rows, config.cols, device)

    def p_quality(self, day: int, member: Ints, title: Ints) -> Floats:
        """Probability that a play is a quality play, if no artwork promised too much; arguments broadcast."""
        closeness = (self.tastes(day)[member] * self.world.titles.vector[title]).sum(-1)
        quality = self.world.titles.quality[title]
        return p_quality(self.world.config.watching, closeness, quality, np.zeros_like(quality))

    def artwork_effect(self, member: Ints, title: Ints, artwork: Ints) -> Floats:
        """What an artwork adds to the utility of choosing; arguments broadcast."""
        return artwork_effect(self.world.people, self.world.titles, member, title, artwork)

    def offers(self) -> OfferTruth:
        """Every notice of this run with what each offer would have done."""
        rows = self.record.table("notices")
        config = self.world.config.leaving
        account = rows["account"].astype(np.int64)
        price = self.world.people.price_minor[account]
        p = rows["p_leave"].reshape(-1, len(OFFERS))
        stays, leaves = cost_minor(config, price)
        net = (1 - p) * (config.value_periods * price[:, None] - stays) - p * leaves
        return OfferTruth(rows["notice"], account, rows["day"].astype(np.int64), p, net)
