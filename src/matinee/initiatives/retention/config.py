"""Settings of retention: the offers and their cost, what staying is worth, and the limits of contact."""

from __future__ import annotations

from dataclasses import dataclass, field

from matinee.errors import ConfigError, unknown_name

NAME = "retention"
NONE = "none"
"""The action of offering nothing; always permitted, and free."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What an offer costs.

    Attributes
    ----------
    cost_minor : float, 0 or more
        Paid whenever it is made, minor units.
    price_share : float, 0 or more
        Share of the price of one period, paid only when the account stays (a discount, free days).
    """

    cost_minor: float = 0.0
    price_share: float = 0.0

    @staticmethod
    def of(name: str, given: dict[str, float]) -> Offer:
        """From what the settings say.

        Raises
        ------
        ConfigError
            An unknown key, or a cost below 0.
        """
        for key, value in given.items():
            if key not in ("cost_minor", "price_share"):
                raise ConfigError(
                    unknown_name(f"retention: offer {name}", "key", key, ("cost_minor", "price_share"))
                )
            if not value >= 0:
                raise ConfigError(
                    f"retention: offer {name}: {key} is {value}, expected 0 or more. Set it so."
                )
        return Offer(**given)


def _offers() -> dict[str, dict[str, float]]:
    return {
        "discount": {"price_share": 0.3},
        "extension": {"price_share": 0.5},
        "reminder": {"cost_minor": 5.0},
    }


@dataclass(frozen=True, slots=True)
class RetentionConfig:
    """Section [retention]. Money is in minor units of `currency`.

    Attributes
    ----------
    offers : table
        Offers that may be made, by their name in the log, each with its cost: `cost_minor`, paid always, and
        `price_share`, a share of one period's price, paid when the account stays.
    offer_log : text
        Name under which the service logged its randomised offers; decisions of this initiative count too.
    currency : text
        Three letters, ISO 4217; of every amount.
    price_minor : float, above 0
        Price of one period where neither the log nor the request says it.
    value_periods : float, above 0
        Periods of revenue that keeping an account through one renewal is counted as.
    margin_share : float, above 0, at most 1
        Share of the price that is left after what serving the account costs.
    period_days : int, 1 or more
        Days of one period: between two renewals, and of the budget.
    outcome_days : int, 1 or more
        Days after a decision by which it is known whether the account stayed. Longer than retries of a
        charge take, shorter than the time to the renewal after the next.
    budget_minor : float, 0 or more
        Expected cost of offers per active account and period; the budget is this times their number.
    rest_days : float, 0 or more
        No second offer to an account within so many days. Nothing is not an offer.
    holdout : float, 0 to 0.5
        Share of accounts that never get an offer, so that the effect of all of them stays measurable.
    holdout_salt : text
        Which accounts those are; a new salt draws others. Change it only to begin a new measurement.
    explore : float, 0 to 0.5
        Share of decisions spread evenly over what is permitted, so that the log stays good to learn from.
    min_decisions : int, 50 or more
        Fewest logged decisions with a known outcome to learn from.
    """

    offers: dict[str, dict[str, float]] = field(default_factory=_offers)
    offer_log: str = "offers"
    currency: str = "EUR"
    price_minor: float = 999.0
    value_periods: float = 6.0
    margin_share: float = 1.0
    period_days: int = 30
    outcome_days: int = 28
    budget_minor: float = 15.0
    rest_days: float = 25.0
    holdout: float = 0.05
    holdout_salt: str = "retention-1"
    explore: float = 0.04
    min_decisions: int = 150

    def __post_init__(self) -> None:
        if not self.offers or NONE in self.offers:
            raise ConfigError(
                f"retention: offers are {', '.join(self.offers) or 'none at all'}, expected at least one and "
                f'none that is named "{NONE}", which is always permitted. Correct [retention.offers].'
            )
        for name in self.offers:
            self.offer(name)
        above = ("price_minor", "value_periods", "margin_share", "period_days", "outcome_days")
        bounds = {name: (0.0, float("inf")) for name in (*above, "budget_minor", "rest_days")}
        bounds |= {"margin_share": (0.0, 1.0), "holdout": (0.0, 0.5), "explore": (0.0, 0.5)}
        bounds["min_decisions"] = (50, float("inf"))
        for name, (low, high) in bounds.items():
            value = getattr(self, name)
            if not low <= value <= high or (name in above and value == 0):
                least = "above 0" if name in above else f"{low:g} or more"
                most = "" if high == float("inf") else f", at most {high:g}"
                raise ConfigError(f"retention: {name} is {value}, expected {least}{most}. Set it so.")
        if not (len(self.currency) == 3 and self.currency.isalpha() and self.currency.isupper()):
            raise ConfigError(f'retention: currency is "{self.currency}", expected three capital letters.')

    @property
    def actions(self) -> tuple[str, ...]:
        """Everything that can be decided; the first is nothing."""
        return (NONE, *self.offers)

    def offer(self, name: str) -> Offer:
        """Cost of an offer."""
        return Offer.of(name, self.offers[name])
