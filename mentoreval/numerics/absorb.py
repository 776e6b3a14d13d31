"""Fixed effects taken out of columns, exactly, without a dummy for each level."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mentoreval.aliases import BoolArray, FloatArray, IntArray

TOLERANCE = 1e-13
"""Relative size of the residual of the normal equations at which conjugate gradients stop."""

MAX_STEPS = 10_000

FLAT = 1e-14
"""Curvature, as a share of its largest, below which a direction is one that the equations leave open."""

FILLED = 4
"""Cells for each row up to which a table of the levels of two factors is held whole."""

NESTED_HEAD = 1_000
"""Rows that are asked first whether a factor is nested in clusters."""


def absorb(columns: FloatArray, factors: Sequence[IntArray], weights: FloatArray) -> FloatArray:
    """Residuals of columns after weighted regression on the levels of one or two factors.

    columns : (n,) or (n, k)
    factors : one or two arrays (n,) of codes 0 … levels − 1, each level with some weight
    weights : (n,) at least 0

    One factor is demeaned. Of two, the one with more levels is demeaned and the effects of the other solve the
    equations that are left (their Schur complement), by conjugate gradients: with few levels, such as periods, in a
    handful of steps, and never with a matrix of all levels.
    """
    flat = columns.reshape(len(columns), -1)
    if len(factors) == 1:
        return demean(flat, factors[0], weights).reshape(columns.shape)
    large, small = sorted(factors, key=lambda codes: int(codes.max()), reverse=True)
    schur = _Schur(large, small, weights)
    out = np.empty(flat.shape, order="F")
    for j, column in enumerate(flat.T):
        out[:, j] = schur.residuals(column)
    return out.reshape(columns.shape)


def demean(columns: FloatArray, codes: IntArray, weights: FloatArray) -> FloatArray:
    """(n, k) columns less the weighted mean of each level of a factor."""
    total = np.bincount(codes, weights)
    total[total == 0] = 1.0
    out = np.empty(columns.shape, order="F")
    for j in range(columns.shape[1]):
        column = columns[:, j]
        out[:, j] = column - (np.bincount(codes, weights * column) / total)[codes]
    return out


def effects_rank(factors: Sequence[IntArray]) -> int:
    """Number of parameters in the effects of the factors together, one constant included; 1 where there is none."""
    if not factors:
        return 1
    levels = [int(codes.max()) + 1 for codes in factors]
    if len(factors) == 1:
        return levels[0]
    large, small = sorted(factors, key=lambda codes: int(codes.max()), reverse=True)
    return sum(levels) - _components(large, small)


def _components(large: IntArray, small: IntArray) -> int:
    """Number of parts of the graph that joins the levels of two factors that meet in a row.

    Every level of the large factor joins levels of the small one, so the parts are those of the small one's levels.
    """
    table = cross_table(large, small, np.ones(len(large)))
    if isinstance(table, np.ndarray):
        joined = joined_levels(table > 0)
        return int(np.count_nonzero(joined.argmax(axis=1) == np.arange(len(joined))))
    from scipy.sparse import csgraph

    return int(csgraph.connected_components(table.T @ table, directed=False)[0])


def joined_levels(meets: BoolArray) -> BoolArray:
    """(T, T) True for levels of a factor of few levels that rows link, directly or through others.

    meets : (m, T) True where a level of the other factor has a row of a level
    """
    known = meets.astype(np.float64)
    linked = (known.T @ known) > 0
    for _ in range(len(linked)):
        links = linked.astype(np.float64)
        wider = (links @ links) > 0
        if np.array_equal(wider, linked):
            break
        linked = wider
    return np.asarray(linked, dtype=bool)


def cross_table(large: IntArray, small: IntArray, weights: FloatArray) -> Any:
    """(levels of large, levels of small) total weights: an array where rows fill a good part of it, else sparse."""
    shape = (int(large.max()) + 1, int(small.max()) + 1)
    if shape[0] * shape[1] <= FILLED * len(large):
        code = large * shape[1]
        code += small
        cells = np.bincount(code, weights, minlength=shape[0] * shape[1])
        return cells.reshape(shape).astype(float, copy=False)
    from scipy import sparse  # takes a third of a second to load, and few regressions have two large factors

    return sparse.csr_matrix((weights, (large, small)), shape=shape)


def is_nested(codes: IntArray, cluster: IntArray) -> bool:
    """Whether every level of a factor lies within one cluster; most that do not show it in the first rows."""
    head = slice(NESTED_HEAD)
    return _agree(codes[head], cluster[head]) and _agree(codes, cluster)


def _agree(codes: IntArray, cluster: IntArray) -> bool:
    """Whether all rows of a level have the cluster of its last."""
    of_level = np.empty(int(codes.max()) + 1, dtype=cluster.dtype)
    of_level[codes] = cluster
    return bool(np.array_equal(of_level[codes], cluster))


class _Schur:
    """Normal equations of the small factor once the large one is demeaned: v ↦ (D'WD − D'W P_large WD) v."""

    def __init__(self, large: IntArray, small: IntArray, weights: FloatArray) -> None:
        self.large, self.small, self.weights = large, small, weights
        self.cross = cross_table(large, small, weights)
        self.total_large = np.asarray(self.cross.sum(axis=1), dtype=float).ravel()
        self.total_large[self.total_large == 0] = 1.0
        self.total_small = np.asarray(self.cross.sum(axis=0), dtype=float).ravel()
        self.total_small[self.total_small == 0] = 1.0

    def residuals(self, column: FloatArray) -> FloatArray:
        """A column (n,) less the effects of both factors."""
        rest: FloatArray = column - (np.bincount(self.large, self.weights * column) / self.total_large)[self.large]
        effects = _conjugate_gradients(self, self.sums(rest))
        rest -= effects[self.small]
        rest += ((self.cross @ effects) / self.total_large)[self.large]
        return rest

    def sums(self, column: FloatArray) -> FloatArray:
        """Weighted sums of a column (n,) over the levels of the small factor."""
        return np.asarray(np.bincount(self.small, self.weights * column), dtype=float)

    def __matmul__(self, v: FloatArray) -> FloatArray:
        return np.asarray(self.total_small * v - self.cross.T @ ((self.cross @ v) / self.total_large))


def _conjugate_gradients(matrix: _Schur, right: FloatArray) -> FloatArray:
    """Solve a consistent positive semidefinite system, scaled by the totals of the small factor."""
    solution = np.zeros_like(right)
    residual = right.copy()
    scaled = residual / matrix.total_small
    direction, size = scaled.copy(), float(residual @ scaled)
    goal = TOLERANCE**2 * size
    for _ in range(MAX_STEPS):
        if size <= goal:
            break
        image = matrix @ direction
        bend = float(direction @ image)
        if bend <= FLAT * float(direction @ (matrix.total_small * direction)):
            break  # what is left is rounding, along levels that the effects of the large factor hold already
        step = size / bend
        solution += step * direction
        residual -= step * image
        scaled = residual / matrix.total_small
        size, before = float(residual @ scaled), size
        direction = scaled + (size / before) * direction
    return solution
