"""Synthetic difference-in-differences: donor weights, weights of the periods before, and the effect they give.

Difference-in-differences and synthetic control are the same double difference with other weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.linalg.blas import daxpy

from mentoreval.aliases import FloatArray, IntArray

SyntheticMethod = Literal["synthetic_did", "synthetic_control", "did"]

RIDGE = 1e-6
"""Regularization, in noise levels, of weights that need none but to be unique (``eta.lambda`` of synthdid)."""

DECREASE = 1e-5
"""Square root of the decrease of the mean squared error, in noise levels, below which the search stops."""

STEPS, STEPS_BEFORE_SPARSIFY = 10_000, 100
"""Most Frank–Wolfe steps, and those after which small weights are set to zero before the search goes on."""

TINY = 1e-100
"""Common factor of the weights at which it is multiplied in, before it underflows."""

SMALL = 0.25
"""Share of the largest weight up to which a weight counts as small."""


@dataclass(frozen=True, eq=False)
class SyntheticWeights:
    """What a comparison is made of.

    unit : (n0,) weights of the donors, sum one
    period : (t0,) weights of the periods before the start; sum one, or all zero for synthetic control
    noise : standard deviation of the donors' changes from one period before the start to the next
    """

    unit: FloatArray
    period: FloatArray
    noise: float

    def contrast(self, n_periods: int) -> FloatArray:
        """(n_periods,) mean of the periods from the start on less the weighted mean of those before."""
        after = n_periods - len(self.period)
        return np.concatenate([-self.period, np.full(after, 1.0 / after)])


def synthesize(
    donors: FloatArray, treated: FloatArray, n_treated: int, n_before: int, start: FloatArray, method: SyntheticMethod
) -> SyntheticWeights:
    """The weights of one block: units that start at the same time, and donors that never start.

    donors : (n0, t) outcomes, complete
    treated : (t,) mean outcome of the n_treated treated units
    n_before : periods before the start, at least 1
    start : (n0,) weights that the search starts from, sum one; those of ``did``
    method : synthetic_did weighs donors and periods with an intercept each, donors with the ridge (n1 t1)^(1/4) times
        the noise; synthetic_control weighs donors without intercept, and no period; did weighs nothing

    As ``synthdid`` 0.0.9: Frank–Wolfe with exact line search, 100 steps, small weights to zero, and on to the end.
    """
    before, after = donors[:, :n_before], donors[:, n_before:]
    noise, even = noise_level(before), np.full(n_before, 1.0 / n_before)
    if method == "did":
        return SyntheticWeights(start, even, noise)
    if method == "synthetic_control":
        unit = simplex_weights(before.T, treated[:n_before], RIDGE * noise, noise, start, intercept=False)
        return SyntheticWeights(unit, np.zeros(n_before), noise)
    ridge = (n_treated * after.shape[1]) ** 0.25 * noise
    return SyntheticWeights(
        unit=simplex_weights(before.T, treated[:n_before], ridge, noise, start),
        period=simplex_weights(before, after.mean(axis=1), RIDGE * noise, noise, even),
        noise=noise,
    )


def noise_level(before: FloatArray) -> float:
    """Standard deviation of the changes (n0, t0 − 1) from period to period; 0 where there are fewer than two."""
    changes = np.diff(before, axis=1)
    return float(changes.std(ddof=1)) if changes.size > 1 else 0.0


def simplex_weights(
    A: FloatArray, b: FloatArray, ridge: float, noise: float, start: FloatArray, *, intercept: bool = True
) -> FloatArray:
    """(c,) weights x, at least 0 and sum one, that make mean((Ax + intercept − b)²) + ridge² Σx² small.

    A : (r, c); b : (r,); start : (c,) sum one
    noise : scale of the outcome, by which the end of the search is judged
    """
    gaps = A - b[:, None]  # as the weights sum to one, Ax − b is a mean of these columns
    if intercept:
        gaps = gaps - gaps.mean(axis=0)
    H = gaps.T @ gaps
    H.flat[:: len(H) + 1] += len(b) * ridge**2
    least = len(b) * (DECREASE * noise) ** 2
    x = frank_wolfe(H, start, least, STEPS_BEFORE_SPARSIFY)
    x = np.where(x > SMALL * x.max(), x, 0.0)
    return frank_wolfe(H, x / x.sum(), least, STEPS)


def frank_wolfe(H: FloatArray, start: FloatArray, least: float, steps: int) -> FloatArray:
    """(c,) x on the simplex that makes x'Hx small: Frank–Wolfe with exact line search.

    H : (c, c) positive semidefinite
    least : decrease of x'Hx in one step at or below which the search ends, from the second step on

    A step shrinks x and the gradient Hx by one factor and adds to them at one place; both are held without the factor,
    so that a step costs one search for the least and one sum of two vectors.
    """
    x, gradient = start.copy(), H @ start
    value, scale = float(start @ gradient), 1.0
    rows, diagonal = list(H), H.diagonal().tolist()
    for step in range(steps):
        i = int(gradient.argmin())
        here = scale * gradient.item(i)
        slope, curvature = here - value, diagonal[i] - 2.0 * here + value
        size = -slope / curvature if curvature > 0.0 and slope < 0.0 else 0.0
        if size > 1.0:
            size = 1.0
        scale *= 1.0 - size
        if scale < TINY:  # all weight is, or almost is, in one place
            x *= scale
            gradient *= scale
            scale = 1.0
        x[i] += size / scale
        gradient = daxpy(rows[i], gradient, a=size / scale)
        decrease = -size * (2.0 * slope + size * curvature)
        value -= decrease
        if step > 0 and decrease <= least:
            break
    return np.asarray(x * scale)


def leave_one_out(change: FloatArray, weights: FloatArray) -> FloatArray:
    """(n,) the weighted mean of changes (n,) without each of them, the other weights kept in proportion.

    NaN where no weight is left.
    """
    total, mean = weights.sum(), weights @ change
    rest = total - weights
    return np.asarray((mean - weights * change) / np.where(rest > RIDGE * total, rest, np.nan))


def partial_out(y: FloatArray, X: FloatArray, free: IntArray) -> FloatArray:
    """(n, t) outcomes less what covariates predict, with the coefficients among the free rows.

    y : (n, t); X : (n, t, p); free : (m,) rows that are never treated, in which unit and period effects are taken out
    """
    columns = np.stack([_within(X[free, :, j]).ravel() for j in range(X.shape[2])], axis=1)
    coefficients = np.linalg.lstsq(columns, _within(y[free]).ravel(), rcond=None)[0]
    return np.asarray(y - X @ coefficients)


def _within(values: FloatArray) -> FloatArray:
    """(n, t) values less the mean of their row and of their column, plus the mean of all."""
    return np.asarray(values - values.mean(1, keepdims=True) - values.mean(0) + values.mean())
