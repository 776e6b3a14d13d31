"""Blocks of rows: cross-products of tall arrays without a copy of the whole, and without threads.

OpenBLAS wakes its threads for any product above a certain size and then waits for all of them, which on a busy
machine takes many times longer than the product. Blocks small enough for the processor's cache are also below it.
"""

from __future__ import annotations

from collections.abc import Iterator

ONE_THREAD_MATRICES = 4 * 2**16
"""Multiply-adds up to which OpenBLAS multiplies two matrices in one thread."""

ONE_THREAD_VECTORS = 4 * 2304 - 1
"""Entries of a matrix up to which it multiplies it with a vector in one thread."""

LONGEST = 4096
"""Rows of a block, at most."""


def row_blocks(n: int, left: int, right: int = 1) -> Iterator[slice]:
    """Slices that cover n rows, for products of a (rows, left) with a (rows, right) array, or with a vector (left,)."""
    most = ONE_THREAD_VECTORS // max(left, 1) if right == 1 else ONE_THREAD_MATRICES // max(left * right, 1)
    rows = max(32, min(LONGEST, most))
    return (slice(start, min(start + rows, n)) for start in range(0, n, rows))
