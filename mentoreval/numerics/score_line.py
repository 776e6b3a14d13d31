"""Controls on a line, sorted by score: the search behind nearest-neighbour matching on one number.

The nearest free control of a treated unit is its nearest free neighbour to the left or to the right. Controls that
are taken are skipped by two union-find forests ("next free at or before", "next free at or after"), so a whole
match costs one sort and near-constant time for each pair. Strata lie on the same line, with a wall of infinite
score on both sides of each, so that no search can leave its stratum.

Ties (the rule of MatchIt 4.7.2): units are sorted by (score, row). The nearer side wins, the left one if both are
equally near. So of controls with one score the last row wins on the left and the first row on the right.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.numerics.caliper_box import CaliperBox
from mentoreval.numerics.strata import UNMATCHED, Limits, stable_order

NOBODY = (UNMATCHED, np.inf)

FIRST_BLOCK, FAR_BLOCK = 256, 4096
"""Slots looked at together in a search within covariate calipers, at first and when it has become a long one."""


@dataclass(frozen=True, eq=False)
class ScoreLine:
    """m slots: the usable controls by (stratum, score, row) and two walls for each stratum.

    score  : (m,)        −inf in a left wall, +inf in a right wall
    row    : (m,)        row of the control; UNMATCHED in a wall
    place  : (treated,)  first slot to the right of each treated unit; the slot before it is the first to its left
    chooser: (treated,)  score of each treated unit
    active : (treated,)  whether it takes part
    """

    score: FloatArray
    row: IntArray
    place: IntArray
    chooser: FloatArray
    active: BoolArray


def lay_out(score: FloatArray, treated: BoolArray, limits: Limits) -> ScoreLine:
    """Put the controls and the places of the treated on the line; score (n,), treated (n,)."""
    usable = limits.usable(score.size)
    codes = limits.codes(score.size)
    order = stable_order(score)
    if limits.strata is not None:
        by_stratum = np.sort(codes[order] * score.size + np.arange(score.size))
        order = order[by_stratum % score.size]
    order = order[usable[order]]
    stratum, is_control = codes[order], ~treated[order]
    slot = np.cumsum(is_control) + 2 * stratum + 1  # one past the controls so far, and the walls passed
    strata = int(codes.max(initial=0)) + 1
    length = int(np.count_nonzero(is_control)) + 2 * strata
    controls = order[is_control]
    control_slot = slot[is_control] - 1
    line_score, row = np.empty(length), np.full(length, UNMATCHED, dtype=np.int64)
    line_score[control_slot] = score[controls]
    row[control_slot] = controls
    walls = np.flatnonzero(row == UNMATCHED)
    line_score[walls[0::2]], line_score[walls[1::2]] = -np.inf, np.inf
    place = np.zeros(score.size, dtype=np.int64)
    place[order[~is_control]] = slot[~is_control]
    return ScoreLine(line_score, row, place[treated], score[treated], usable[treated])


class FreeControls:
    """The slots that are still free. ``nearest`` and ``several`` find, ``take`` removes."""

    def __init__(self, line: ScoreLine, reach: float) -> None:
        self.reach = reach
        self.score: list[float] = line.score.tolist()
        self.place: list[int] = line.place.tolist()
        self.chooser: list[float] = line.chooser.tolist()
        self.before = list(range(line.score.size))
        self.after = self.before.copy()

    def take(self, slot: int) -> None:
        """No search finds this slot again."""
        self.before[slot] = slot - 1
        self.after[slot] = slot + 1

    def nearest(self, treated: int) -> tuple[int, float]:
        """Slot and distance of the nearest free control within reach; (UNMATCHED, infinity) if there is none."""
        place, score = self.place[treated], self.chooser[treated]
        left, right = root(self.before, place - 1), root(self.after, place)
        to_left, to_right = score - self.score[left], self.score[right] - score
        if to_left <= to_right:
            return (left, to_left) if to_left <= self.reach else NOBODY
        return (right, to_right) if to_right <= self.reach else NOBODY

    def several(self, treated: int, count: int) -> list[int]:
        """The ``count`` nearest slots, or as many as there are, while none is taken: all of them stay free."""
        score, found = self.chooser[treated], list[int]()
        left = self.place[treated] - 1
        right = left + 1
        while len(found) < count:
            to_left, to_right = score - self.score[left], self.score[right] - score
            if min(to_left, to_right) > self.reach:
                break
            if to_left <= to_right:
                found.append(left)
                left -= 1
            else:
                found.append(right)
                right += 1
        return found


class FreeControlsWithin(FreeControls):
    """Free slots for treated units that also bring covariate calipers: the nearest one within all widths.

    Slots are looked at outward from the treated unit, in blocks that grow. Where the calipers are so tight that the
    first thousands of slots hold nobody, the few controls inside the box of widths are asked of a tree instead.
    """

    def __init__(self, line: ScoreLine, treated: BoolArray, limits: Limits) -> None:
        super().__init__(line, limits.reach)
        covariates, widths = limits.box()
        self.limits = limits
        self.line = line
        self.free = line.row != UNMATCHED
        self.values = np.ascontiguousarray(covariates[line.row].T)
        self.own: list[list[float]] = covariates[treated].tolist()
        self.widths: list[float] = widths.tolist()
        self.treated_row: list[int] = np.flatnonzero(treated).tolist()
        walls = np.flatnonzero(~self.free)
        wall = np.minimum(np.searchsorted(walls, line.place), walls.size - 1)
        self.low: list[int] = (walls[wall - 1] + 1).tolist()
        self.high: list[int] = walls[wall].tolist()

    def take(self, slot: int) -> None:
        """No search finds this slot again."""
        super().take(slot)
        self.free[slot] = False

    def nearest(self, treated: int) -> tuple[int, float]:
        """Slot and distance of the nearest free control within reach and all widths, or (UNMATCHED, infinity)."""
        place = self.place[treated]
        left = self._toward(treated, place - 1, -1, self.reach)
        right = None if left is None else self._toward(treated, place, 1, min(self.reach, left[1]))
        if left is None or right is None:
            left, right = self._in_box(treated)
        return left if left[1] <= right[1] else right

    def several(self, treated: int, count: int) -> list[int]:
        """The ``count`` nearest such slots, or as many as there are; all of them stay free."""
        found = list[int]()
        while len(found) < count:
            slot, _ = self.nearest(treated)
            if slot == UNMATCHED:
                break
            found.append(slot)
            self.free[slot] = False
        self.free[found] = True
        return found

    def _toward(self, treated: int, slot: int, step: int, reach: float) -> tuple[int, float] | None:
        """The first allowed slot on one side; None if it is far away and the box has few controls anyway."""
        own, low, high = self.own[treated], self.low[treated], self.high[treated]
        score, size = self.chooser[treated], FIRST_BLOCK
        slot = root(self.after if step > 0 else self.before, slot)
        while low <= slot < high and abs(self.score[slot] - score) <= reach:
            if size == FAR_BLOCK and self.box.count(self.treated_row[treated]) <= FAR_BLOCK:
                return None
            start, stop = (slot, min(slot + size, high)) if step > 0 else (max(slot + 1 - size, low), slot + 1)
            allowed = self.free[start:stop].copy()
            for column, value, width in zip(self.values, own, self.widths, strict=True):
                allowed &= np.abs(column[start:stop] - value) <= width
            hits = allowed.nonzero()[0]
            if hits.size:
                return self._reached(treated, start + int(hits[0] if step > 0 else hits[-1]), reach)
            slot, size = (stop if step > 0 else start - 1), 4 * size
        return NOBODY

    def _in_box(self, treated: int) -> tuple[tuple[int, float], tuple[int, float]]:
        """The nearest allowed slots to the left and to the right, out of the controls in the box of widths."""
        slots = self.slots[self.box.around(self.treated_row[treated])]
        slots = slots[self.free[slots]]
        first_right = int(np.searchsorted(slots, self.place[treated]))
        left = self._reached(treated, int(slots[first_right - 1]), self.reach) if first_right > 0 else NOBODY
        right = self._reached(treated, int(slots[first_right]), self.reach) if first_right < slots.size else NOBODY
        return left, right

    def _reached(self, treated: int, slot: int, reach: float) -> tuple[int, float]:
        distance = abs(self.score[slot] - self.chooser[treated])
        return (slot, distance) if distance <= reach else NOBODY

    @cached_property
    def slots(self) -> IntArray:
        """Slots with a control, ascending."""
        return np.flatnonzero(self.line.row != UNMATCHED)

    @cached_property
    def box(self) -> CaliperBox:
        """The tree of all controls on the line, made when the first search needs it."""
        return CaliperBox(self.limits, self.line.row[self.slots], self.limits.box()[0].shape[0])


def root(forest: list[int], slot: int) -> int:
    """The free slot that stands for this one; shortens the path on the way."""
    parent = forest[slot]
    while parent != slot:
        forest[slot] = slot = forest[parent]
        parent = forest[slot]
    return slot
