"""Fisher scoring where the maximum can be written down: models with an intercept alone, and with one yes/no column."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from scipy.stats import norm

from mentoreval.numerics.random_intercepts import fit_random_intercepts
from mentoreval.numerics.scoring import climb, firth_at, probit_at, ridge_at

Y = np.array([1.0] * 3 + [0.0] * 9)
ONES = np.ones((12, 1))


def test_an_intercept_is_the_link_of_the_weighted_share() -> None:
    """Weights of 3 for the ones make 9 of 18."""
    equal, more = np.ones(12), np.where(Y > 0, 3.0, 1.0)
    assert climb(partial(probit_at, ONES, Y, equal), 1).coefficients[0] == pytest.approx(norm.ppf(0.25), abs=1e-9)
    assert climb(partial(probit_at, ONES, Y, more), 1).coefficients[0] == pytest.approx(0.0, abs=1e-9)
    free = climb(partial(ridge_at, ONES, Y, equal, np.zeros(1)), 1)
    assert free.coefficients[0] == pytest.approx(np.log(3 / 9), abs=1e-9)
    assert climb(partial(firth_at, ONES, Y, equal), 1).coefficients[0] == pytest.approx(np.log(3.5 / 9.5), abs=1e-9)


def test_firth_is_finite_where_all_are_ones() -> None:
    found = climb(partial(firth_at, ONES, np.ones(12), np.ones(12)), 1)
    assert found.converged
    assert found.coefficients[0] == pytest.approx(np.log(12.5 / 0.5), abs=1e-8)


@pytest.mark.parametrize("at", [probit_at, firth_at, partial(ridge_at, penalty=np.array([0.0, 2.0, 0.5]))])
def test_a_gradient_is_the_slope_of_its_objective(at: object) -> None:
    rng = np.random.default_rng(2)
    X = np.column_stack([np.ones(40), rng.normal(size=(40, 2))])
    y, weights, beta = (rng.random(40) < 0.4).astype(float), rng.uniform(0.5, 2, 40), np.array([-0.3, 0.8, -0.5])

    def point(coefficients: np.ndarray) -> object:
        return at(X=X, y=y, weights=weights, coefficients=coefficients)  # type: ignore[operator]

    steps = 1e-6 * np.eye(3)
    slope = [(point(beta + step).objective - point(beta - step).objective) / 2e-6 for step in steps]  # type: ignore[attr-defined]
    np.testing.assert_allclose(point(beta).gradient, slope, atol=1e-6)  # type: ignore[attr-defined]


def test_groups_that_are_alike_have_the_coefficients_of_a_logit() -> None:
    """Each of four groups has the same rows, so that nothing is left for the intercepts."""
    X = np.tile(np.column_stack([np.ones(6), [0, 0, 0, 1, 1, 1]]), (4, 1)).astype(float)
    y, group = np.tile([0.0, 0, 1, 0, 1, 1], 4), np.repeat(np.arange(4), 6)
    fit = fit_random_intercepts(X, y, np.ones(24), group)
    np.testing.assert_allclose(fit.coefficients, [np.log(1 / 2), np.log(2) - np.log(1 / 2)], atol=1e-4)
    np.testing.assert_allclose(fit.intercepts, 0, atol=1e-6)
    assert fit.spread < 0.01
