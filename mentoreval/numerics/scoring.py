"""Fisher scoring: models of a yes or no other than the logit by maximum likelihood, penalized or not.

Probit; logit with a ridge penalty; logit with Firth's penalty, half the log determinant of the information, which
always has a finite maximum (Firth 1993, Biometrika 80:27; Heinze & Schemper 2002, Statistics in Medicine 21:2409).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import log_expit, log_ndtr

from mentoreval.aliases import FloatArray
from mentoreval.numerics.gram import (
    leverage,
    linear_predictor,
    log_determinant,
    solve_positive,
    weighted_gram,
    weighted_sum,
)

LONGEST_STEP = 5.0
"""Longest change of a coefficient in one step, on columns of unit size; longer ones come of a flat likelihood."""

HALVINGS = 30
"""Times that a step is halved before the search gives up."""

HALF_LOG_TWO_PI = 0.5 * float(np.log(2 * np.pi))


@dataclass(frozen=True, eq=False)
class Point:
    """An objective to maximize at some coefficients: its value, gradient (k,) and expected information (k, k)."""

    objective: float
    gradient: FloatArray
    information: FloatArray


@dataclass(frozen=True, eq=False)
class Peak:
    """Where scoring stopped: coefficients (k,), the point there, steps taken, and whether the last one was small."""

    coefficients: FloatArray
    point: Point
    iterations: int
    converged: bool


def climb(
    evaluate: Callable[[FloatArray], Point], k: int, *, tolerance: float = 1e-9, max_iterations: int = 100
) -> Peak:
    """Maximize by steps information⁻¹ · gradient from zero, each halved until the objective does not fall.

    evaluate  : the objective at coefficients (k,), of columns of about unit size
    tolerance : stop when no coefficient would change by more
    """
    coefficients = np.zeros(k)
    at = evaluate(coefficients)
    for iteration in range(1, max_iterations + 1):
        solved = solve_positive(at.information, at.gradient[:, None])
        if solved is None:
            return Peak(coefficients, at, iteration - 1, False)
        step = solved[:, 0] * min(1.0, LONGEST_STEP / max(float(np.abs(solved).max()), 1e-300))
        if np.abs(step).max() < tolerance:
            return Peak(coefficients, at, iteration - 1, True)
        coefficients, at = _uphill(evaluate, coefficients, at, step)
    return Peak(coefficients, at, max_iterations, False)


def _uphill(
    evaluate: Callable[[FloatArray], Point], coefficients: FloatArray, at: Point, step: FloatArray
) -> tuple[FloatArray, Point]:
    """The first of the step, half of it … that does not lower the objective by more than rounding."""
    rounding = 1e-13 * (1.0 + abs(at.objective))
    for _ in range(HALVINGS):
        tried = evaluate(coefficients + step)
        if tried.objective >= at.objective - rounding:
            return coefficients + step, tried
        step = step / 2
    return coefficients + step, tried


def probit_at(X: FloatArray, y: FloatArray, weights: FloatArray, coefficients: FloatArray) -> Point:
    """Log likelihood of P(y = 1) = Φ(Xβ), for X (n, k), y (n,) of 0 and 1, and sampling weights (n,)."""
    eta = linear_predictor(X, coefficients)
    sign = 2.0 * y - 1.0
    log_density = -0.5 * eta**2 - HALF_LOG_TWO_PI
    log_yes, log_no = log_ndtr(eta), log_ndtr(-eta)
    log_own = np.where(y > 0, log_yes, log_no)
    return Point(
        objective=float(weights @ log_own),
        gradient=weighted_sum(X, weights * sign * np.exp(log_density - log_own)),
        information=weighted_gram(X, weights * np.exp(2 * log_density - log_yes - log_no)),
    )


def ridge_at(X: FloatArray, y: FloatArray, weights: FloatArray, penalty: FloatArray, coefficients: FloatArray) -> Point:
    """Log likelihood of a logit less Σ penalty · β² / 2, with a penalty (k,) for each coefficient."""
    eta = linear_predictor(X, coefficients)
    probability = np.exp(log_expit(eta))
    return Point(
        objective=_log_likelihood(eta, y, weights) - 0.5 * float(penalty @ coefficients**2),
        gradient=weighted_sum(X, weights * (y - probability)) - penalty * coefficients,
        information=weighted_gram(X, weights * probability * (1 - probability)) + np.diag(penalty),
    )


def firth_at(X: FloatArray, y: FloatArray, weights: FloatArray, coefficients: FloatArray) -> Point:
    """Log likelihood of a logit plus log |information| / 2.

    Its gradient is Σ (weights · (y − p) + h · (½ − p)) x, with h the leverages of the weighted regression.
    """
    eta = linear_predictor(X, coefficients)
    probability = np.exp(log_expit(eta))
    working = weights * probability * (1 - probability)
    information = weighted_gram(X, working)
    inverse = solve_positive(information, np.eye(X.shape[1]))
    if inverse is None:
        return Point(-float("inf"), np.zeros(X.shape[1]), information)
    hat = working * leverage(X, inverse)
    return Point(
        objective=_log_likelihood(eta, y, weights) + 0.5 * log_determinant(information),
        gradient=weighted_sum(X, weights * (y - probability) + hat * (0.5 - probability)),
        information=information,
    )


def _log_likelihood(eta: FloatArray, y: FloatArray, weights: FloatArray) -> float:
    return float(weights @ log_expit(np.where(y > 0, eta, -eta)))
