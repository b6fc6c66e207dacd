import numpy as np
import pytest
from scipy.optimize import minimize

from matinee.errors import InputError
from matinee.learn.models.penalised_logistic import fit_logistic


def rows(n=500, seed=0):
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(n), rng.normal(size=(n, 3))])
    b = np.array([-1.0, 2.0, 0.0, 0.5])
    return x, (rng.random(n) < 1 / (1 + np.exp(-x @ b))).astype(float), b


def test_it_finds_the_coefficients_that_made_the_data():
    x, y, b = rows(20_000)
    assert np.allclose(fit_logistic(x, y, np.full(4, 1e-6)), b, atol=0.12)


def test_it_agrees_with_a_general_optimiser():
    x, y, _ = rows()
    penalty, weight = np.array([0.01, 3.0, 3.0, 10.0]), np.linspace(0.5, 2, 500)

    def loss(b):
        z = x @ b
        return weight @ (np.logaddexp(0, z) - y * z) + 0.5 * penalty @ (b * b)

    other = minimize(loss, np.zeros(4), method="BFGS", options={"gtol": 1e-9}).x
    assert np.allclose(fit_logistic(x, y, penalty, weight=weight), other, atol=1e-4)


def test_a_large_penalty_shrinks_to_nothing_and_separable_rows_stay_finite():
    x, y, _ = rows()
    assert abs(fit_logistic(x, y, np.full(4, 1e9))).max() < 1e-5
    apart = fit_logistic(np.array([[-1.0], [1.0]]), np.array([0.0, 1.0]), np.array([1e-3]))
    assert np.isfinite(apart).all()
    assert apart[0] > 1


def test_what_does_not_fit_together_is_refused():
    x, y, _ = rows()
    with pytest.raises(InputError, match="expected \\(n, columns\\)"):
        fit_logistic(x, y[:-1], np.ones(4))
    with pytest.raises(InputError, match="expected 0 to 1"):
        fit_logistic(x, y * 2, np.ones(4))
