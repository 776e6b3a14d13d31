"""Weighted least squares by the normal equations, refined to the accuracy of a QR decomposition."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import lapack

from mentoreval.aliases import FloatArray, IntArray
from mentoreval.errors import EffectError
from mentoreval.numerics.logit import aliased_columns

WELL_CONDITIONED = 1e-8
"""Smallest Cholesky pivot of the unit-diagonal Gram matrix for which one refinement gives back every digit."""


class AliasedColumnsError(EffectError):
    """Regressors that are combinations of the regressors before them; ``columns`` holds their positions."""

    def __init__(self, columns: IntArray) -> None:
        self.columns = columns
        super().__init__(
            f"{len(columns)} of the regressors are combinations of those before them (columns "
            f"{', '.join(str(column) for column in columns)}). Leave them out."
        )


@dataclass(frozen=True, eq=False)
class LeastSquares:
    """A solved problem: minimise Σ w (y − Xβ)².

    coefficients : (p,) or (p, c) for c responses
    residuals : (n,) or (n, c)
    bread : (p, p) inverse of X'WX
    """

    coefficients: FloatArray
    residuals: FloatArray
    bread: FloatArray


def solve_least_squares(X: FloatArray, y: FloatArray, weights: FloatArray) -> LeastSquares:
    """Weighted least squares with a rank check.

    X : (n, p) regressors, the intercept among them
    y : (n,) or (n, c) responses
    weights : (n,) at least 0

    Raises AliasedColumnsError where a column is a combination of columns before it, to R's tolerance of 1e-7.
    """
    root = np.sqrt(weights)
    scaled = X * root[:, None]
    triangle = _triangle(scaled)
    if triangle is None:
        aliased = aliased_columns(X, weights)
        if len(aliased):
            raise AliasedColumnsError(aliased)
        triangle = np.asarray(np.linalg.qr(scaled, mode="r"), dtype=float)
    target = (y.T * root).T
    coefficients = _seminormal(triangle, scaled.T @ target)
    # One step of refinement undoes the squared condition number of the normal equations.
    coefficients += _seminormal(triangle, scaled.T @ (target - scaled @ coefficients))
    inverse = _solve(triangle, np.eye(X.shape[1]))
    return LeastSquares(coefficients, y - X @ coefficients, inverse @ inverse.T)


def _triangle(scaled: FloatArray) -> FloatArray | None:
    """Upper triangle R with R'R = X'WX from a Cholesky factor; None where that would lose too many digits."""
    gram = scaled.T @ scaled
    length = np.sqrt(np.diag(gram))
    if not np.all(length > 0):
        return None
    factor, info = lapack.dpotrf(gram / np.outer(length, length))
    if info or float(np.min(np.diag(factor) ** 2)) < WELL_CONDITIONED:
        return None
    return np.asarray(factor * length, dtype=float)


def _seminormal(triangle: FloatArray, moment: FloatArray) -> FloatArray:
    """Solve R'R b = m."""
    return _solve(triangle, _solve(triangle, moment, transposed=True))


def _solve(triangle: FloatArray, right: FloatArray, *, transposed: bool = False) -> FloatArray:
    """Solve R x = b or R'x = b for a full upper triangle; LAPACK itself, for scipy wakes threads for two numbers."""
    return np.asarray(lapack.dtrtrs(triangle, right, trans=int(transposed))[0], dtype=float)
