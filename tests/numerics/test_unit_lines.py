"""Lines of units taken out: what least squares with a dummy and a slope for each unit leaves."""

from __future__ import annotations

import numpy as np

from mentoreval.numerics.unit_lines import remove_lines


def test_residuals_are_those_of_dummies_and_slopes() -> None:
    rng = np.random.default_rng(0)
    unit = np.sort(rng.integers(0, 7, 60))
    time, weights, columns = rng.integers(0, 12, 60).astype(float), rng.uniform(0.5, 2, 60), rng.normal(size=(60, 3))
    dummies = np.eye(7)[unit]
    X = np.column_stack([dummies, dummies * time[:, None]])
    root = np.sqrt(weights)[:, None]
    beta, *_ = np.linalg.lstsq(X * root, columns * root, rcond=None)
    np.testing.assert_allclose(remove_lines(columns, unit, time, weights), columns - X @ beta, atol=1e-12)


def test_a_unit_seen_at_one_time_has_a_mean_and_no_slope() -> None:
    unit, time = np.array([0, 0, 0, 1, 1]), np.array([1.0, 2.0, 4.0, 3.0, 3.0])
    column = np.array([[2.0], [4.0], [8.0], [5.0], [9.0]])
    left = remove_lines(column, unit, time, np.ones(5))
    np.testing.assert_allclose(left[:, 0], [0, 0, 0, -2, 2], atol=1e-14)
