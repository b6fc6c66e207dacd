"""Settings of how long a home keeps events and decisions."""

from __future__ import annotations

from dataclasses import dataclass

from matinee.errors import ConfigError


@dataclass(frozen=True, slots=True)
class KeepConfig:
    """Section [keep]: how long events and decisions stay in the lake; `matinee prune` removes what is older.

    Attributes
    ----------
    events_days : int, 0 or more
        Days of plays, impressions, signals, searches and membership events; 0: for ever.
    decisions_days : int, 0 or more
        Days of decisions, with their rewards and outcomes; 0: for ever. They grow fastest.
    """

    events_days: int = 0
    decisions_days: int = 0

    def __post_init__(self) -> None:
        for name in ("events_days", "decisions_days"):
            if getattr(self, name) < 0:
                raise ConfigError(f"[keep] {name} is {getattr(self, name)}, expected 0 (for ever) or more.")
