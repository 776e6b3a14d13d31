"""Effect sizes from what a publication reports: t, F, p, changes, or differences at two times.

Sources: WWC Procedures 5.0, appendix E; for changes, Hedges, Tipton, Zejnullahi & Diaz (2023), British Journal of
Mathematical and Statistical Psychology 76. Functions take scalars or arrays of one shape and return float arrays of
that shape. A sign is positive where the treated have the larger mean.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from mentoreval.aliases import FloatArray
from mentoreval.numerics.effect_sizes import hedges_g, omega


def inverse_size(n_treated: ArrayLike, n_comparison: ArrayLike) -> FloatArray:
    """1/n_T + 1/n_C: the variance of a difference in means of variance 1."""
    return np.asarray(1 / np.asarray(n_treated, dtype=float) + 1 / np.asarray(n_comparison, dtype=float))


def hedges_g_from_t(
    t: ArrayLike, n_treated: ArrayLike, n_comparison: ArrayLike, *, r_squared: ArrayLike = 0.0
) -> FloatArray:
    """g = ω · t · √(1 − R²) · √(1/n_T + 1/n_C), from the t of a difference in means.

    r_squared : share of the outcome's variance within the arms that the covariates of the model explain; 0 = none
    """
    students = np.asarray(n_treated, dtype=float) + np.asarray(n_comparison, dtype=float)
    left = np.sqrt(1 - np.asarray(r_squared, dtype=float))
    return np.asarray(
        omega(students) * np.asarray(t, dtype=float) * left * np.sqrt(inverse_size(n_treated, n_comparison))
    )


def hedges_g_from_f(
    f: ArrayLike, sign: ArrayLike, n_treated: ArrayLike, n_comparison: ArrayLike, *, r_squared: ArrayLike = 0.0
) -> FloatArray:
    """As ``hedges_g_from_t``, from an F with one degree of freedom in the numerator: t = ± √F."""
    t = np.sign(np.asarray(sign, dtype=float)) * np.sqrt(np.asarray(f, dtype=float))
    return hedges_g_from_t(t, n_treated, n_comparison, r_squared=r_squared)


def hedges_g_from_p(
    p_value: ArrayLike, sign: ArrayLike, n_treated: ArrayLike, n_comparison: ArrayLike, *, df: ArrayLike | None = None
) -> FloatArray:
    """As ``hedges_g_from_t``, from a two-sided p-value.

    df : degrees of freedom of its t; None = N − 2
    returns : NaN for a p-value of 0, which was rounded away
    """
    p = np.asarray(p_value, dtype=float)
    students = np.asarray(n_treated, dtype=float) + np.asarray(n_comparison, dtype=float)
    free = students - 2 if df is None else np.asarray(df, dtype=float)
    inside = np.where((p > 0) & (p <= 1), p, np.nan)
    return hedges_g_from_t(
        np.sign(np.asarray(sign, dtype=float)) * stdtrit(free, 1 - inside / 2), n_treated, n_comparison
    )


def g_from_own_t(t: ArrayLike, n_treated: ArrayLike, n_comparison: ArrayLike) -> FloatArray:
    """The g whose ratio to its own standard error √(1/n_T + 1/n_C + g²/(2N)) is t; NaN where t² reaches 2N."""
    statistic = np.asarray(t, dtype=float)
    students = np.asarray(n_treated, dtype=float) + np.asarray(n_comparison, dtype=float)
    left = 1 - statistic**2 / (2 * students)
    root = np.sqrt(np.where(left > 0, left, np.nan))
    return np.asarray(statistic * np.sqrt(inverse_size(n_treated, n_comparison)) / root)


def own_t_of_g(g: ArrayLike, n_treated: ArrayLike, n_comparison: ArrayLike) -> FloatArray:
    """g over its own standard error √(1/n_T + 1/n_C + g²/(2N)); the inverse of ``g_from_own_t``."""
    size = np.asarray(g, dtype=float)
    students = np.asarray(n_treated, dtype=float) + np.asarray(n_comparison, dtype=float)
    return np.asarray(size / np.sqrt(inverse_size(n_treated, n_comparison) + size**2 / (2 * students)))


def hedges_g_of_gains(
    gain_treated: ArrayLike,
    gain_comparison: ArrayLike,
    sd_treated: ArrayLike,
    sd_comparison: ArrayLike,
    n_treated: ArrayLike,
    n_comparison: ArrayLike,
) -> FloatArray:
    """g of a difference in differences: the difference of mean changes over the pooled SD *after* the program.

    sd_treated, sd_comparison : of the outcome after the program, not of the changes, which would make g too large
        where before and after go together
    """
    difference = np.asarray(gain_treated, dtype=float) - np.asarray(gain_comparison, dtype=float)
    return hedges_g(difference, sd_treated, sd_comparison, n_treated, n_comparison)


def hedges_g_from_gain_t(
    t: ArrayLike, correlation: ArrayLike, n_treated: ArrayLike, n_comparison: ArrayLike
) -> FloatArray:
    """From the t of a difference of mean changes: √(2(1 − r)) brings SDs of changes to SDs of the outcome.

    correlation : r of the outcome before and after within the arms, with the same SD at both times
    """
    scale = np.sqrt(2 * (1 - np.asarray(correlation, dtype=float)))
    return np.asarray(scale * hedges_g_from_t(t, n_treated, n_comparison))


def correlation_from_sd(sd_before: ArrayLike, sd_after: ArrayLike, sd_change: ArrayLike) -> FloatArray:
    """r of before and after, from the three standard deviations: (s_b² + s_a² − s_d²) / (2 s_b s_a)."""
    before, after = np.asarray(sd_before, dtype=float), np.asarray(sd_after, dtype=float)
    return np.asarray((before**2 + after**2 - np.square(np.asarray(sd_change, dtype=float))) / (2 * before * after))


def pooled_correlation(r: ArrayLike, n: ArrayLike) -> float:
    """Correlations of several arms as one: the mean of Fisher's z with weights n − 3.

    r, n : (arms,)
    returns : NaN where no arm has more than 3 units
    """
    each, weight = np.asarray(r, dtype=float), np.maximum(np.asarray(n, dtype=float) - 3, 0.0)
    if not weight.sum() > 0:
        return float("nan")
    with np.errstate(divide="ignore"):
        z = np.arctanh(each)
    return float(np.tanh(np.average(z[weight > 0], weights=weight[weight > 0])))
