"""Nearest free controls in a covariate space, without a treated × controls matrix.

Controls with the same covariates are one *cell*, so that ten thousand alike students cost what one costs. The cells
are points of a k-d tree. A search asks for a few nearest cells, and for more only when those are used up or not
allowed; when used-up cells have cost too many searches, the tree is built again from the open ones.

Ties (the rule of MatchIt 4.7.2): of equally near controls the one farthest in rank on ``space.line`` is chosen. Two
that are equally far, one on each side: the right one if they are alike, else the left one (there MatchIt's choice
depends on rounding). Alike controls stand side by side on that line, so only the first and the last free control of
a cell can be chosen.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.numerics.caliper_box import CaliperBox
from mentoreval.numerics.covariate_spaces import CovariateSpace, distinct_rows
from mentoreval.numerics.strata import UNMATCHED, Limits, in_turn

NOBODY = (UNMATCHED, np.inf)

TIE = 1e-9
"""Distances that differ by less are equal: how far rounding may carry equal distances apart."""

FIRST_LOOK, LONG_LOOK = 8, 128
"""Nearest cells asked for at first, which most searches are content with; and how many are a long search."""

AHEAD = 4096
"""Searches prepared together, which is much faster than one by one."""


class CellSearch:
    """Free controls of a space; treated units are numbered 0 … treated − 1, controls by their row.

    sequence : the treated units in the order in which they will ask, so that their searches can be prepared
    """

    def __init__(self, space: CovariateSpace, treated: BoolArray, limits: Limits, sequence: IntArray) -> None:
        codes = limits.codes(treated.size)
        self.limits, self.space = limits, space
        self.row_of = np.flatnonzero(treated)
        self.rank = _ranks(space.line[space.point], codes)
        width = float(np.linalg.norm(np.ptp(space.points, axis=0))) + 1.0
        self.reach = min(limits.reach, width) + TIE
        self.strata_apart = 2.0 * width * codes  # a coordinate that puts other strata out of reach
        self.own = self._located(self.row_of)
        self.stratum: list[int] = codes[self.row_of].tolist()
        self.sequence = sequence
        self.turn = np.zeros(self.row_of.size, dtype=np.int64)
        self.turn[sequence] = np.arange(sequence.size)
        self._fill_cells(np.flatnonzero(~treated & limits.usable(treated.size)), codes)
        self._plant(np.arange(self.open.size))

    def _located(self, rows: IntArray) -> FloatArray:
        return np.column_stack([self.space.points[self.space.point[rows]], self.strata_apart[rows]])

    def _fill_cells(self, controls: IntArray, codes: IntArray) -> None:
        """Alike controls (in point, stratum and caliper covariates) in cells; ``rows[first:last]`` are still free."""
        columns = [codes[controls], self.space.point[controls]]
        if self.limits.covariates is not None:
            columns.extend(self.limits.covariates[controls].T)
        example, cell = distinct_rows(columns)
        self.rows = controls[np.argsort(cell, kind="stable")]
        self.last = np.cumsum(np.bincount(cell, minlength=example.size))
        self.first = np.append(0, self.last)[:-1]
        self.open = np.ones(example.size, dtype=bool)
        self.example = controls[example]
        self.points = self._located(self.example)
        self.cell_stratum: list[int] = codes[self.example].tolist()
        self.cell_of = np.full(codes.size, UNMATCHED, dtype=np.int64)
        self.cell_of[controls] = cell
        self.free_in: list[int] = np.bincount(codes[controls], minlength=int(codes.max(initial=0)) + 1).tolist()

    def _plant(self, cells: IntArray) -> None:
        """A tree of these cells; ``wasted`` counts the cells that its searches looked at in vain."""
        from scipy.spatial import cKDTree  # slow to import, and not every match needs it

        self.planted, self.wasted = cells, 0
        self.tree = cKDTree(self.points[cells])
        self.is_prepared = np.zeros(self.row_of.size, dtype=bool)
        self.prepared_distance = np.empty((self.row_of.size, FIRST_LOOK))
        self.prepared_place = np.empty((self.row_of.size, FIRST_LOOK), dtype=np.int64)

    def nearest(self, treated: int) -> tuple[int, float]:
        """Row and distance of the nearest free control within the limits; (UNMATCHED, infinity) if there is none."""
        if self.free_in[self.stratum[treated]] == 0:
            return NOBODY
        look = FIRST_LOOK
        while True:
            distance, cells = self._look(treated, look)
            seen_all = cells.size < look
            allowed = self._allowed(treated, cells)
            near = distance[allowed]
            if seen_all or (near.size and distance[-1] > near[0] + TIE):
                return self._choose(treated, near, cells[allowed])
            self.wasted += int(np.count_nonzero(~self.open[cells]))
            look *= 4
            if look > LONG_LOOK and self._fewer_in_box(treated, look):
                return self._nearest_in_box(treated)

    def take(self, row: int) -> None:
        """No search finds this row again; it is the first or the last free row of its cell."""
        self._remove(row, int(self.cell_of[row]))
        if self.wasted > self.planted.size:
            self._plant(np.flatnonzero(self.open))

    def serve(self, sequence: IntArray) -> list[int]:
        """The nearest free row of each treated unit in turn, which it takes; UNMATCHED for who finds none."""
        return in_turn(sequence, self.nearest, self.take)

    def several(self, treated: int, count: int) -> list[int]:
        """The ``count`` nearest rows, or as many as there are; all of them stay free."""
        found = list[int]()
        before = []
        while len(found) < count:
            row, _ = self.nearest(treated)
            if row == UNMATCHED:
                break
            cell = int(self.cell_of[row])
            before.append((cell, int(self.first[cell]), int(self.last[cell])))
            found.append(row)
            self._remove(row, cell)
        for cell, first, last in reversed(before):
            self.first[cell], self.last[cell], self.open[cell] = first, last, True
        self.free_in[self.stratum[treated]] += len(found)
        return found

    def _remove(self, row: int, cell: int) -> None:
        if self.rows[self.first[cell]] == row:
            self.first[cell] += 1
        else:
            self.last[cell] -= 1
        self.open[cell] = self.first[cell] < self.last[cell]
        self.free_in[self.cell_stratum[cell]] -= 1

    def _look(self, treated: int, look: int) -> tuple[FloatArray, IntArray]:
        """Distances and numbers of the ``look`` nearest planted cells within reach, open or not, nearest first."""
        if look == FIRST_LOOK:
            if not self.is_prepared[treated]:
                self._prepare(self.turn[treated])
            distance, place = self.prepared_distance[treated], self.prepared_place[treated]
        else:
            distance, place = self.tree.query(self.own[treated], k=look, distance_upper_bound=self.reach)
        found = int(np.searchsorted(distance, np.inf))
        return distance[:found], self.planted[place[:found]]

    def _prepare(self, turn: int) -> None:
        """The first look of the treated units whose turn comes next, all at once."""
        units = self.sequence[turn : turn + AHEAD]
        units = units[~self.is_prepared[units]]
        distance, place = self.tree.query(self.own[units], k=FIRST_LOOK, distance_upper_bound=self.reach, workers=-1)
        self.prepared_distance[units], self.prepared_place[units], self.is_prepared[units] = distance, place, True

    def _allowed(self, treated: int, cells: IntArray) -> BoolArray:
        allowed: BoolArray = self.open[cells]
        if self.limits.covariates is not None:
            covariates, widths = self.limits.box()
            apart = np.abs(covariates[self.example[cells]] - covariates[self.row_of[treated]])
            allowed = allowed & np.all(apart <= widths, axis=1)
        return allowed

    def _fewer_in_box(self, treated: int, look: int) -> bool:
        """Whether covariate calipers leave fewer cells than the next look would ask for."""
        return self.limits.covariates is not None and self.box.count(int(self.row_of[treated])) <= look

    def _nearest_in_box(self, treated: int) -> tuple[int, float]:
        cells = self.box.around(int(self.row_of[treated]))
        cells = cells[self.open[cells]]
        distance = np.linalg.norm(self.points[cells] - self.own[treated], axis=1)
        within = distance < self.reach
        return self._choose(treated, distance[within], cells[within])

    @cached_property
    def box(self) -> CaliperBox:
        """Cells by their caliper covariates."""
        return CaliperBox(self.limits, self.example, self.cell_of.size)

    def _choose(self, treated: int, distance: FloatArray, cells: IntArray) -> tuple[int, float]:
        """Of the nearest cells' outermost free rows the one farthest in rank from the treated unit."""
        if distance.size == 0:
            return NOBODY
        nearest = distance.min()
        tied = cells[distance <= nearest + TIE]
        own = self.rank[self.row_of[treated]]
        left, right = self.rows[self.first[tied]], self.rows[self.last[tied] - 1]
        ends = np.where(np.abs(self.rank[right] - own) >= np.abs(self.rank[left] - own), right, left)
        offset = self.rank[ends] - own
        return int(ends[np.argmax(2 * np.abs(offset) + (offset < 0))]), round(float(nearest), 9)


def _ranks(line: FloatArray, codes: IntArray) -> IntArray:
    """Place of each row (n,) by (stratum, line, row)."""
    order = np.lexsort((line, codes))
    rank = np.empty(order.size, dtype=np.int64)
    rank[order] = np.arange(order.size)
    return rank
