"""Counts whose variance grows faster than their mean: the negative binomial NB2, by maximum likelihood.

y has mean μ = exposure · exp(Xβ) and variance μ + α μ². At α = 0 it is Poisson. β and log α are found together by
Newton's method, started at the Poisson fit; second derivatives are those observed, not expected, so that the influence
of a row is the derivative of the estimates by its weight.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, gammaln, polygamma

from mentoreval.aliases import FloatArray
from mentoreval.numerics.gram import linear_predictor, solve_positive, weighted_gram, weighted_sum

ASYMPTOTIC = 30.0
"""From this size 1/α on, differences of gamma functions come from asymptotic series, exact to rounding there."""

SMALLEST_DISPERSION = 1e-8
"""An α below this is Poisson to all digits of days."""

STEP_TOLERANCE = 1e-11
MAX_STEPS = 100
HALVINGS = 40


@dataclass(frozen=True, eq=False)
class CountFit:
    """A fit of n rows on k columns.

    coefficients : (k,) log rates
    dispersion : α; 0 where the data vary no more than Poisson
    mean : (n,) μ
    log_likelihood : weighted, with the constants of the distribution
    influence : (n, k) of the rows on the coefficients: their error is about the mean of the rows; NaN where the
        likelihood is flat at the end of the search
    converged : whether steps became smaller than rounding, at a maximum
    """

    coefficients: FloatArray
    dispersion: float
    mean: FloatArray
    log_likelihood: float
    influence: FloatArray
    converged: bool


@dataclass(frozen=True, eq=False)
class _Counts:
    """X (n, k), y (n,) at least 0, weights (n,), log exposure (n,)."""

    X: FloatArray
    y: FloatArray
    weights: FloatArray
    offset: FloatArray

    def mean(self, beta: FloatArray) -> FloatArray:
        """(n,) μ."""
        return np.asarray(np.exp(self.offset + linear_predictor(self.X, beta)))


def fit_counts(X: FloatArray, y: FloatArray, weights: FloatArray, exposure: FloatArray) -> CountFit:
    """Fit counts y (n,) at least 0, whole or not, on X (n, k), the intercept among them, none a combination of others.

    weights (n,) and exposure (n,) above 0
    """
    length = np.sqrt(weights @ X**2 / weights.sum())
    rows = _Counts(X / length, y, weights / weights.mean(), np.log(exposure))
    beta, settled = _poisson(rows)
    mean = rows.mean(beta)
    excess = float(rows.weights @ ((y - mean) ** 2 - y))
    size = excess / float(rows.weights @ mean**2)
    if settled and size > SMALLEST_DISPERSION:
        parameters, settled = _newton(rows, np.append(beta, np.log(size)))
        beta, size = parameters[:-1], float(np.exp(parameters[-1]))
    dispersion = size if size > SMALLEST_DISPERSION else 0.0
    parameters = np.append(beta, np.log(dispersion)) if dispersion else beta
    influence = _influence(rows, parameters)
    return CountFit(
        coefficients=beta / length,
        dispersion=dispersion,
        mean=rows.mean(beta),
        log_likelihood=float(weights.mean() * _height(rows, parameters)),
        influence=np.full(X.shape, np.nan) if influence is None else influence / length,
        converged=settled and influence is not None,
    )


def _influence(rows: _Counts, parameters: FloatArray) -> FloatArray | None:
    """(n, k) influence on the scaled coefficients; None where the information can not be inverted."""
    k = rows.X.shape[1]
    scores, information = _derivatives(rows, parameters)
    inverse = solve_positive(information, np.eye(len(parameters)))
    if inverse is None:
        return None
    return np.asarray(len(rows.y) * (scores * rows.weights[:, None]) @ inverse[:, :k])


def _poisson(rows: _Counts) -> tuple[FloatArray, bool]:
    """(k,) coefficients of the Poisson fit, by Newton's method from the overall rate, and whether it settled."""
    rate = np.log(rows.weights @ rows.y / (rows.weights @ np.exp(rows.offset)))
    target = np.sqrt(rows.weights)
    start, *_ = np.linalg.lstsq(rows.X * target[:, None], target * rate, rcond=None)
    return _newton(rows, np.asarray(start))


def _newton(rows: _Counts, parameters: FloatArray) -> tuple[FloatArray, bool]:
    """The maximum from a start; parameters are β, or β and log α."""
    height = _height(rows, parameters)
    for _ in range(MAX_STEPS):
        scores, information = _derivatives(rows, parameters)
        step = _ascent(weighted_sum(scores, rows.weights), information)
        largest = float(np.abs(step).max())
        for _ in range(HALVINGS):
            tried = _height(rows, parameters + step)
            if tried >= height - 1e-12 * abs(height):
                break
            step = step / 2.0
        parameters, height = parameters + step, tried
        if largest < STEP_TOLERANCE * (1.0 + float(np.abs(parameters).max())):
            return parameters, True
        if len(parameters) > rows.X.shape[1] and parameters[-1] < np.log(SMALLEST_DISPERSION):
            return parameters, True
    return parameters, False


def _ascent(score: FloatArray, information: FloatArray) -> FloatArray:
    """Newton's step; where the likelihood is not concave, the diagonal is raised until a step goes up."""
    ridge = 0.0
    while True:
        raised = information + ridge * np.diag(np.maximum(np.abs(np.diag(information)), 1e-12))
        step = solve_positive(raised, score[:, None])
        if step is not None:
            return np.asarray(np.clip(step[:, 0], -5.0, 5.0))
        ridge = max(1e-4, 4.0 * ridge)


def _height(rows: _Counts, parameters: FloatArray) -> float:
    """Weighted log likelihood."""
    k, y = rows.X.shape[1], rows.y
    mean = rows.mean(parameters[:k])
    poisson = len(parameters) == k
    value = y * np.log(mean) - mean if poisson else _log_density(y, mean, float(np.exp(-parameters[-1])))
    return float(rows.weights @ (value - gammaln(y + 1.0)))


def _log_density(y: FloatArray, mean: FloatArray, a: float) -> FloatArray:
    """(n,) log density without its factor 1 / y!; for a large size a, by Stirling's series, without cancellation."""
    if a < ASYMPTOTIC:
        return np.asarray(gammaln(y + a) - gammaln(a) - a * np.log1p(mean / a) - y * np.log1p(a / mean))
    part = np.log1p((y - mean) / (a + mean))
    return np.asarray((a + y) * part + y * np.log(mean) - y - 0.5 * np.log1p(y / a) + _stirling(y + a) - _stirling(a))


def _stirling(x: FloatArray | float) -> FloatArray:
    """log Γ(x) less its main terms, for large x (Abramowitz & Stegun 6.1.41)."""
    z = 1.0 / np.square(x)
    return np.asarray((1 / 12 - z * (1 / 360 - z * (1 / 1260 - z * (1 / 1680 - z / 1188)))) / np.asarray(x))


def _derivatives(rows: _Counts, parameters: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(n, p) unweighted scores of the rows and (p, p) minus the second derivative of the weighted log likelihood."""
    k, X, y = rows.X.shape[1], rows.X, rows.y
    mean = rows.mean(parameters[:k])
    away = y - mean
    if len(parameters) == k:
        return X * away[:, None], weighted_gram(X, rows.weights * mean)
    a = float(np.exp(-parameters[-1]))
    total = a + mean
    slope = _size_slope(y, mean, a)
    bend = _size_bend(y, mean, a)
    scores = np.column_stack([X * (away * a / total)[:, None], -a * slope])
    information = np.empty((k + 1, k + 1))
    information[:k, :k] = weighted_gram(X, rows.weights * mean * a * (a + y) / total**2)
    information[:k, k] = information[k, :k] = weighted_sum(X, rows.weights * a * mean * away / total**2)
    information[k, k] = -float(rows.weights @ (a * slope + a**2 * bend))
    return scores, information


def _size_slope(y: FloatArray, mean: FloatArray, a: float) -> FloatArray:
    """(n,) derivative of the log likelihood by the size a = 1/α.

    For a large size its terms cancel to a small rest, which the asymptotic series of the digamma function gives.
    """
    part = (y - mean) / (a + mean)
    if a < ASYMPTOTIC:
        return np.asarray(digamma(y + a) - digamma(a) - np.log1p(mean / a) - part)
    return np.asarray((np.log1p(part) - part) + _digamma_rest(y + a) - _digamma_rest(a))


def _digamma_rest(x: FloatArray | float) -> FloatArray:
    """ψ(x) − log x for large x (Abramowitz & Stegun 6.3.18)."""
    z = 1.0 / np.square(x)
    series = z * (1 / 12 - z * (1 / 120 - z * (1 / 252 - z * (1 / 240 - z / 132))))
    return np.asarray(-0.5 / np.asarray(x) - series)


def _size_bend(y: FloatArray, mean: FloatArray, a: float) -> FloatArray:
    """(n,) second derivative of the log likelihood by the size."""
    part = (mean - y) / (a + mean) ** 2
    return np.asarray(polygamma(1, y + a) - polygamma(1, a) + mean / (a * (a + mean)) - part)
