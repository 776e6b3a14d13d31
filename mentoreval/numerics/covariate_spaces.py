"""Spaces in which the plain distance between two rows is the distance between two students that is wanted.

Mahalanobis, robust Mahalanobis and scaled Euclidean distance are all Euclidean distance after a linear map of the
covariates, so that one search tree serves every one of them. Scaling follows MatchIt 4.7.2.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.errors import DataError

NO_VARIANCE = float(np.sqrt(np.finfo(np.float64).eps))
"""A column with a smaller range is constant and says nothing about distance."""

RANK_TOLERANCE = 1e-8
"""Directions with a smaller share of the largest variance have none (the columns are collinear)."""


_NO_VARIATION_WITHIN = (
    "A covariate varies between the treated and the comparison rows but within neither, so that no distance can be "
    "scaled by it. Leave it out: on such a covariate nobody is alike."
)


@dataclass(frozen=True, eq=False)
class CovariateSpace:
    """n rows at m distinct points; alike rows are at the same point, to the last bit.

    points : (m, d)  coordinates
    line   : (m,)    one coordinate that orders the points; where controls are equally near it decides between them
    point  : (n,)    the point of each row
    """

    points: FloatArray
    line: FloatArray
    point: IntArray


def mahalanobis_space(
    X: FloatArray, treated: BoolArray, usable: BoolArray | None = None, weights: FloatArray | None = None
) -> CovariateSpace:
    """Distance √((a − b)' S⁻¹ (a − b)), S the pooled within-group covariance with n − 2 degrees of freedom.

    X       : (n, k)  covariates; constant columns are ignored, collinear columns count once
    treated : (n,)    the two groups
    usable  : (n,)    rows S is computed from; None is all
    weights : (n,)    sampling weights that S is computed with, then with Σw − Σw²/Σw degrees of freedom; None is equal

    A category should come as all of its indicators divided by √2.
    """
    X, rows = _varying(X), _all_if_none(usable, np.shape(X)[0])
    if np.ptp(X) == 0:
        return euclidean_space(X)
    X = (X - X.mean(axis=0)) / X.std(axis=0, ddof=1)
    return _whitened(X, _pooled_covariance(X[rows], np.asarray(treated, dtype=bool)[rows], _of(weights, rows)))


def robust_mahalanobis_space(
    X: FloatArray, treated: BoolArray, usable: BoolArray | None = None, weights: FloatArray | None = None
) -> CovariateSpace:
    """Mahalanobis distance of ranks, each rescaled to the variance of untied ranks (Rosenbaum 2010, chapter 8).

    Outliers lose their pull and rare categories their weight. Arguments as in ``mahalanobis_space``; the covariance
    is that of all usable rows; weights change it, but not the ranks. Rows that are not usable lie at the origin and
    must not be matched.
    """
    from scipy.stats import rankdata  # slow to import, and only this space needs it

    X, rows = _varying(X), _all_if_none(usable, np.shape(X)[0])
    if np.ptp(X[rows]) == 0:
        return euclidean_space(np.zeros((X.shape[0], 1)))
    ranks = np.zeros_like(X)
    ranks[rows] = rankdata(X[rows], axis=0)
    covariance = np.atleast_2d(np.cov(ranks[rows], rowvar=False, aweights=_of(weights, rows)))
    untied = np.std(np.arange(np.count_nonzero(rows)), ddof=1) / np.sqrt(np.diag(covariance))
    return _whitened(ranks, covariance * np.outer(untied, untied))


def scaled_euclidean_space(
    X: FloatArray, treated: BoolArray, usable: BoolArray | None = None, weights: FloatArray | None = None
) -> CovariateSpace:
    """Euclidean distance after division by the pooled within-group standard deviation of each column.

    The variance of a column of zeros and ones is the mean of p(1 − p) over the rows, without a correction of the
    degrees of freedom. Arguments as in ``mahalanobis_space``.
    """
    X, rows = _varying(X), _all_if_none(usable, np.shape(X)[0])
    if np.ptp(X) == 0:
        return euclidean_space(X)
    counted = _of(weights, rows)
    variance = np.diag(_pooled_covariance(X[rows], np.asarray(treated, dtype=bool)[rows], counted))
    freedom, total = _freedom(int(np.count_nonzero(rows)), counted)
    shares = ((X[rows] == 0) | (X[rows] == 1)).all(axis=0)
    variance = np.where(shares, variance * freedom / total, variance)
    if not np.all(variance > 0):
        raise DataError(_NO_VARIATION_WITHIN)
    first, point = distinct_rows(X.T)
    points = X[first] / np.sqrt(variance)
    return CovariateSpace(points, points[:, 0], point)


def euclidean_space(X: FloatArray) -> CovariateSpace:
    """Plain Euclidean distance of the columns of X (n, k), each in its own unit."""
    points = _varying(X)
    first, point = distinct_rows(points.T)
    return CovariateSpace(points[first], points[first, 0], point)


def distinct_rows(columns: Iterable[NDArray[Any]]) -> tuple[IntArray, IntArray]:
    """Of rows given column by column: (m,) first row of each distinct kind, and (n,) the kind of each row."""
    kind, kinds = np.zeros(0, dtype=np.int64), 0
    for column in columns:
        levels, level = np.unique(column, return_inverse=True)
        kind = level if kinds == 0 else np.unique(kind * levels.size + level, return_inverse=True)[1]
        kinds = int(kind.max(initial=-1)) + 1
        if kinds == kind.size:
            break
    first = np.full(kinds, kind.size)
    np.minimum.at(first, kind, np.arange(kind.size))
    return first, kind


def _whitened(X: FloatArray, covariance: FloatArray) -> CovariateSpace:
    """X times a square root of the generalized inverse of the covariance."""
    variance, axes = np.linalg.eigh(covariance)
    if not variance[-1] > 0:
        raise DataError(_NO_VARIATION_WITHIN)
    kept = variance > RANK_TOLERANCE * variance[-1]
    root = axes[:, kept] / np.sqrt(variance[kept])
    inverse = root @ root.T
    pivot = int(np.argmax(np.diag(inverse)))  # the first pivot of MatchIt's Cholesky map, along which it searches
    first, point = distinct_rows(X.T)
    line = X[first] @ inverse[pivot] / np.sqrt(inverse[pivot, pivot])
    return CovariateSpace(X[first] @ root, line, point)


def _pooled_covariance(X: FloatArray, treated: BoolArray, weights: FloatArray | None) -> FloatArray:
    centred = X.copy()
    for group in (treated, ~treated):
        if group.any():
            centred[group] -= np.average(X[group], axis=0, weights=_of(weights, group))
    counted = centred if weights is None else centred * weights[:, None]
    covariance: FloatArray = counted.T @ centred / _freedom(X.shape[0], weights)[0]
    return covariance


def _freedom(rows: int, weights: FloatArray | None) -> tuple[float, float]:
    """Degrees of freedom of a covariance within two groups, and the number of rows or the sum of their weights."""
    if weights is None:
        return float(max(rows - 2, 1)), float(rows)
    total = float(weights.sum())
    return total - float(weights @ weights) / total, total


def _of(weights: FloatArray | None, rows: BoolArray) -> FloatArray | None:
    """The weights of some rows; None where they are equal, for then they are none."""
    if weights is None or np.ptp(weights) == 0:
        return None
    return np.asarray(weights, dtype=np.float64)[rows]


def _varying(X: FloatArray) -> FloatArray:
    X = np.asarray(X, dtype=np.float64)
    if X.ndim != 2 or X.shape[1] == 0:
        raise DataError(f"Covariates must come as rows × columns; got the shape {X.shape}.")
    if not np.isfinite(X).all():
        bad = np.flatnonzero(~np.isfinite(X).all(axis=0))
        raise DataError(
            f"Column(s) {bad.tolist()} of the covariates have missing or infinite values. Fill them, or drop those "
            "rows, before matching."
        )
    varying = np.ptp(X, axis=0) >= NO_VARIANCE
    return X[:, varying] if varying.any() else X[:, :1]


def _all_if_none(usable: BoolArray | None, n: int) -> BoolArray:
    return np.ones(n, dtype=bool) if usable is None else np.asarray(usable, dtype=bool)
