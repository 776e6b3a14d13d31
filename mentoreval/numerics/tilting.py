"""Tilting: weights that turn one sample into another, from a score or from the moments that they must meet.

Weights from a score p all have one form: with h(p) the density of the sample that is asked for, relative to everyone,
the treated count h/p and the others h/(1 − p) (Li, Morgan & Zaslavsky 2018, JASA 113:390). Weights from moments have
one form too: base · exp(zθ), with θ such that Σ base · exp(zθ) z meets a target. Entropy balancing (Hainmueller 2012,
Political Analysis 20:25) tilts one arm to the moments of the other; the just-identified covariate balancing propensity
score (Imai & Ratkovic 2014, JRSS B 76:243) is the same equation, for the ATE with the rows of one arm reversed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mentoreval.aliases import BoolArray, Estimand, FloatArray
from mentoreval.numerics.gram import linear_predictor, solve_positive, weighted_gram, weighted_sum

SUFFICIENT_DECREASE = 1e-4
"""Share of the decrease that the slope promises which a step must bring (Armijo)."""

HALVINGS = 40
"""Times that a step is halved before the search gives up."""

FLAT = 1e-12
"""Relative change of the objective below which it is rounding and a Newton step is taken as it is."""


def tilting_weights(probability: FloatArray, treated: BoolArray, estimand: Estimand) -> FloatArray:
    """(n,) factor by which each row counts, so that both arms resemble the students whose effect is asked for.

    probability : (n,) of treatment, strictly between 0 and 1
    treated     : (n,)

    ATE: 1/p and 1/(1 − p). ATT: 1 and the odds p/(1 − p). ATC: (1 − p)/p and 1. ATO: 1 − p and p.
    """
    other = 1.0 - probability
    one = np.ones_like(probability)
    factors = {
        "ATE": (1.0 / probability, 1.0 / other),
        "ATT": (one, probability / other),
        "ATC": (other / probability, one),
        "ATO": (other, probability),
    }
    return np.where(treated, *factors[estimand])


@dataclass(frozen=True, eq=False)
class Tilt:
    """Weights base · exp(zθ) and how near they come to their target.

    coefficients : (k,) θ
    weights      : (n,)
    imbalance    : (k,) (Σ weights · z − target) / total
    iterations   : Newton steps taken
    converged    : whether the largest imbalance is within the tolerance
    """

    coefficients: FloatArray
    weights: FloatArray
    imbalance: FloatArray
    iterations: int
    converged: bool


def tilt_to(
    Z: FloatArray,
    base: FloatArray,
    target: FloatArray,
    *,
    total: float,
    tolerance: float = 1e-8,
    max_iterations: int = 60,
) -> Tilt:
    """Find θ with Σ base · exp(zθ) z = target by Newton's method with a line search on the convex dual.

    The dual is Σ base · exp(zθ) − target·θ. Columns should be of about unit size and none a combination of others.
    A target that no weights meet has no minimum; the result then says ``converged = False``.

    Z         : (n, k)
    base      : (n,) weights to start from, above 0
    target    : (k,) sums to meet
    total     : what imbalances are divided by: the sum of weights of the sample to resemble
    tolerance : largest imbalance to leave
    """
    theta, eta = np.zeros(Z.shape[1]), np.zeros(Z.shape[0])
    weights = base.astype(float)
    for iteration in range(max_iterations):
        gradient = weighted_sum(Z, weights) - target
        if np.abs(gradient).max() <= tolerance * total:
            return Tilt(theta, weights, gradient / total, iteration, True)
        # Without a solution weights vanish in whole directions on the way to infinity, and there is no step.
        step = solve_positive(weighted_gram(Z, weights), -gradient[:, None])
        taken = None if step is None else _search(Z, base, target, (theta, eta, weights), step[:, 0], gradient)
        if taken is None:
            return Tilt(theta, weights, gradient / total, iteration, False)
        theta, eta, weights = taken
    gradient = weighted_sum(Z, weights) - target
    return Tilt(theta, weights, gradient / total, max_iterations, bool(np.abs(gradient).max() <= tolerance * total))


_Point = tuple[FloatArray, FloatArray, FloatArray]
"""θ (k,), zθ (n,) and the weights (n,) there."""


def _search(
    Z: FloatArray, base: FloatArray, target: FloatArray, at: _Point, step: FloatArray, gradient: FloatArray
) -> _Point | None:
    """The point at the longest of the step, half of it, a quarter … that lowers the dual enough; None if none does."""
    theta, eta, weights = at
    ahead = linear_predictor(Z, step)
    height, slope = float(weights.sum() - target @ theta), float(gradient @ step)
    rounding = FLAT * (float(weights.sum()) + abs(height))
    length = 1.0
    for _ in range(HALVINGS):
        with np.errstate(over="ignore"):
            tried = base * np.exp(eta + length * ahead)
            found = float(tried.sum() - target @ (theta + length * step))
        if found <= height + SUFFICIENT_DECREASE * length * slope + rounding:
            return theta + length * step, eta + length * ahead, tried
        length /= 2
    return None
