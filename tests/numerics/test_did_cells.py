"""The 2x2 cell: what it says without covariates, and an influence function that is a derivative."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from mentoreval.aliases import BoolArray, FloatArray
from mentoreval.numerics.did_cells import TRIM, CellError, CellMethod, compare_changes

METHODS = get_args(CellMethod)


def cell(n: int = 200, seed: int = 1) -> tuple[FloatArray, BoolArray, FloatArray, FloatArray]:
    """Changes in two periods, treatment, weights and covariates; the effect is 3 in the first and 0 in the second."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    treated = rng.random(n) < 1 / (1 + np.exp(0.5 - x))
    change = np.column_stack([2 * x + 3 * treated, -x]) + rng.normal(size=(n, 2))
    return change, treated, rng.uniform(0.5, 2.0, n), np.column_stack([np.ones(n), x])


@pytest.mark.parametrize("method", METHODS)
def test_without_covariates_it_is_the_difference_of_weighted_mean_changes(method: CellMethod) -> None:
    change, treated, weights, X = cell()
    found = compare_changes(change, treated, weights, X[:, :1], method)
    expected = np.average(change[treated], axis=0, weights=weights[treated]) - np.average(
        change[~treated], axis=0, weights=weights[~treated]
    )
    np.testing.assert_allclose(found.att, expected, atol=1e-13)


@pytest.mark.parametrize("method", METHODS)
def test_the_influence_of_a_unit_is_the_derivative_by_its_weight(method: CellMethod) -> None:
    change, treated, weights, X = cell()
    found = compare_changes(change, treated, weights, X, method)
    np.testing.assert_allclose(found.influence.sum(axis=0), 0.0, atol=1e-12)
    step = 1e-4
    for unit in range(0, 200, 23):
        shift = step * weights * (np.arange(200) == unit)
        up = compare_changes(change, treated, weights + shift, X, method).att
        down = compare_changes(change, treated, weights - shift, X, method).att
        np.testing.assert_allclose(found.influence[unit], (up - down) / (2 * step), atol=2e-8)


@pytest.mark.parametrize("method", METHODS)
def test_covariates_take_out_a_trend_that_depends_on_them(method: CellMethod) -> None:
    change, treated, _, X = cell(n=20_000, seed=2)
    found = compare_changes(change, treated, np.ones(20_000), X, method)
    np.testing.assert_allclose(found.att, [3.0, 0.0], atol=0.1)
    naive = compare_changes(change, treated, np.ones(20_000), X[:, :1], method)
    assert abs(naive.att[0] - 3.0) > 0.5


def test_doubly_robust_survives_one_wrong_model() -> None:
    """The outcome moves with x², which the regression on x misses; the propensity score, linear in x, is right."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=200_000)
    treated = rng.random(200_000) < 1 / (1 + np.exp(1 - 0.7 * x))
    change = (x**2 + rng.normal(size=200_000))[:, None]
    X = np.column_stack([np.ones(200_000), x])
    wrong = compare_changes(change, treated, np.ones(200_000), X, "outcome_regression").att[0]
    robust = compare_changes(change, treated, np.ones(200_000), X, "doubly_robust").att[0]
    assert abs(wrong) > 0.1
    assert abs(robust) < 0.04


def test_an_aliased_covariate_changes_nothing() -> None:
    change, treated, weights, X = cell()
    twice = np.column_stack([X, 2 * X[:, 1] + 1])
    for method in METHODS:
        once = compare_changes(change, treated, weights, X, method)
        np.testing.assert_allclose(compare_changes(change, treated, weights, twice, method).att, once.att, atol=1e-12)


def test_no_overlap_is_an_error() -> None:
    change, treated, weights, _ = cell()
    X = np.column_stack([np.ones(200), treated + 0.01 * np.arange(200) / 200])
    with pytest.raises(CellError, match="no overlap"):
        compare_changes(change, treated, weights, X, "doubly_robust")


def test_a_covariate_that_varies_among_the_treated_only_is_an_error() -> None:
    change, treated, weights, X = cell()
    level = np.where(treated, np.arange(200) % 2, 0.0)
    with pytest.raises(CellError, match="does not vary among the comparison"):
        compare_changes(change, treated, weights, np.column_stack([X, level]), "outcome_regression")


def test_too_few_comparison_units_are_an_error() -> None:
    change, treated, weights, X = cell()
    treated = np.arange(200) > 0
    with pytest.raises(CellError, match="1 comparison units can not carry 2"):
        compare_changes(change, treated, weights, X, "outcome_regression")


def test_comparison_units_that_are_nearly_sure_to_be_treated_get_no_weight() -> None:
    rng = np.random.default_rng(5)
    x = np.concatenate([rng.normal(size=3000), [2.9]])
    treated = np.append(rng.random(3000) < 1 / (1 + np.exp(-2 * x[:3000])), False)
    change = np.append(rng.normal(size=3000), 1e6)[:, None]
    X = np.column_stack([np.ones(3001), x])
    keep = np.append(np.abs(x[:3000]) < 3, True)
    found = compare_changes(change[keep], treated[keep], np.ones(keep.sum()), X[keep], "inverse_probability")
    assert found.n_trimmed >= 1
    assert abs(found.att[0]) < 1, f"the change of a million stands at a probability above {TRIM} and must not count"
