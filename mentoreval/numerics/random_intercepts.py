"""Logistic regression with a random intercept for each group, by penalized least squares and Laplace's approximation.

For a given spread σ of the intercepts, coefficients and intercepts maximize the likelihood less Σu²/2σ² together; σ
minimizes the Laplace approximation of the deviance at these values. That is lme4's ``glmer(…, nAGQ = 0)``: a little
nearer to zero than with ``nAGQ = 1`` where groups are small (Bates et al. 2015, J. of Statistical Software 67).
The intercepts are eliminated, so that the only system to solve has as many unknowns as there are coefficients.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import log_expit

from mentoreval.aliases import FloatArray, IntArray
from mentoreval.numerics.gram import linear_predictor, solve_positive, weighted_gram, weighted_sum

SMALLEST_SPREAD, LARGEST_SPREAD = 1e-3, 20.0
"""Range of σ, in log odds; at its lower end the groups are the same for all purposes."""

SPREAD_TOLERANCE = 1e-5
"""Precision of log σ."""

HALVINGS = 20


@dataclass(frozen=True, eq=False)
class RandomIntercepts:
    """A fit of n rows on k columns and g groups.

    coefficients : (k,) log odds
    intercepts   : (g,) predicted deviation of each group, in log odds
    spread       : σ, standard deviation of the groups, in log odds
    deviance     : Laplace approximation of −2 log likelihood
    converged    : whether the last penalized fit settled
    """

    coefficients: FloatArray
    intercepts: FloatArray
    spread: float
    deviance: float
    converged: bool


@dataclass(frozen=True, eq=False)
class _Rows:
    """X (n, k), y (n,) of 0 and 1, sampling weights (n,), group codes (n,) 0 … g − 1."""

    X: FloatArray
    y: FloatArray
    weights: FloatArray
    group: IntArray
    g: int


def fit_random_intercepts(X: FloatArray, y: FloatArray, weights: FloatArray, group: IntArray) -> RandomIntercepts:
    """Fit log odds of y = 1 as Xβ + u[group], u ~ N(0, σ²).

    X (n, k) of about unit size, intercept among them, none a combination of others; y (n,); weights (n,); group (n,)
    """
    from scipy.optimize import minimize_scalar

    rows = _Rows(X, y, weights, group, int(group.max()) + 1)
    last = _penalized_fit(rows, 1.0, np.zeros(X.shape[1]), np.zeros(rows.g))

    def deviance(log_spread: float) -> float:
        """The profile: each fit starts where the one before it ended."""
        nonlocal last
        last = _penalized_fit(rows, float(np.exp(log_spread)), last.coefficients, last.intercepts)
        return last.deviance

    bounds = (float(np.log(SMALLEST_SPREAD)), float(np.log(LARGEST_SPREAD)))
    best = minimize_scalar(deviance, bounds=bounds, method="bounded", options={"xatol": SPREAD_TOLERANCE})
    return _penalized_fit(rows, float(np.exp(best.x)), last.coefficients, last.intercepts)


def _penalized_fit(
    rows: _Rows, spread: float, coefficients: FloatArray, intercepts: FloatArray, max_iterations: int = 50
) -> RandomIntercepts:
    """Coefficients and intercepts for a given σ, by Newton's method from a start."""
    height = _objective(rows, spread, coefficients, intercepts)
    settled = False
    for _ in range(max_iterations):
        step, tilt = _joint_step(rows, spread, coefficients, intercepts)
        for _ in range(HALVINGS):
            tried = _objective(rows, spread, coefficients + step, intercepts + tilt)
            if tried >= height - 1e-12 * abs(height):
                break
            step, tilt = step / 2, tilt / 2
        coefficients, intercepts = coefficients + step, intercepts + tilt
        height = tried
        settled = max(np.abs(step).max(), np.abs(tilt).max()) < 1e-8
        if settled:
            break
    probability = np.exp(log_expit(_eta(rows, coefficients, intercepts)))
    mass = np.bincount(rows.group, rows.weights * probability * (1 - probability), rows.g)
    laplace = -2 * height + float(np.log1p(spread**2 * mass).sum())
    return RandomIntercepts(coefficients, intercepts, spread, laplace, settled)


def _joint_step(
    rows: _Rows, spread: float, coefficients: FloatArray, intercepts: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Newton's step for coefficients (k,) and intercepts (g,), the intercepts eliminated first."""
    probability = np.exp(log_expit(_eta(rows, coefficients, intercepts)))
    residual = rows.weights * (rows.y - probability)
    working = rows.weights * probability * (1 - probability)
    k = rows.X.shape[1]
    cross = np.column_stack([np.bincount(rows.group, working * rows.X[:, j], rows.g) for j in range(k)])
    mass = np.bincount(rows.group, working, rows.g) + spread**-2
    gradient = weighted_sum(rows.X, residual)
    of_groups = np.bincount(rows.group, residual, rows.g) - intercepts / spread**2
    reduced = weighted_gram(rows.X, working) - cross.T @ (cross / mass[:, None])
    right = gradient - cross.T @ (of_groups / mass)
    solved = solve_positive(reduced, right[:, None])
    step = np.zeros(k) if solved is None else solved[:, 0]
    return step, (of_groups - cross @ step) / mass


def _eta(rows: _Rows, coefficients: FloatArray, intercepts: FloatArray) -> FloatArray:
    eta: FloatArray = linear_predictor(rows.X, coefficients) + intercepts[rows.group]
    return eta


def _objective(rows: _Rows, spread: float, coefficients: FloatArray, intercepts: FloatArray) -> float:
    """Log likelihood less Σu²/2σ²."""
    eta = _eta(rows, coefficients, intercepts)
    likelihood = float(rows.weights @ log_expit(np.where(rows.y > 0, eta, -eta)))
    return likelihood - 0.5 * float(intercepts @ intercepts) / spread**2
