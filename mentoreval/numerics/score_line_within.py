"""Controls on a line for treated units that also bring covariate calipers: the nearest one within all widths.

Searches are made together: for hundreds of treated units at once a stretch of the line is looked at, and of each unit
those controls are kept, nearest first, that nobody beyond the stretch can beat. Each then asks for the first of its
controls that nobody before it holds; who held it asks for its next one. Those who come to the end of what they have
found search farther, again together. In the end everybody has what would have been left at their turn, because it
does not matter in which order they ask (Gale & Shapley 1962, American Mathematical Monthly 69:9).

A stretch is looked at, whole or by cells of the caliper covariates (``caliper_cells``), and made longer until it holds
somebody. Ties as in ``score_line``.
"""

from __future__ import annotations

from array import array
from functools import cached_property

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.numerics.caliper_cells import CaliperCells
from mentoreval.numerics.score_line import NOBODY, ScoreLine
from mentoreval.numerics.strata import UNMATCHED, Limits

TOGETHER = 2048
"""Treated units that search together."""

AIM, STRETCH = 6, 8
"""Controls that the first stretch looked at should hold; how many times longer it becomes, as needed."""

FEW, LINES = 2**18, 2
"""Slots of which each is looked at, and lines of slots: cells are made for looks at more than both."""

SAMPLE = 96
"""Treated units, and slots to each side of them, from which the share of controls within the widths is guessed."""

FREE, GONE = np.iinfo(np.int32).max, -1
"""Holders of a slot that nobody holds, and of one that nobody can have any more."""


class FreeControlsWithin:
    """Free slots within covariate calipers.

    sequence : the treated units in the order in which they will ask, so that their searches can be prepared
    """

    def __init__(self, line: ScoreLine, treated: BoolArray, limits: Limits, sequence: IntArray) -> None:
        self.limits, self.treated, self.sequence = limits, treated, sequence
        self.line, self.reach = line, limits.reach
        self.holder = array("i", np.where(line.row == UNMATCHED, GONE, FREE).astype(np.int32).tobytes())
        self.holders = np.frombuffer(self.holder, dtype=np.int32)  # the same memory, for whole stretches
        walls = np.flatnonzero(line.row == UNMATCHED)
        wall = np.minimum(np.searchsorted(walls, line.place), walls.size - 1)
        self.low, self.high = walls[wall - 1] + 1, walls[wall]
        size = line.place.size
        covariates = limits.box()[0]
        self.own = np.ascontiguousarray(covariates[treated].T)
        self.values = np.ascontiguousarray(covariates[line.row].T)  # at a wall anything: nobody is looked for there
        self.turn = np.zeros(size, dtype=np.int64)
        self.turn[sequence] = np.arange(sequence.size)
        self.turns: list[int] = self.turn.tolist()
        self.units: list[int] = sequence.tolist()
        self.asked = dict[int, int]()
        self.hits = array("q")  # allowed slots: of a unit those from bounds[2 unit] to bounds[2 unit + 1], near to far
        self.bounds, self.is_all = array("q", bytes(16 * size)), bytearray(size)

    def take(self, slot: int) -> None:
        """No search finds this slot again."""
        self.holder[slot] = GONE

    def nearest(self, treated: int) -> tuple[int, float]:
        """Slot and distance of the nearest free control within reach and all widths, or (UNMATCHED, infinity)."""
        while True:
            for slot in self.hits[self.bounds[2 * treated] : self.bounds[2 * treated + 1]]:
                if self.holder[slot] == FREE:
                    return slot, abs(float(self.line.score[slot] - self.line.chooser[treated]))
            if self.is_all[treated]:
                return NOBODY
            self._search_ahead(treated)

    def serve(self, sequence: IntArray) -> IntArray:
        """The nearest such slot of each treated unit in turn, which it takes; UNMATCHED for who finds none."""
        served = np.full(self.turn.size, UNMATCHED, dtype=np.int64)
        for start in range(0, len(sequence), TOGETHER):
            self.hits = array("q")
            asking, needed = sequence[start : start + TOGETHER], 1
            self._search(asking, needed)
            asking = self._ask(self._take_first(asking))
            while asking.size:
                needed = min(2 * needed, asking.size)  # of what one finds, the others hardly hold more
                self._search(asking, needed)
                asking = self._ask(asking)
            slots = np.frombuffer(self.hits, dtype=np.int64)
            slots = slots[(self.holders[slots] != FREE) & (self.holders[slots] != GONE)]
            served[self.sequence[self.holders[slots]]] = slots
            self.holders[slots] = GONE
        return served[sequence]

    def several(self, treated: int, count: int) -> list[int]:
        """The ``count`` nearest such slots, or as many as there are, while none is taken: all of them stay free."""
        start, stop = self.bounds[2 * treated : 2 * treated + 2]
        if stop - start < count and not self.is_all[treated]:
            turn = int(self.turn[treated])
            self._search(self.sequence[turn : turn + TOGETHER], count)
            start, stop = self.bounds[2 * treated : 2 * treated + 2]
        return self.hits[start : min(stop, start + count)].tolist()

    def _take_first(self, asking: IntArray) -> IntArray:
        """Give each its nearest slot, while nobody holds any; returns those who find that one before them wants it."""
        begin, stop = np.frombuffer(self.bounds, dtype=np.int64).reshape(-1, 2)[asking].T
        some = np.flatnonzero(begin < stop)
        slot, turn = np.frombuffer(self.hits, dtype=np.int64)[begin[some]], self.turn[asking[some]]
        np.minimum.at(self.holders, slot, turn.astype(np.int32))
        return np.delete(asking, some[self.holders[slot] == turn])

    def _ask(self, asking: IntArray) -> IntArray:
        """Give each its first slot that nobody before it holds; returns those who must search farther, by turn."""
        hits, bounds, holder, turns, unserved = self.hits, self.bounds, self.holder, self.turns, list[int]()
        for unit in asking.tolist():
            while True:
                turn = turns[unit]
                for slot in hits[bounds[2 * unit] : bounds[2 * unit + 1]]:
                    if holder[slot] > turn:
                        break
                else:
                    if not self.is_all[unit]:
                        unserved.append(turn)
                    break
                before, holder[slot] = holder[slot], turn
                if before == FREE:
                    break
                unit = self.units[before]
        return self.sequence[np.sort(np.array(unserved, dtype=np.int64))]

    def _search_ahead(self, treated: int) -> None:
        """Search for a treated unit and, the first time, for those whose turn comes next."""
        turn, asked = int(self.turn[treated]), self.asked.get(treated, 0)
        units = self.sequence[turn : turn + (1 if asked else TOGETHER)]
        self._search(units, max(STRETCH * asked, 1))
        self.asked |= dict.fromkeys(units.tolist(), max(STRETCH * asked, 1))

    def _search(self, units: IntArray, needed: int) -> None:
        """Afterwards each of these units has ``needed`` controls to ask for, or all there are."""
        length = max(int(AIM * needed / self.share), 1)
        while units.size:
            units = self._look_up(units, length, needed)
            length *= STRETCH

    def _look_up(self, units: IntArray, length: int, needed: int) -> IntArray:
        """Look at about ``length`` slots around some units; returns those whose search is not settled.

        Each of them is looked at where that costs no more than to make the cells, otherwise those in some cells.
        """
        place = self.line.place[units]
        low, high = (
            np.maximum(place - length // 2 - 1, self.low[units]),
            np.minimum(place + length // 2 + 1, self.high[units]),
        )
        few = units.size * int(np.max(high - low)) <= max(FEW, LINES * self.line.row.size)
        who, slot = (self._along if few else self.cells.within)(units, low, high)
        free = self.holders[slot] > self.turn[units][who]
        return self._settle(units, (who[free], slot[free]), (low, high), needed)

    def _along(self, units: IntArray, low: IntArray, high: IntArray) -> tuple[IntArray, IntArray]:
        """As ``CaliperCells.within``, by looking at every slot of the stretches."""
        length = int(np.max(high - low))
        start = np.minimum(low, self.line.row.size - length)
        near = np.ones((units.size, length), dtype=bool)
        for values, own, width in zip(self.values, self.own, self.limits.box()[1].tolist(), strict=True):
            apart = sliding_window_view(values, length)[start]
            apart -= own[units, None]
            near &= np.abs(apart, out=apart) <= width
        at = np.flatnonzero(near)
        who = at // length
        slot = start[who] + at % length
        inside = (slot >= low[who]) & (slot < high[who])
        return who[inside], slot[inside]

    def _settle(
        self, units: IntArray, found: tuple[IntArray, IntArray], known: tuple[IntArray, IntArray], needed: int
    ) -> IntArray:
        """Keep the controls found for units (u,) that nobody outside can beat; returns the units that have too few.

        found : (p,), (p,)  unit by its place in ``units``, and slot
        known : (u,), (u,)  first slot, and one past the last, between which all allowed ones are found
        """
        (who, slot), (low, high), own = found, known, self.line.chooser[units]
        to_left = np.where(low > self.low[units], own - self.line.score[low - 1], np.inf)
        to_right = np.where(high < self.high[units], self.line.score[np.minimum(high, self.high[units])] - own, np.inf)
        apart = np.abs(self.line.score[slot] - own[who])
        sure = np.where(slot < self.line.place[units][who], apart <= to_right[who], apart < to_left[who])
        sure &= apart <= self.reach
        is_all = (to_left > self.reach) & (to_right > self.reach)
        settled = is_all | (np.bincount(who[sure], minlength=units.size) >= needed)
        kept = sure & settled[who]
        who, slot, apart = who[kept], slot[kept], apart[kept]
        order = _near_to_far(who, apart, slot - self.line.place[units][who])
        stop = len(self.hits) + np.cumsum(np.bincount(who, minlength=units.size))
        self.hits.frombytes(slot[order].tobytes())
        bounds = np.frombuffer(self.bounds, dtype=np.int64).reshape(-1, 2)
        bounds[units[settled], 1] = stop[settled]
        bounds[units[settled], 0] = np.append(len(self.hits) - slot.size, stop[:-1])[settled]
        np.frombuffer(self.is_all, dtype=bool)[units[settled]] = is_all[settled]
        return units[~settled]

    @cached_property
    def share(self) -> float:
        """About which share of the controls near a treated unit on the line are within all widths of it."""
        units = self.sequence[:: max(self.sequence.size // SAMPLE, 1)]
        slots = self.line.place[units][:, None] + np.arange(-SAMPLE, SAMPLE)
        near = (slots >= self.low[units][:, None]) & (slots < self.high[units][:, None])
        rows = self.line.row[np.where(near, slots, 0)]
        covariates, widths = self.limits.box()
        apart = np.abs(covariates[rows] - covariates[self.treated][units][:, None])
        allowed = near & np.all(apart <= widths, axis=2)
        return max(int(np.count_nonzero(allowed)), 1) / max(int(np.count_nonzero(near)), 1)

    @cached_property
    def cells(self) -> CaliperCells:
        """The controls by cell, made when the first search needs them."""
        return CaliperCells(*self.limits.box(), self.treated, self.line.row)


def _near_to_far(who: IntArray, apart: FloatArray, offset: IntArray) -> IntArray:
    """Order by unit and distance apart; at one distance left before right, each from the nearest slot on.

    offset : (p,) slots from the place of the unit, below 0 to its left
    """
    order = np.argsort(apart)
    order = order[np.argsort(who[order].astype(np.uint16), kind="stable")]
    tied = (apart[order][1:] == apart[order][:-1]) & (who[order][1:] == who[order][:-1])
    if tied.any():
        order = np.lexsort((np.where(offset < 0, ~offset, offset), offset >= 0, apart, who))
    return order
