"""Imputed cells: effects of cohorts and periods against untreated outcomes imputed from unit and period effects."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.design.design import Design
from mentoreval.effects.cohort_cells import CellEstimates, CohortCells, group_cells
from mentoreval.effects.unit_periods import UnitPeriods, compares_untreated, observe_periods
from mentoreval.errors import EffectError, first_few
from mentoreval.numerics.codes import number
from mentoreval.numerics.imputation import AliasedCovariatesError, Imputed, impute_untreated


@dataclass(frozen=True, eq=False)
class ImputedCells:
    """Rows, cells and effects after imputation.

    effect : (n,) outcome less the imputed outcome in treated rows; NaN in other rows
    """

    rows: UnitPeriods
    cells: CohortCells
    found: CellEstimates
    effect: FloatArray


def impute_cells(
    design: Design, outcome: str, name: str, covariates: tuple[str, ...], event_times: tuple[int, ...] | None
) -> ImputedCells:
    """Average effect of each cohort in each period from its start on, and each unit's influence on it.

    event_times : those of interest; None = all

    The influence of a unit on a cell is, over its treated rows in it, weight × (effect − average of the cell), and over
    its untreated rows the residual times what the row adds to the imputed outcomes of the cell. Treated rows whose
    outcome can not be imputed are left out and counted. Raises EffectError where none is left.
    """
    rows = observe_periods(design, outcome, name, covariates)
    stacks = [_impute(rows, positions, covariates, name) for positions in _stacks(rows)]
    effect = np.full(len(rows.unit), np.nan)
    for stack in stacks:
        effect[stack.positions] = stack.fitted.effects.ravel()[stack.spot]
    wanted = rows.started & (np.isin(rows.event_time, event_times) if event_times is not None else True)
    chosen = wanted & ~np.isnan(effect)
    if not chosen.any():
        raise EffectError(
            f"No effect can be imputed: {int(wanted.sum()):,} treated unit-periods, none with an untreated period of "
            "its own and an untreated unit in the same period that can be linked. Check outcomes before the start, "
            "or ask for other event_times."
        )
    compares = compares_untreated(rows)
    rows = replace(rows, facts={**rows.facts, "rows_not_imputed": int(np.count_nonzero(wanted & ~chosen))})
    cells = group_cells(rows, chosen, compares)
    return ImputedCells(rows, cells, _estimate(cells, effect, stacks), effect)


@dataclass(frozen=True, eq=False)
class _Stack:
    """One regression.

    positions : of its rows (j,) among all
    place : (j,) the place of each row's unit in the regression
    spot : (j,) the place of each row in a grid of units and periods, counted along its rows
    """

    positions: IntArray | slice
    place: IntArray
    spot: IntArray
    fitted: Imputed


def _stacks(rows: UnitPeriods) -> list[IntArray | slice]:
    """Positions of the rows of each regression: of all, or of each stack, whose effects have nothing in common."""
    if not rows.stacked:
        return [slice(None)]
    return [np.flatnonzero(rows.cohort == cohort) for cohort in np.unique(rows.cohort)]


def _impute(rows: UnitPeriods, positions: IntArray | slice, covariates: tuple[str, ...], name: str) -> _Stack:
    """The regression of the untreated rows among some (j,)."""
    place = number(rows.unit_effect[positions])
    shape = (int(place.max()) + 1, len(rows.design.panel.timeline.clock))
    spot = place * shape[1] + rows.period[positions]

    def grid(values: FloatArray | BoolArray) -> Any:
        """Values of the rows (n,) of this regression by unit and period; 0 where there is no row."""
        out = np.zeros(shape[0] * shape[1], dtype=values.dtype)
        out[spot] = values[positions]
        return out.reshape(shape)

    weights = np.zeros(shape[0])
    weights[place] = rows.weights[positions]
    started = grid(rows.started)
    untreated = grid(~rows.started)
    try:
        fitted = impute_untreated(
            grid(rows.response), untreated, started, weights, [grid(column) for column in rows.covariates.T]
        )
    except AliasedCovariatesError as error:
        named = first_few(covariates[column] for column in error.columns)
        raise EffectError(
            f"{name} has covariates that are told exactly by unit and period effects or other covariates in the "
            f"untreated unit-periods: {named}. Leave them out."
        ) from None
    return _Stack(positions, place, spot, fitted)


def _estimate(cells: CohortCells, effect: FloatArray, stacks: list[_Stack]) -> CellEstimates:
    """Weighted means of the cells, and influence with one row for each unit."""
    rows, k = cells.rows, len(cells.cohort)
    inside = np.flatnonzero(cells.cell >= 0)
    code = cells.cell[inside]
    weight = rows.weights[inside] / cells.mass[code]
    theta = np.bincount(code, weight * effect[inside], minlength=k).astype(float)
    n = len(rows.units)
    total = np.zeros((k, n))
    total.ravel()[code * n + rows.owner[inside]] = weight * (effect[inside] - theta[code])
    own = np.zeros(len(cells.cell))
    own[inside] = weight
    for stack in stacks:
        targets, columns = _targets(cells, stack, own)
        where = np.zeros(len(stack.fitted.weights), dtype=np.int64)
        where[stack.place] = rows.owner[stack.positions]
        to = slice(None) if np.array_equal(where, np.arange(n)) else where
        for column, moves in zip(columns, stack.fitted.first_stage(targets).T, strict=True):
            total[column, to] += moves
    total *= n
    return CellEstimates(theta, total.T, rows.units)


def _targets(
    cells: CohortCells, stack: _Stack, own: FloatArray
) -> tuple[list[tuple[int, IntArray, FloatArray]], IntArray]:
    """The averages of the cells of one regression, as the numerics take them, and the positions of these cells."""
    cell, weight = cells.cell[stack.positions], own[stack.positions]
    members = np.flatnonzero(cell >= 0)
    # Few codes in a small type are sorted by counting, in one pass.
    order = members[np.argsort(cell[members].astype(np.min_scalar_type(len(cells.cohort))), kind="stable")]
    columns, first = np.unique(cell[order], return_index=True)
    groups = np.split(order, first[1:])
    targets = [(int(cells.period[c]), stack.place[g], weight[g]) for c, g in zip(columns, groups, strict=True)]
    return targets, columns
