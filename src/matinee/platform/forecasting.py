"""How an initiative predicts: units in, a value with an interval for each out, and a fallback."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from matinee.errors import InputError


@dataclass(frozen=True, slots=True)
class Forecast:
    """A prediction for one unit with its interval.

    Attributes
    ----------
    value : float
        In the unit of the initiative's target.
    low, high : float
        80 % interval: one in ten outcomes lies below it, one in ten above.
    """

    value: float
    low: float
    high: float


class Forecaster(Protocol):
    """Predicts; made once for a release (or a fallback), asked many times, never learns."""

    def forecast(self, unit_ids: Sequence[str], at_us: int) -> list[Forecast]:
        """One forecast for each unit, in their order; unknown units get one too."""
        ...


@dataclass(frozen=True, slots=True)
class Forecasts:
    """What was predicted, and whether the fallback had to.

    Attributes
    ----------
    values : list of Forecast
        In the order of the units.
    fallback : bool
    why : str or None
        Why the fallback predicted.
    """

    values: list[Forecast]
    fallback: bool
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Forecasting:
    """An initiative ready to predict: the model's forecaster if there is one, and the fallback's.

    Attributes
    ----------
    initiative, model : str
    forecaster : Forecaster or None
    fallback : Forecaster
    trouble : str or None
        Why there is no forecaster.
    """

    initiative: str
    model: str
    forecaster: Forecaster | None
    fallback: Forecaster
    trouble: str | None = None

    def forecast(self, unit_ids: Sequence[str], at_us: int) -> Forecasts:
        """Predict; a forecaster that is missing or fails never costs the answer.

        Raises
        ------
        InputError
            The fallback's answer breaks the contract: another number of values, or an interval that does
            not hold its value.
        """
        why = self.trouble or "no_model"
        if self.forecaster is not None:
            try:
                found = self.forecaster.forecast(unit_ids, at_us)
                self._check(unit_ids, found)
            except Exception as problem:  # whatever a model does, the planner gets an answer
                why = f"{type(problem).__name__}: {problem}"[:300]
            else:
                return Forecasts(found, fallback=False)
        found = self.fallback.forecast(unit_ids, at_us)
        self._check(unit_ids, found)
        return Forecasts(found, fallback=True, why=why)

    def ask(self, unit_id: str, at_us: int, turn: int) -> bool:  # noqa: ARG002
        """Predict once; tells whether the fallback had to."""
        return self.forecast([unit_id], at_us).fallback

    def _check(self, unit_ids: Sequence[str], found: Sequence[Forecast]) -> None:
        if len(found) != len(unit_ids):
            raise InputError(
                f"{self.initiative}: {len(found)} forecasts for {len(unit_ids)} units, expected one for each."
            )
        for unit_id, one in zip(unit_ids, found, strict=True):
            if not one.low <= one.value <= one.high:
                raise InputError(
                    f'{self.initiative}: forecast of "{unit_id}" is {one.value} in [{one.low}, {one.high}], '
                    "expected a value inside its interval."
                )
