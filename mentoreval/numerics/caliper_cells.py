"""Controls by cell of their caliper covariates: who, on a stretch of the score line, lies within all widths?

Each axis of the grid is one covariate, cut into cells that are at least as wide as the box of widths, so that a box
touches at most two of them. Within a cell controls stay sorted along the line. The few controls of the touched cells
that lie on the stretch are found by bisection and checked exactly.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from mentoreval.aliases import FloatArray, IntArray
from mentoreval.numerics.strata import stable_order

MOST_CELLS = 2**20
"""Of the grid: enough that hardly any control is looked at in vain, few enough that cell and slot make one number."""

MOST_LOOKUPS = 16
"""Cells that are looked up for one box, at most: four axes on which a box may touch two cells."""

SLACK = 1e-6
"""How much wider than its width a box is taken, for rounding; members are checked exactly."""

AT_ONCE = 2**19
"""Controls looked at together."""


class CaliperCells:
    """The controls of a line in a grid.

    values : (c, m)  caliper covariates of each slot of the line
    own    : (c, t)  those of the treated units
    widths : (c,)    how far apart a pair may be in each
    slots  : (s,)    slots with a control, ascending
    """

    def __init__(self, values: FloatArray, own: FloatArray, widths: FloatArray, slots: IntArray) -> None:
        self.own, self.widths, self.length = own, widths, values.shape[1]
        cell = np.zeros(slots.size, dtype=np.int64)
        self.touched, self.splits = np.zeros((2, 0, own.shape[1]), dtype=np.int64), list[bool]()
        cells = 1
        for axis in np.argsort(widths / (values[:, slots].std(axis=1) + np.finfo(float).tiny)).tolist():
            of_controls, touched, size = _cut(values[axis, slots], own[axis], float(widths[axis]), MOST_CELLS // cells)
            splits = bool(np.any(touched[0] != touched[1]))
            if size > 1 and 2 ** (sum(self.splits) + splits) <= MOST_LOOKUPS:
                cell += cells * of_controls
                self.touched = np.concatenate([self.touched, cells * touched[:, None]], axis=1)
                self.splits.append(splits)
                cells *= size
        order = np.argsort(cell.astype(np.uint16), kind="stable") if cells <= 2**16 else stable_order(cell)
        self.slots = slots[order]
        self.keys = cell[order] * (self.length + 1) + self.slots
        self.values = np.ascontiguousarray(values[:, self.slots])

    def within(self, units: IntArray, low: IntArray, high: IntArray) -> tuple[IntArray, IntArray]:
        """Pairs (p,), (p,): place in ``units`` (u,), and a slot from ``low`` (u,) to before ``high`` in its box."""
        cells = self._cells(units)
        start = np.searchsorted(self.keys, cells * (self.length + 1) + low[:, None])
        stop = np.searchsorted(self.keys, cells * (self.length + 1) + high[:, None])
        count = np.where(cells < 0, 0, np.maximum(stop - start, 0))
        ends = np.cumsum(count.sum(axis=1))
        parts, first = list[tuple[IntArray, IntArray]](), 0
        while first < units.size:
            before = ends[first - 1] if first else 0
            last = max(int(np.searchsorted(ends, before + AT_ONCE, side="right")), first + 1)
            who, slot = self._members(units[first:last], start[first:last], count[first:last])
            parts.append((who + first, slot))
            first = last
        return np.concatenate([who for who, _ in parts]), np.concatenate([slot for _, slot in parts])

    def _cells(self, units: IntArray) -> IntArray:
        """(u, lookups) cells that the box of each unit touches; below 0 where that would be one of them again."""
        low, high = self.touched[:, :, units]
        cells = []
        for choice in product(*((False, True) if splits else (False,) for splits in self.splits)):
            chosen = np.array(choice, dtype=bool)
            cell = np.where(chosen[:, None], high, low).sum(axis=0, initial=0)
            cells.append(np.where(np.any(chosen[:, None] & (low == high), axis=0), -1, cell))
        return np.column_stack(cells)

    def _members(self, units: IntArray, start: IntArray, count: IntArray) -> tuple[IntArray, IntArray]:
        """Those of the ``count`` (u, lookups) controls from ``start`` on that are in the box, by unit."""
        count, start = count.ravel(), start.ravel()
        at = np.arange(count.sum()) + np.repeat(start - (np.cumsum(count) - count), count)
        who = np.repeat(np.arange(units.size), count.reshape(units.size, -1).sum(axis=1))
        for values, own, width in zip(self.values, self.own, self.widths.tolist(), strict=True):
            near = np.abs(values[at] - own[units][who]) <= width
            at, who = at[near], who[near]
        return who, self.slots[at]


def _cut(values: FloatArray, own: FloatArray, width: float, most: int) -> tuple[IntArray, IntArray, int]:
    """(s,) cell of each value; (2, t) first and last cell that each box own ± width touches; number of cells.

    At most ``most`` cells; a single one where boxes would touch more than two. The least and the greatest value are
    in the middle of a cell, so that with two values no box touches two cells.
    """
    lowest, span = float(values.min(initial=np.inf)), float(np.ptp(values)) if values.size else 0.0
    reach = width * (1.0 + SLACK)
    steps = min(span / (2.0 * reach * (1.0 + SLACK)) if reach > 0 else np.inf, max(most - 1, 0))
    steps = float(np.floor(steps)) if span > 0 else 0.0
    scale = steps / span if steps > 0 else 0.0

    def cell(x: FloatArray) -> IntArray:
        """Cell of each x, the nearest one if it is outside."""
        return np.clip(np.floor((x - lowest) * scale + 0.5), 0.0, steps).astype(np.int64)

    if steps < 1:
        return np.zeros(values.size, dtype=np.int64), np.zeros((2, own.size), dtype=np.int64), 1
    rounding = 4 * np.finfo(float).eps * np.abs(own)
    touched = np.stack([cell(own - reach - rounding), cell(own + reach + rounding)])
    if np.any(touched[1] - touched[0] > 1):
        return np.zeros(values.size, dtype=np.int64), np.zeros((2, own.size), dtype=np.int64), 1
    return cell(values), touched, int(steps) + 1
