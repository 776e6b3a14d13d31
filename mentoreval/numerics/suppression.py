"""Cell suppression: which counts must stay out of print so that sums and differences give no small one away.

Counts are tied by sums: a total is its parts and a rest. Whoever reads what is printed may solve those sums for what
is not. A small count is protected where every number from 0 to the largest small one still fits everything in print.
To get there more counts are hidden, those that cost least: for each end of that range the cheapest way to move the
printed counts is a linear program, and what it moves is hidden (the heuristic of Kelly, Golden and Assad, 1992,
Networks 22, and Fischetti and Salazar, 2000, JASA 95). The audit solves the same sums for the range itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linprog

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
TOLERANCE = 1e-6


@dataclass(frozen=True, eq=False)
class CountSystem:
    """Counts and the sums that tie them.

    values : (n,) the true counts
    low, high : (n,) what a reader knows of a count that is printed; both the count itself where it is printed exactly
    hidden_high : (n,) largest number that a count can be for a reader while it is hidden; inf where nothing is said
    sensitive : (n,) counts that nobody may find out; they are never printed
    printable : (n,) False for counts that are printed nowhere and follow from others at best
    costs : (n,) what is lost when a count is hidden, above 0
    sums : for each total, its position and those of its parts, which add up to it
    limit : counts from 0 up to this one are small
    """

    values: FloatArray
    low: FloatArray
    high: FloatArray
    hidden_high: FloatArray
    sensitive: BoolArray
    printable: BoolArray
    costs: FloatArray
    sums: tuple[tuple[int, tuple[int, ...]], ...]
    limit: int

    @cached_property
    def matrix(self) -> sparse.csr_matrix:
        """(number of sums, n): 1 for a total and −1 for its parts, so that every row times the counts is 0."""
        rows = [row for row, (_, parts) in enumerate(self.sums) for _ in range(1 + len(parts))]
        columns = [cell for total, parts in self.sums for cell in (total, *parts)]
        signs = [sign for _, parts in self.sums for sign in (1.0, *[-1.0] * len(parts))]
        return sparse.csr_matrix((signs, (rows, columns)), shape=(len(self.sums), len(self.values)))

    def bounds(self, hidden: BoolArray) -> tuple[FloatArray, FloatArray]:
        """(n,) and (n,): the smallest and the largest number that each count is for a reader, sums aside."""
        unknown = hidden | ~self.printable
        return np.where(unknown, 0.0, self.low), np.where(unknown, self.hidden_high, self.high)

    def within(self, cells: Sequence[int]) -> CountSystem:
        """The counts at some positions, with the sums between them."""
        place = {cell: new for new, cell in enumerate(cells)}
        chosen = np.asarray(cells, dtype=np.int64)
        sums = tuple(
            (place[total], tuple(place[part] for part in parts)) for total, parts in self.sums if total in place
        )
        return CountSystem(
            values=self.values[chosen], low=self.low[chosen], high=self.high[chosen],
            hidden_high=self.hidden_high[chosen], sensitive=self.sensitive[chosen], printable=self.printable[chosen],
            costs=self.costs[chosen], sums=sums, limit=self.limit,
        )  # fmt: skip


def suppress(system: CountSystem) -> BoolArray:
    """(n,) True for counts to hide: the sensitive ones, and others until every sensitive one is protected.

    Counts that no sum ties together are solved apart. The same system gives the same answer.
    """
    hidden = system.sensitive & system.printable
    for cells in _components(system):
        part = system.within(cells)
        if part.sensitive.any() and part.sums:
            hidden[cells] = _suppress_tied(part)
    return hidden


def feasible_range(system: CountSystem, hidden: BoolArray, cell: int) -> tuple[float, float]:
    """The smallest and the largest number that a count can be for who solves all sums; inf where it has no bound.

    By HiGHS, over the reals: whole numbers can only make the range as wide or narrower, and where sums are nested or
    form a table (a network) its ends are whole numbers.
    """
    low, high = system.bounds(hidden)
    ends = []
    for sign in (1.0, -1.0):
        goal = np.zeros(len(low))
        goal[cell] = sign
        found = linprog(
            goal, A_eq=system.matrix, b_eq=np.zeros(len(system.sums)), bounds=np.column_stack([low, high]),
            method="highs",
        )  # fmt: skip
        ends.append(float(sign * found.fun) if found.status == 0 else sign * -np.inf)
    return ends[0], ends[1]


def _suppress_tied(system: CountSystem) -> BoolArray:
    """One program for each end of each sensitive count, but for ends that an earlier one has reached by the way.

    What fits while fewer counts are hidden still fits when more are, so no end has to be reached twice.
    """
    hidden = system.sensitive & system.printable
    ends = 0.0, system.limit - 1.0
    reached = np.zeros((2, len(system.values)), dtype=np.bool_)
    for cell in np.flatnonzero(system.sensitive):
        for which, end in enumerate(ends):
            if reached[which, cell]:
                continue
            counts = _cheapest_move(system, hidden, int(cell), end)
            if counts is None:  # no choice of hidden counts would let it be so: nothing of these sums is printed
                return system.printable.copy()
            known = system.bounds(hidden)
            hidden = hidden | (system.printable & ~_within(counts, *known))
            if _within(counts, *system.bounds(hidden)).all():
                reached |= np.array([counts <= ends[0] + TOLERANCE, counts >= ends[1] - TOLERANCE])
    return hidden


def _within(counts: FloatArray, low: FloatArray, high: FloatArray) -> BoolArray:
    """(n,) whether each count is within bounds."""
    return (counts >= low - TOLERANCE) & (counts <= high + TOLERANCE)


def _cheapest_move(system: CountSystem, hidden: BoolArray, cell: int, end: float) -> FloatArray | None:
    """(n,) counts that fit all sums while one is ``end`` and printed ones move at the least cost; None if none do.

    Solved for the counts themselves and, for each that is printed, how far it goes above or below what is known of it.
    """
    n = len(system.values)
    low, high = system.bounds(hidden)
    printed = np.flatnonzero(system.printable & ~hidden & ~system.sensitive)
    low[cell] = high[cell] = end
    floor, ceiling = low.copy(), high.copy()
    floor[printed], ceiling[printed] = 0.0, np.inf
    move = sparse.identity(n, format="csr")[printed]
    slack, none = sparse.identity(len(printed), format="csr"), sparse.csr_matrix((len(printed), len(printed)))
    costs = np.concatenate([np.zeros(n), system.costs[printed], system.costs[printed]])
    equal = sparse.hstack([system.matrix, sparse.csr_matrix((len(system.sums), 2 * len(printed)))], format="csr")
    limits = sparse.vstack([sparse.hstack([move, -slack, none]), sparse.hstack([-move, none, -slack])], format="csr")
    found = linprog(
        costs, A_ub=limits, b_ub=np.concatenate([high[printed], -low[printed]]), A_eq=equal,
        b_eq=np.zeros(len(system.sums)),
        bounds=np.column_stack([np.append(floor, np.zeros(2 * len(printed))),
                                np.append(ceiling, np.full(2 * len(printed), np.inf))]),
        method="highs",
    )  # fmt: skip
    if found.status != 0:
        return None
    return np.asarray(found.x[:n], dtype=np.float64)


def _components(system: CountSystem) -> list[list[int]]:
    """Positions of counts that sums tie together, directly or through others."""
    ties = (abs(system.matrix).T @ abs(system.matrix)).tocsr()
    count, label = sparse.csgraph.connected_components(ties, directed=False)
    order = np.argsort(label, kind="stable")
    return [list(map(int, part)) for part in np.split(order, np.searchsorted(label[order], np.arange(1, count)))]
