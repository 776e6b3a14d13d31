"""Cohort cells: effects of each cohort in each period from one regression, and their averages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.effects.clusters import unit_clusters
from mentoreval.effects.estimator import Estimator, Fit, GroupTime, LinearModel, make_terms
from mentoreval.effects.shared_cells import SharedCells
from mentoreval.effects.unit_periods import UnitPeriods
from mentoreval.panel.timeline import Timeline

Shares = Literal["estimated", "fixed"]


@dataclass(frozen=True, eq=False)
class CohortCells:
    """Treated unit-periods in groups of one cohort and one period.

    cohort : (k,) clock time of the start
    period : (k,) positions in the timeline
    cell : (n,) cell of each treated row; -1 for other rows
    compares : (n,) rows that cells are compared with
    reference : (k,) True where the effect is zero by definition
    table : the same cells in the table of rows that these share, and that table; None where they share none
    """

    rows: UnitPeriods
    cohort: IntArray
    period: IntArray
    cell: IntArray
    compares: BoolArray
    reference: BoolArray
    table: tuple[CohortCells, SharedCells] | None = None

    @property
    def event_time(self) -> IntArray:
        """(k,) periods since the start."""
        return np.asarray(self.rows.design.panel.timeline.clock[self.period] - self.cohort)

    @property
    def mass(self) -> FloatArray:
        """(k,) total weight of the treated rows of each cell."""
        inside = self.inside
        total = np.bincount(self.cell[inside], self.rows.weights[inside], minlength=len(self.cohort))
        return np.asarray(total, dtype=float)

    @cached_property
    def inside(self) -> IntArray:
        """Positions of the rows that are in a cell."""
        return np.flatnonzero(self.cell >= 0)

    @cached_property
    def comparison_code(self) -> IntArray:
        """(m,) for each row that cells are compared with the code of its period and, where stacked, of its stack."""
        chosen, rows = self.compares, self.rows
        return self.code(rows.cohort[chosen] if rows.stacked else rows.cohort, rows.period[chosen])

    @property
    def comparison_code_of_cell(self) -> IntArray:
        """(k,) the code of the rows that each cell is compared with."""
        return self.code(self.cohort, self.period)

    @property
    def n_codes(self) -> int:
        """Number of codes of what cells are compared with: periods and, where cohorts are stacked, stacks."""
        n_periods = len(self.rows.design.panel.timeline.clock)
        return n_periods * (n_periods + 1) if self.rows.stacked else n_periods

    def code(self, cohort: IntArray, period: IntArray) -> IntArray:
        """(m,) codes of periods and, where cohorts are stacked, of stacks."""
        clock = self.rows.design.panel.timeline.clock
        return np.searchsorted(clock, cohort) * len(clock) + period if self.rows.stacked else period

    def columns(self, rows: IntArray | None = None) -> FloatArray:
        """(m, k') one indicator for each cell that is no reference, in the rows (m,); in all rows by default."""
        cell = self.cell if rows is None else self.cell[rows]
        place = np.where(self.reference, -1, np.cumsum(~self.reference) - 1)
        column = np.where(cell >= 0, place[cell], -1)
        out = np.zeros((len(cell), int((~self.reference).sum())), order="F")
        inside = np.flatnonzero(column >= 0)
        out[inside, column[inside]] = 1.0
        return out

    def spread(self, rows: UnitPeriods, shared: SharedCells) -> CohortCells:
        """The cells of all rows, where these are of the table of rows that those share."""
        place = shared.cell
        return replace(self, rows=rows, cell=self.cell[place], compares=self.compares[place], table=(self, shared))

    @property
    def n_treated(self) -> IntArray:
        """(k,) treated rows of each cell."""
        own, times = self._counted
        found = np.bincount(own.cell[own.inside], times[own.inside], minlength=len(self.cohort))
        return found.astype(np.int64)

    @property
    def n_comparison(self) -> IntArray:
        """(k,) rows that each cell is compared with."""
        own, times = self._counted
        found = np.bincount(own.comparison_code, times[own.compares], minlength=self.n_codes)
        return found.astype(np.int64)[self.comparison_code_of_cell]

    @property
    def _counted(self) -> tuple[CohortCells, IntArray]:
        """The cells in the smallest table that has them, and how many rows stand behind each of its rows."""
        if self.table is None:
            return self, np.ones(len(self.cell), dtype=np.int64)
        own, shared = self.table
        return own, shared.count

    @property
    def has_unit(self) -> BoolArray:
        """(k, m) True where a unit that is seen is in the cell, or is compared with it."""
        rows = self.rows
        if self.table is None or rows.owner is not rows.unit_effect:
            return self._has(rows.owner, len(rows.units))
        own, shared = self.table
        return own._has(shared.unit_effect, int(shared.group.max()) + 1).take(shared.group, axis=1)

    def _has(self, owner: IntArray, n: int) -> BoolArray:
        """(k, n) as ``has_unit``, of the owners (rows,) of rows."""
        compared = np.zeros((self.n_codes, n), dtype=bool)
        compared.ravel()[self.comparison_code * n + owner[self.compares]] = True
        has = compared[self.comparison_code_of_cell]
        has.ravel()[self.cell[self.inside] * n + owner[self.inside]] = True
        return np.asarray(has)

    def contrasts(self, n_columns: int) -> FloatArray:
        """(k, n_columns) the column of each cell among regressors that begin with ``columns``; zeros for references."""
        out = np.zeros((len(self.cohort), n_columns))
        estimated = np.flatnonzero(~self.reference)
        out[estimated, np.arange(len(estimated))] = 1.0
        return out

    def labels(self) -> list[str]:
        """(k,) a name for each cell."""
        timeline = self.rows.design.panel.timeline
        return [
            f"{'reference ' if reference else ''}att({timeline.label(cohort)},{timeline.label(timeline.clock[period])})"
            for cohort, period, reference in zip(self.cohort, self.period, self.reference, strict=True)
        ]


def group_cells(rows: UnitPeriods, chosen: BoolArray, compares: BoolArray, reference: int | None = None) -> CohortCells:
    """The cells of the chosen treated rows (n,), in the order of cohorts and periods.

    reference : event time that is zero by definition; a cohort without it has its last one before the start
    """
    clock = rows.design.panel.timeline.clock
    inside = np.flatnonzero(chosen)
    starts = rows.cohort[inside]
    code = np.searchsorted(clock, starts) * len(clock) + rows.period[inside]
    distinct = np.flatnonzero(np.bincount(code))
    place = np.zeros(len(clock) * (len(clock) + 1), dtype=np.int64)
    place[distinct] = np.arange(len(distinct))
    cell = np.full(len(chosen), -1, dtype=np.int64)
    cell[inside] = place[code]
    cohort = np.zeros(len(distinct), dtype=np.int64)
    cohort[cell[inside]] = starts
    period = distinct % len(clock)
    is_reference = np.zeros(len(distinct), dtype=bool)
    if reference is not None:
        is_reference = _references(cohort, clock[period] - cohort, reference)
    return CohortCells(rows, cohort, period, cell, compares, is_reference)


def _references(cohort: IntArray, event_time: IntArray, wanted: int) -> BoolArray:
    """(k,) the reference cell of each cohort."""
    out = np.zeros(len(cohort), dtype=bool)
    for one in np.unique(cohort):
        own = np.flatnonzero(cohort == one)
        before = own[event_time[own] < 0]
        exact = own[event_time[own] == wanted]
        out[exact if len(exact) else before[-1:]] = True
    return out


@dataclass(frozen=True, eq=False)
class CellEstimates:
    """Effects of cells: theta (k,), influence (n, k) with one row for each unit (n,), and a regression if any."""

    theta: FloatArray
    influence: FloatArray
    unit: IntArray
    linear: LinearModel | None = None


def fit_of_cells(
    estimator: Estimator,
    outcome: str,
    cells: CohortCells,
    found: CellEstimates,
    shares: Shares,
    facts: Mapping[str, object],
) -> Fit:
    """The fit of effects of cells.

    shares : "estimated": one term for each cell, and ``Estimate.pool`` averages them with the noise of the cohort
        shares. "fixed": one term for each event time and ``average``, over all treated rows from the start on, each
        cell counting by the weight of its rows, which the errors take as given
    """
    design = cells.rows.design
    clusters = {name: codes[found.unit] for name, codes in unit_clusters(design).items()}
    fit = Fit(
        design=design,
        outcome=outcome,
        estimator=estimator,
        terms=_cell_terms(cells),
        theta=found.theta,
        influence=found.influence,
        clusters=clusters,
        entries=cells.rows.entries,
        linear=found.linear,
        facts=facts,
    )
    return replace(fit, group_time=_group_time(cells)) if shares == "estimated" else _average(fit, cells)


def _cell_terms(cells: CohortCells) -> pd.DataFrame:
    timeline = cells.rows.design.panel.timeline
    n_treated, n_comparison = cells.n_treated, cells.n_comparison
    rows = []
    for place, label in enumerate(cells.labels()):
        rows.append(
            {
                "term": label,
                "cohort": timeline.label(cells.cohort[place]),
                "period": timeline.label(timeline.clock[cells.period[place]]),
                "event_time": int(cells.event_time[place]),
                "n_treated": int(n_treated[place]),
                "n_comparison": int(n_comparison[place]),
            }
        )
    return make_terms(rows)


def _count(cells: CohortCells, chosen: BoolArray) -> dict[str, object]:
    """Distinct treated and comparison units of the chosen cells (k,)."""
    treated = (cells.cell >= 0) & chosen[cells.cell]
    wanted = np.zeros(cells.n_codes, dtype=bool)
    wanted[cells.comparison_code_of_cell[chosen]] = True
    compared = np.flatnonzero(cells.compares)[wanted[cells.comparison_code]]
    return {"n_treated": cells.rows.n_units(treated), "n_comparison": cells.rows.n_units(compared)}


def _group_time(cells: CohortCells) -> GroupTime:
    """Cohorts and cells as pooling needs them; influence has one row for each unit that is seen (n,)."""
    rows, n = cells.rows, len(cells.rows.units)
    cohort, weight = np.full(n, Timeline.NEVER, dtype=np.int64), np.zeros(n)
    own = rows.entries[rows.design.baseline.treated[rows.entries]]
    row = np.searchsorted(rows.units, rows.design.baseline.unit[own])
    cohort[row], weight[row] = rows.design.baseline.cohort[own], rows.design.weighting.weights[own]
    clock = rows.design.panel.timeline.clock
    return GroupTime(cohort, weight, cells.has_unit.T, cells.cohort, clock[cells.period])


def _average(fit: Fit, cells: CohortCells) -> Fit:
    """The fit with one term for each event time and their average, cells counting by the weight of their rows."""
    time, mass = cells.event_time, cells.mass
    each = [(time == one) for one in np.unique(time)]
    chosen = [*each, time >= 0]
    names = [
        f"{'reference ' if cells.reference[mask].all() else ''}event_time={one}"
        for one, mask in zip(np.unique(time), each, strict=True)
    ]
    weights = np.array([np.where(mask & ~cells.reference, mass, 0.0) / _total(mass, mask, cells) for mask in chosen])
    terms: list[dict[str, object]] = [
        {"term": name, "event_time": int(one)} for name, one in zip(names, np.unique(time), strict=True)
    ]
    terms.append({"term": "average"})
    assert fit.influence is not None
    return replace(
        fit,
        terms=make_terms([{**term, **_count(cells, mask)} for term, mask in zip(terms, chosen, strict=True)]),
        theta=weights @ fit.theta,
        influence=fit.influence @ weights.T,
        linear=replace(fit.linear, contrasts=weights @ fit.linear.contrasts) if fit.linear is not None else None,
    )


def _total(mass: FloatArray, mask: BoolArray, cells: CohortCells) -> float:
    """Weight of the cells that are averaged; 1 where all are references."""
    total = float(mass[mask & ~cells.reference].sum())
    return total if total > 0 else 1.0
