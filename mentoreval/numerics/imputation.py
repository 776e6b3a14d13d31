"""Untreated outcomes imputed from unit and period effects of the untreated rows, and who moves the averages of them.

Conventions: m units in rows, T periods in columns; ``untreated`` and ``treated`` (m, T) mark rows that are known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.errors import EffectError
from mentoreval.numerics.absorb import joined_levels
from mentoreval.numerics.logit import aliased_columns

SINGULAR = 1e-11
"""Share of the largest eigenvalue of the normal equations below which a direction is not determined."""


class AliasedCovariatesError(EffectError):
    """Covariates that unit and period effects, or other covariates, tell exactly; ``columns`` holds their places."""

    def __init__(self, columns: IntArray) -> None:
        self.columns = columns
        super().__init__(f"{len(columns)} covariates are told exactly by unit and period effects. Leave them out.")


@dataclass(frozen=True, eq=False)
class Imputed:
    """Unit and period effects and slopes fitted to untreated rows.

    effects : (m, T) outcome less the imputed untreated outcome in treated rows; NaN where it can not be imputed
    residuals : (m, T) residuals of the untreated rows; 0 elsewhere
    weights : (m,)
    share : (m, T) 1/number of untreated rows of the unit in each of them; 0 elsewhere
    within : one (m, T) for each covariate, less the unit's mean over its untreated rows; 0 in other rows
    inverse : (T + p, T + p) generalised inverse of the normal equations once unit effects are taken out
    """

    effects: FloatArray
    residuals: FloatArray
    weights: FloatArray
    share: FloatArray
    within: tuple[FloatArray, ...]
    inverse: FloatArray

    def first_stage(self, targets: Sequence[tuple[int, IntArray, FloatArray]]) -> FloatArray:
        """(m, k) how each unit moves k averages through the fitted effects: −Σ_t v ε over its untreated rows.

        targets : for each average the period, the units (j,) whose effect in it is averaged, and their weights (j,),
            which sum to 1
        """
        n_periods = self.share.shape[1]
        right = np.zeros((len(self.inverse), len(targets)))
        for column, (period, units, weight) in enumerate(targets):
            right[:n_periods, column] = -(weight @ self.share.take(units, axis=0))
            right[period, column] += weight.sum()
            for place, covariate in enumerate(self.within):
                right[n_periods + place, column] = weight @ covariate[units, period]
        toward = self.inverse @ right
        # Rows of equations in one piece: with rows of units the product below would take many times as long.
        scores = np.empty((len(self.inverse), len(self.residuals)))
        scores[:n_periods] = self.residuals.T
        for place, covariate in enumerate(self.within):
            scores[n_periods + place] = np.sum(covariate * self.residuals, axis=1)
        scores *= -self.weights
        return np.asarray((toward.T @ scores).T)


def impute_untreated(
    y: FloatArray,
    untreated: BoolArray,
    treated: BoolArray,
    weights: FloatArray,
    covariates: Sequence[FloatArray] = (),
) -> Imputed:
    """Weighted least squares of untreated rows on unit effects, period effects and covariates.

    y : (m, T) finite in the rows of both masks
    weights : (m,) above 0
    covariates : one (m, T) for each, finite in the rows of both masks

    Unit effects are taken out by hand, so that the equations to solve are those of the periods and slopes alone.
    Raises AliasedCovariatesError.
    """
    count = untreated.sum(axis=1)
    share = untreated / np.maximum(count, 1)[:, None]
    rows = untreated | treated
    within = tuple(_less_untreated_mean(x, share, rows) for x in covariates)
    outcome = _less_untreated_mean(y, share, rows)
    n_periods = y.shape[1]
    mass = weights[:, None] * untreated
    gram = np.zeros((n_periods + len(within),) * 2)
    gram[:n_periods, :n_periods] = np.diag(mass.sum(axis=0)) - mass.T @ share
    moment = np.empty(len(gram))
    moment[:n_periods] = np.sum(mass * outcome, axis=0)
    for place, x in enumerate(within):
        row = n_periods + place
        gram[row, :n_periods] = gram[:n_periods, row] = np.sum(mass * x, axis=0)
        gram[row, n_periods:] = [np.sum(mass * x * other) for other in within]
        moment[row] = np.sum(mass * x * outcome)
    lengths = np.array([np.sum(mass * np.where(untreated, x, 0.0) ** 2) for x in covariates])
    inverse = _generalised_inverse(gram, n_periods, lengths)
    solution = inverse @ moment
    periods = solution[:n_periods]
    left = outcome - (periods - (share @ periods)[:, None])
    for x, slope in zip(within, solution[n_periods:], strict=True):
        left -= slope * x
    effects = np.where(treated & _reachable(untreated), left, np.nan)
    return Imputed(effects, np.where(untreated, left, 0.0), weights, share, within, inverse)


def _less_untreated_mean(values: FloatArray, share: FloatArray, rows: BoolArray) -> FloatArray:
    known = np.where(rows, values, 0.0)
    known -= np.einsum("mt,mt->m", share, known)[:, None]
    return np.where(rows, known, 0.0)


def _generalised_inverse(gram: FloatArray, n_periods: int, lengths: FloatArray) -> FloatArray:
    """Inverse in which the directions of the period effects that no untreated row determines are zero.

    lengths : (p,) squared lengths of the covariates before effects are taken out
    """
    periods = _pseudo(gram[:n_periods, :n_periods])
    if len(gram) == n_periods:
        return periods
    cross = gram[:n_periods, n_periods:]
    rest = gram[n_periods:, n_periods:] - cross.T @ periods @ cross
    told = np.diag(rest) <= SINGULAR * lengths
    if told.any():
        raise AliasedCovariatesError(np.flatnonzero(told))
    scale = np.sqrt(np.diag(rest))
    values, vectors = np.linalg.eigh(rest / np.outer(scale, scale))
    aliased = aliased_columns((vectors * np.sqrt(np.maximum(values, 0.0))).T)
    if len(aliased):
        raise AliasedCovariatesError(aliased)
    slopes = np.linalg.inv(rest)
    bridge = -periods @ cross @ slopes
    return np.block([[periods - bridge @ cross.T @ periods, bridge], [bridge.T, slopes]])


def _pseudo(gram: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.pinv(gram, rcond=SINGULAR, hermitian=True), dtype=float)


def _reachable(untreated: BoolArray) -> BoolArray:
    """(m, T) True where the unit's and the period's effect stand on the same level: untreated rows link them."""
    linked = joined_levels(untreated)
    if linked.all():
        return np.broadcast_to(untreated.any(axis=1, keepdims=True), untreated.shape)
    return np.asarray((untreated.astype(np.float64) @ linked) > 0, dtype=bool)
