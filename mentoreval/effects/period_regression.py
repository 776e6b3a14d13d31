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
from mentoreval.effects.unit_periods import UnitPeriods
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
    y, mean = _absorb_response(rows, cells)
    if rows.covariates.shape[1]:
        X = np.column_stack([table[cells.cell], absorb_columns(rows.covariates, effects, weights)])
        fitted = solve(X, y, weights, names, absorbed=True)
        coefficients, residuals, bread, cell = fitted.coefficients, fitted.residuals, fitted.bread, None
    else:
        X, cell = table, cells.cell
        fitted = solve(X, mean, cells.weights, names, absorbed=True)
        coefficients, bread = fitted.coefficients, fitted.bread
        residuals = y - (X @ coefficients)[cell]
    linear = LinearModel(X, y, weights, coefficients, residuals, bread, contrasts, effects, cell, rows.owner)
    if len(y) <= X.shape[1] + sum(int(codes.max()) + 1 for codes in effects):  # else there are enough, linked or not
        check_rows(linear)
    return PeriodRegression(linear, _influence(linear, rows.owner, len(rows.units)), rows.units)


def _absorb_response(rows: UnitPeriods, cells: SharedCells) -> tuple[FloatArray, FloatArray]:
    """(n,) the response less both effects, and its (c,) means in the cells.

    A unit has one weight in all its rows. Once its mean is out of them, what the period effects take is the same in all
    rows of a cell, so that the means of the cells tell it.
    """
    unit, response = rows.unit_effect, rows.response
    rest = response - (np.bincount(unit, response) / np.bincount(unit))[unit]
    mean = np.bincount(cells.cell, rows.weights * rest) / cells.weights
    left = absorb(mean, (cells.unit_effect, cells.period_effect), cells.weights)
    rest -= (mean - left)[cells.cell]
    return rest, left


def _influence(linear: LinearModel, owner: IntArray, n_units: int) -> FloatArray:
    """(m, k) influence of each unit: the sum of the scores of its rows."""
    score = linear.weights * linear.residuals
    pull = linear.columns @ (linear.bread @ linear.contrasts.T)
    cell = np.arange(len(owner)) if linear.cell is None else linear.cell
    if pull.shape[1] == 1:
        return np.asarray(n_units * np.bincount(owner, score * pull[:, 0][cell])[:, None], dtype=float)
    from scipy import sparse  # takes a third of a second to load, and one effect does without

    if (owner[1:] < owner[:-1]).any():
        order = np.argsort(owner, kind="stable")
        score, cell = score[order], cell[order]
    ends = np.append(0, np.cumsum(np.bincount(owner)))
    return np.asarray(sparse.csr_matrix((score, cell, ends), shape=(n_units, len(pull))) @ (n_units * pull))
