"""Compared cells: the effect of each cohort in each period, from pairs of the same units or from cross-sections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.design.design import Design
from mentoreval.effects.cells import Cell, Members
from mentoreval.effects.sample import covariates_before, model_matrix
from mentoreval.errors import EffectError
from mentoreval.numerics.did_cells import CellError, CellMethod, compare_changes
from mentoreval.numerics.did_cross_sections import compare_cross_sections
from mentoreval.panel.panel import PRIOR, Panel

Missing = Literal["complete_pairs", "cross_sections"]


@dataclass(frozen=True, eq=False)
class ComparedCell:
    """An estimated cell: its units (m,), which of them are treated, and their influence as a sum (m,)."""

    cell: Cell
    att: float
    unit: IntArray
    treated: BoolArray
    influence: FloatArray
    n_trimmed: int = 0

    @classmethod
    def of_reference(cls, cell: Cell, members: Members, known: BoolArray) -> ComparedCell:
        """The base period itself: an effect of zero that moves with nobody."""
        unit = members.unit[known[:, cell.period]]
        return cls(cell, 0.0, unit, members.treated[known[:, cell.period]], np.zeros(len(unit)))


def group_by_reading(cells: list[Cell], alike: bool) -> list[tuple[int, list[Cell]]]:
    """The cells that read their covariates in the same period, the earlier one of each, and its position.

    alike : whether all periods tell the same, so that all cells share what they read
    """
    readings = sorted({min(cell.base, cell.period) for cell in cells})
    if alike:
        return [(readings[0], cells)]
    return [(one, [cell for cell in cells if min(cell.base, cell.period) == one]) for one in readings]


def pair_covariates(
    panel: Panel, members: Members, names: tuple[str, ...], fixed: frozenset[str], reading: int
) -> tuple[FloatArray, BoolArray]:
    """(m, p) intercept and covariates, zero where one is missing, and (m,) where none is.

    fixed : those of which any row tells
    reading : position of the period in which the others are read
    """
    everyone = np.ones(len(members.unit))
    if not names:
        return everyone[:, None], everyone > 0
    start = np.full(len(members.unit), panel.timeline.clock[reading + 1])
    frame = covariates_before(panel, members.unit, start, names, fixed)
    complete = frame.notna().all(axis=1).to_numpy(dtype=bool)
    if not complete.any():
        return everyone[:, None], complete
    return _with_intercept(frame, complete), complete


def compare_pairs(
    cells: list[Cell], y: FloatArray, members: Members, mask: BoolArray, X: FloatArray, method: CellMethod
) -> list[ComparedCell]:
    """The effects of cells that have the same units (m,), from the change of each unit."""
    unit, treated = members.unit[mask], members.treated[mask]
    for arm, missing in (("treated", not treated.any()), ("comparison", bool(treated.all()))):
        if missing:
            raise CellError(f"no {arm} unit with a known outcome in both periods")
    known, change = y[unit], np.empty((len(unit), len(cells)), order="F")
    for cell, column in zip(cells, change.T, strict=True):
        np.subtract(known[:, cell.period], known[:, cell.base], out=column)
    effects = compare_changes(change, treated, members.weights[mask], X[mask], method)
    return [
        ComparedCell(cell, float(att), unit, treated, influence, effects.n_trimmed)
        for cell, att, influence in zip(cells, effects.att, effects.influence.T, strict=True)
    ]


@dataclass(frozen=True, eq=False)
class CrossSections:
    """The outcomes and covariates of a cohort's members, each row on its own.

    y : (n_units, n_periods)
    anticipation : periods before its start in which a unit compares no longer
    """

    design: Design
    members: Members
    y: FloatArray
    covariates: tuple[str, ...]
    anticipation: int

    def __post_init__(self) -> None:
        """EffectError for a covariate from another period."""
        prior = [
            name for name in self.covariates if name.startswith(PRIOR) and name not in self.design.panel.covariates
        ]
        if prior:
            raise EffectError(
                f"{prior[0]!r} is an outcome of an earlier period, and with missing = 'cross_sections' each row stands "
                "for itself. Leave it out, or use missing = 'complete_pairs'."
            )

    def known(self, cell: Cell) -> BoolArray:
        """(m, 2) whether each member has a row with outcome and covariates in the base and in the period of a cell."""
        later = self.design.panel.timeline.clock[max(cell.period, cell.base)]
        compares = self.members.until > later + self.anticipation
        periods = [cell.base, cell.period]
        known = ~np.isnan(self.y[self.members.unit][:, periods]) & compares[:, None]
        for place, period in enumerate(periods):
            if self.covariates:
                known[:, place] &= self._frame(self.members.unit, period).notna().all(axis=1).to_numpy(dtype=bool)
        return np.asarray(known, dtype=bool)

    def _frame(self, unit: IntArray, period: int) -> pd.DataFrame:
        """Covariates of units in their own row of a period; missing where they have none."""
        panel = self.design.panel
        rows = panel.row_of[unit, period]
        columns = panel.frame[[panel.check_covariate(name) for name in self.covariates]]
        taken = columns.take(np.maximum(rows, 0)).reset_index(drop=True)
        return taken.where(pd.Series(rows >= 0), axis=0) if (rows < 0).any() else taken

    def compare(self, cell: Cell, method: CellMethod) -> ComparedCell:
        """The effect of one cell, from all rows in its two periods; CellError where one of four groups is empty."""
        known, unit = self.known(cell), self.members.unit
        before, after = np.flatnonzero(known[:, 0]), np.flatnonzero(known[:, 1])
        rows, late = np.append(before, after), np.repeat([False, True], [len(before), len(after)])
        treated = self.members.treated[rows]
        self._check_groups(treated, late, cell)
        X = np.ones((len(rows), 1))
        if self.covariates:
            frames = [self._frame(unit[before], cell.base), self._frame(unit[after], cell.period)]
            X = _with_intercept(pd.concat(frames, ignore_index=True), np.ones(len(rows), dtype=bool))
        y = np.append(self.y[unit[before], cell.base], self.y[unit[after], cell.period])
        effect = compare_cross_sections(y, late, treated, self.members.weights[rows], X, method)
        influence = np.bincount(rows, effect.influence[:, 0], minlength=len(unit)).astype(float)
        chosen = known.any(axis=1)
        return ComparedCell(
            cell, float(effect.att[0]), unit[chosen], self.members.treated[chosen], influence[chosen], effect.n_trimmed
        )

    def _check_groups(self, treated: BoolArray, late: BoolArray, cell: Cell) -> None:
        timeline = self.design.panel.timeline
        for arm, flag in (("treated", True), ("comparison", False)):
            for period, when in ((cell.base, False), (cell.period, True)):
                if not (late[treated == flag] == when).any():
                    label = timeline.label(timeline.clock[period])
                    raise CellError(f"no {arm} unit with a known outcome in {label}")


def _with_intercept(frame: pd.DataFrame, complete: BoolArray) -> FloatArray:
    """(m, p) intercept and covariates as columns; zeros in rows that are not complete."""
    values = model_matrix(frame[complete].reset_index(drop=True)).values
    X = np.zeros((len(frame), 1 + values.shape[1]))
    X[:, 0], X[complete, 1:] = 1.0, values
    return X
