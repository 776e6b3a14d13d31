"""Optimal pairs: as many pairs as there can be and, among all ways to make so many, the least total distance.

On one number (a propensity score) without a caliper, pairs are found by one walk along the sorted line. With a
caliper, each seeker needs to look at only a few controls (``candidates``), and what is left are sparse assignment
problems, one for each group of seekers that shares no candidate with another. In a space of covariates the matrix of
distances of a stratum is needed whole, and its size is known before.
"""

from __future__ import annotations

import heapq
from functools import partial
from itertools import chain

import numpy as np

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.errors import DesignError
from mentoreval.numerics.covariate_spaces import CovariateSpace
from mentoreval.numerics.progress import in_parts, watched
from mentoreval.numerics.strata import UNMATCHED, Limits, checked_groups

BYTES_PER_CANDIDATE = 48
"""Peak memory of the sparse assignment for each candidate pair: two copies of the sparse matrix, and its making."""

BYTES_PER_DISTANCE = 24
"""Peak memory of the dense assignment for each distance: the matrix, its making, and the solver's copy."""

OPTIMAL_PAIRS, PART = "Optimal pairs", 8192
"""What progress is called, and how many units are walked past between two looks at the clock."""

FEWEST_TOGETHER = 512
"""Seekers whose pairs are sought together, about, at least: work can be stopped between two problems, not within."""

ROUNDING = 1e-9
"""How much wider than the caliper the candidates reach, relative to it; pairs are checked exactly afterwards."""


def optimal_on_line(score: FloatArray, treated: BoolArray, ratio: int, limits: Limits, memory: float) -> IntArray:
    """(p, 2) rows of treated and control: most pairs first, then the least sum of differences in the score.

    score   : (n,) finite; treated : (n,); ratio : most controls of a treated unit
    limits  : caliper, strata, discarded; no covariate calipers
    memory  : bytes that the search may take

    Of two ways with the same total the one is taken in which a pair's order on the line is that of its partners. Time
    grows as n log n without a caliper; with one it depends on how crowded the score is. DesignError where the
    candidates within the caliper would take more than ``memory``.
    """
    treated, limits = checked_groups(treated, score.size), limits.checked(score.size)
    codes, usable = limits.codes(score.size), limits.usable(score.size)
    found = [np.empty((0, 2), dtype=np.int64)]
    for rows in rows_by_code(codes, usable):
        seekers, controls = _by_score(rows[treated[rows]], score), _by_score(rows[~treated[rows]], score)
        if seekers.size and controls.size:
            found.append(_pairs_of_stratum(score, np.repeat(seekers, ratio), controls, limits, memory))
    pairs = np.concatenate(found)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def _pairs_of_stratum(
    score: FloatArray, seekers: IntArray, controls: IntArray, limits: Limits, memory: float
) -> IntArray:
    """(p, 2) rows, of seekers and controls that are each sorted by score."""
    few, many = (seekers, controls) if seekers.size <= controls.size else (controls, seekers)
    chosen = many[pairs_on_line(score[few], score[many])]
    pairs = np.column_stack([few, chosen] if few is seekers else [chosen, few])
    if limits.caliper is None or np.abs(score[pairs[:, 0]] - score[pairs[:, 1]]).max() <= limits.caliper:
        return pairs
    first, last = candidates(score[seekers], score[controls], limits.caliper)
    groups = apart_from_each_other(first, last, FEWEST_TOGETHER)
    most = max((int((last[group] - first[group]).sum()) for group in groups), default=0)
    refuse_above(float(most) * BYTES_PER_CANDIDATE, memory, f"{most:,} pairs within the caliper")
    found = [pairs[:0]]
    for part in in_parts(OPTIMAL_PAIRS, groups, 1):
        found.extend(
            _pairs_of_group(score, seekers[group], controls, (first[group], last[group]), limits.caliper)
            for group in part
        )
    return np.concatenate(found)


def _pairs_of_group(
    score: FloatArray, seekers: IntArray, controls: IntArray, window: tuple[IntArray, IntArray], caliper: float
) -> IntArray:
    """(p, 2) rows, of seekers (s,) each of whom looks at the controls from ``window[0]`` (s,) to before ``[1]``."""
    first, last = window
    controls, count = controls[first.min() : last.max()], last - first
    line = np.repeat(np.arange(seekers.size), count)
    column = np.arange(count.sum()) - np.repeat(np.cumsum(count) - last + first.min(), count)
    apart = np.abs(score[seekers[line]] - score[controls[column]])
    within = apart <= caliper
    who, whom = _assigned(line[within], column[within], apart[within], (seekers.size, controls.size))
    return np.column_stack([seekers[who], controls[whom]])


def apart_from_each_other(first: IntArray, last: IntArray, fewest: int) -> list[IntArray]:
    """Seekers in groups that have no candidate in common, so that each group can be paired by itself.

    first, last : (s,) the first, and one past the last, of the controls that each seeker looks at

    Seekers without candidates are in no group. Groups are joined to about ``fewest`` seekers or more, because very
    small problems cost more to set up than to solve.
    """
    seekers = np.flatnonzero(last > first)
    if not seekers.size:
        return []
    seekers = seekers[np.argsort(first[seekers], kind="stable")]
    seen = np.maximum.accumulate(last[seekers])
    starts = np.flatnonzero(np.append(True, first[seekers][1:] >= seen[:-1]))
    return np.split(seekers, starts[1:][np.diff(starts // fewest) > 0])


def pairs_on_line(few: FloatArray, many: FloatArray) -> IntArray:
    """(f,) places in ``many`` that ``few`` (f,) get, with the least sum of differences; both sorted, f ≤ m.

    A walk from left to right that may take back earlier choices: each pairing leaves behind what it would cost to
    undo it, so that both heaps always hold the cheapest change. Costs are (number of units left without a partner,
    distance), compared in this order, so that nobody is left without one in the end.
    """
    order = np.argsort(np.concatenate([many, few]), kind="stable").tolist()
    free, waiting = list[tuple[int, float, int]](), list[tuple[int, float, int]]()
    used = [False] * (many.size + 1)  # the last place stands for "nobody", UNMATCHED
    at, size = np.concatenate([many, few]).tolist(), many.size
    for unit in chain.from_iterable(in_parts(OPTIMAL_PAIRS, order, PART)):
        here = at[unit]
        if unit < size:
            offer = (0, -here, unit)
            if waiting:
                lost, cost, place = waiting[0]
                if (lost, cost + here) < (0, 0.0):
                    used[unit], used[place] = True, False
                    heapq.heappop(waiting)
                    offer = (-lost, -here - (cost + here), place)
            heapq.heappush(free, offer)
        else:
            lost, cost, place = heapq.heappop(free) if free else (1, -here, UNMATCHED)
            used[place] = True
            heapq.heappush(waiting, (-lost, -here - (cost + here), place))
    return np.flatnonzero(used[:size])


def candidates(seekers: FloatArray, controls: FloatArray, caliper: float) -> tuple[IntArray, IntArray]:
    """First and one past the last place in ``controls`` that each seeker need look at; both arrays are sorted.

    Some optimal set of pairs keeps the order of the line, and no control between the two of a pair is left over. So
    if a pair reaches over k controls to the right, these serve k seekers to the left, and counting back from the pair
    there is a stretch of the line with more seekers than controls. The largest such excess that ends at a seeker is
    how many controls to its right it may have to look at; likewise to the left. The caliper is taken a hair wider.
    """
    left_of = np.searchsorted(controls, seekers, side="left")
    right_of = np.searchsorted(controls, seekers, side="right")
    to_right = _excess(right_of)
    to_left = _excess((controls.size - left_of)[::-1])[::-1]
    reach = caliper * (1 + ROUNDING)
    first = np.maximum(left_of - to_left, np.searchsorted(controls, seekers - reach, side="left"))
    last = np.minimum(right_of + to_right, np.searchsorted(controls, seekers + reach, side="right"))
    return first.astype(np.int64), np.maximum(first, last).astype(np.int64)


def _excess(passed: IntArray) -> IntArray:
    """(s,) largest number of seekers less controls on any stretch that ends at each seeker, itself included.

    passed : (s,) controls passed before each seeker, not falling
    """
    balance = np.arange(passed.size) - passed
    return np.asarray(balance - np.minimum.accumulate(balance) + 1, dtype=np.int64)


def _assigned(line: IntArray, column: IntArray, apart: FloatArray, shape: tuple[int, int]) -> tuple[IntArray, IntArray]:
    """Lines and columns of the optimal pairs among candidates (c,) with their distances (c,).

    A dummy column of its own lets a line stay without a partner, at a price above any sum of distances that one more
    pair could add.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching  # slow to import

    lines = np.arange(shape[0])
    alone = 2.0 * float(apart.max(initial=0.0)) * shape[0] + 1.0
    cost = np.concatenate([apart, np.full(shape[0], alone)]) + 1.0  # the solver takes a stored 0 for "no pair"
    places = np.concatenate([line, lines]), np.concatenate([column, shape[1] + lines])
    graph = csr_array((cost, places), shape=(shape[0], shape[1] + shape[0]))
    who, whom = min_weight_full_bipartite_matching(graph)
    paired = whom < shape[1]
    return who[paired].astype(np.int64), whom[paired].astype(np.int64)


def optimal_in_space(space: CovariateSpace, treated: BoolArray, ratio: int, limits: Limits, memory: float) -> IntArray:
    """(p, 2) rows as ``optimal_on_line``, by distance in a space of covariates, from the whole matrix of a stratum.

    limits : strata, discarded, covariate calipers. DesignError where the largest stratum takes more than ``memory``.
    """
    from scipy.optimize import linear_sum_assignment  # slow to import
    from scipy.spatial.distance import cdist

    treated, limits = checked_groups(treated, space.point.size), limits.checked(space.point.size)
    strata = rows_by_code(limits.codes(treated.size), limits.usable(treated.size))
    arms = [(np.repeat(rows[treated[rows]], ratio), rows[~treated[rows]]) for rows in strata]
    largest = max((seekers.size * controls.size for seekers, controls in arms), default=0)
    refuse_above(float(largest) * BYTES_PER_DISTANCE, memory, f"a matrix of {largest:,} distances")
    found = [np.empty((0, 2), dtype=np.int64)]
    for seekers, controls in arms:
        if not (seekers.size and controls.size):
            continue
        apart = cdist(space.points[space.point[seekers]], space.points[space.point[controls]])
        alone = 2.0 * (float(apart.max()) * min(apart.shape) + 1.0)
        if limits.covariates is not None:
            columns, widths = limits.box()
            for values, width in zip(columns.T, widths, strict=True):
                apart[np.abs(values[seekers][:, None] - values[controls]) > width] = alone
        who, whom = watched(OPTIMAL_PAIRS, partial(linear_sum_assignment, apart))
        paired = apart[who, whom] < alone
        found.append(np.column_stack([seekers[who[paired]], controls[whom[paired]]]))
    pairs = np.concatenate(found)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def refuse_above(needed: float, memory: float, what: str) -> None:
    """DesignError, before anything is started, where a search needs more bytes than it may take."""
    if needed > memory:
        raise DesignError(
            f"This match has to hold {what}, about {needed / 1e9:.1f} GB, and may take {memory / 1e9:.1f} GB. Give a "
            "narrower caliper, match exactly on more (such as the school), or raise memory_gb."
        )


def rows_by_code(codes: IntArray, usable: BoolArray) -> list[IntArray]:
    """Usable rows of each code."""
    rows = np.flatnonzero(usable)
    rows = rows[np.argsort(codes[rows], kind="stable")]
    return np.split(rows, np.flatnonzero(np.diff(codes[rows])) + 1)


def _by_score(rows: IntArray, score: FloatArray) -> IntArray:
    return rows[np.argsort(score[rows], kind="stable")]
