from __future__ import annotations

import numpy as np
import pytest

from matinee.decide.masks import Masks
from matinee.errors import InputError


def two_rules() -> Masks:
    masks = Masks(4)
    masks.add("available", np.array([True, True, False, False]))
    masks.add("not watched", np.array([True, False, True, False]))
    return masks


def test_a_rule_that_forbids_wins() -> None:
    assert two_rules().permitted().tolist() == [True, False, False, False]


def test_each_removed_action_is_counted_once_under_the_first_rule() -> None:
    assert two_rules().removed(np.arange(4)) == {"available": 2, "not watched": 1}
    assert two_rules().why_not(3) == "available"
    assert two_rules().why_not(0) is None


def test_no_rules_permit_everything() -> None:
    assert Masks(2).permitted().all()


def test_a_mask_of_another_length_is_refused() -> None:
    with pytest.raises(InputError, match=r'rule "x" has shape \(3,\), expected \(4,\)'):
        Masks(4).add("x", np.ones(3, np.bool_))


def test_a_name_is_used_once() -> None:
    with pytest.raises(InputError, match='"available" exists already'):
        two_rules().add("available", np.ones(4, np.bool_))
