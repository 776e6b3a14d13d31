"""Separation: a combination of columns that tells the ones from the zeros, so that a logit has no finite estimate.

A direction b separates the data when Xb ≥ 0 for every one, Xb ≤ 0 for every zero, and not all are 0 (Albert &
Anderson 1984, Biometrika 71:1). It is complete when no row lies on the boundary. The cause is usually one column,
which is seen from its range in both groups; else a linear program finds the direction (Konis 2007), on the few rows
that matter: rows that a trial direction violates are added until it holds for all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.numerics.logit import LogitFit, aliased_columns

UNCERTAIN = 4.0
"""Standard error, in log odds over the range of a column, that data with a finite estimate hardly ever have."""

FEASIBILITY = 1e-7
"""Tolerance of the linear programming solver, on columns scaled to a largest entry of 1."""

MARGIN = 1e-5
"""Smallest scaled margin that counts as telling a row apart: well above what the solver's tolerance adds up to."""

ROWS_AT_A_TIME = 500
"""Rows the linear program starts with, and violated rows that are added to it in each round."""


@dataclass(frozen=True, eq=False)
class Separation:
    """Proof that a logit of y on X has no finite maximum.

    columns   : the columns behind it, without the intercept: one, or a few that do it together, none of which can be
                spared; empty where y itself is constant
    complete  : every row is told apart; otherwise (quasi-complete) some rows lie on the boundary
    direction : (k,) b with Xb ≥ 0 where y = 1 and Xb ≤ 0 where y = 0, up to the solver's tolerance
    """

    columns: IntArray
    complete: bool
    direction: FloatArray


def looks_separated(fit: LogitFit, X: FloatArray) -> bool:
    """Whether a fit on X (n, k) looks as if it were running away, so that ``find_separation`` is worth its time.

    It does when it has not converged, when probabilities are numerically 0 or 1, or when a coefficient is so uncertain
    that nothing is known of the log odds over the range of its column. It may suspect collinear columns for nothing.
    """
    errors = np.sqrt(np.diag(fit.covariance))
    return (
        not fit.converged
        or fit.at_boundary > 0
        or bool(np.nanmax(errors * (X.max(axis=0) - X.min(axis=0))) > UNCERTAIN)
    )


def find_separation(X: FloatArray, y: FloatArray | BoolArray) -> Separation | None:
    """The columns of X (n, k) that separate y (n,), or None if a logit has a finite estimate.

    Meant for a fit that ``looks_separated``, for it may cost more than the fit itself. Aliased columns take no part.
    Give X with its intercept, as for the fit.
    """
    X, signs = np.asarray(X, dtype=np.float64), np.where(np.asarray(y).astype(bool), 1.0, -1.0)
    kept = np.setdiff1d(np.arange(X.shape[1]), aliased_columns(X))
    varying = kept[np.ptp(X[:, kept], axis=0) > 0]
    constant = np.setdiff1d(kept, varying)
    for column in varying if constant.size else ():
        alone = _one_column(X, signs, int(column), int(constant[0]))
        if alone is not None:
            return alone
    culprits = kept
    if _direction(X[:, culprits], signs, strict=False) is None:
        return None
    for column in varying:
        fewer = culprits[culprits != column]
        if fewer.size and _direction(X[:, fewer], signs, strict=False) is not None:
            culprits = fewer
    strict = _direction(X[:, culprits], signs, strict=True)
    found = _direction(X[:, culprits], signs, strict=False) if strict is None else strict
    direction = np.zeros(X.shape[1])
    direction[culprits] = 0.0 if found is None else found
    return Separation(np.intersect1d(culprits, varying), strict is not None, direction)


def _one_column(X: FloatArray, signs: FloatArray, column: int, intercept: int) -> Separation | None:
    """Separation by one column and the intercept: its ranges in the two groups do not overlap, or only touch."""
    values = X[:, column]
    ones, zeros = values[signs > 0], values[signs < 0]
    if ones.size == 0 or zeros.size == 0:
        return None
    for side, low, high in ((1.0, zeros.max(), ones.min()), (-1.0, ones.max(), zeros.min())):
        if low <= high:
            direction = np.zeros(X.shape[1])
            direction[column] = side
            direction[intercept] = -side * (low + high) / 2 / X[0, intercept]
            return Separation(np.array([column]), bool(low < high), direction)
    return None


def _direction(X: FloatArray, signs: FloatArray, *, strict: bool) -> FloatArray | None:
    """A direction that separates, with a margin on every row if ``strict``; None if there is none."""
    scale: FloatArray = np.abs(X).max(axis=0)
    rows = _first_rows(X, signs)
    while True:
        trial = _solve(signs[rows, None] * X[rows] / scale, strict)
        if trial is None:
            return None
        margin = signs * (X @ (trial / scale))
        violated = np.flatnonzero(margin < (MARGIN / 2 if strict else -FEASIBILITY * X.shape[1]))
        if violated.size == 0:
            return trial / scale
        worst = violated[np.argsort(margin[violated], kind="stable")[:ROWS_AT_A_TIME]]
        if np.isin(worst, rows).all():
            return None  # what is left is the solver's tolerance, not a direction
        rows = np.union1d(rows, worst)


def _first_rows(X: FloatArray, signs: FloatArray) -> IntArray:
    """Rows that pin the problem down: the extremes of each column in each group, some others, and full rank."""
    some = np.linspace(0, X.shape[0] - 1, min(ROWS_AT_A_TIME, X.shape[0])).astype(np.int64)
    extremes = [
        members[pick(X[members], axis=0)]
        for members in (np.flatnonzero(signs > 0), np.flatnonzero(signs < 0))
        if members.size
        for pick in (np.argmin, np.argmax)
    ]
    rows = np.unique(np.concatenate([some, *extremes]))
    while (unseen := aliased_columns(X[rows])).size:
        seen = np.setdiff1d(np.arange(X.shape[1]), unseen)
        solution = np.linalg.lstsq(X[rows][:, seen], X[rows][:, unseen], rcond=None)[0]
        news = np.argmax(np.abs(X[:, unseen] - X[:, seen] @ solution), axis=0)
        if np.isin(news, rows).all():
            break
        rows = np.union1d(rows, news)
    return rows


def _solve(signed: FloatArray, strict: bool) -> FloatArray | None:
    """The direction in the unit cube with the largest sum of margins, or the largest smallest margin; None if zero."""
    from scipy.optimize import linprog  # slow to import, and only needed when something is wrong

    n, k = signed.shape
    if strict:
        objective = np.append(np.zeros(k), -1.0)
        constraints, bounds = np.column_stack([-signed, np.ones(n)]), [(-1.0, 1.0)] * k + [(0.0, 1.0)]
    else:
        objective, constraints, bounds = -signed.sum(axis=0), -signed, [(-1.0, 1.0)] * k
    answer = linprog(objective, A_ub=constraints, b_ub=np.zeros(n), bounds=bounds, method="highs")
    if not answer.success:
        return None
    direction = np.asarray(answer.x[:k], dtype=np.float64)
    margins = signed @ direction
    return direction if (margins.min() if strict else margins.max()) > MARGIN else None
