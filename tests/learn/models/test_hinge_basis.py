import numpy as np
import pytest

from matinee.errors import ConfigError, InputError, NotFittedError
from matinee.learn.models.hinge_basis import HingeBasis, HingeConfig


def columns(n=200, seed=0):
    rng = np.random.default_rng(seed)
    x = np.column_stack([rng.exponential(5, n), rng.integers(0, 3, n), np.full(n, 7.0)])
    x[::4, 0] = np.nan
    return x


def test_a_column_of_ones_then_standardised_lines():
    z = HingeBasis(HingeConfig(knots=0)).fit(columns()).transform(columns())
    assert (z[:, 0] == 1).all()
    assert z[:, 1].mean() == pytest.approx(0, abs=1e-9)
    assert z[:, 1].std() == pytest.approx(1)


def test_hinges_let_a_line_bend():
    x = np.linspace(0, 20, 400)[:, None]
    y = np.maximum(x[:, 0] - 10, 0)
    z = HingeBasis(HingeConfig(knots=9)).fit(x).transform(x)
    error = y - z @ np.linalg.lstsq(z, y, rcond=None)[0]
    straight = np.column_stack([np.ones(400), x])
    assert error.std() < 0.1 * (y - straight @ np.linalg.lstsq(straight, y, rcond=None)[0]).std()


def test_a_missing_value_is_the_median_and_says_so():
    basis = HingeBasis(HingeConfig(knots=0)).fit(columns())
    z = basis.transform(np.array([[np.nan, 1.0, 7.0], [basis.median_[0], 1.0, 7.0]]))
    assert np.array_equal(z[0, :-1], z[1, :-1])
    assert z[:, -1].tolist() == [1.0, 0.0]


def test_values_never_seen_count_as_the_nearest_that_was():
    basis = HingeBasis().fit(columns())
    far, near = (basis.transform(np.array([[top, 2.0, 9.0]])) for top in (1e9, np.nanmax(columns()[:, 0])))
    assert np.allclose(far, near)
    assert abs(far).max() < 100  # the third column never varied: it says nothing, rather than everything


def test_saved_and_loaded_it_is_the_same(tmp_path):
    basis = HingeBasis().fit(columns())
    basis.save(tmp_path)
    assert np.array_equal(HingeBasis.load(tmp_path).transform(columns()), basis.transform(columns()))


def test_what_cannot_be_learned_from_is_refused():
    with pytest.raises(ConfigError, match="knots is -1, expected 0 or more"):
        HingeConfig(knots=-1)
    with pytest.raises(InputError, match="shape \\(0, 3\\), expected rows"):
        HingeBasis().fit(np.zeros((0, 3)))
    with pytest.raises(InputError, match="column 1 has an infinite value"):
        HingeBasis().fit(np.array([[0.0, np.inf]]))
    with pytest.raises(NotFittedError, match="before fit"):
        HingeBasis().transform(columns())
    with pytest.raises(InputError, match="expected 3 columns as in fit"):
        HingeBasis().fit(columns()).transform(np.zeros((2, 2)))
