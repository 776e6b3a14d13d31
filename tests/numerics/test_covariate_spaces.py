"""Covariate spaces: plain distance in them is the distance of the textbook formula."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import rankdata

from mentoreval.errors import DataError
from mentoreval.numerics.covariate_spaces import (
    distinct_rows,
    euclidean_space,
    mahalanobis_space,
    robust_mahalanobis_space,
    scaled_euclidean_space,
)


@pytest.fixture
def students():
    rng = np.random.default_rng(12)
    treated = rng.random(80) < 0.4
    X = np.column_stack([rng.normal(size=80) + treated, rng.integers(0, 4, 80), rng.integers(0, 2, 80) * 100.0])
    return X, treated


def distances(space):
    points = space.points[space.point]
    return cdist(points, points)


def within_arms(X, treated):
    """Covariance around each arm's own mean, n − 2 degrees of freedom, by a loop over rows."""
    centred = [row - X[treated == arm].mean(axis=0) for row, arm in zip(X, treated, strict=True)]
    return sum(np.outer(row, row) for row in centred) / (len(X) - 2)


def test_mahalanobis_uses_the_pooled_covariance(students):
    X, treated = students
    expected = cdist(X, X, "mahalanobis", VI=np.linalg.inv(within_arms(X, treated)))
    np.testing.assert_allclose(distances(mahalanobis_space(X, treated)), expected, atol=1e-10)


def test_mahalanobis_counts_collinear_and_constant_columns_once(students):
    X, treated = students
    more = np.column_stack([X, X[:, 0] - 3 * X[:, 1], np.full(80, 5.0)])
    np.testing.assert_allclose(
        distances(mahalanobis_space(more, treated)), distances(mahalanobis_space(X, treated)), atol=1e-9
    )


def test_mahalanobis_takes_its_covariance_from_the_usable_rows(students):
    X, treated = students
    usable = np.arange(80) % 3 > 0
    expected = cdist(X, X, "mahalanobis", VI=np.linalg.inv(within_arms(X[usable], treated[usable])))
    np.testing.assert_allclose(distances(mahalanobis_space(X, treated, usable)), expected, atol=1e-10)


def test_robust_mahalanobis_is_mahalanobis_of_ranks_with_the_variance_of_untied_ranks(students):
    X, treated = students
    ranks = rankdata(X, axis=0)
    covariance = np.cov(ranks, rowvar=False)
    scale = np.diag(np.sqrt(np.var(np.arange(1, 81), ddof=1) / np.diag(covariance)))
    expected = cdist(ranks, ranks, "mahalanobis", VI=np.linalg.inv(scale @ covariance @ scale))
    np.testing.assert_allclose(distances(robust_mahalanobis_space(X, treated)), expected, atol=1e-10)


def test_scaled_euclidean_divides_by_the_spread_within_arms(students):
    X, treated = students
    expected = cdist(X / np.sqrt(np.diag(within_arms(X, treated))), X / np.sqrt(np.diag(within_arms(X, treated))))
    np.testing.assert_allclose(distances(scaled_euclidean_space(X, treated)), expected, atol=1e-10)


def test_a_share_is_divided_by_the_mean_of_p_times_1_minus_p(students):
    X, treated = students
    flag = (X[:, 0] > 0).astype(float)
    shares = np.where(treated, flag[treated].mean(), flag[~treated].mean())
    expected = np.abs(flag[:, None] - flag) / np.sqrt((shares * (1 - shares)).mean())
    np.testing.assert_allclose(distances(scaled_euclidean_space(flag[:, None], treated)), expected, atol=1e-10)


def weighted_within_arms(X, treated, weights):
    """Σ w (x − m)(x − m)' over both arms, m the arm's weighted mean, by Σw − Σw²/Σw."""
    total = np.zeros((X.shape[1], X.shape[1]))
    for arm in (treated, ~treated):
        apart = X[arm] - np.average(X[arm], axis=0, weights=weights[arm])
        total += sum(w * np.outer(row, row) for w, row in zip(weights[arm], apart, strict=True))
    return total / (weights.sum() - (weights**2).sum() / weights.sum())


def test_sampling_weights_count_in_the_spread_of_usable_rows(students):
    X, treated = students
    usable, weights = np.arange(80) % 3 > 0, 1.0 + np.arange(80) % 4
    spread = weighted_within_arms(X[usable], treated[usable], weights[usable])
    expected = cdist(X, X, "mahalanobis", VI=np.linalg.inv(spread))
    np.testing.assert_allclose(distances(mahalanobis_space(X, treated, usable, weights)), expected, atol=1e-10)
    expected = cdist(X / np.sqrt(np.diag(spread)), X / np.sqrt(np.diag(spread)))
    np.testing.assert_allclose(distances(scaled_euclidean_space(X, treated, usable, weights)), expected, atol=1e-10)


def test_sampling_weights_count_in_the_covariance_of_ranks(students):
    X, treated = students
    ranks, weights = rankdata(X, axis=0), 1.0 + np.arange(80) % 4
    covariance = np.cov(ranks, rowvar=False, aweights=weights)
    scale = np.diag(np.sqrt(np.var(np.arange(1, 81), ddof=1) / np.diag(covariance)))
    expected = cdist(ranks, ranks, "mahalanobis", VI=np.linalg.inv(scale @ covariance @ scale))
    space = robust_mahalanobis_space(X, treated, weights=weights)
    np.testing.assert_allclose(distances(space), expected, atol=1e-10)


@pytest.mark.parametrize("space", [mahalanobis_space, robust_mahalanobis_space, scaled_euclidean_space])
def test_equal_weights_are_none(space, students):
    X, treated = students
    np.testing.assert_array_equal(space(X, treated, weights=np.full(80, 3.0)).points, space(X, treated).points)


def test_euclidean_takes_columns_as_they_are(students):
    X, _ = students
    np.testing.assert_allclose(distances(euclidean_space(X)), cdist(X, X), atol=1e-10)


def test_alike_rows_are_one_point(students):
    X, treated = students
    space = mahalanobis_space(X[:, 1:], treated)
    assert len(space.points) == len({tuple(row) for row in X[:, 1:].tolist()})
    assert len(space.line) == len(space.points)


def test_distinct_rows_are_numbered_with_their_first_row():
    first, kind = distinct_rows([np.array([2, 1, 2, 2]), np.array(["a", "b", "a", "c"])])
    assert kind[0] == kind[2]
    assert len({*kind.tolist()}) == len(first) == 3
    assert sorted(first.tolist()) == [0, 1, 3]
    assert (first[kind] <= np.arange(4)).all()


@pytest.mark.parametrize("space", [mahalanobis_space, robust_mahalanobis_space, scaled_euclidean_space])
def test_where_nothing_varies_everybody_is_alike(space):
    assert distances(space(np.ones((4, 2)), np.array([True, False, True, False]))).max() == 0


@pytest.mark.parametrize("space", [mahalanobis_space, scaled_euclidean_space])
def test_a_covariate_that_is_the_treatment_can_scale_nothing(space):
    treated = np.array([True, True, False, False])
    with pytest.raises(DataError, match="within neither"):
        space(treated[:, None].astype(float), treated)


def test_missing_values_are_refused_by_column():
    with pytest.raises(DataError, match=r"Column\(s\) \[1\]"):
        mahalanobis_space(np.array([[1.0, np.nan], [2, 3]]), np.array([True, False]))
