"""Imputed cells: effects of cohorts and periods against untreated outcomes imputed from unit and period effects."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.design.design import Design
from mentoreval.effects.cohort_cells import CellEstimates, CohortCells, group_cells
from mentoreval.effects.unit_periods import UnitPeriods, compares_untreated, number, observe_periods
from mentoreval.errors import EffectError, first_few
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
    stacks = [(one, *_impute(rows, one, covariates, name)) for one in _stacks(rows)]
    effect = np.full(len(rows.unit), np.nan)
    for mask, place, fitted in stacks:
        effect[mask] = fitted.effects[place[mask], rows.period[mask]]
    wanted = rows.started & (np.isin(rows.event_time, event_times) if event_times is not None else True)
    chosen = wanted & ~np.isnan(effect)
    if not chosen.any():
        raise EffectError(
            f"No effect can be imputed: {int(wanted.sum()):,} treated unit-periods, none with an untreated period of "
            "its own and an untreated unit in the same period that can be linked. Check outcomes before the start, "
            "or ask for other event_times."
        )
    rows = replace(rows, facts={**rows.facts, "rows_not_imputed": int(np.count_nonzero(wanted & ~chosen))})
    cells = group_cells(rows, chosen, compares_untreated(rows))
    return ImputedCells(rows, cells, _estimate(cells, effect, stacks), effect)


def _stacks(rows: UnitPeriods) -> list[BoolArray]:
    """Rows (n,) of each regression: of all, or of each stack, whose effects have nothing in common."""
    return [rows.cohort == cohort for cohort in np.unique(rows.cohort)] if rows.stacked else [rows.unit >= 0]


def _impute(rows: UnitPeriods, mask: BoolArray, covariates: tuple[str, ...], name: str) -> tuple[IntArray, Imputed]:
    """The place (n,) of each row's unit in one regression, and the regression."""
    place = np.full(len(mask), -1, dtype=np.int64)
    place[mask] = number(rows.unit_effect[mask])
    shape = (int(place.max()) + 1, len(rows.design.panel.timeline.clock))
    where = (place[mask], rows.period[mask])

    def grid(values: FloatArray) -> FloatArray:
        """(m, T) values of the rows (n,) of this regression; 0 where there is no row."""
        out = np.zeros(shape)
        out[where] = values[mask]
        return out

    weights = np.zeros(shape[0])
    weights[where[0]] = rows.weights[mask]
    started = grid(rows.started.astype(float)) > 0
    known = grid(np.ones(len(mask))) > 0
    try:
        fitted = impute_untreated(
            grid(rows.response), known & ~started, started, weights, [grid(column) for column in rows.covariates.T]
        )
    except AliasedCovariatesError as error:
        named = first_few(covariates[column] for column in error.columns)
        raise EffectError(
            f"{name} has covariates that are told exactly by unit and period effects or other covariates in the "
            f"untreated unit-periods: {named}. Leave them out."
        ) from None
    return place, fitted


def _estimate(
    cells: CohortCells, effect: FloatArray, stacks: list[tuple[BoolArray, IntArray, Imputed]]
) -> CellEstimates:
    """Weighted means of the cells, and influence with one row for each unit."""
    rows, k = cells.rows, len(cells.cohort)
    inside = np.flatnonzero(cells.cell >= 0)
    code, weight = cells.cell[inside], rows.weights[inside] / cells.mass[cells.cell[inside]]
    theta = np.bincount(code, weight * effect[inside], minlength=k).astype(float)
    n_panel = rows.design.panel.n_units
    total = np.zeros((n_panel, k))
    total[rows.unit[inside], code] = weight * (effect[inside] - theta[code])
    own = np.zeros(len(cells.cell))
    own[inside] = weight
    for mask, place, fitted in stacks:
        targets, columns = _targets(cells, mask, place, own)
        unit = np.zeros(len(fitted.weights), dtype=np.int64)
        unit[place[mask]] = rows.unit[mask]
        total[unit[:, None], columns] += fitted.first_stage(targets)
    seen = np.flatnonzero(np.bincount(rows.unit, minlength=n_panel))
    return CellEstimates(theta, len(seen) * total[seen], seen)


def _targets(
    cells: CohortCells, mask: BoolArray, place: IntArray, own: FloatArray
) -> tuple[list[tuple[int, IntArray, FloatArray]], IntArray]:
    """The averages of the cells of one regression, as the numerics take them, and the positions of these cells."""
    members = np.flatnonzero(mask & (cells.cell >= 0))
    order = members[np.argsort(cells.cell[members], kind="stable")]
    columns, first = np.unique(cells.cell[order], return_index=True)
    groups = np.split(order, first[1:])
    targets = [(int(cells.period[column]), place[g], own[g]) for column, g in zip(columns, groups, strict=True)]
    return targets, columns
