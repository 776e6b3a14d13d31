"""Weighted least squares: every digit, and a rank check that names the column."""

from __future__ import annotations

import numpy as np
import pytest

from mentoreval.numerics.least_squares import AliasedColumnsError, solve_least_squares


def test_coefficients_residuals_and_bread_are_those_of_the_weighted_problem() -> None:
    rng = np.random.default_rng(1)
    X = np.column_stack([np.ones(50), rng.normal(size=(50, 3))])
    y, weights = rng.normal(size=50), rng.uniform(0.5, 2.0, 50)
    fitted = solve_least_squares(X, y, weights)
    root = np.sqrt(weights)
    expected, *_ = np.linalg.lstsq(X * root[:, None], y * root, rcond=None)
    np.testing.assert_allclose(fitted.coefficients, expected, atol=1e-13)
    np.testing.assert_allclose(fitted.residuals, y - X @ expected, atol=1e-13)
    np.testing.assert_allclose(fitted.bread, np.linalg.inv(X.T @ (weights[:, None] * X)), atol=1e-13)


def test_several_responses_are_solved_at_once() -> None:
    rng = np.random.default_rng(2)
    X, Y = rng.normal(size=(30, 2)), rng.normal(size=(30, 3))
    together = solve_least_squares(X, Y, np.ones(30))
    for column in range(3):
        alone = solve_least_squares(X, Y[:, column], np.ones(30))
        np.testing.assert_allclose(together.coefficients[:, column], alone.coefficients, atol=1e-14)
        np.testing.assert_allclose(together.residuals[:, column], alone.residuals, atol=1e-14)


def test_rows_of_weight_zero_say_nothing() -> None:
    X = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0], [1.0, 50.0]])
    y = np.array([1.0, 3.0, 5.0, -999.0])
    fitted = solve_least_squares(X, y, np.array([1.0, 1.0, 1.0, 0.0]))
    np.testing.assert_allclose(fitted.coefficients, [1.0, 2.0], atol=1e-13)


def test_nearly_collinear_data_keep_their_digits() -> None:
    """Longley's data, whose certified coefficients are the usual test of a regression (NIST StRD)."""
    data = pytest.importorskip("statsmodels.datasets").longley.load_pandas()
    X = np.column_stack([np.ones(16), data.exog.to_numpy()])
    certified = [
        -3482258.63459582,
        15.0618722713733,
        -0.358191792925910e-01,
        -2.02022980381683,
        -1.03322686717359,
        -0.511041056535807e-01,
        1829.15146461355,
    ]
    fitted = solve_least_squares(X, data.endog.to_numpy(), np.ones(16))
    np.testing.assert_allclose(fitted.coefficients, certified, rtol=1e-9)


def test_a_column_that_repeats_others_is_named_by_its_place() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=20), rng.normal(size=20)
    X = np.column_stack([np.ones(20), a, b, 2 * a - b + 3])
    with pytest.raises(AliasedColumnsError, match="columns 3") as caught:
        solve_least_squares(X, a, np.ones(20))
    assert caught.value.columns.tolist() == [3]


def test_a_column_of_zeros_is_aliased() -> None:
    X = np.column_stack([np.ones(5), np.zeros(5)])
    with pytest.raises(AliasedColumnsError) as caught:
        solve_least_squares(X, np.arange(5.0), np.ones(5))
    assert caught.value.columns.tolist() == [1]
