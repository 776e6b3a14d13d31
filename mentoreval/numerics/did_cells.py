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

    change : (n, c) outcome after less outcome before
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
        residual = change - X @ from_ols.coefficients
    share = np.where(treated, weights, 0.0) / weights[treated].sum()
    eta = share @ residual
    if method == "outcome_regression":
        return CellEffects(eta, _influence(share, residual, eta) - carry(from_ols, X, share))
    probability = fit_propensity(treated, weights, X)
    odds, n_trimmed = odds_of(treated, weights, probability)
    eta_comparison = odds @ residual
    influence = _influence(share, residual, eta) - _influence(odds, residual, eta_comparison)
    influence -= from_logit(treated, weights, X, probability, odds[:, None] * (residual - eta_comparison))
    if from_ols is not None:
        influence -= carry(from_ols, X, share - odds)
    return CellEffects(eta - eta_comparison, influence, n_trimmed)


def _influence(share: FloatArray, residual: FloatArray, mean: FloatArray) -> FloatArray:
    """(n, c) influence on a weighted mean whose weights (n,) sum to one."""
    return np.asarray(share[:, None] * (residual - mean))


@dataclass(frozen=True, eq=False)
class Outcomes:
    """A weighted regression of outcomes on covariates in one group.

    coefficients : (p,) or (p, c)
    scores : (n, c) weighted residuals, 0 out of the group
    bread : (p, p) inverse of X'WX
    """

    coefficients: FloatArray
    scores: FloatArray
    bread: FloatArray


def regress(X: FloatArray, y: FloatArray, weights: FloatArray, group: str) -> Outcomes:
    """The regression of y (n,) or (n, c) on X (n, p) in the rows with weight; CellError where they can not carry it.

    group : what the rows are called in messages
    """
    chosen = weights > 0
    if np.count_nonzero(chosen) < X.shape[1]:
        raise CellError(f"{int(chosen.sum())} {group} units can not carry {X.shape[1]} coefficients")
    try:
        fitted = solve_least_squares(X[chosen], y[chosen], weights[chosen])
    except AliasedColumnsError:
        other = "comparison" if group == "treated" else "treated"
        raise CellError(f"a covariate does not vary among the {group} units as it does among the {other}") from None
    residual = (y - X @ fitted.coefficients).reshape(len(X), -1)
    return Outcomes(fitted.coefficients, weights[:, None] * residual, fitted.bread)


def carry(outcomes: Outcomes | None, X: FloatArray, share: FloatArray) -> FloatArray:
    """(n, c) influence through a regression on a mean of its predictions with the given shares (n,)."""
    if outcomes is None:
        return np.zeros((len(X), 1))
    return np.asarray((X @ (outcomes.bread @ (share @ X)))[:, None] * outcomes.scores)


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


def from_logit(
    treated: BoolArray, weights: FloatArray, X: FloatArray, probability: FloatArray, derivative: FloatArray
) -> FloatArray:
    """(n, c) influence through the propensity score, for derivatives (n, c) of the mean by its log odds."""
    information = X.T @ (X * (weights * probability * (1.0 - probability))[:, None])
    score = weights * (treated - probability)
    return np.asarray(score[:, None] * (X @ np.linalg.solve(information, X.T @ derivative)))
