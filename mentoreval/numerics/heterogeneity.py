"""Heterogeneity: whether several effects differ by more than their errors explain.

Source: Welch (1951), On the comparison of several mean values: an alternative approach, Biometrika 38. For two effects
it is the t-test of their difference with the degrees of freedom of Welch and Satterthwaite.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class WelchTest:
    """A test that k effects are equal.

    statistic : compared with the F distribution; NaN where there are fewer than two effects with an error
    df : k − 1
    df_denominator : infinity where every error is known exactly
    p_value : of a difference as large by chance
    """

    statistic: float
    df: int
    df_denominator: float
    p_value: float


def welch_test(effects: FloatArray, vcov: FloatArray, df: FloatArray) -> WelchTest:
    """Test that effects are equal, each error known with its own degrees of freedom.

    effects : (k,)
    vcov : (k, k) their variance; for independent effects diagonal, and then this is Welch's test exactly. Covariances
        enter the statistic, while Welch's correction and degrees of freedom go by the variances alone
    df : (k,) degrees of freedom of each variance; infinity = known
    """
    k, variances = len(effects), np.diag(vcov)
    if k < 2 or not (np.isfinite(effects).all() and np.isfinite(vcov).all() and (variances > 0).all()):
        return WelchTest(math.nan, max(k - 1, 0), math.nan, math.nan)
    contrasts = np.column_stack([-np.ones(k - 1), np.eye(k - 1)])
    apart = contrasts @ effects
    try:
        quadratic = float(apart @ np.linalg.solve(contrasts @ vcov @ contrasts.T, apart))
    except np.linalg.LinAlgError:  # two effects move as one: nothing tells them apart
        return WelchTest(math.nan, k - 1, math.nan, math.nan)
    weights = 1 / variances
    unsure = float(np.sum((1 - weights / weights.sum()) ** 2 / df))
    statistic = quadratic / (k - 1) / (1 + 2 * (k - 2) / (k**2 - 1) * unsure)
    freedom = (k**2 - 1) / (3 * unsure) if unsure > 0 else math.inf
    known = math.isinf(freedom)
    p = special.chdtrc(k - 1, statistic * (k - 1)) if known else special.fdtrc(k - 1, freedom, statistic)
    return WelchTest(statistic, k - 1, freedom, float(p))
