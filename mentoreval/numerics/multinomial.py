"""Several arms: the multinomial logit, and what its probabilities say of whom to compare and how much each counts.

With K arms a generalized propensity score is a probability of each (Imbens 2000, Biometrika 87:706). Two arms are the
case K = 2 of everything here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.errors import DataError
from mentoreval.numerics.gram import linear_predictor, solve_positive, weighted_gram, weighted_sum
from mentoreval.numerics.logit import aliased_columns
from mentoreval.numerics.scoring import Point, climb

NEAREST_TO_CERTAIN = float(np.finfo(np.float64).eps)
"""Probabilities are held this far from 0 and 1, between which they lie by definition."""

SETTLED = 1e-10
"""Newton stops when no log odds over one standard deviation of a column would change by more."""

ArmEstimand = Literal["ATE", "ATT", "ATO"]


@dataclass(frozen=True, eq=False)
class MultinomialFit:
    """A fitted multinomial logit of n rows on k columns, for K arms of which arm 0 is the one compared with.

    coefficients   : (k, K − 1)  log odds of arms 1 … K − 1 against arm 0; NaN exactly in the rows that are aliased
    probability    : (n, K)      fitted probabilities, strictly between 0 and 1
    covariance     : (k (K − 1), k (K − 1))  inverse information, arm by arm; NaN where aliased or not to be had
    log_likelihood : Σ weights · log P(own arm)
    iterations     : Newton steps taken
    converged      : whether the last step was small
    aliased        : columns that are combinations of columns before them and so take no part
    """

    coefficients: FloatArray
    probability: FloatArray
    covariance: FloatArray
    log_likelihood: float
    iterations: int
    converged: bool
    aliased: IntArray


def fit_multinomial(
    X: FloatArray, arm: IntArray, weights: FloatArray | None = None, *, max_iterations: int = 100
) -> MultinomialFit:
    """Fit P(arm = a) ∝ exp(Xβ_a), β_0 = 0, by maximum likelihood: Newton's method with halved steps.

    X       : (n, k)  columns, the intercept among them
    arm     : (n,)    codes 0 … K − 1, each of which occurs
    weights : (n,)    sampling weights; None is one each

    Columns are centred and scaled meanwhile, so that units of measurement cost no digits. Aliased columns are left
    out, by the rule of ``fit_logit``. A fit that has not converged is returned as such: data that a combination of
    columns separates have no maximum. Time n k² K² for each step; memory as X, and (n, K).

    Raises DataError for shapes that do not agree, entries that are not finite, and codes with gaps.
    """
    X, arm, prior = _checked(X, arm, weights)
    columns = X.shape[1]
    contrasts = int(arm.max())
    aliased = aliased_columns(X, prior)
    kept = np.setdiff1d(np.arange(columns), aliased)
    scaled, back = _standardized(X[:, kept])
    peak = climb(
        lambda beta: multinomial_at(scaled, arm, prior, beta),
        kept.size * contrasts,
        tolerance=SETTLED,
        max_iterations=max_iterations,
    )
    beta = peak.coefficients.reshape(contrasts, kept.size)
    coefficients = np.full((columns, contrasts), np.nan)
    coefficients[kept] = back @ beta.T
    covariance = np.full((columns * contrasts, columns * contrasts), np.nan)
    inverse = solve_positive(peak.point.information, np.eye(kept.size * contrasts))
    if inverse is not None:
        places = (np.arange(contrasts)[:, None] * columns + kept).ravel()
        turn = np.kron(np.eye(contrasts), back)
        covariance[np.ix_(places, places)] = turn @ inverse @ turn.T
    return MultinomialFit(
        coefficients=coefficients,
        probability=np.exp(_log_probability(scaled, beta)).clip(NEAREST_TO_CERTAIN, 1 - NEAREST_TO_CERTAIN),
        covariance=covariance,
        log_likelihood=peak.point.objective,
        iterations=peak.iterations,
        converged=peak.converged,
        aliased=aliased,
    )


def multinomial_at(X: FloatArray, arm: IntArray, weights: FloatArray, coefficients: FloatArray) -> Point:
    """Log likelihood of a multinomial logit at coefficients (k (K − 1),), arm by arm, for X (n, k) and codes (n,)."""
    k = X.shape[1]
    contrasts = coefficients.size // k
    log_probability = _log_probability(X, coefficients.reshape(contrasts, k))
    own = log_probability[np.arange(arm.size), arm]
    probability = np.exp(log_probability)
    gradient, information = np.empty(k * contrasts), np.empty((k * contrasts, k * contrasts))
    for a in range(contrasts):
        rows, of_a = slice(a * k, a * k + k), probability[:, a + 1]
        gradient[rows] = weighted_sum(X, weights * ((arm == a + 1) - of_a))
        for b in range(a + 1):
            block = weighted_gram(X, weights * of_a * (float(a == b) - probability[:, b + 1]))
            information[rows, b * k : b * k + k] = information[b * k : b * k + k, rows] = block
    return Point(float(weights @ own), gradient, information)


def generalized_weights(probability: FloatArray, arm: IntArray, estimand: ArmEstimand, target: int = 0) -> FloatArray:
    """(n,) h / P(own arm): the factor by which each row counts, so that all arms resemble the same students.

    probability : (n, K) strictly between 0 and 1
    arm         : (n,) codes 0 … K − 1
    target      : for the ATT, the arm whose students all others shall resemble

    h is 1 for the ATE, P(target) for the ATT, and for the ATO 1 / Σ 1/P, which is p(1 − p) where there are two arms
    (Li & Li 2019, Annals of Applied Statistics 13:2389).
    """
    density: dict[ArmEstimand, FloatArray] = {"ATE": np.ones(arm.size), "ATT": probability[:, target]}
    h = overlap_density(probability) if estimand == "ATO" else density[estimand]
    return np.asarray(h / probability[np.arange(arm.size), arm], dtype=float)


def overlap_density(probability: FloatArray) -> FloatArray:
    """(n,) 1 / Σ 1/P over the arms of (n, K): large for rows that could as well have been in any arm."""
    return np.asarray(1.0 / (1.0 / probability).sum(axis=1), dtype=float)


def common_range(probability: FloatArray, arm: IntArray) -> BoolArray:
    """(n,) True for rows each of whose K probabilities lies within the range that it has in every arm.

    The rectangular region of Lopez & Gutman (2017), Statistical Science 32:432, section 3.2. Bounds are inclusive.
    """
    groups = [probability[arm == a] for a in range(probability.shape[1])]
    low = np.max([group.min(axis=0) for group in groups], axis=0)
    high = np.min([group.max(axis=0) for group in groups], axis=0)
    return np.asarray(((probability >= low) & (probability <= high)).all(axis=1), dtype=bool)


def _log_probability(X: FloatArray, beta: FloatArray) -> FloatArray:
    """(n, K) log probabilities for β (K − 1, k)."""
    eta = np.zeros((X.shape[0], beta.shape[0] + 1))
    for place, one in enumerate(beta, start=1):
        eta[:, place] = linear_predictor(X, one)
    eta -= eta.max(axis=1, keepdims=True)
    eta -= np.log(np.exp(eta).sum(axis=1, keepdims=True))
    return eta


def _standardized(X: FloatArray) -> tuple[FloatArray, FloatArray]:
    """X (n, k) with columns of unit size, centred where one is constant, and what turns coefficients back (k, k)."""
    spread, back = X.std(axis=0), np.eye(X.shape[1])
    constant = np.flatnonzero(np.ptp(X, axis=0) == 0)
    if not constant.size:
        size = np.sqrt(np.square(X).mean(axis=0))
        return X / size, np.diag(1.0 / size)
    intercept = int(constant[0])
    centre = X.mean(axis=0)
    centre[intercept], spread[intercept] = 0.0, 1.0
    back = np.diag(1.0 / spread)
    back[intercept] = -centre / spread / X[0, intercept]
    back[intercept, intercept] = 1.0
    return (X - centre) / spread, back


def _checked(X: FloatArray, arm: IntArray, weights: FloatArray | None) -> tuple[FloatArray, IntArray, FloatArray]:
    X, arm = np.asarray(X, dtype=np.float64), np.asarray(arm)
    prior = np.ones(arm.shape) if weights is None else np.asarray(weights, dtype=np.float64)
    if X.ndim != 2 or not X.size or arm.shape != (X.shape[0],) or prior.shape != arm.shape:
        raise DataError(
            f"A multinomial logit needs X (n, k), arm (n,) and weights (n,), none empty; got {X.shape}, {arm.shape} "
            f"and {prior.shape}. Pass one row per student in all three."
        )
    not_finite = np.flatnonzero(~np.isfinite(X.sum(axis=0)))
    if not_finite.size:
        raise DataError(
            f"Column(s) {not_finite.tolist()} of X hold values that are missing or infinite, out of {X.shape[0]:,} "
            "rows. Drop those rows, or fill the values and add an indicator, before the fit."
        )
    if not np.all((prior >= 0) & (prior < np.inf)):
        raise DataError("Weights must be finite and not negative.")
    found = np.unique(arm[prior > 0])
    if found.size < 2 or not np.array_equal(found, np.arange(found.size)):
        raise DataError(
            "The arms of a multinomial logit are codes 0, 1, … of which each occurs with a weight above 0, two at "
            f"least; found {found[:10].tolist()}. Number the arms without gaps."
        )
    return X, arm.astype(np.int64), prior
