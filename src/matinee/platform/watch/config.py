"""Settings of the monitors: which periods are compared, and from where on a change is worth a message."""

from __future__ import annotations

from dataclasses import dataclass

from matinee.errors import ConfigError


@dataclass(frozen=True, slots=True)
class WatchConfig:
    """Section [watch]: which periods are compared, and from where on a change is worth a message.

    Attributes
    ----------
    period_days : int, 1 or more
        Length of the latest period. Whole weeks keep weekdays from being compared with each other.
    reference_days : int, 1 or more
        Length of the period that it is compared with.
    fewest : int, 2 or more
        Members (accounts, ...) that each period must have; with fewer a monitor says "not measured".
    drift : float, above 0
        PSI from which the distribution of a number counts as another one.
    mix_drift : float, above 0 and below 1
        Jensen-Shannon distance from which a mix of categories counts as another one.
    more_missing, more_unseen : float, above 0 and below 1
        By how much the share of missing values, or of values that were never seen before, may rise.
    silence_h : float, above 0
        Hours without an event that are always fine; a table with longer pauses is given twice its longest.
    volume_factor : float, above 1
        A day may have this many times fewer or more events than the same weekday in the weeks before.
    fallbacks : float, above 0 and below 1
        Share of the decisions that the fallback may make.
    skew : float, above 0 and below 1
        Share of logged feature values that may differ from what the lake gives for the same moment.
    calibration : float, above 0
        Calibration error, as a share of the mean outcome.
    reward_drop : float, above 0 and below 1
        Share of the mean reward whose loss is worth a message.
    chance : float, above 0 and below 0.1
        Probability with which a monitor without cause may raise an alarm, over all that it looks at. A change
        must be both larger than its bound and beyond this chance.
    """

    period_days: int = 7
    reference_days: int = 28
    fewest: int = 100
    drift: float = 0.25
    mix_drift: float = 0.2
    more_missing: float = 0.05
    more_unseen: float = 0.05
    silence_h: float = 24.0
    volume_factor: float = 2.0
    fallbacks: float = 0.01
    skew: float = 0.01
    calibration: float = 0.25
    reward_drop: float = 0.1
    chance: float = 0.001

    def __post_init__(self) -> None:
        for name, least in (("period_days", 1), ("reference_days", 1), ("fewest", 2)):
            if getattr(self, name) < least:
                raise ConfigError(f"watch: {name} is {getattr(self, name)}, expected {least} or more.")
        for name in ("drift", "silence_h", "calibration"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"watch: {name} is {getattr(self, name)}, expected a number above 0.")
        if not self.volume_factor > 1:
            raise ConfigError(f"watch: volume_factor is {self.volume_factor}, expected a number above 1.")
        for name in ("mix_drift", "more_missing", "more_unseen", "fallbacks", "skew", "reward_drop"):
            if not 0 < getattr(self, name) < 1:
                raise ConfigError(f"watch: {name} is {getattr(self, name)}, expected between 0 and 1.")
        if not 0 < self.chance < 0.1:
            raise ConfigError(f"watch: chance is {self.chance}, expected above 0 and below 0.1.")
