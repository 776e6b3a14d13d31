"""Pooling estimates of several studies or sites: inverse-variance weights, between-site variance by REML.

Sources: Viechtbauer (2005), Journal of Educational and Behavioral Statistics 30, for REML by Fisher scoring; Hartung
and Knapp (2001), Statistics in Medicine 20, for the variance of the mean; Viechtbauer (2007), Statistics in Medicine
26, for the interval of the between-site variance from the profile of Q; Higgins, Thompson and Spiegelhalter (2009),
Journal of the Royal Statistical Society A 172, for the prediction interval. The numbers are those of R's metafor.
"""

from __future__ import annotations

import math

import numpy as np

from mentoreval.aliases import FloatArray

MAX_STEPS = 200
TOLERANCE = 1e-12
"""Change of the between-site variance, in units of the typical sampling variance, at which scoring ends."""


def weighted_mean(effects: FloatArray, weights: FloatArray) -> float:
    """The mean of (k,) effects with (k,) weights."""
    return float(weights @ effects / weights.sum())


def between_variance(effects: FloatArray, variances: FloatArray) -> float:
    """Variance of the true effects between sites, by restricted maximum likelihood; 0 where the effects differ no more
    than their errors let expect.

    effects, variances : (k,) with k of 2 or more; variances positive
    """
    typical = typical_variance(variances)
    current = max(float(np.var(effects, ddof=1)) - float(variances.mean()), 0.0)
    value = _restricted_likelihood(effects, variances, current)
    for _ in range(MAX_STEPS):
        step = _scoring_step(effects, variances, current)
        proposed = max(current + step, 0.0)
        reached = _restricted_likelihood(effects, variances, proposed)
        while reached < value and abs(proposed - current) > TOLERANCE * typical:
            proposed = (proposed + current) / 2
            reached = _restricted_likelihood(effects, variances, proposed)
        moved = abs(proposed - current)
        current, value = proposed, reached
        if moved <= TOLERANCE * typical:
            break
    return current


def typical_variance(variances: FloatArray) -> float:
    """The sampling variance that stands for all, (k − 1) Σw / ((Σw)² − Σw²) with w = 1 / variance."""
    weights = 1 / variances
    total = weights.sum()
    return float((len(variances) - 1) * total / (total**2 - (weights**2).sum()))


def q_statistic(effects: FloatArray, variances: FloatArray, between: float = 0.0) -> float:
    """Σ w (effect − mean)² with w = 1 / (variance + between); at the truth chi-squared, k − 1 degrees of freedom."""
    weights = 1 / (variances + between)
    return float(weights @ np.square(effects - weighted_mean(effects, weights)))


def between_variance_interval(effects: FloatArray, variances: FloatArray, confidence: float) -> tuple[float, float]:
    """Interval of the between-site variance: the values at which Q is not out of the way for a chi-squared.

    returns : lower and upper bound, 0 where even no difference between sites would make Q small
    """
    from scipy import optimize, stats

    bounds = stats.chi2.ppf([0.5 + confidence / 2, 0.5 - confidence / 2], len(effects) - 1)

    def excess(between: float, bound: float) -> float:
        """Q above its bound."""
        return q_statistic(effects, variances, between) - bound

    limits = []
    for bound in bounds:
        if excess(0.0, bound) <= 0:
            limits.append(0.0)
            continue
        high = max(float(np.var(effects)), typical_variance(variances))
        while excess(high, bound) > 0:
            high *= 4
        limits.append(float(optimize.brentq(excess, 0.0, high, args=(bound,), xtol=1e-14 * high, rtol=1e-13)))
    return limits[0], limits[1]


def knapp_hartung_error(effects: FloatArray, weights: FloatArray) -> float:
    """Standard error of the weighted mean from the scatter around it, for a t with k − 1 degrees of freedom."""
    residuals = effects - weighted_mean(effects, weights)
    return math.sqrt(float(weights @ np.square(residuals)) / ((len(effects) - 1) * float(weights.sum())))


def _scoring_step(effects: FloatArray, variances: FloatArray, between: float) -> float:
    """Score of the restricted likelihood divided by its expected information."""
    weights = 1 / (variances + between)
    total, squares, cubes = weights.sum(), (weights**2).sum(), (weights**3).sum()
    residuals = effects - weighted_mean(effects, weights)
    score = float(np.square(weights * residuals).sum()) - (total - squares / total)
    information = squares - 2 * cubes / total + (squares / total) ** 2
    return float(score / information)


def _restricted_likelihood(effects: FloatArray, variances: FloatArray, between: float) -> float:
    """The restricted log-likelihood without its constants."""
    spread = variances + between
    return -0.5 * float(np.log(spread).sum() + np.log((1 / spread).sum()) + q_statistic(effects, variances, between))
