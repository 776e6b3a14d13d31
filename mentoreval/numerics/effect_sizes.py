"""Effect sizes as the What Works Clearinghouse (WWC) computes them.

Sources: WWC Standards Handbook 5.0, appendix E; the improvement index of WWC version 2.0, appendix F. All functions
take scalars or arrays of one shape and return float arrays of that shape.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from mentoreval.aliases import FloatArray

COX_SCALE = 1.65
"""Divisor that brings a difference of log odds to standard deviations (Cox 1970; Sánchez-Meca et al. 2003)."""


def omega(n: ArrayLike) -> FloatArray:
    """Small-sample correction 1 − 3 / (4N − 9) for N students in both arms together; NaN below 4, where it has none."""
    students = np.asarray(n, dtype=float)
    with np.errstate(divide="ignore"):
        return np.where(students >= 4, 1 - 3 / (4 * students - 9), np.nan)


def pooled_sd(
    sd_treated: ArrayLike, sd_comparison: ArrayLike, n_treated: ArrayLike, n_comparison: ArrayLike
) -> FloatArray:
    """Standard deviation pooled over the arms, each with n − 1 degrees of freedom; NaN below 3 students."""
    variances = np.square(np.asarray(sd_treated, dtype=float)), np.square(np.asarray(sd_comparison, dtype=float))
    free = np.asarray(n_treated, dtype=float) - 1, np.asarray(n_comparison, dtype=float) - 1
    total = free[0] + free[1]
    pooled = np.divide(
        free[0] * variances[0] + free[1] * variances[1], total, out=np.full_like(total, np.nan), where=total > 0
    )
    return np.asarray(np.sqrt(pooled), dtype=float)


def hedges_g(
    difference: ArrayLike,
    sd_treated: ArrayLike,
    sd_comparison: ArrayLike,
    n_treated: ArrayLike,
    n_comparison: ArrayLike,
) -> FloatArray:
    """Hedges' g: ω · difference / pooled SD.

    difference : of the means, or the covariate-adjusted difference (a regression coefficient)
    sd_treated, sd_comparison : unadjusted standard deviations with n − 1
    returns : NaN where the pooled SD is 0 or not known, for there is nothing to measure the difference in
    """
    spread = pooled_sd(sd_treated, sd_comparison, n_treated, n_comparison)
    students = np.asarray(n_treated, dtype=float) + np.asarray(n_comparison, dtype=float)
    change = np.asarray(difference, dtype=float)
    standardized = np.divide(change, spread, out=np.full_like(spread, np.nan), where=spread > 0)
    return np.asarray(omega(students) * standardized, dtype=float)


def cox_index(
    p_treated: ArrayLike,
    p_comparison: ArrayLike,
    n_treated: ArrayLike,
    n_comparison: ArrayLike,
    *,
    small_sample: bool = True,
) -> FloatArray:
    """Cox's index of two shares: ω · difference of their log odds / 1.65.

    small_sample : False leaves ω out, as some implementations do; with many students nothing changes
    returns : NaN where a share is 0 or 1, whose odds are not finite
    """
    treated, comparison = np.asarray(p_treated, dtype=float), np.asarray(p_comparison, dtype=float)
    inside = (treated > 0) & (treated < 1) & (comparison > 0) & (comparison < 1)
    students = np.asarray(n_treated, dtype=float) + np.asarray(n_comparison, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_odds = np.log(treated / (1 - treated)) - np.log(comparison / (1 - comparison))
    correction = omega(students) if small_sample else np.ones_like(students)
    return np.where(inside, correction * log_odds / COX_SCALE, np.nan)


def continuity_corrected(share: ArrayLike, n: ArrayLike) -> FloatArray:
    """A share with half a student added to either side, (n·p + ½) / (n + 1): never 0 or 1."""
    students = np.asarray(n, dtype=float)
    return np.asarray((students * np.asarray(share, dtype=float) + 0.5) / (students + 1), dtype=float)


def improvement_index(g: ArrayLike) -> FloatArray:
    """Percentile points by which the average comparison student would rise: 100 · Φ(g) − 50, between −50 and 50."""
    return np.asarray(100 * ndtr(np.asarray(g, dtype=float)) - 50, dtype=float)
