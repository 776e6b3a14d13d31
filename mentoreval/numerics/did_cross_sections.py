"""The 2x2 cell from two cross-sections: rows before and rows after, which need not be the same units.

Each row counts on its own; who stands behind two of them is for the caller to add up.
"""

from __future__ import annotations

import numpy as np

from mentoreval.aliases import BoolArray, FloatArray
from mentoreval.numerics.did_cells import (
    CellEffects,
    CellError,
    CellMethod,
    Outcomes,
    carry,
    fit_propensity,
    from_logit,
    odds_of,
    regress,
)
from mentoreval.numerics.logit import aliased_columns


def compare_cross_sections(
    y: FloatArray, after: BoolArray, treated: BoolArray, weights: FloatArray, X: FloatArray, method: CellMethod
) -> CellEffects:
    """Average effect on the treated of the change between two cross-sections, against that of the comparison rows.

    y : (n,) outcome
    after : (n,) True in rows of the later cross-section
    treated : (n,) True in rows of the group that is treated after
    weights : (n,) at least 0, some above 0 in each of the four groups
    X : (n, p) covariates, the intercept first; with the intercept alone the three methods are the same
    method : doubly_robust is the locally efficient estimator (Sant'Anna & Zhao 2020, eq. 3.4; DRDID's ``drdid_rc``),
        with a regression in each of the four groups and a logit over all rows; inverse_probability DRDID's
        ``std_ipw_did_rc``, outcome_regression its ``reg_did_rc``

    The composition of the groups must be the same before and after. att is (1,) and influence (n, 1).
    """
    X = X[:, np.setdiff1d(np.arange(X.shape[1]), aliased_columns(X, weights))]
    mass = np.where(treated, weights, 0.0)
    if X.shape[1] == 1:
        method = "outcome_regression"
    if method == "inverse_probability":
        own = _mean_change(y, after, mass)
        other, influence, n_trimmed = _reweighted(y, after, treated, weights, X)
        return _cell(own[0] - other, own[1] - influence, n_trimmed)
    comparison = [regress(X, y, np.where(treated | (after != late), 0.0, weights), "comparison") for late in (0, 1)]
    expected = X @ (comparison[1].coefficients - comparison[0].coefficients)
    share = mass / mass.sum()
    if method == "outcome_regression":
        own = _mean_change(y, after, mass)
        predicted, influence = _mean_prediction(expected, X, share, comparison)
        return _cell(own[0] - predicted, own[1] - influence)
    own_regressions = [regress(X, y, np.where(after == late, mass, 0.0), "treated") for late in (0, 1)]
    changed = X @ (own_regressions[1].coefficients - own_regressions[0].coefficients)
    effect, influence = _mean_prediction(changed - expected, X, share, own_regressions)
    influence -= carry(comparison[1], X, share)[:, 0] - carry(comparison[0], X, share)[:, 0]
    left = y - np.where(after, X @ comparison[1].coefficients, X @ comparison[0].coefficients)
    bias, from_bias, n_trimmed = _reweighted(left, after, treated, weights, X, comparison)
    return _cell(effect - bias, influence - from_bias, n_trimmed)


def _cell(att: float, influence: FloatArray, n_trimmed: int = 0) -> CellEffects:
    return CellEffects(np.array([att]), influence[:, None], n_trimmed)


def _mean_change(y: FloatArray, after: BoolArray, mass: FloatArray) -> tuple[float, FloatArray]:
    """Weighted mean of y (n,) after less before, and the influence (n,) of each row on it."""
    share = np.where(after, mass / mass[after].sum(), mass / mass[~after].sum())
    mean = np.where(after, share[after] @ y[after], share[~after] @ y[~after])
    sign = np.where(after, 1.0, -1.0)
    return float(share @ (sign * y)), sign * share * (y - mean)


def _mean_prediction(
    values: FloatArray, X: FloatArray, share: FloatArray, regressions: list[Outcomes]
) -> tuple[float, FloatArray]:
    """Mean of predicted changes (n,) with shares (n,), and its influence, through the two regressions too."""
    mean = float(share @ values)
    through = carry(regressions[1], X, share) - carry(regressions[0], X, share)
    return mean, share * (values - mean) + through[:, 0]


def _reweighted(
    y: FloatArray,
    after: BoolArray,
    treated: BoolArray,
    weights: FloatArray,
    X: FloatArray,
    regressions: list[Outcomes] | None = None,
) -> tuple[float, FloatArray, int]:
    """Change of the comparison rows weighted to be like the treated, its influence (n,), and the rows trimmed.

    regressions : before and after, where y is what they leave
    """
    probability = fit_propensity(treated, weights, X)
    odds, n_trimmed = odds_of(treated, weights, probability)
    if not odds[after].sum() > 0 or not odds[~after].sum() > 0:
        raise CellError("no comparison unit resembles the treated ones")
    change, influence = _mean_change(y, after, odds)
    influence = influence + from_logit(treated, weights, X, probability, influence[:, None])[:, 0]
    if regressions is not None:
        late, early = np.where(after, odds / odds[after].sum(), 0.0), np.where(after, 0.0, odds / odds[~after].sum())
        influence -= (carry(regressions[1], X, late) - carry(regressions[0], X, early))[:, 0]
    return change, influence, n_trimmed
