"""Matching with replacement and all ties, and the standard error of Abadie and Imbens (2006) for the ATT.

The conventions are those of R's ``Matching::Match`` (ties = TRUE): every column is scaled by its standard deviation
over all students, and every comparison student as near as the last of the ``matches`` nearest shares in the match.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.spatial.distance import cdist

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.errors import DesignError
from mentoreval.numerics.blocks import row_blocks
from mentoreval.numerics.least_squares import solve_least_squares

TIE = 1e-5
"""Squared distances, in variances, that differ by no more are tied (R's ``distance.tolerance``)."""

Metric = Literal["mahalanobis", "inverse_variance"]


@dataclass(frozen=True, eq=False)
class TiedPairs:
    """Treated students and all their nearest.

    treated, nearest : (p,) rows of the students
    share : (p,) that add up to 1 for each treated student
    """

    treated: IntArray
    nearest: IntArray
    share: FloatArray

    def mean(self, values: FloatArray, n: int) -> FloatArray:
        """(n,) the mean of ``values`` (p,) over the matches of each student; 0 for a student without matches."""
        return np.asarray(np.bincount(self.treated, self.share * values, n), dtype=float)


@dataclass(frozen=True, eq=False)
class MatchedEffect:
    """The effect on the treated and its standard error."""

    theta: float
    std_error: float


def scaled_columns(X: FloatArray, metric: Metric) -> FloatArray:
    """(n, k) columns in which the Euclidean distance is the metric's, by the covariance (ddof 1) of all n students.

    Raises DesignError for columns without variance, and for the Mahalanobis metric for columns that repeat others.
    """
    centred = X - X.mean(axis=0)
    spread = np.sqrt((centred**2).sum(axis=0) / (len(X) - 1.0))
    constant = np.flatnonzero(spread <= 1e-12 * np.abs(X).max(axis=0))
    if constant.size:
        raise DesignError(
            f"Columns {constant.tolist()} are constant: no distance can be had from them. Leave them out."
        )
    unit = centred / spread
    if metric == "inverse_variance":
        return np.asarray(unit)
    values, vectors = np.linalg.eigh(unit.T @ unit / (len(X) - 1.0))
    if values[0] <= 1e-12 * values[-1]:
        raise DesignError(
            "The covariates repeat each other, so they have no Mahalanobis distance. Leave out those that are sums of "
            "others, or use the metric inverse_variance."
        )
    return np.asarray((unit @ vectors) / np.sqrt(values))


def match_with_ties(Z: FloatArray, treated: BoolArray, matches: int = 1) -> TiedPairs:
    """For every treated student the ``matches`` nearest others, and all that are as near as the last of them.

    Z : (n, k) from ``scaled_columns``
    treated : (n,)

    Raises DesignError where there are no treated students, or fewer than ``matches`` others.
    """
    seekers, pool = np.flatnonzero(treated), np.flatnonzero(~treated)
    if not len(seekers) or len(pool) < matches:
        raise DesignError(
            f"{matches} matches for each of {len(seekers):,} treated students can not be had from {len(pool):,} "
            "comparison students. Ask for fewer matches, or give a larger pool."
        )
    rows, found = [], []
    for block in row_blocks(len(seekers), len(pool), 2):
        distance = cdist(Z[seekers[block]], Z[pool], "sqeuclidean")
        farthest = np.partition(distance, matches - 1, axis=1)[:, matches - 1]
        row, column = np.nonzero(distance <= farthest[:, None] + TIE)
        rows.append(seekers[block][row])
        found.append(pool[column])
    joined = np.concatenate(rows)
    return TiedPairs(joined, np.concatenate(found), 1.0 / np.bincount(joined)[joined])


def matched_effect(
    y: FloatArray, treated: BoolArray, pairs: TiedPairs, adjusted: FloatArray | None = None
) -> MatchedEffect:
    """The ATT from matches, with the variance of Abadie & Imbens (2006) for students drawn at random.

    y : (n,) outcome
    treated : (n,)
    adjusted : (n, k) covariates of the bias adjustment (Abadie & Imbens 2011), a linear regression among the matched
        comparison students, weighted by how often they are matched; None for none

    The variance is (Σ (Yi − Ŷi − θ)² over the treated + Σ (K² − K') σ² over the comparison) / n1², where K adds up the
    shares in which a student is matched and K' their squares. σ², the variance of an outcome given the covariates, is
    taken as one for all: half the mean square of the pairs' differences from the effect (``Var.calc = 0`` in R).

    Raises AliasedColumnsError where the regression of the bias adjustment can not be solved.
    """
    n, n_treated = len(y), int(np.count_nonzero(treated))
    times: FloatArray = np.bincount(pairs.nearest, pairs.share, n).astype(float)
    squares = np.bincount(pairs.nearest, pairs.share**2, n)
    imputed = y[pairs.nearest]
    if adjusted is not None:
        predicted = _predict(adjusted, y, times)
        imputed = imputed + predicted[pairs.treated] - predicted[pairs.nearest]
    gap = (y - pairs.mean(imputed, n))[treated]
    theta = float(gap.mean())
    away = y[pairs.treated] - imputed - theta
    noise = 0.5 * float(pairs.share @ away**2) / n_treated
    variance = (float(((gap - theta) ** 2).sum()) + noise * float((times**2 - squares).sum())) / n_treated**2
    return MatchedEffect(theta, float(np.sqrt(variance)))


def _predict(X: FloatArray, y: FloatArray, times: FloatArray) -> FloatArray:
    """(n,) predictions of the regression among the matched, weighted by how often each is matched."""
    design = np.column_stack([np.ones(len(X)), X])
    used = times > 0
    return np.asarray(design @ solve_least_squares(design[used], y[used], times[used]).coefficients)
