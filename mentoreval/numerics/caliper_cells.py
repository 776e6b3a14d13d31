"""Controls by cell of their caliper covariates: who, on a stretch of the score line, lies within all widths?

Each axis of the grid is one covariate, cut into cells that are at least as wide as the box of widths, so that a box
touches at most two of them. Within a cell controls stay sorted along the line. The few controls of the touched cells
that lie on the stretch are found by bisection and checked exactly.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mentoreval.aliases import BoolArray, FloatArray, IntArray

MOST_CELLS = 2**20
"""Of the grid: enough that hardly any control is looked at in vain, few enough that cell and slot make one number."""

MOST_LOOKUPS = 16
"""Cells that are looked up for one box, at most: four axes on which a box may touch two cells."""

SLACK = 1e-6
"""How much wider than its width a box is taken, for rounding; members are checked exactly."""

AT_ONCE = 2**19
"""Controls looked at together."""

SAMPLE = 1024
"""Rows from which it is guessed how much a covariate varies."""


class CaliperCells:
    """The controls of a line in a grid.

    covariates : (n, c)  caliper covariates of the rows
    widths     : (c,)    how far apart a pair may be in each
    treated    : (n,)    rows whose boxes are asked for; a unit is its place among them
    row        : (m,)    row of each slot of the line, below 0 where there is no control
    """

    def __init__(self, covariates: FloatArray, widths: FloatArray, treated: BoolArray, row: IntArray) -> None:
        self.own, self.widths, self.length = np.ascontiguousarray(covariates[treated].T), widths, row.size + 1
        self.splits, cells = list[bool](), 1
        spread = covariates[:: max(len(covariates) // SAMPLE, 1)].std(axis=0)
        cell, low, high = np.zeros(len(covariates), dtype=np.int64), list[IntArray](), list[IntArray]()
        for axis in np.argsort(np.where(spread > 0, widths / np.where(spread > 0, spread, 1.0), np.inf)).tolist():
            steps = _cut(covariates[:, axis], self.own[axis], float(widths[axis]), MOST_CELLS // cells)
            if steps is None:
                continue
            splits = bool(np.any(steps.low != steps.high))
            if 2 ** (sum(self.splits) + splits) <= MOST_LOOKUPS:
                cell += steps.cell if cells == 1 else cells * steps.cell
                low.append(cells * steps.low)
                high.append(cells * steps.high)
                self.splits.append(splits)
                cells *= steps.size
        self.low = sum(low, np.zeros(self.own.shape[1], dtype=np.int64))
        self.more = [last - first for first, last in zip(low, high, strict=True)]
        slots = np.flatnonzero(row >= 0)
        cell = cell[row[slots]]
        order = np.argsort(cell.astype(np.uint16), kind="stable") if cells <= 2**16 else np.argsort(cell, kind="stable")
        self.slots = slots[order]
        self.keys = cell[order] * self.length + self.slots
        self.values = np.ascontiguousarray(covariates[row[self.slots]].T)

    def within(self, units: IntArray, low: IntArray, high: IntArray) -> tuple[IntArray, IntArray]:
        """Pairs (p,), (p,): place in ``units`` (u,), and a slot from ``low`` (u,) to before ``high`` in its box."""
        keys = self._cells(units) * self.length
        start, stop = self._bisected(np.stack([keys + low[:, None], keys + high[:, None]]))
        count = np.maximum(stop - start, 0)
        ends = np.cumsum(count.sum(axis=1))
        parts, first = list[tuple[IntArray, IntArray]](), 0
        while first < units.size:
            before = ends[first - 1] if first else 0
            last = max(int(np.searchsorted(ends, before + AT_ONCE, side="right")), first + 1)
            who, slot = self._members(units[first:last], start[first:last], count[first:last])
            parts.append((who + first, slot))
            first = last
        return np.concatenate([who for who, _ in parts]), np.concatenate([slot for _, slot in parts])

    def _bisected(self, keys: IntArray) -> IntArray:
        """Where these keys would stand: in their order they are found several times as fast."""
        order = np.argsort(keys, axis=None)
        place = np.empty(keys.size, dtype=np.int64)
        place[order] = np.searchsorted(self.keys, keys.ravel()[order])
        return place.reshape(keys.shape)

    def _cells(self, units: IntArray) -> IntArray:
        """(u, lookups) cells that the box of each unit touches; −1 where that would be one of them again."""
        cells = self.low[units][:, None]
        for more, splits in zip(self.more, self.splits, strict=True):
            if splits:
                step = more[units][:, None]
                cells = np.concatenate([cells, np.where((cells < 0) | (step == 0), -1, cells + step)], axis=1)
        return cells

    def _members(self, units: IntArray, start: IntArray, count: IntArray) -> tuple[IntArray, IntArray]:
        """Those of the ``count`` (u, lookups) controls from ``start`` on that are in the box, by unit."""
        count, start = count.ravel(), start.ravel()
        at = np.arange(count.sum()) + np.repeat(start - (np.cumsum(count) - count), count)
        who = np.repeat(np.arange(units.size), count.reshape(units.size, -1).sum(axis=1))
        for values, own, width in zip(self.values, self.own, self.widths.tolist(), strict=True):
            near = np.abs(values[at] - own[units][who]) <= width
            at, who = at[near], who[near]
        return who, self.slots[at]


class Cut(NamedTuple):
    """One axis: cell (n,) of each value, first and last cell (t,) that each box touches, and how many cells."""

    cell: IntArray
    low: IntArray
    high: IntArray
    size: int


def _cut(values: FloatArray, own: FloatArray, width: float, most: int) -> Cut | None:
    """An axis of at most ``most`` cells for boxes own (t,) ± width; None where it would not tell anybody apart.

    The least and the greatest value are in the middle of a cell, so that with two values no box touches two cells.
    """
    lowest, span, box = float(values.min()), float(np.ptp(values)), width * (1.0 + SLACK)
    steps = float(np.floor(min(span / (2.0 * box * (1.0 + SLACK)) if box > 0 else np.inf, most - 1)))
    if span == 0 or steps < 1:
        return None
    rounding = 4.0 * np.finfo(float).eps * np.abs(own)

    def cell(x: FloatArray) -> IntArray:
        """Cell of each x."""
        shifted = x - lowest
        shifted *= steps / span
        shifted += 0.5
        return shifted.astype(np.int64)

    low, high = cell(np.maximum(own - box - rounding, lowest)), cell(np.minimum(own + box + rounding, lowest + span))
    return None if np.any(high - low > 1) else Cut(cell(values), low, high, int(steps) + 1)
