"""Logistic regression by iteratively reweighted least squares, with R glm's start, stopping rule and rank rule.

A propensity score decides who is compared with whom, so it must not depend on the software: started as R's ``glm``
starts and stopped where it stops, the fit here has R's iterates, and hence its coefficients, deviance and
iterations, to the last digits. The normal equations are summed block by block; the only array with as many entries
as the design is the design itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.errors import DataError
from mentoreval.numerics.gram import linear_predictor, solve_positive, weighted_gram, weighted_sum

RANK_TOLERANCE = 1e-7
"""A column of which less than this share is left after regression on the columns before it is aliased (R's lm)."""

BOUNDARY = 10 * float(np.finfo(np.float64).eps)
"""Probabilities nearer to 0 or 1 are numerically 0 or 1 (the bound of R's warning)."""

ETA_LIMIT = -float(np.log(np.finfo(np.float64).eps))
"""Log odds at which a probability is within machine epsilon of 0 or 1; beyond them nothing changes."""

GRAM_PIVOT = 1e-10
"""Below this Cholesky pivot of the unit-diagonal Gram matrix the normal equations lose the digits promised."""


@dataclass(frozen=True, eq=False)
class LogitFit:
    """A fitted logistic regression of n rows on k columns.

    coefficients     : (k,)    log odds; NaN exactly in the columns that ``aliased`` names
    linear_predictor : (n,)    fitted log odds
    probability      : (n,)    fitted probabilities, strictly between 0 and 1
    covariance       : (k, k)  inverse of the last weighted normal matrix, as R's vcov; NaN where aliased
    deviance         : −2 log likelihood
    null_deviance    : −2 log likelihood of the overall share
    iterations       : weighted least-squares steps taken
    converged        : whether the deviance settled before ``max_iterations``
    aliased          : columns that are combinations of columns before them and so take no part
    """

    coefficients: FloatArray
    linear_predictor: FloatArray
    probability: FloatArray
    covariance: FloatArray
    deviance: float
    null_deviance: float
    iterations: int
    converged: bool
    aliased: IntArray

    @property
    def at_boundary(self) -> int:
        """Rows whose probability is numerically 0 or 1, of which R warns; a sign of separation (``separation.py``)."""
        return int(np.count_nonzero((self.probability < BOUNDARY) | (self.probability > 1 - BOUNDARY)))


def fit_logit(
    X: FloatArray,
    y: FloatArray | IntArray | BoolArray,
    weights: FloatArray | None = None,
    max_iterations: int = 25,
    tolerance: float = 1e-8,
) -> LogitFit:
    """Fit P(y = 1) = 1 / (1 + exp(−Xβ)) by maximum likelihood, step for step as R's ``glm`` does.

    X        : (n, k)  columns, the intercept among them
    y        : (n,)    0 or 1
    weights  : (n,)    prior (sampling) weights; None is one each
    tolerance: stop when |Δ deviance| < tolerance · (|deviance| + 0.1)

    Aliased columns are left out, as R leaves them out. A fit that has not converged is returned as such: separated
    data have no maximum, and ``separation.find_separation`` names the column.

    Raises DataError for shapes that do not agree, entries that are not finite, and outcomes other than 0 and 1.
    """
    X, outcome, prior = _checked(X, y, weights)
    kept, to_coefficients, basis = _well_conditioned_basis(X, prior)
    fitted = _iterate(basis, outcome, prior, max_iterations, tolerance)
    columns = X.shape[1]
    coefficients = np.full(columns, np.nan)
    coefficients[kept] = to_coefficients @ fitted.gamma
    covariance = np.full((columns, columns), np.nan)
    inverse = solve_positive(fitted.gram, np.eye(kept.size))
    if inverse is not None:
        covariance[np.ix_(kept, kept)] = to_coefficients @ inverse @ to_coefficients.T
    return LogitFit(
        coefficients=coefficients,
        linear_predictor=fitted.eta,
        probability=_probability(fitted.eta),
        covariance=covariance,
        deviance=fitted.deviance,
        null_deviance=_null_deviance(outcome, prior),
        iterations=fitted.iterations,
        converged=fitted.converged,
        aliased=np.setdiff1d(np.arange(columns), kept),
    )


def aliased_columns(X: FloatArray, weights: FloatArray | None = None) -> IntArray:
    """Columns of X (n, k) that are linear combinations of columns before them, by R's rule.

    A column is aliased when regression on the kept columns before it leaves less than ``RANK_TOLERANCE`` of its
    length. A constant column beside an intercept, and one level too many of a category, are the usual cases.
    """
    prior = np.ones(X.shape[0]) if weights is None else weights
    kept, _, _ = _well_conditioned_basis(np.asarray(X, dtype=np.float64), prior)
    return np.setdiff1d(np.arange(X.shape[1]), kept)


@dataclass(frozen=True, eq=False)
class _Iterates:
    """Where the iterations stopped: gamma (k,) on the basis, gram (k, k) of the last step, eta (n,)."""

    gamma: FloatArray
    gram: FloatArray
    eta: FloatArray
    deviance: float
    iterations: int
    converged: bool


def _iterate(X: FloatArray, y: FloatArray, prior: FloatArray, max_iterations: int, tolerance: float) -> _Iterates:
    signs = 2.0 * y - 1.0
    start = (prior * y + 0.5) / (prior + 1.0)
    eta = np.log(start / (1.0 - start))
    odds_against = _odds_against(eta, signs)
    deviance = _deviance(odds_against, prior)
    gamma, gram = np.zeros(X.shape[1]), np.eye(X.shape[1])
    for iteration in range(1, max_iterations + 1):
        next_gram, moment = _normal_equations(X, signs, prior, eta, odds_against)
        step = solve_positive(next_gram, moment[:, None])
        if step is None:  # separated data: the weights of whole directions have reached zero
            return _Iterates(gamma, gram, eta, deviance, iteration - 1, False)
        gamma, gram = step[:, 0], next_gram
        eta = linear_predictor(X, gamma)
        odds_against = _odds_against(eta, signs)
        before, deviance = deviance, _deviance(odds_against, prior)
        if abs(deviance - before) < tolerance * (abs(deviance) + 0.1):
            return _Iterates(gamma, gram, eta, deviance, iteration, True)
    return _Iterates(gamma, gram, eta, deviance, max_iterations, False)


def _normal_equations(
    X: FloatArray, signs: FloatArray, prior: FloatArray, eta: FloatArray, odds_against: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """X'WX and X'Wz of one reweighted step, with W = prior · p(1 − p) and z = eta + (y − p) / p(1 − p).

    Both come from the odds against what happened: y − p is the sign of y times the probability of the other outcome.
    """
    missed = odds_against / (1.0 + odds_against)
    missed *= prior
    weight = missed / (1.0 + odds_against)
    return weighted_gram(X, weight), weighted_sum(X, weight * eta + signs * missed)


def _triangle(correlation: FloatArray) -> FloatArray | None:
    """The lower Cholesky triangle; None if the matrix is not positive definite."""
    try:
        triangle: FloatArray = np.linalg.cholesky(correlation).astype(np.float64, copy=False)
    except np.linalg.LinAlgError:
        return None
    return triangle


def _well_conditioned_basis(X: FloatArray, prior: FloatArray) -> tuple[IntArray, FloatArray, FloatArray]:
    """Kept columns, the matrix that turns coefficients on the basis into theirs, and the basis (n, kept).

    The basis is X itself, not a copy, unless columns are aliased or nearly so; then it is an orthonormal basis of
    the kept columns, on which the normal equations lose no digits.
    """
    columns = X.shape[1]
    gram = weighted_gram(X, prior)
    if _smallest_pivot(gram) > GRAM_PIVOT:
        return np.arange(columns), np.eye(columns), X
    kept = _independent_columns(X, prior)
    basis, triangle = np.linalg.qr(X[:, kept])
    return kept, np.linalg.inv(triangle), basis


def _smallest_pivot(gram: FloatArray) -> float:
    """The smallest share of a column's squared length that the columns before it leave; 0 if none is left."""
    length = np.sqrt(np.diag(gram))
    if not np.all(length > 0):
        return 0.0
    factor = _triangle(gram / np.outer(length, length))
    return 0.0 if factor is None else float(np.min(np.diag(factor) ** 2))


def _independent_columns(X: FloatArray, prior: FloatArray) -> IntArray:
    """Columns that keep a length of their own after projection on the kept ones before them.

    Worked on the triangle of X = QR, which has the lengths and angles of X's columns in k rows.
    """
    triangle = np.linalg.qr(X * np.sqrt(prior)[:, None]).R
    directions = np.zeros((triangle.shape[0], 0))
    kept: list[int] = []
    for column, vector in enumerate(triangle.T):
        rest = vector - directions @ (directions.T @ vector)
        rest = rest - directions @ (directions.T @ rest)  # once more: the first pass leaves rounding behind
        length = float(np.linalg.norm(rest))
        if length > RANK_TOLERANCE * float(np.linalg.norm(vector)):
            kept.append(column)
            directions = np.column_stack([directions, rest / length])
    return np.array(kept, dtype=np.int64)


def _probability(eta: FloatArray) -> FloatArray:
    """The inverse logit, held within machine epsilon of 0 and 1."""
    probability: FloatArray = 1.0 / (1.0 + np.exp(-np.clip(eta, -ETA_LIMIT, ETA_LIMIT)))
    return probability


def _odds_against(eta: FloatArray, signs: FloatArray) -> FloatArray:
    """(n,) odds against what happened: the one exponential that a step needs."""
    odds: FloatArray = np.exp(-np.clip(signs * eta, -ETA_LIMIT, ETA_LIMIT))
    return odds


def _deviance(odds_against: FloatArray, prior: FloatArray) -> float:
    """−2 Σ prior · log P(y), from the odds against what happened: no logarithm of a rounded probability."""
    return 2.0 * float(np.sum(prior * np.log1p(odds_against)))


def _null_deviance(y: FloatArray, prior: FloatArray) -> float:
    total, ones = float(prior.sum()), float(np.einsum("i,i->", prior, y))  # the one product that wakes no threads
    return -2.0 * sum(part * float(np.log(part / total)) for part in (ones, total - ones) if part > 0)


def _checked(
    X: FloatArray, y: FloatArray | IntArray | BoolArray, weights: FloatArray | None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    X = np.asarray(X, dtype=np.float64)
    outcome = np.asarray(y, dtype=np.float64)
    prior = np.ones(outcome.shape) if weights is None else np.asarray(weights, dtype=np.float64)
    if X.ndim != 2 or outcome.shape != (X.shape[0],) or prior.shape != outcome.shape:
        raise DataError(
            f"A logistic regression needs X (n, k), y (n,) and weights (n,); got {X.shape}, {outcome.shape} and "
            f"{prior.shape}. Pass one row per student in all three."
        )
    if X.shape[0] == 0 or X.shape[1] == 0:
        raise DataError(f"A logistic regression needs rows and columns; X has the shape {X.shape}.")
    not_finite = np.flatnonzero(~np.isfinite(X.sum(axis=0)))
    if not_finite.size:
        raise DataError(
            f"Column(s) {not_finite.tolist()} of X hold values that are missing or infinite, out of {X.shape[0]:,} "
            "rows. Drop those rows, or fill the values and add an indicator, before the fit."
        )
    if not np.all((outcome == 0) | (outcome == 1)):
        raise DataError("The outcome of a logistic regression must be 0 or 1 in every row. Recode it before the fit.")
    if not (np.all(prior >= 0) and 0 < prior.sum() < np.inf):
        raise DataError("Weights must be finite, not negative, and not all zero.")
    return X, outcome, prior
