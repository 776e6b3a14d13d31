"""Imputed untreated outcomes: against all dummies, links between units and periods, covariates that say nothing."""

from __future__ import annotations

import numpy as np
import pytest

from mentoreval.numerics.imputation import AliasedCovariatesError, impute_untreated


def test_effects_and_residuals_are_those_of_the_regression_with_all_dummies() -> None:
    rng = np.random.default_rng(1)
    y, x, weights = rng.normal(size=(20, 5)), rng.normal(size=(20, 5)), rng.uniform(0.5, 2, 20)
    known = (rng.random((20, 5)) > 0.1) | (np.arange(5) < 2)
    treated = known & (np.arange(20)[:, None] < 8) & (np.arange(5) >= 3)
    untreated = known & ~treated
    fitted = impute_untreated(y, untreated, treated, weights, [x])
    unit, period = np.divmod(np.arange(100), 5)
    Z = np.column_stack([np.eye(20)[unit], np.eye(5)[period], x.ravel()])
    rows, root = untreated.ravel(), np.sqrt(weights)[unit]
    beta, *_ = np.linalg.lstsq((Z * root[:, None])[rows], (y.ravel() * root)[rows], rcond=None)
    left = (y.ravel() - Z @ beta).reshape(20, 5)
    np.testing.assert_allclose(fitted.effects[treated], left[treated], atol=1e-10)
    assert np.isnan(fitted.effects[~treated]).all()
    np.testing.assert_allclose(fitted.residuals, np.where(untreated, left, 0.0), atol=1e-10)


def test_an_average_moves_with_untreated_rows_as_its_derivative_by_weights_says() -> None:
    rng = np.random.default_rng(2)
    y, x, weights = rng.normal(size=(12, 4)), rng.normal(size=(12, 4)), rng.uniform(0.5, 2, 12)
    treated = (np.arange(12)[:, None] < 5) & (np.arange(4) >= 2)
    units, share = np.arange(5), np.full(5, 0.2)

    def average(w: np.ndarray) -> float:
        return float(impute_untreated(y, ~treated, treated, w, [x]).effects[units, 3] @ share)

    moves = impute_untreated(y, ~treated, treated, weights, [x]).first_stage([(3, units, share)])[:, 0]
    for unit in range(12):
        step = 1e-5 * weights * (np.arange(12) == unit)
        slope = (average(weights + step) - average(weights - step)) / 2e-5
        assert moves[unit] == pytest.approx(slope, abs=1e-8)


def test_only_linked_units_and_periods_are_imputed() -> None:
    """Unit 0 is never untreated; periods 2 and 3 have an untreated unit that is seen nowhere else."""
    y = np.arange(16.0).reshape(4, 4)
    treated = np.array([[1, 1, 1, 1], [0, 0, 1, 1], [0, 1, 0, 0], [0, 0, 0, 0]], dtype=bool)
    untreated = np.array([[0, 0, 0, 0], [1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 1]], dtype=bool)
    known = ~np.isnan(impute_untreated(y, untreated, treated, np.ones(4)).effects)
    assert known.tolist() == [[False] * 4, [False] * 4, [False, True, False, False], [False] * 4]


@pytest.mark.parametrize("told", ["by_unit", "by_period", "by_both", "by_the_other"])
def test_covariates_that_effects_or_others_tell_are_named(told: str) -> None:
    rng = np.random.default_rng(3)
    y, x = rng.normal(size=(10, 4)), rng.normal(size=(10, 4))
    unit, period = np.repeat(rng.normal(size=(10, 1)), 4, axis=1), np.repeat(rng.normal(size=(1, 4)), 10, axis=0)
    other = {"by_unit": unit, "by_period": period, "by_both": 1e6 * unit + period, "by_the_other": 3 * x + unit}[told]
    treated = (np.arange(10)[:, None] < 4) & (np.arange(4) >= 3)
    with pytest.raises(AliasedCovariatesError) as caught:
        impute_untreated(y, ~treated, treated, np.ones(10), [x, other])
    assert caught.value.columns.tolist() == [1]
