from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from matinee.decide.policies.softmax import SoftmaxConfig, SoftmaxPolicy
from matinee.decide.slates import propensity
from matinee.decide.slates.propensity import (
    conditional_propensities,
    draw_slate,
    joint_propensity,
    position_propensities,
    slot_by_slot,
)
from matinee.errors import InputError
from matinee.types import stream

SCORES = np.array([0.9, -0.3, 0.2, 1.5, 0.0], np.float32)
PERMITTED = np.array([True, True, True, False, True])


def softmax(floor: float = 0.1):
    return slot_by_slot(SoftmaxPolicy(SoftmaxConfig(temperature=0.7, floor=floor)), SCORES, PERMITTED)


def test_all_slates_together_have_probability_one_and_give_the_positions():
    next_slot, by_hand, total = softmax(), np.zeros((3, 5)), 0.0
    for slate in permutations((0, 1, 2, 4), 3):
        p = joint_propensity(next_slot, slate)
        total += p
        by_hand[np.arange(3), list(slate)] += p
    assert total == pytest.approx(1.0)
    found = position_propensities(next_slot, 3)
    assert found.exact
    assert found.p == pytest.approx(by_hand, abs=1e-12)
    assert position_propensities(next_slot, 3, by_set=False).p == pytest.approx(by_hand, abs=1e-12)


def test_plackett_luce_by_hand():
    next_slot, worth = softmax(floor=0.0), np.exp(SCORES / 0.7)
    first = worth[0] / worth[PERMITTED].sum()
    second = worth[2] / (worth[PERMITTED].sum() - worth[0])
    assert conditional_propensities(next_slot, [0, 2]) == pytest.approx([first, second], rel=1e-6)


def test_drawn_slates_log_what_their_slots_had_and_come_as_often():
    next_slot, seen = softmax(), np.zeros((2, 5))
    for i in range(2_000):
        slate, p = draw_slate(next_slot, 2, stream(0, i))
        assert p == pytest.approx(conditional_propensities(next_slot, slate))
        seen[np.arange(2), slate] += 1 / 2_000
    assert np.abs(seen - position_propensities(next_slot, 2).p).max() < 4.5 * np.sqrt(0.25 / 2_000)


def test_beyond_what_can_be_enumerated_the_error_is_told_and_holds(monkeypatch):
    exact = position_propensities(softmax(), 3)
    monkeypatch.setattr(propensity, "EXACT_STATES", 5)
    found = position_propensities(softmax(), 3, draws=1_000)
    assert not found.exact
    assert found.p.sum(axis=1) == pytest.approx([1, 1, 1])
    assert (found.p[0], found.error[0].tolist()) == (pytest.approx(exact.p[0]), [0.0] * 5)
    off = np.abs(found.p - exact.p)[found.error > 0] / found.error[found.error > 0]
    assert off.max() < 4.5
    assert np.array_equal(found.p, position_propensities(softmax(), 3, draws=1_000).p)


def test_a_row_with_one_drawn_slot_among_certain_ones():
    """As a page does it: best first, the second slot drawn from what is left, then best again."""

    def next_slot(placed: tuple[int, ...]) -> np.ndarray:
        left = [a for a in (3, 0, 2, 4) if a not in placed]
        p = np.zeros(5)
        p[left if len(placed) == 1 else left[:1]] = 1 / len(left) if len(placed) == 1 else 1.0
        return p

    found = position_propensities(next_slot, 3)
    assert found.p[0].tolist() == [0, 0, 0, 1, 0]
    assert found.p[1] == pytest.approx([1 / 3, 0, 1 / 3, 0, 1 / 3])
    assert found.p[2] == pytest.approx([2 / 3, 0, 1 / 3, 0, 0])  # the best of what the draw left


def test_what_is_wrong_is_named():
    with pytest.raises(InputError, match=r"n_slots is 0 and draws 2000, expected at least 1 and 2"):
        position_propensities(softmax(), 0)
    with pytest.raises(InputError, match=r"slate, slot 1: its probabilities sum to 2, expected 1"):
        draw_slate(lambda placed: np.ones(2), 1, stream(0))
