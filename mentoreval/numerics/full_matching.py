"""Optimal full matching on one number: everybody is in a set, and the sum of distances within sets is the least.

A set is one treated unit with one or more controls, or one control with several treated units. Without limits on the
sizes the answer is found along the sorted line: units are joined only to the neighbouring run of the other arm, so
that all there is to decide is how many of each run are joined to the left and how many to the right.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

import numpy as np

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.numerics.assignment import rows_by_code
from mentoreval.numerics.progress import in_parts
from mentoreval.numerics.strata import Limits, checked_groups

NOBODY = np.empty((0, 2), dtype=np.int64)

FULL_MATCHING, PART = "Full matching", 1024
"""What progress is called, and how many runs are joined between two looks at the clock."""


@dataclass(frozen=True, eq=False)
class _Border:
    """Between two runs, a to its left and b to its right; i and j count from the border, 0 is next to it.

    first  : place of b's first unit; a's last one is the place before
    joined : (a + 1,) least cost of all to the left if i = 0 … of a's units are joined across the border
    gap    : distance across
    shared : most units of both runs that can be joined one to one within the caliper
    """

    first: int
    joined: FloatArray
    gap: float
    shared: int


def full_on_line(score: FloatArray, treated: BoolArray, limits: Limits) -> IntArray:
    """(p, 2) rows of treated and control that are joined: the full match with the least sum of score differences.

    score : (n,) finite; treated : (n,); limits : caliper, strata, discarded; no covariate calipers

    Every unit of a stratum with both arms is in a set, but those who have nobody of the other arm within the caliper.
    Of equally good matches (any way to join the same units across a gap has the same sum) nearest and farthest are
    joined, which keeps the largest distance small. Time grows as n log n, memory as n.
    """
    treated, limits = checked_groups(treated, score.size), limits.checked(score.size)
    found = [NOBODY]
    for rows in rows_by_code(limits.codes(score.size), limits.usable(score.size)):
        order = rows[np.argsort(score[rows], kind="stable")]
        order = order[reachable(score[order], treated[order], limits.reach)]
        if order.size:
            places = _joined_on_line(score[order], treated[order], limits.reach)
            pairs = order[places]
            found.append(np.where(treated[pairs[:, :1]], pairs, pairs[:, ::-1]))
    pairs = without_surplus(np.concatenate(found), score.size)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def reachable(score: FloatArray, treated: BoolArray, reach: float) -> BoolArray:
    """(n,) whether somebody of the other arm is within reach; the scores (n,) are sorted."""
    near = np.zeros(score.size, dtype=bool)
    for arm in (treated, ~treated):
        others = np.concatenate([[-np.inf], score[~arm], [np.inf]])
        after = np.searchsorted(others, score[arm], side="left")
        near[arm] = np.minimum(others[after] - score[arm], score[arm] - others[after - 1]) <= reach
    return near


def _joined_on_line(score: FloatArray, treated: BoolArray, reach: float) -> IntArray:
    """(p, 2) places that are joined, of sorted scores (n,) each of which can be joined to somebody."""
    starts = np.concatenate([[0], np.flatnonzero(np.diff(treated)) + 1, [score.size]]).tolist()
    cost = np.full(starts[1] + 1, np.inf)
    cost[0] = 0.0  # by how many of the run, from its left end, are joined to the left
    borders = []
    runs = list(zip(starts[:-2], starts[1:-1], starts[2:], strict=True))
    for before, first, after in chain.from_iterable(in_parts(FULL_MATCHING, runs, PART)):
        border, cost = _cross(score[before:first], score[first:after], first, cost, reach)
        borders.append(border)
    pairs, joined = [NOBODY], starts[-1] - starts[-2]
    for border in chain.from_iterable(in_parts(FULL_MATCHING, borders[::-1], PART)):
        here = _best_before(border, joined)
        pairs.append(_joined_across(border, here, joined))
        joined = border.joined.size - 1 - here
    return np.concatenate(pairs)


def _cross(a: FloatArray, b: FloatArray, first: int, cost: FloatArray, reach: float) -> tuple[_Border, FloatArray]:
    """The border between runs a and b, and the least cost by how many of b, from its left end, are joined to a.

    Joined across a border with i of a and j of b, everybody pays the way to the border's left bank (a's last unit),
    and those of a who are too many pay the gap once more, to reach b's first unit: all beyond the number of sets, which
    is j, but never more than can be joined one to one.
    """
    gap = float(b[0] - a[-1])
    to_bank, from_bank = (a[-1] - a)[::-1], b - a[-1]
    joined = cost[::-1] + np.append(0.0, np.cumsum(to_bank))
    joined[int(np.count_nonzero(b[0] - a <= reach)) + 1 :] = np.inf
    most = int(np.count_nonzero(from_bank <= reach))
    border = _Border(first, joined, gap, _most_pairs(a, b, reach))
    fewer = np.minimum.accumulate(joined)
    more = np.minimum.accumulate((joined + gap * np.arange(joined.size))[::-1])[::-1]
    sets = np.minimum(np.arange(b.size + 1), border.shared)
    best = np.minimum(fewer, more - gap * np.arange(joined.size))[sets]
    best[most + 1 :] = np.inf
    return border, best + np.append(0.0, np.cumsum(from_bank))


def _most_pairs(a: FloatArray, b: FloatArray, reach: float) -> int:
    """Most units next to the border that can be joined one to one within reach, nearest with farthest."""
    low, high = 0, min(a.size, b.size)
    if b[high - 1] - a[a.size - high] <= reach:
        return high
    while low < high:
        middle = (low + high + 1) // 2
        if np.all(b[:middle][::-1] - a[a.size - middle :][::-1] <= reach):
            low = middle
        else:
            high = middle - 1
    return low


def _best_before(border: _Border, j: int) -> int:
    """How many of a are joined across the border if j of b are, at the least cost."""
    too_many = np.maximum(np.arange(border.joined.size) - min(j, border.shared), 0)
    return int(np.argmin(border.joined + border.gap * too_many))


def _joined_across(border: _Border, i: int, j: int) -> IntArray:
    """(p, 2) places: i units before the border and j from it on, one to one, and who is left over to the nearest."""
    first, sets = border.first, min(i, j, border.shared)
    both, before, after = np.arange(sets), np.arange(sets, i), np.arange(sets, j)
    one_to_one = np.column_stack([first - 1 - both, first + both[::-1]])
    to_first = np.column_stack([first - 1 - before, np.full(before.size, first)])
    to_last = np.column_stack([np.full(after.size, first - 1), first + after])
    return np.concatenate([one_to_one, to_first, to_last])


def without_surplus(pairs: IntArray, n: int) -> IntArray:
    """(p, 2) pairs without those whose two units each have another one, so that what is left are sets with a centre."""
    degree = np.bincount(pairs.ravel(), minlength=n)
    kept = np.ones(len(pairs), dtype=bool)
    for place in np.flatnonzero((degree[pairs] > 1).all(axis=1)):
        if (degree[pairs[place]] > 1).all():
            kept[place] = False
            degree[pairs[place]] -= 1
    return pairs[kept]
