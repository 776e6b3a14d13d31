"""The 2x2 cell: the change of a treated group against the change of a comparison group, with its influence function.

Several changes that share groups, weights and covariates are done at once, so that a propensity score is fitted once
for all the periods of a cohort.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

import numpy as np

from mentoreval.aliases import BoolArray, FloatArray
from mentoreval.errors import EffectError
from mentoreval.numerics.least_squares import AliasedColumnsError, solve_least_squares
from mentoreval.numerics.logit import aliased_columns, fit_logit

CellMethod = Literal["doubly_robust", "inverse_probability", "outcome_regression"]

NO_OVERLAP = 0.999
"""A fitted probability of treatment from which on the groups do not overlap (the bound of did)."""

TRIM = 0.995
"""Comparison units at or above this probability get no weight (the bound of DRDID)."""

LOGIT_TOLERANCE = 1e-12
"""Relative change of the deviance at which the propensity score stops: the influence needs its score to be zero."""


class CellError(EffectError):
    """A cell that these units do not identify; the message is the reason."""


@dataclass(frozen=True, eq=False)
class CellEffects:
    """Effects of c cells on the same n units.

    att : (c,)
    influence : (n, c) columns that sum to zero; att-hat minus att is about the SUM of the rows
    n_trimmed : comparison units without weight because their probability of treatment is too high
    """

    att: FloatArray
    influence: FloatArray
    n_trimmed: int = 0


def compare_changes(
    change: FloatArray, treated: BoolArray, weights: FloatArray, X: FloatArray, method: CellMethod
) -> CellEffects:
    """Average effect on the treated of the 2x2 comparison, for each column of changes.

    change : (n, c) outcome after less outcome before, soonest where a column lies in one piece
    treated : (n,)
    weights : (n,) at least 0, some above 0 in both groups
    X : (n, p) covariates, the intercept first; with the intercept alone the three methods are the same
    method : doubly_robust is DRDID's ``drdid_panel`` (logit by maximum likelihood, least squares in the comparison
        group; Sant'Anna & Zhao 2020, eq. 3.1), inverse_probability its ``std_ipw_did_panel`` (Hájek weights),
        outcome_regression its ``reg_did_panel``

    Raises CellError where a covariate separates the groups or the comparison group can not carry the regression.
    """
    X = X[:, np.setdiff1d(np.arange(X.shape[1]), aliased_columns(X, weights))]
    if X.shape[1] == 1:
        method = "outcome_regression"
    residual, from_ols = change, cast("Outcomes | None", None)
    if method != "inverse_probability":
        from_ols = regress(X, change, np.where(treated, 0.0, weights), "comparison")
        residual = from_ols.residuals
    share = np.where(treated, weights, 0.0) / weights[treated].sum()
    eta = share @ residual
    if method == "outcome_regression":
        return CellEffects(eta, _influence(residual, share - pull(from_ols, X, share), [(share, eta)]))
    probability = fit_propensity(treated, weights, X)
    odds, n_trimmed = odds_of(treated, weights, probability)
    eta_comparison = odds @ residual
    derivative = (X.T * odds) @ residual - np.outer(odds @ X, eta_comparison)
    score, toward = logit_steps(treated, weights, X, probability, derivative)
    means = [(share, eta), (-odds, eta_comparison), *zip(X.T * score, toward, strict=True)]
    factor = share - odds - pull(from_ols, X, share - odds)
    return CellEffects(eta - eta_comparison, _influence(residual, factor, means), n_trimmed)


def _influence(residual: FloatArray, factor: FloatArray, means: list[tuple[FloatArray, FloatArray]]) -> FloatArray:
    """(n, c) factor (n,) times residuals (n, c), less the sum of the products of (n,) and (c,) arrays.

    All that moves an effect is of this form: a share times the distance of a residual from its mean, a step of the
    logit, and a step of the regression, whose scores are weights times these residuals.
    """
    left, right = (np.array(side) for side in zip(*means, strict=True))
    influence = residual * factor[:, None]
    influence -= (right.T @ left).T
    return influence


@dataclass(frozen=True, eq=False)
class Outcomes:
    """A weighted regression of outcomes on covariates in one group.

    coefficients : (p,) or (p, c)
    residuals : (n, c) of all rows, out of the group too
    weights : (n,) 0 out of the group
    bread : (p, p) inverse of X'WX
    """

    coefficients: FloatArray
    residuals: FloatArray
    weights: FloatArray
    bread: FloatArray


def regress(X: FloatArray, y: FloatArray, weights: FloatArray, group: str) -> Outcomes:
    """The regression of y (n,) or (n, c) on X (n, p) in the rows with weight; CellError where they can not carry it.

    group : what the rows are called in messages
    """
    chosen = np.flatnonzero(weights > 0)
    if len(chosen) < X.shape[1]:
        raise CellError(f"{len(chosen)} {group} units can not carry {X.shape[1]} coefficients")
    try:
        fitted = solve_least_squares(X[chosen], y[chosen], weights[chosen])
    except AliasedColumnsError:
        other = "comparison" if group == "treated" else "treated"
        raise CellError(f"a covariate does not vary among the {group} units as it does among the {other}") from None
    residuals = (fitted.coefficients.T @ X.T).T
    np.subtract(y, residuals, out=residuals)
    return Outcomes(fitted.coefficients, residuals.reshape(len(X), -1), weights, fitted.bread)


def pull(outcomes: Outcomes | None, X: FloatArray, share: FloatArray) -> FloatArray:
    """(n,) what a residual of each row adds, through a regression, to a mean of its predictions with shares (n,)."""
    if outcomes is None:
        return np.zeros(len(X))
    return np.asarray((X @ (outcomes.bread @ (share @ X))) * outcomes.weights)


def carry(outcomes: Outcomes, X: FloatArray, share: FloatArray) -> FloatArray:
    """(n, c) influence through a regression on a mean of its predictions with the given shares (n,)."""
    return np.asarray(pull(outcomes, X, share)[:, None] * outcomes.residuals)


def fit_propensity(treated: BoolArray, weights: FloatArray, X: FloatArray) -> FloatArray:
    """(n,) probability of treatment given the covariates."""
    fitted = fit_logit(X, treated, weights, tolerance=LOGIT_TOLERANCE, max_iterations=50)
    highest = float(fitted.probability[weights > 0].max())
    if highest >= NO_OVERLAP:
        raise CellError(f"no overlap: a probability of treatment is {highest:.4f}, so nobody is like those treated")
    return fitted.probability


def odds_of(treated: BoolArray, weights: FloatArray, probability: FloatArray) -> tuple[FloatArray, int]:
    """(n,) weights of the comparison units, sum one, and how many of them were trimmed."""
    trimmed = ~treated & (probability >= TRIM) & (weights > 0)
    odds = np.where(treated | trimmed, 0.0, weights * probability / (1.0 - probability))
    total = odds.sum()
    if total <= 0:
        raise CellError("no comparison unit resembles the treated ones")
    return odds / total, int(trimmed.sum())


def logit_steps(
    treated: BoolArray, weights: FloatArray, X: FloatArray, probability: FloatArray, derivative: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """(n,) scores of the propensity score, (p, c) coefficients: score · x · coefficients is the influence through it.

    derivative : (p, c) of means by the coefficients of the log odds
    """
    information = X.T @ (X * (weights * probability * (1.0 - probability))[:, None])
    return weights * (treated - probability), np.asarray(np.linalg.solve(information, derivative))


def from_logit(
    treated: BoolArray, weights: FloatArray, X: FloatArray, probability: FloatArray, derivative: FloatArray
) -> FloatArray:
    """(n, c) influence through the propensity score, for derivatives (n, c) of the mean by its log odds."""
    score, toward = logit_steps(treated, weights, X, probability, X.T @ derivative)
    return np.asarray(score[:, None] * (X @ toward))
