from __future__ import annotations

import numpy as np

from matinee.learn.recommenders.columns import N_FACTS, fixed_columns, standardise, varying


def test_standardised_columns_have_mean_0_and_deviation_1_in_each_list() -> None:
    rng = np.random.default_rng(0)
    columns = np.empty((3, 20, 9), np.float32)
    columns[:, :, :6] = rng.normal(5, 3, (3, 20, 6))
    columns[:, :, 4] = 7.0  # the same everywhere
    columns[0, 3, 5] = np.nan
    base = np.zeros((3, 20), np.float32)
    base[1, 15:] = -np.inf
    columns[1, 15:, 2] = 1e9  # filler does not count
    which = np.array([2, 4, 5])
    standardise(columns, which, base, 6)
    for q in range(3):
        real = np.isfinite(base[q])
        own = columns[q, real][:, which].astype(np.float64)
        expected = (own - np.nanmean(own, axis=0)) / (np.nanstd(own, axis=0) + 1e-9)
        assert np.allclose(columns[q, real, 6:], expected, atol=1e-4, equal_nan=True)
    assert (columns[:, :, 7] == 0.0).all()
    assert np.isnan(columns[0, 3, 8])


def test_a_list_of_nothing_but_filler_is_no_error() -> None:
    columns = np.ones((1, 2, 2), np.float32)
    standardise(columns, np.array([0]), np.full((1, 2), -np.inf, np.float32), 1)
    assert np.isfinite(columns).all()


def test_the_place_and_the_facts_of_the_query_are_not_standardised() -> None:
    fixed = fixed_columns(5, 3, 2, 5)
    which = varying(5, fixed, fixed + 2).tolist()
    assert set(range(fixed + 2)) - set(which) == {13, *range(fixed - N_FACTS, fixed)}
