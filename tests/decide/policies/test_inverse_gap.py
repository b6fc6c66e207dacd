from __future__ import annotations

import numpy as np
import pytest

from matinee.decide.policies.inverse_gap import InverseGapConfig, InverseGapPolicy
from matinee.errors import ConfigError
from matinee.testing.policies import PolicyContract


class TestInverseGapPolicy(PolicyContract):
    def policy(self) -> InverseGapPolicy:
        return InverseGapPolicy(InverseGapConfig(gamma=5.0))


def test_by_hand():
    policy = InverseGapPolicy(InverseGapConfig(gamma=10.0))
    p = policy.probabilities(np.float32([0.5, 0.4, 0.1, 9.0]), np.array([True, True, True, False]))
    assert p == pytest.approx([1 - 1 / 4 - 1 / 7, 1 / 4, 1 / 7, 0.0])


def test_gamma_0_is_uniform():
    policy = InverseGapPolicy(InverseGapConfig(gamma=0.0))
    assert policy.probabilities(np.float32([3, 1]), np.ones(2, np.bool_)).tolist() == [0.5, 0.5]


@pytest.mark.parametrize("gamma", [-1.0, float("inf"), float("nan")])
def test_a_gamma_that_is_none_is_refused(gamma):
    with pytest.raises(ConfigError, match=r"gamma is .*, expected a number of 0 or more"):
        InverseGapConfig(gamma=gamma)
