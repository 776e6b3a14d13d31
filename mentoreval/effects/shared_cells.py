"""Shared cells: units that start together and are seen in the same periods share every indicator of a regression.

A regression of hundred thousands of unit-periods on indicators of cohorts and periods has only as many distinct rows as
there are such groups of units, times periods. Unit and period effects are taken out of the indicators in that small
table, weighted by how many rows stand behind each of its own, and nothing is lost: the unit effect of an indicator is
the same for all units of a group.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentoreval.aliases import FloatArray, IntArray
from mentoreval.effects.unit_periods import UnitPeriods

BITS = 40
"""Periods that one whole number can hold as the digits of a sum of powers of two, exactly."""


@dataclass(frozen=True, eq=False)
class SharedCells:
    """The distinct rows of a table of indicators.

    cell : (n,) the cell of each row
    first : (c,) a row of each cell
    count : (c,) rows of each cell
    group : (units,) code of the group of each level of the unit effect of the rows
    unit_effect, period_effect : (c,) codes of the two fixed effects of the table
    weights : (c,) total weight of the rows of each cell
    """

    cell: IntArray
    first: IntArray
    count: IntArray
    group: IntArray
    unit_effect: IntArray
    period_effect: IntArray
    weights: FloatArray


def share_cells(rows: UnitPeriods) -> SharedCells:
    """The cells of unit-periods: one for each period of each group of units with one arm, cohort and set of periods."""
    group = _groups(rows)
    n_periods = len(rows.design.panel.timeline.clock)
    code = (group * n_periods)[rows.unit_effect]
    code += rows.period
    times = np.bincount(code)
    distinct = np.flatnonzero(times)
    place = np.empty(len(times), dtype=np.int64)
    place[distinct] = np.arange(len(distinct))
    cell = place[code]
    first = np.empty(len(distinct), dtype=np.int64)
    first[cell[::-1]] = np.arange(len(cell))[::-1]  # written last, the first row stays
    weights = np.bincount(cell, rows.weights).astype(float)
    return SharedCells(cell, first, times[distinct], group, distinct // n_periods, rows.period_effect[first], weights)


def _groups(rows: UnitPeriods) -> IntArray:
    """(units,) code of the group of each level of the unit effect."""
    n_units, clock = int(rows.unit_effect.max()) + 1, rows.design.panel.timeline.clock
    one_row = np.empty(n_units, dtype=np.int64)
    one_row[rows.unit_effect] = np.arange(len(rows.unit_effect))
    kind = 2 * np.searchsorted(clock, rows.cohort[one_row]) + rows.treated[one_row]
    if len(rows.unit_effect) == n_units * len(clock):  # all of them are seen in every period
        return np.asarray(pd.factorize(kind)[0], dtype=np.int64)
    for low in range(0, len(clock), BITS):
        place = np.arange(len(clock)) - low
        digit = np.where((place >= 0) & (place < BITS), 2.0**place, 0.0)
        seen = np.bincount(rows.unit_effect, digit[rows.period], minlength=n_units).astype(np.int64)
        codes, levels = pd.factorize(seen)
        kind = pd.factorize(kind * len(levels) + codes)[0].astype(np.int64)
    return kind
