"""Controls on a line, sorted by score: the search behind nearest-neighbour matching on one number.

The nearest free control of a treated unit is its nearest free neighbour to the left or to the right. Controls that
are taken are skipped by two union-find forests ("next free at or before", "next free at or after"), so a whole
match costs one sort and near-constant time for each pair. Strata lie on the same line, with a wall of infinite
score on both sides of each, so that no search can leave its stratum.

Ties (the rule of MatchIt 4.7.2): units are sorted by (score, row). The nearer side wins, the left one if both are
equally near. So of controls with one score the last row wins on the left and the first row on the right.
"""

from __future__ import annotations

from collections.abc import Sequence
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
    usable = limits.usable(score.size)
    codes = limits.codes(score.size)
    order = stable_order(score)
    if limits.strata is not None:
        by_stratum = np.sort(codes[order] * score.size + np.arange(score.size))
        order = order[by_stratum % score.size]
    order = order if usable.all() else order[usable[order]]
    is_control = ~treated[order]
    slot = np.cumsum(is_control, dtype=np.int64)  # one past the controls so far, and the walls passed
    slot += 1 + 2 * codes[order] if limits.strata is not None else 1
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
    """The slots that are still free. ``nearest`` and ``several`` find, ``take`` removes, ``serve`` does both."""

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

    def serve(self, sequence: Sequence[int]) -> dict[int, int]:
        """The nearest free slot of each treated unit in turn, which it takes; who finds none is left out.

        ``nearest``, ``root`` and ``take`` written out, because calling them takes longer than what they do.
        """
        before, after, score, reach, served = self.before, self.after, self.score, self.reach, dict[int, int]()
        place, chooser = self.place, self.chooser
        for unit in sequence:
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
                served[unit] = slot
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


def root(forest: list[int], slot: int) -> int:
    """The free slot that stands for this one; shortens the path on the way."""
    parent = forest[slot]
    while parent != slot:
        forest[slot] = slot = forest[parent]
        parent = forest[slot]
    return slot
