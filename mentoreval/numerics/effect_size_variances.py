"""Variances of standardized effects, by how they were estimated.

Source: Hedges, Tipton, Zejnullahi & Diaz (2023), British Journal of Mathematical and Statistical Psychology 76, and
the WWC supplement of 2020. Every variance is that of the difference plus g²/(2h), the noise of the standard deviation
that it was divided by, where h is its degrees of freedom: N − 2 without clusters. Functions take scalars or arrays of
one shape. ``design_effect`` multiplies the first part where students come in clusters.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mentoreval.aliases import FloatArray
from mentoreval.numerics.effect_sizes import COX_SCALE, omega
from mentoreval.numerics.reported_effects import inverse_size


def _free(n_treated: ArrayLike, n_comparison: ArrayLike, df: ArrayLike | None) -> FloatArray:
    """h: as given, or N − 2."""
    students = np.asarray(n_treated, dtype=float) + np.asarray(n_comparison, dtype=float)
    return np.asarray(students - 2 if df is None else df, dtype=float)


def variance_of_g(
    g: ArrayLike,
    n_treated: ArrayLike,
    n_comparison: ArrayLike,
    *,
    r_squared: ArrayLike = 0.0,
    n_covariates: int = 0,
    df: ArrayLike | None = None,
    design_effect: ArrayLike = 1.0,
) -> FloatArray:
    """(1 − R²)(1/n_T + 1/n_C)·η + g²/(2(h − q)): of a difference in means, adjusted for q covariates or not."""
    noise = (1 - np.asarray(r_squared, dtype=float)) * inverse_size(n_treated, n_comparison)
    free = _free(n_treated, n_comparison, df) - n_covariates
    return np.asarray(noise * np.asarray(design_effect, dtype=float) + np.square(g) / (2 * free))


def variance_from_std_error(
    g: ArrayLike, std_error: ArrayLike, sd: ArrayLike, df: ArrayLike, *, n_covariates: int = 0
) -> FloatArray:
    """(SE/S)² + g²/(2(h − q)): of a regression coefficient with its standard error.

    sd : pooled standard deviation S of the outcome
    df : h
    """
    ratio = np.asarray(std_error, dtype=float) / np.asarray(sd, dtype=float)
    return np.asarray(ratio**2 + np.square(g) / (2 * (np.asarray(df, dtype=float) - n_covariates)))


def variance_of_gain_g(
    g: ArrayLike,
    correlation: ArrayLike,
    n_treated: ArrayLike,
    n_comparison: ArrayLike,
    *,
    df: ArrayLike | None = None,
    design_effect: ArrayLike = 1.0,
) -> FloatArray:
    """2(1 − r)(1/n_T + 1/n_C)·η + g²/(2h): of a difference in differences over the SD after the program.

    correlation : r before–after; 0.5 gives the variance of a difference after the program alone
    """
    noise = 2 * (1 - np.asarray(correlation, dtype=float)) * inverse_size(n_treated, n_comparison)
    free = _free(n_treated, n_comparison, df)
    return np.asarray(noise * np.asarray(design_effect, dtype=float) + np.square(g) / (2 * free))


def variance_from_gain_t(g: ArrayLike, t: ArrayLike, df: ArrayLike) -> FloatArray:
    """g²/t² + g²/(2h): of a difference in differences with the t of its test."""
    square = np.square(np.asarray(g, dtype=float))
    return np.asarray(square / np.square(t) + square / (2 * np.asarray(df, dtype=float)))


def variance_of_difference_of_g(
    g_after: ArrayLike,
    g_before: ArrayLike,
    correlation: ArrayLike,
    n_treated: ArrayLike,
    n_comparison: ArrayLike,
    *,
    df: ArrayLike | None = None,
) -> FloatArray:
    """Variance of g_after − g_before, each in standard deviations of its own time, for scales that differ.

    2(1 − r)(1/n_T + 1/n_C) + (g_after² + g_before² r² − 2 g_before g_after r²)/(2h)
    """
    r, after, before = (np.asarray(value, dtype=float) for value in (correlation, g_after, g_before))
    noise = 2 * (1 - r) * inverse_size(n_treated, n_comparison)
    spread = after**2 + before**2 * r**2 - 2 * before * after * r**2
    return np.asarray(noise + spread / (2 * _free(n_treated, n_comparison, df)))


def variance_of_cox_index(
    p_treated: ArrayLike,
    p_comparison: ArrayLike,
    n_treated: ArrayLike,
    n_comparison: ArrayLike,
    *,
    small_sample: bool = True,
) -> FloatArray:
    """(ω/1.65)² Σ 1/(n p (1 − p)) over the arms: the variance of a log odds ratio, rescaled as the index is.

    returns : NaN where a share is 0 or 1
    """
    total = np.asarray(0.0)
    for share, n in ((p_treated, n_treated), (p_comparison, n_comparison)):
        p, students = np.asarray(share, dtype=float), np.asarray(n, dtype=float)
        total = total + 1 / (students * np.where((p > 0) & (p < 1), p * (1 - p), np.nan))
    students = np.asarray(n_treated, dtype=float) + np.asarray(n_comparison, dtype=float)
    correction = omega(students) if small_sample else np.ones_like(students)
    return np.asarray(np.square(correction / COX_SCALE) * total)
