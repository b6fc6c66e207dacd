from __future__ import annotations

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matinee.errors import InputError
from matinee.prove.stats.moments import PRODUCTS, Moments, moments_sql


def table(n: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.stack(
        [rng.poisson(3, n), rng.poisson(2, n) + 1, rng.normal(2, 1, n), rng.poisson(2, n)]
    ).astype(float)


def as_row(moments: Moments) -> list[float]:
    return [moments.n, *moments.sums, *(getattr(moments, name) for name in PRODUCTS)]


def test_covariance_is_that_of_numpy() -> None:
    columns = table(500)
    moments = Moments.of(*columns)
    assert moments.covariance == pytest.approx(np.cov(columns), rel=1e-12)
    assert moments.means == pytest.approx(columns.mean(axis=1), rel=1e-14)


def test_a_mean_has_denominators_of_one_and_no_covariate() -> None:
    moments = Moments.of([2.0, 4.0])
    assert (moments.d, moments.x, moments.c) == (2.0, 0.0, 2.0)
    assert (moments.dd, moments.xx, moments.yx) == (0.0, 0.0, 0.0)


@given(cut=st.integers(0, 60), far=st.sampled_from([0.0, 1e6, -1e9]))
@settings(max_examples=30, deadline=None)
def test_parts_add_up_to_the_whole_wherever_they_are_cut_and_however_far_from_zero(
    cut: int, far: float
) -> None:
    columns = table(60) + far
    parts = Moments.of(*columns[:, :cut]) + Moments.of(*columns[:, cut:])
    whole = Moments.of(*columns)
    assert parts.n == whole.n
    assert parts.covariance == pytest.approx(np.cov(columns - far), rel=1e-6, abs=1e-6)
    assert parts.sums == pytest.approx(whole.sums, rel=1e-12)


def test_sql_gives_the_same_as_arrays_also_far_from_zero() -> None:
    columns = table(5_000)
    columns[0] += 1e8
    con = duckdb.connect()
    con.execute("CREATE TABLE unit (arm INT, y DOUBLE, d DOUBLE, x DOUBLE, c DOUBLE)")
    con.executemany("INSERT INTO unit VALUES (0, ?, ?, ?, ?)", columns[:, :200].T.tolist())
    whole = as_row(Moments.of(*columns[:, :200]))
    row = con.execute(f"SELECT {moments_sql('y', 'd', 'x', 'c')} FROM unit").fetchone()
    assert row is not None
    assert as_row(Moments.of_row(row)) == pytest.approx(whole, rel=1e-9, abs=1e-6)
    row = con.execute(f"SELECT {moments_sql('y', x='x')} FROM unit").fetchone()
    assert row is not None
    assert as_row(Moments.of_row(row)) == pytest.approx(
        as_row(Moments.of(columns[0, :200], x=columns[2, :200])), rel=1e-9, abs=1e-6
    )


def test_no_unit_is_an_empty_arm() -> None:
    row = duckdb.sql(f"SELECT {moments_sql('y')} FROM (SELECT 1 AS y WHERE false)").fetchall()[0]
    assert Moments.of_row(row) == Moments() == Moments.of([])
    with pytest.raises(InputError, match="no unit in the arm"):
        _ = Moments().means
    with pytest.raises(InputError, match="1 units in the arm, expected at least two"):
        _ = Moments.of([1.0]).covariance


def test_bad_arrays_and_rows_are_named() -> None:
    with pytest.raises(InputError, match=r"Moments: x has shape \(1,\), expected \(2,\)"):
        Moments.of([1.0, 2.0], x=[1.0])
    with pytest.raises(InputError, match="d holds a value that is not finite"):
        Moments.of([1.0, 2.0], d=[1.0, np.nan])
    with pytest.raises(InputError, match="a row of 2 values"):
        Moments.of_row([1, 2])
    with pytest.raises(InputError, match="not finite"):
        Moments.of_row([2, float("nan"), *[0.0] * 13])
