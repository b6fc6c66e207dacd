"""Settings of the platform itself."""

from __future__ import annotations

from dataclasses import dataclass

from matinee.errors import ConfigError


@dataclass(frozen=True, slots=True)
class PlatformConfig:
    """Section [platform]: where the registry is, and what computing costs.

    Attributes
    ----------
    registry : text
        "postgresql://..." for a registry that several hosts share; empty for meta.db in the home.
    cost_minor_per_cpu_hour : float, 0 or more
        Price of one hour of one core in minor units of `currency`, for the cost of runs.
    currency : text
        Three letters, ISO 4217.
    tail_h : float, above 0
        Hours of single events that online features keep; longer windows begin with a day, UTC.
    webhook : text
        "https://..." that gets a JSON message when `matinee watch` opens or closes alerts; empty for none.
    """

    registry: str = ""
    cost_minor_per_cpu_hour: float = 0.0
    currency: str = "EUR"
    tail_h: float = 48.0
    webhook: str = ""

    def __post_init__(self) -> None:
        if not self.cost_minor_per_cpu_hour >= 0:
            raise ConfigError(
                f"platform: cost_minor_per_cpu_hour is {self.cost_minor_per_cpu_hour}, expected 0 or more."
            )
        if not (len(self.currency) == 3 and self.currency.isalpha() and self.currency.isupper()):
            raise ConfigError(f'platform: currency is "{self.currency}", expected three capital letters.')
        if not self.tail_h > 0:
            raise ConfigError(f"platform: tail_h is {self.tail_h}, expected hours above 0.")
        if self.webhook and not self.webhook.startswith(("https://", "http://")):
            raise ConfigError(f'platform: webhook is "{self.webhook}", expected https://... or http://...')
