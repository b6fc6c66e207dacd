"""Settings of all experiments of a home."""

from __future__ import annotations

from dataclasses import dataclass

from matinee.errors import ConfigError


@dataclass(frozen=True, slots=True)
class ExperimentsConfig:
    """Section [experiments]: who is in none of them, and how often a server looks at their guardrails.

    Attributes
    ----------
    holdout : float, 0 to below 1
        Share of all units that are in no experiment, ever. Who they are follows from their ids. Set it before
        the first experiment starts: a later change takes units out in the middle.
    guardrail_s : int, 1 or more
        Seconds between two looks of a running server at the guardrails in the lake.
    """

    holdout: float = 0.0
    guardrail_s: int = 60

    def __post_init__(self) -> None:
        if not 0.0 <= self.holdout < 1.0:
            raise ConfigError(
                f"experiments: holdout is {self.holdout}, expected a share from 0 to below 1: 0.01 is a "
                "hundredth of all units."
            )
        if not self.guardrail_s >= 1:
            raise ConfigError(
                f"experiments: guardrail_s is {self.guardrail_s}, expected 1 or more seconds between looks."
            )
