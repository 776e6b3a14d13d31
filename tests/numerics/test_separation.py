"""Separation is found, proven by a direction, and blamed on as few columns as possible."""

from __future__ import annotations

import numpy as np
import pytest

from mentoreval.numerics.logit import fit_logit
from mentoreval.numerics.separation import find_separation, looks_separated


@pytest.fixture(params=[60, 5000])
def X(request):
    """Intercept, three numbers (one in thousands), two indicators."""
    rng = np.random.default_rng(request.param)
    n = request.param
    numbers = rng.normal(size=(n, 3)) * [1.0, 1000.0, 1.0]
    return np.column_stack([np.ones(n), numbers, rng.integers(0, 2, (n, 2))])


def noisy(X, seed=0):
    return np.random.default_rng(seed).random(len(X)) < 1 / (1 + np.exp(-X[:, 1]))


def assert_separates(found, X, y):
    margin = np.where(y, 1, -1) * (X @ found.direction)
    largest = np.abs(X * found.direction).max()
    assert margin.min() >= -1e-6 * largest
    assert margin.max() > 1e-5 * largest
    assert set(np.flatnonzero(found.direction)) <= {0, *found.columns.tolist()}


def test_overlapping_arms_are_not_separated(X):
    y = noisy(X)
    assert find_separation(X, y) is None
    assert not looks_separated(fit_logit(X, y), X)


def test_one_number_that_tells_the_arms_apart_is_named(X):
    y = X[:, 2] > 300.0
    found = find_separation(X, y)
    assert found.columns.tolist() == [2]
    assert found.complete
    assert_separates(found, X, y)
    assert looks_separated(fit_logit(X, y), X)


@pytest.mark.parametrize("arm", [True, False])
def test_a_category_found_in_one_arm_only_is_quasi_complete_separation(X, arm):
    y = noisy(X)
    y[X[:, 4] == 1] = arm
    found = find_separation(X, y)
    assert found.columns.tolist() == [4]
    assert not found.complete
    assert_separates(found, X, y)
    assert looks_separated(fit_logit(X, y), X)


def test_a_single_row_with_a_value_of_its_own_is_enough(X):
    X[:, 5] = 0
    X[7, 5] = 1
    y = noisy(X)
    assert find_separation(X, y).columns.tolist() == [5]
    assert looks_separated(fit_logit(X, y), X)


def test_two_columns_that_do_it_together_are_both_named(X):
    y = X[:, 1] + X[:, 2] / 1000 > 0.3
    found = find_separation(X, y)
    assert found.columns.tolist() == [1, 2]
    assert_separates(found, X, y)


def test_two_indicators_that_do_it_together_are_both_named(X):
    y = noisy(X)
    both = X[:, 4] + X[:, 5]
    y[both == 2], y[both == 0] = True, False
    found = find_separation(X, y)
    assert found.columns.tolist() == [4, 5]
    assert not found.complete
    assert_separates(found, X, y)


def test_columns_that_are_sums_of_others_do_no_harm(X):
    more = np.column_stack([X, X[:, 1] + X[:, 3]])
    y = X[:, 1] + X[:, 3] > 0.1
    assert find_separation(more, noisy(X)) is None
    assert_separates(find_separation(more, y), more, y)


def test_without_an_intercept_only_a_border_at_zero_separates():
    x = np.array([[-2.0], [-1.0], [1.0], [3.0]])
    assert find_separation(x, np.array([False, False, True, True])).columns.tolist() == [0]
    assert find_separation(x, np.array([False, False, False, True])) is None


def test_one_outcome_only_is_separated_by_no_column(X):
    found = find_separation(X, np.ones(len(X), dtype=bool))
    assert found.columns.size == 0
    assert found.complete
