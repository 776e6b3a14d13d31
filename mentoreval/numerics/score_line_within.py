"""Controls on a line for treated units that also bring covariate calipers: the nearest one within all widths.

Searches are made together: for hundreds of treated units at once a stretch of the line is looked at, and of each unit
those controls are kept, nearest first, that nobody beyond the stretch can beat. Each then asks for the first of its
controls that nobody before it holds; who held it asks for its next one. Those who come to the end of what they have
found search farther, again together. In the end everybody has what would have been left at their turn, because it
does not matter in which order they ask (Gale & Shapley 1962, American Mathematical Monthly 69:9).

A stretch is looked at slot by slot where calipers are wide, by cells of the caliper covariates (``caliper_cells``)
where they are tight, and is made longer until it holds somebody. Ties as in ``score_line``.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.numerics.caliper_cells import CaliperCells
from mentoreval.numerics.score_line import NOBODY, ScoreLine
from mentoreval.numerics.strata import UNMATCHED, Limits

TOGETHER = 512
"""Treated units that search together."""

WINDOWS = (10, 40)
"""Free slots to each side looked at one by one; the wider window only where the first one settles nothing."""

WORTH_WALKING = 0.1
"""Share of controls within the widths from which on the windows are tried before the cells."""

AIM, STRETCH = 6, 4
"""Controls that the first stretch looked at by cells should hold; how many times longer it becomes, as needed."""

SAMPLE = 256
"""Treated units, and slots to each side of them, from which the share of controls within the widths is guessed."""

NEAR = 2**14
"""Slots beyond the places of the units that are searched for free ones to fill the windows."""

FREE, GONE = np.iinfo(np.int32).max, -1
"""Holders of a slot that nobody holds, and of one that nobody can have any more."""


class FreeControlsWithin:
    """Free slots within covariate calipers.

    sequence : the treated units in the order in which they will ask, so that their searches can be prepared
    """

    def __init__(self, line: ScoreLine, treated: BoolArray, limits: Limits, sequence: IntArray) -> None:
        covariates, self.widths = limits.box()
        self.line, self.reach, self.sequence = line, limits.reach, sequence
        self.holder = array("i", np.where(line.row == UNMATCHED, GONE, FREE).astype(np.int32).tobytes())
        self.holders = np.frombuffer(self.holder, dtype=np.int32)  # the same memory, for whole stretches
        self.values = np.ascontiguousarray(covariates[line.row].T)
        self.own = np.ascontiguousarray(covariates[treated].T)
        walls = np.flatnonzero(line.row == UNMATCHED)
        wall = np.minimum(np.searchsorted(walls, line.place), walls.size - 1)
        self.low, self.high = walls[wall - 1] + 1, walls[wall]
        size = line.place.size
        self.turn = np.zeros(size, dtype=np.int64)
        self.turn[sequence] = np.arange(sequence.size)
        self.turns: list[int] = self.turn.tolist()
        self.units: list[int] = sequence.tolist()
        self.stretched, self.asked = 1, dict[int, int]()
        self.hits = list[int]()  # allowed slots: of a unit those from bounds[2 unit] to bounds[2 unit + 1], near to far
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

    def serve(self, sequence: Sequence[int]) -> dict[int, int]:
        """The nearest such slot of each treated unit in turn, which it takes; who finds none is left out."""
        served = dict[int, int]()
        for start in range(0, len(sequence), TOGETHER):
            self.hits.clear()
            asking, needed = list(sequence[start : start + TOGETHER]), 1
            while asking:
                self._search(np.array(asking), needed)
                asking = self._ask(asking, served)
                needed *= 2
        self.holders[list(served.values())] = GONE
        return served

    def several(self, treated: int, count: int) -> list[int]:
        """The ``count`` nearest such slots, or as many as there are, while none is taken: all of them stay free."""
        start, stop = self.bounds[2 * treated : 2 * treated + 2]
        if stop - start < count and not self.is_all[treated]:
            turn = int(self.turn[treated])
            self._search(self.sequence[turn : turn + TOGETHER], count)
            start, stop = self.bounds[2 * treated : 2 * treated + 2]
        return self.hits[start : min(stop, start + count)]

    def _ask(self, asking: Sequence[int], served: dict[int, int]) -> list[int]:
        """Give each its first slot that nobody before it holds; returns those who must search farther, by turn."""
        hits, bounds, holder, turns, unserved = self.hits, self.bounds, self.holder, self.turns, list[int]()
        for unit in asking:
            while True:
                turn = turns[unit]
                for slot in hits[bounds[2 * unit] : bounds[2 * unit + 1]]:
                    if holder[slot] > turn:
                        break
                else:
                    if not self.is_all[unit]:
                        unserved.append(unit)
                    break
                before, holder[slot], served[unit] = holder[slot], turn, slot
                if before == FREE:
                    break
                unit = self.units[before]
                del served[unit]
        return sorted(unserved, key=turns.__getitem__)

    def _search_ahead(self, treated: int) -> None:
        """Search for a treated unit and, the first time, for those whose turn comes next."""
        turn, asked = int(self.turn[treated]), self.asked.get(treated, 0)
        units = self.sequence[turn : turn + (1 if asked else TOGETHER)]
        self._search(units, max(STRETCH * asked, 1))
        self.asked |= dict.fromkeys(units.tolist(), max(STRETCH * asked, 1))

    def _search(self, units: IntArray, needed: int) -> None:
        """Afterwards each of these units has ``needed`` controls to ask for, or all there are."""
        if self.share >= WORTH_WALKING:
            for width in WINDOWS:
                units = self._walk(units, width, needed)
        length, size = self.stretched * max(int(AIM * needed / self.share), 1), units.size
        while units.size:
            left = self._look_up(units, length, needed)
            length *= STRETCH
            units = left

    def _walk(self, units: IntArray, width: int, needed: int) -> IntArray:
        """Look at ``width`` free slots to each side of some units; returns those whose search is not settled."""
        if not units.size:
            return units
        place, steps = self.line.place[units], np.arange(width)
        start, stop = max(int(place.min()) - NEAR, 0), min(int(place.max()) + NEAR, self.line.row.size)
        free = start + np.flatnonzero(self.holders[start:stop] > self.turn[units].min())
        known = np.concatenate([[start - 1], free, [stop]])  # its ends are what lies beyond
        middle = np.searchsorted(free, place) + 1
        at = np.concatenate([middle[:, None] - 1 - steps, middle[:, None] + steps], axis=1)
        slots = known.take(at, mode="clip")
        allowed = (slots >= self.low[units][:, None]) & (slots < self.high[units][:, None])
        allowed &= (at > 0) & (at < known.size - 1)
        for values, own, box_width in zip(self.values, self.own, self.widths.tolist(), strict=True):
            allowed &= np.abs(values.take(slots, mode="clip") - own[units][:, None]) <= box_width
        who, column = np.nonzero(allowed)
        low = known[np.maximum(middle - 1 - width, 0)] + 1
        high = known[np.minimum(middle + width, known.size - 1)]
        return self._settle(units, (who, slots[who, column]), (low, high), needed)

    def _look_up(self, units: IntArray, length: int, needed: int) -> IntArray:
        """Look at about ``length`` slots around some units by cells; returns those whose search is not settled."""
        place = self.line.place[units]
        low, high = np.maximum(place - length // 2 - 1, self.low[units]), np.minimum(place + length // 2 + 1, self.high[units])
        who, slot = self.cells.within(units, low, high)
        free = self.holders[slot] > self.turn[units][who]
        who, slot = who[free], slot[free]
        right = slot - place[who]
        by_steps = np.argsort(np.where(right < 0, -1 - right, right + self.line.row.size))
        return self._settle(units, (who[by_steps], slot[by_steps]), (low, high), needed)

    def _settle(
        self, units: IntArray, found: tuple[IntArray, IntArray], known: tuple[IntArray, IntArray], needed: int
    ) -> IntArray:
        """Keep the controls found for units (u,) that nobody outside can beat; returns the units that have too few.

        found : (p,), (p,)  unit by its place in ``units``, and slot; of each unit left before right, near to far
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
        order = np.argsort(apart, kind="stable")
        order = order[np.argsort(who[order].astype(np.uint16), kind="stable")]
        stop = len(self.hits) + np.cumsum(np.bincount(who, minlength=units.size))
        self.hits += slot[order].tolist()
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
        allowed = (slots >= self.low[units][:, None]) & (slots < self.high[units][:, None])
        looked_at = max(int(np.count_nonzero(allowed)), 1)
        for values, own, width in zip(self.values, self.own, self.widths.tolist(), strict=True):
            allowed &= np.abs(values.take(slots, mode="clip") - own[units][:, None]) <= width
        return max(int(np.count_nonzero(allowed)), 1) / looked_at

    @cached_property
    def cells(self) -> CaliperCells:
        """The controls by cell, made when the first search needs them."""
        return CaliperCells(self.values, self.own, self.widths, np.flatnonzero(self.line.row != UNMATCHED))
