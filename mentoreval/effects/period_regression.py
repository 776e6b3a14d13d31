"""Period regression: unit-periods on both effects, indicators and covariates, with influence by unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mentoreval.aliases import FloatArray, IntArray
from mentoreval.design.design import Design
from mentoreval.effects.clusters import unit_clusters
from mentoreval.effects.estimator import LinearModel
from mentoreval.effects.regression import absorb_columns, check_rows, refuse_constant, solve
from mentoreval.effects.shared_cells import SharedCells
from mentoreval.effects.unit_periods import UnitPeriods, number
from mentoreval.numerics.absorb import absorb


@dataclass(frozen=True, eq=False)
class PeriodRegression:
    """A regression of unit-periods.

    linear : the regression, with one row for each unit-period
    influence : (m, k) one row for each unit; theta-hat minus theta is about the mean of the rows
    unit : (m,) unit code of each row of influence
    """

    linear: LinearModel
    influence: FloatArray
    unit: IntArray

    def clusters(self, design: Design) -> dict[str, IntArray]:
        """For each cluster variable the (m,) codes of the rows of influence."""
        return {name: codes[self.unit] for name, codes in unit_clusters(design).items()}


def regress_periods(
    rows: UnitPeriods, cells: SharedCells, indicators: FloatArray, names: Sequence[str], contrasts: FloatArray
) -> PeriodRegression:
    """Weighted least squares of the response on both effects, indicators, and the covariates of the rows.

    indicators : (c, p) their values in each of the cells
    names : of indicators and covariates, for messages
    contrasts : (k, p + covariates) the effects

    Raises EffectError as ``fit_linear`` does.
    """
    refuse_constant(rows.response)
    effects, weights = (rows.unit_effect, rows.period_effect), rows.weights
    table = absorb_columns(indicators, (cells.unit_effect, cells.period_effect), cells.weights)
    y = absorb(rows.response, effects, weights)
    owner = number(rows.unit)
    if rows.covariates.shape[1]:
        X = np.column_stack([table[cells.cell], absorb_columns(rows.covariates, effects, weights)])
        fitted = solve(X, y, weights, names, absorbed=True)
        coefficients, residuals, bread, cell = fitted.coefficients, fitted.residuals, fitted.bread, None
    else:
        X, cell = table, cells.cell
        mean = np.bincount(cell, weights * y, minlength=len(table)) / cells.weights
        fitted = solve(X, mean, cells.weights, names, absorbed=True)
        coefficients, bread = fitted.coefficients, fitted.bread
        residuals = y - (X @ coefficients)[cell]
    linear = LinearModel(X, y, weights, coefficients, residuals, bread, contrasts, effects, cell, owner)
    check_rows(linear)
    return PeriodRegression(linear, _influence(linear, owner), np.flatnonzero(np.bincount(rows.unit)))


def _influence(linear: LinearModel, owner: IntArray) -> FloatArray:
    """(m, k) influence of each unit: the sum of the scores of its rows."""
    n_units, score = int(owner.max()) + 1, linear.weights * linear.residuals
    pull = linear.columns @ (linear.bread @ linear.contrasts.T)
    cell = np.arange(len(owner)) if linear.cell is None else linear.cell
    if pull.shape[1] == 1:
        return np.asarray(n_units * np.bincount(owner, score * pull[:, 0][cell])[:, None], dtype=float)
    from scipy import sparse  # takes a third of a second to load, and one effect does without

    sums = sparse.csr_matrix((score, (owner, cell)), shape=(n_units, len(pull)))
    return np.asarray(n_units * (sums @ pull))
