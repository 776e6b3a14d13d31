"""Fixed effects taken out of columns, exactly, without a dummy for each level."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mentoreval.aliases import FloatArray, IntArray

TOLERANCE = 1e-13
"""Relative size of the residual of the normal equations at which conjugate gradients stop."""

MAX_STEPS = 10_000


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
    rest = demean(flat, large, weights)
    schur = _Schur(large, small, weights)
    effects = np.column_stack([_conjugate_gradients(schur, schur.sums(column)) for column in rest.T])
    residual = rest - demean(effects[small], large, weights)
    return residual.reshape(columns.shape)


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
    from scipy import sparse
    from scipy.sparse import csgraph  # takes a third of a second to load, and few regressions have two factors

    first, second = factors
    links = sparse.coo_matrix((np.ones(len(first)), (first, levels[0] + second)), shape=(sum(levels), sum(levels)))
    components, _ = csgraph.connected_components(links, directed=False)
    return sum(levels) - int(components)


def is_nested(codes: IntArray, cluster: IntArray) -> bool:
    """Whether every level of a factor lies within one cluster."""
    of_level = np.empty(int(codes.max()) + 1, dtype=cluster.dtype)
    of_level[codes] = cluster
    return bool(np.array_equal(of_level[codes], cluster))


class _Schur:
    """Normal equations of the small factor once the large one is demeaned: v ↦ (D'WD − D'W P_large WD) v."""

    def __init__(self, large: IntArray, small: IntArray, weights: FloatArray) -> None:
        from scipy import sparse

        self.small, self.weights = small, weights
        self.cross = sparse.csr_matrix((weights, (large, small)))
        self.total_large = np.bincount(large, weights)
        self.total_large[self.total_large == 0] = 1.0
        self.total_small = np.bincount(small, weights)
        self.total_small[self.total_small == 0] = 1.0

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
        step = size / float(direction @ image)
        solution += step * direction
        residual -= step * image
        scaled = residual / matrix.total_small
        size, before = float(residual @ scaled), size
        direction = scaled + (size / before) * direction
    return solution
