"""The power of a test for trends, and what passing it does to the estimate (Roth 2022).

Estimates are normal with known variance. *joint*: the test rejects where β'V⁻¹β passes a cutoff. *any*: it rejects
where one of the estimates is significant by itself, which is what a reader of a picture does.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.special import chndtr, ndtr, ndtri

from mentoreval.aliases import FloatArray

LOG2_POINTS = 13
CERTAIN = 1 - 1e-15


def joint_power(mean: FloatArray, vcov: FloatArray, cutoff: float) -> float:
    """Probability that β'V⁻¹β is above the cutoff where β has this mean (k,) and variance (k, k)."""
    return 1 - float(chndtr(cutoff, len(mean), _noncentrality(mean, vcov)))


def any_power(mean: FloatArray, vcov: FloatArray, level: float) -> float:
    """Probability that one of the estimates is significant at the level, two-sided.

    The probability of the box by the transformation of Genz (1992), on a fixed low-discrepancy sequence.
    """
    from scipy.stats import qmc

    spread = np.sqrt(np.diag(vcov))
    root = np.linalg.cholesky(vcov / np.outer(spread, spread))
    centre, half, k = mean / spread, float(ndtri(1 - level / 2)), len(mean)
    uniform = np.full((1, 0), 0.5)
    if k > 1:
        uniform = qmc.Sobol(k - 1, scramble=False).random_base2(LOG2_POINTS) + 0.5 / 2**LOG2_POINTS
    normal, inside = np.zeros((len(uniform), k)), np.ones(len(uniform))
    for i in range(k):
        shift = centre[i] + normal[:, :i] @ root[i, :i]
        low, high = ndtr((-half - shift) / root[i, i]), ndtr((half - shift) / root[i, i])
        inside *= high - low
        if i < k - 1:
            normal[:, i] = ndtri(np.clip(low + uniform[:, i] * (high - low), 1 - CERTAIN, CERTAIN))
    return 1 - float(inside.mean())


def slope_for_joint_power(shape: FloatArray, vcov: FloatArray, cutoff: float, power: float) -> float:
    """The slope γ > 0 at which a trend γ · shape is found with this power; NaN where it is found more often by chance.

    shape : (k,) the estimates that a trend of slope 1 adds
    """
    return _slope(lambda slope: joint_power(slope * shape, vcov, cutoff), power, _unit(shape, vcov))


def slope_for_any_power(shape: FloatArray, vcov: FloatArray, level: float, power: float) -> float:
    """As ``slope_for_joint_power``, for the test that looks at each estimate by itself."""
    return _slope(lambda slope: any_power(slope * shape, vcov, level), power, _unit(shape, vcov))


def mean_after_passing(
    before: FloatArray, after: FloatArray, vcov: FloatArray, n_before: int, cutoff: float
) -> FloatArray:
    """(n − k,) expectation of the effects after the start, given that the joint test of those before found nothing.

    before, after : (k,), (n − k,) what the estimates are on average
    vcov : (n, n) of both

    Given that a normal vector lies in a ball about zero its mean shrinks by P(χ²_{k+2}) / P(χ²_k), both noncentral and
    below the cutoff; the estimates after follow by regression on those before.
    """
    inner = vcov[:n_before, :n_before]
    noncentrality = _noncentrality(before, inner)
    passes = float(chndtr(cutoff, n_before, noncentrality))
    shrunken = before * (float(chndtr(cutoff, n_before + 2, noncentrality)) / passes if passes > 0 else math.nan)
    return np.asarray(after + vcov[n_before:, :n_before] @ np.linalg.solve(inner, shrunken - before))


def _noncentrality(mean: FloatArray, vcov: FloatArray) -> float:
    """mean' vcov⁻¹ mean."""
    return float(mean @ np.linalg.solve(vcov, mean))


def _unit(shape: FloatArray, vcov: FloatArray) -> float:
    """The slope at which the noncentrality is 1."""
    return 1 / math.sqrt(_noncentrality(shape, vcov))


def _slope(power_of: Callable[[float], float], power: float, unit: float) -> float:
    """Where a rising power reaches the one that is wanted; NaN where it is above that at a slope of zero."""
    from scipy.optimize import brentq

    if power_of(0.0) >= power:
        return math.nan
    high = unit
    while power_of(high) < power:
        high *= 2
    return float(brentq(lambda slope: power_of(slope) - power, 0.0, high, xtol=1e-9 * unit))
