from __future__ import annotations

import numpy as np
import pytest

from matinee.decide.policies.softmax import SoftmaxConfig, SoftmaxPolicy
from matinee.errors import ConfigError
from matinee.testing.policies import PolicyContract


class TestSoftmaxPolicy(PolicyContract):
    def policy(self) -> SoftmaxPolicy:
        return SoftmaxPolicy(SoftmaxConfig(temperature=0.5, floor=0.1))


class TestSoftmaxPolicyWithoutFloor(PolicyContract):
    def policy(self) -> SoftmaxPolicy:
        return SoftmaxPolicy(SoftmaxConfig(temperature=1.0, floor=0.0))


def test_by_hand() -> None:
    p = SoftmaxPolicy(SoftmaxConfig(temperature=2.0, floor=0.25)).probabilities(
        np.float32([0, 2 * np.log(3), 99]), np.array([True, True, False])
    )
    # softmax of (0, log 3) is (1/4, 3/4); three quarters of it and a quarter of (1/2, 1/2)
    assert p == pytest.approx([0.75 * 0.25 + 0.125, 0.75 * 0.75 + 0.125, 0.0], abs=1e-7)


def test_the_floor_is_the_least_that_a_permitted_action_gets() -> None:
    p = SoftmaxPolicy(SoftmaxConfig(temperature=0.01, floor=0.2)).probabilities(
        np.float32([0, 1, 2, 3]), np.ones(4, np.bool_)
    )
    assert p.min() == pytest.approx(0.2 / 4)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"temperature": 0.0}, "temperature is 0.0, expected a number above 0"),
        ({"temperature": float("nan")}, "temperature is nan, expected a number above 0"),
        ({"floor": 1.5}, "floor is 1.5, expected 0 to 1"),
        ({"floor": -0.1}, "floor is -0.1, expected 0 to 1"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SoftmaxConfig(**settings)
