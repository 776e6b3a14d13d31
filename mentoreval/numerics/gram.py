"""Products of tall arrays with few columns, summed block by block, and the small positive systems that come of them."""

from __future__ import annotations

import numpy as np
from scipy.linalg import lapack

from mentoreval.aliases import FloatArray
from mentoreval.numerics.blocks import row_blocks


def weighted_gram(X: FloatArray, weights: FloatArray) -> FloatArray:
    """(k, k) Σ weights · x xᵀ of X (n, k) and weights (n,)."""
    n, k = X.shape
    gram = np.zeros((k, k))
    for rows in row_blocks(n, k, k):
        gram += (X[rows] * weights[rows, None]).T @ X[rows]
    return gram


def weighted_sum(X: FloatArray, weights: FloatArray) -> FloatArray:
    """(k,) Σ weights · x."""
    total = np.zeros(X.shape[1])
    for rows in row_blocks(*X.shape):
        total += weights[rows] @ X[rows]
    return total


def linear_predictor(X: FloatArray, coefficients: FloatArray) -> FloatArray:
    """(n,) Xβ."""
    return np.asarray(np.einsum("ij,j->i", X, coefficients))  # the one product that wakes no threads, however tall X is


def leverage(X: FloatArray, inverse: FloatArray) -> FloatArray:
    """(n,) x · inverse · xᵀ of each row, for an inverse (k, k)."""
    n, k = X.shape
    out = np.empty(n)
    for rows in row_blocks(n, k, k):
        out[rows] = ((X[rows] @ inverse) * X[rows]).sum(axis=1)
    return out


def solve_positive(gram: FloatArray, right: FloatArray) -> FloatArray | None:
    """gram⁻¹ · right (k, m), or None where gram (k, k) is not numerically positive definite.

    Scaled to a unit diagonal first, so that a column's unit of measurement costs no digits.
    """
    diagonal = np.diag(gram)
    if not np.all(np.isfinite(diagonal) & (diagonal > 0)):
        return None
    scale = np.sqrt(diagonal)[:, None]
    factor, info = lapack.dpotrf(gram / (scale * scale.T), lower=1)
    if info:
        return None
    solution: FloatArray = lapack.dpotrs(factor, right / scale, lower=1)[0] / scale
    return solution


def log_determinant(gram: FloatArray) -> float:
    """log |gram| of a positive definite matrix; −∞ where it is not."""
    sign, size = np.linalg.slogdet(gram)
    return float(size) if sign > 0 else -float("inf")
