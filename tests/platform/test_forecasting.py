"""Forecasts: one for each unit, a value inside its interval, and the fallback for bad days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from tests.platform.toys import ToyForecaster

from matinee.errors import InputError
from matinee.platform.forecasting import Forecast, Forecasting


@dataclass
class Says:
    answer: list[Forecast] | Exception

    def forecast(self, unit_ids: Sequence[str], at_us: int) -> list[Forecast]:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def forecasting(answer: list[Forecast] | Exception | None, trouble: str | None = None) -> Forecasting:
    return Forecasting("toy", "v1", None if answer is None else Says(answer), ToyForecaster(0.0), trouble)


def test_the_model_predicts() -> None:
    found = forecasting([Forecast(2.0, 1.0, 3.0)]).forecast(["t1"], 0)
    assert (found.values, found.fallback, found.why) == ([Forecast(2.0, 1.0, 3.0)], False, None)
    assert not forecasting([Forecast(2.0, 1.0, 3.0)]).ask("t1", 0, 0)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (forecasting(None), "no_model"),
        (forecasting(None, "gone"), "gone"),
        (forecasting(ValueError("no weights")), "ValueError: no weights"),
        (forecasting([]), "0 forecasts for 1 units, expected one for each"),
        (forecasting([Forecast(4.0, 1.0, 3.0)]), 'forecast of "t1" is 4.0 in [1.0, 3.0]'),
        (forecasting([Forecast(float("nan"), 1.0, 3.0)]), "is nan in"),
    ],
)
def test_the_fallback_predicts_and_says_why(given: Forecasting, why: str) -> None:
    found = given.forecast(["t1"], 0)
    assert found.fallback
    assert found.values == [Forecast(0.0, -1.0, 1.0)]
    assert why in str(found.why)
    assert given.ask("t1", 0, 0)


def test_a_fallback_that_breaks_the_contract_is_an_error() -> None:
    with pytest.raises(InputError, match="toy: 0 forecasts for 2 units"):
        Forecasting("toy", "none", None, Says([])).forecast(["t1", "t2"], 0)
