"""Controls on a line, sorted by score: the search behind nearest-neighbour matching on one number.

The nearest free control of a treated unit is its nearest free neighbour to the left or to the right. Controls that
are taken are skipped by two union-find forests ("next free at or before", "next free at or after"), so a whole
match costs one sort and near-constant time for each pair. Strata lie on the same line, with a wall of infinite
score on both sides of each, so that no search can leave its stratum.

Ties (the rule of MatchIt 4.7.2): units are sorted by (score, row). The nearer side wins, the left one if both are
equally near. So of controls with one score the last row wins on the left and the first row on the right.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass

import numpy as np

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.numerics.strata import UNMATCHED, Limits, stable_order

NOBODY = (UNMATCHED, np.inf)


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
    codes = limits.codes(score.size)
    strata = int(codes.max(initial=0)) + 1
    order = stable_order(score)
    if strata > 1:
        bits = score.size.bit_length()
        by_stratum = np.sort(codes[order] << bits | np.arange(score.size))
        order = order[by_stratum & ((1 << bits) - 1)]
    usable = limits.usable(score.size)
    order = order if usable.all() else order[usable[order]]
    is_chooser = treated[order]
    choosers, controls = order[is_chooser], order[~is_chooser]
    slot = np.arange(1, controls.size + 1, dtype=np.int64)  # after the first wall, and two more for each stratum before
    slot += 2 * codes[controls]
    length = controls.size + 2 * strata
    line_score, row = np.empty(length), np.full(length, UNMATCHED, dtype=np.int64)
    line_score[slot], row[slot] = score[controls], controls
    walls = np.flatnonzero(row == UNMATCHED)
    line_score[walls[0::2]], line_score[walls[1::2]] = -np.inf, np.inf
    place = np.zeros(score.size, dtype=np.int64)
    controls_before = np.flatnonzero(is_chooser) - np.arange(choosers.size)
    place[choosers] = controls_before + 1 + 2 * codes[choosers]
    return ScoreLine(line_score, row, place[treated], score[treated], usable[treated])


class FreeControls:
    """The slots that are still free. ``nearest`` and ``several`` find, ``take`` removes, ``serve`` does both."""

    def __init__(self, line: ScoreLine, reach: float) -> None:
        self.reach = reach
        self.score = array("d", line.score.tobytes())  # arrays, because a list would make an object of every number
        self.place: list[int] = line.place.tolist()
        self.chooser: list[float] = line.chooser.tolist()
        self.before = array("q", np.arange(line.score.size, dtype=np.int64).tobytes())
        self.after = self.before[:]

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

    def serve(self, sequence: IntArray) -> list[int]:
        """The nearest free slot of each treated unit in turn, which it takes; UNMATCHED for who finds none.

        ``nearest``, ``root`` and ``take`` written out, because calling them takes longer than what they do.
        """
        before, after, score, reach, served = self.before, self.after, self.score, self.reach, list[int]()
        place, chooser = self.place, self.chooser
        for unit in sequence.tolist():
            right = place[unit]
            left = right - 1
            while (parent := before[left]) != left:
                before[left] = left = before[parent]
            while (parent := after[right]) != right:
                after[right] = right = after[parent]
            own = chooser[unit]
            slot, distance, to_right = left, own - score[left], score[right] - own
            if to_right < distance:
                slot, distance = right, to_right
            if distance <= reach:
                before[slot], after[slot] = slot - 1, slot + 1
                served.append(slot)
            else:
                served.append(UNMATCHED)
        return served

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


def root(forest: array[int], slot: int) -> int:
    """The free slot that stands for this one; shortens the path on the way."""
    parent = forest[slot]
    while parent != slot:
        forest[slot] = slot = forest[parent]
        parent = forest[slot]
    return slot
