"""Compressed rows agree with a full table."""

from __future__ import annotations

import numpy as np
from tests.prove.offpolicy.worlds import dense

from matinee.prove.offpolicy.distributions import Distributions

RNG = np.random.default_rng(3)
TABLE = RNG.random((7, 5)) * (RNG.random((7, 5)) < 0.6)
TABLE[:, 2] += 0.1
TABLE /= TABLE.sum(axis=1, keepdims=True)
OF = np.array([0, 3, 3, 6, 1, 0, 5, 2, 4])


def sparse() -> Distributions:
    row, action = np.nonzero(TABLE)
    order = RNG.permutation(len(row))
    return Distributions.of_entries(row[order], action[order], TABLE[row, action][order], n=7, of=OF)


def test_rows_and_table_say_the_same() -> None:
    one = sparse()
    action = RNG.integers(0, 5, len(OF))
    value = RNG.normal(size=5)
    assert np.allclose(dense(one, 5), TABLE[OF])
    assert np.allclose(one.at(action), TABLE[OF, action])
    assert np.allclose(one.expected(value), TABLE[OF] @ value)
    assert np.allclose(one.totals(), 1)
    assert np.array_equal(one.n_possible(), (TABLE[OF] > 0).sum(axis=1))
    assert np.allclose(one.shares(6), [*TABLE[OF].sum(axis=0), 0])
    assert np.array_equal(one.names(action), TABLE[OF, action] > 0)


def test_groups_and_parts() -> None:
    group = np.array([0, 1, 0, 2, 1])
    expected = np.stack([TABLE[:, group == g].sum(axis=1) for g in range(3)], axis=1)
    assert np.allclose(dense(sparse().of_groups(group, 3), 3), expected[OF])
    kept = sparse().kept(np.array([1, 4]))
    assert np.allclose(dense(kept, 5), TABLE[OF[[1, 4]]])


def test_an_action_that_no_row_names_and_an_empty_row() -> None:
    one = Distributions.of_entries([0, 2], [1, 0], [1.0, 1.0], n=3)
    assert one.at(np.array([4, 0, 0])).tolist() == [0.0, 0.0, 1.0]
    assert one.totals().tolist() == [1.0, 0.0, 1.0]


def test_draws_follow_the_probabilities() -> None:
    one = Distributions.of_table(TABLE, np.repeat(np.arange(7), 4000))
    drawn = one.draw(np.random.default_rng(1)).reshape(7, 4000)
    found = np.stack([np.bincount(row, minlength=5) / 4000 for row in drawn])
    assert np.abs(found - TABLE).max() < 0.04
    assert not found[TABLE == 0].any()
