"""How strong an omitted variable would have to be: sensitivity of a regression coefficient in terms of partial R².

Source: Cinelli and Hazlett (2020), Making sense of sensitivity: extending omitted variable bias, Journal of the Royal
Statistical Society B 82. Numbers are those of R's sensemakr. All functions take scalars or arrays of one shape; shares
of variance are from 0 to 1.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from mentoreval.aliases import FloatArray


def partial_r2(t_statistic: ArrayLike, df: float) -> FloatArray:
    """Share of the outcome's residual variance that a regressor explains, t² / (t² + df)."""
    squared = np.square(np.asarray(t_statistic, dtype=float))
    return np.asarray(squared / (squared + df))


def group_partial_r2(coefficients: FloatArray, vcov: FloatArray, df: float) -> float:
    """The same of several regressors together: F k / (F k + df) with their Wald statistic F k.

    coefficients : (k,); vcov : (k, k) of them, without any correction for clusters
    """
    wald = float(coefficients @ np.linalg.solve(vcov, coefficients))
    return wald / (wald + df)


def robustness_value(t_statistic: float, df: float, *, q: float = 1.0, alpha: float | None = None) -> float:
    """Share of residual variance, of treatment and outcome alike, that a confounder must explain to change a finding.

    q : share of the effect that it takes away; 1 is all of it
    alpha : None for the estimate itself; a level such as .05 for its significance at that level
    returns : between 0 and 1; 0 where the effect is not significant to begin with
    """
    strength = q * abs(t_statistic) / math.sqrt(df)
    if alpha is None:
        return _even_strength(strength)
    critical = float(abs(stdtrit(df - 1, alpha / 2))) / math.sqrt(df - 1)
    left = strength - critical
    if left <= 0:
        return 0.0
    if strength > 1 / critical:  # then a confounder does most when it explains treatment alone
        return (strength**2 - critical**2) / (1 + strength**2)
    return _even_strength(left)


def _even_strength(strength: float) -> float:
    """The share R² at which R² / √(1 − R²) is the strength."""
    return 0.5 * (math.sqrt(strength**4 + 4 * strength**2) - strength**2)


def bias(std_error: float, df: float, r2_treatment: ArrayLike, r2_outcome: ArrayLike) -> FloatArray:
    """How far an omitted variable of that strength moves the coefficient.

    std_error, df : of the coefficient, without any correction for clusters
    r2_treatment : share of the treatment's residual variance that it explains, below 1
    r2_outcome : share of the outcome's residual variance that it explains
    """
    treatment, outcome = np.asarray(r2_treatment, dtype=float), np.asarray(r2_outcome, dtype=float)
    return np.asarray(std_error * math.sqrt(df) * np.sqrt(outcome * treatment / (1 - treatment)))


def adjusted_error(std_error: float, df: float, r2_treatment: ArrayLike, r2_outcome: ArrayLike) -> FloatArray:
    """Standard error of the coefficient if the omitted variable were in the regression; it has df − 1."""
    treatment, outcome = np.asarray(r2_treatment, dtype=float), np.asarray(r2_outcome, dtype=float)
    return np.asarray(std_error * np.sqrt(df / (df - 1) * (1 - outcome) / (1 - treatment)))


def benchmark_bounds(r2_treatment: float, r2_outcome: float, times: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """The strength of an omitted variable that is ``times`` as strong as an observed covariate.

    r2_treatment, r2_outcome : partial R² of the covariate with the treatment, and with the outcome given the treatment
    times : (k,) such as 1, 2, 3
    returns : (k,) partial R² of the omitted variable with treatment and outcome, the latter at most 1; NaN where the
        covariate is so strong that nothing can be that many times as strong
    """
    strength = np.asarray(times, dtype=float)
    with np.errstate(invalid="ignore", divide="ignore"):
        treatment = strength * r2_treatment / (1 - r2_treatment)
        shared = strength * r2_treatment**2 / ((1 - strength * r2_treatment) * (1 - r2_treatment))
        outcome = np.square((np.sqrt(strength) + np.sqrt(shared)) / np.sqrt(1 - shared)) * r2_outcome / (1 - r2_outcome)
    possible = (treatment < 1) & (shared >= 0) & (shared < 1)
    return np.where(possible, treatment, np.nan), np.where(possible, np.minimum(outcome, 1.0), np.nan)
