"""Size and character of a simulated service."""

from __future__ import annotations

from dataclasses import dataclass, field

from matinee.errors import ConfigError
from matinee.types import parse_at
from matinee.world.billing import BillingConfig
from matinee.world.browsing import BrowsingConfig
from matinee.world.leaving import LeavingConfig
from matinee.world.watching import WatchingConfig


@dataclass(frozen=True, slots=True)
class WorldConfig:
    """Everything that a world is made from. Equal configurations give equal worlds, bit for bit.

    Attributes
    ----------
    n_members : int, 1 or more
        Profiles; there are about half as many accounts.
    n_titles : int, 20 or more
        Films and series; episodes come on top.
    n_days : int, 1 or more
        Length of the history that `simulate` writes.
    future_days : int, 0 or more
        Days after the history for which the world can be run on under other policies.
    seed : int
    start : str
        First day, ISO-8601.
    rows, cols : int, 1 or more
        Size of a page.
    n_tastes : int, 2 or more
        Dimensions of taste.
    drift : float, 0 to 1
        Share of a taste that is new each week. 0: tastes never change.
    impressions : float, 0 to 1
        Share of members whose impressions and pages are logged; all other events are logged for everybody.
    late : float, 0 to 1
        Share of mobile events that arrive up to a day late (watched offline).
    page_log, offer_log : str
        Names under which decisions about pages and offers are logged.
    warmup_days : int, 28 or more
        Days at the beginning in which nobody leaves of their own will and no offer is made, since what
        members found in the last 28 days is not known yet.
    browsing, watching, leaving, billing
        Constants of the mechanisms, each beside its own code.
    """

    n_members: int = 2_000
    n_titles: int = 400
    n_days: int = 180
    future_days: int = 90
    seed: int = 0
    start: str = "2025-01-01T00:00:00Z"
    rows: int = 4
    cols: int = 6
    n_tastes: int = 8
    drift: float = 0.06
    impressions: float = 1.0
    late: float = 0.05
    page_log: str = "pages"
    offer_log: str = "offers"
    warmup_days: int = 28
    browsing: BrowsingConfig = field(default_factory=BrowsingConfig)
    watching: WatchingConfig = field(default_factory=WatchingConfig)
    leaving: LeavingConfig = field(default_factory=LeavingConfig)
    billing: BillingConfig = field(default_factory=BillingConfig)

    def __post_init__(self) -> None:
        least = {
            "n_members": 1, "n_titles": 20, "n_days": 1, "future_days": 0, "rows": 1, "cols": 1,
            "n_tastes": 2, "warmup_days": 28,
        }  # fmt: skip
        for name, low in least.items():
            if getattr(self, name) < low:
                raise ConfigError(
                    f"WorldConfig: {name} is {getattr(self, name)}, expected a whole number, {low} or more. "
                    "Choose a larger one."
                )
        for name in ("drift", "impressions", "late"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ConfigError(
                    f"WorldConfig: {name} is {getattr(self, name)}, expected a share, 0 to 1. Choose another."
                )
        period, notice = self.leaving.period_days, self.leaving.notice_days
        last = max(self.billing.retry_days, default=0)
        if notice < 1 or last >= period - notice:
            raise ConfigError(
                f"WorldConfig: notice_days is {notice} and the last of retry_days {last}, expected the "
                f"retries of one renewal to end before the notice of the next (period_days is {period}). "
                "Shorten one."
            )
        parse_at(self.start)

    @property
    def horizon_days(self) -> int:
        """Days for which the world exists."""
        return self.n_days + self.future_days

    @property
    def start_us(self) -> int:
        """Beginning of day 0, microseconds since the epoch."""
        return int(parse_at(self.start))


def small(seed: int = 0) -> WorldConfig:
    """A service of 400 members for contract suites: simulated and written in about two seconds."""
    return WorldConfig(n_members=400, n_titles=200, n_days=150, seed=seed)
