"""Random weights for resampling, in blocks, so that no array of draws × clusters is ever held whole."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.numerics.blocks import ONE_THREAD_MATRICES, row_blocks

Multiplier = Literal["rademacher", "webb", "mammen"]

POINTS: dict[str, FloatArray] = {
    "rademacher": np.array([-1.0, 1.0]),
    "webb": np.sqrt(np.array([1.5, 1.0, 0.5, 0.5, 1.0, 1.5])) * np.array([-1, -1, -1, 1, 1, 1]),
    "mammen": (1.0 + np.array([-1.0, 1.0]) * math.sqrt(5.0)) / 2.0,
}
"""The values that each distribution takes: Webb's six and the two signs with equal probability, Mammen's two not."""

MAMMEN_LOW = (math.sqrt(5.0) + 1.0) / (2.0 * math.sqrt(5.0))
"""Probability of Mammen's lower value."""

AT_ONCE = 8
"""Pieces of clusters whose weights are held as numbers at a time."""

FOUR = 4
"""Columns are filled up to a multiple of it, which is the width in which matrices are multiplied."""

MANY_PRODUCTS = 2**27
"""Weights times columns, over all draws, from which on the products are made in single precision."""

DIGITS = 9
"""Digits of a column's largest value by which clusters are ordered; beyond them is rounding."""

DUST = 1e-13
"""Share of the largest value of all columns up to which a column is nothing but rounding, and orders no clusters."""

GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0
"""Its multiples less their whole parts are never in a simple proportion, so that sums of columns tell rows apart."""


def multiplier_blocks(
    kind: Multiplier, draws: int, clusters: int, columns: int, rng: np.random.Generator
) -> Iterator[tuple[slice, FloatArray]]:
    """Slices of the draws with their weights (rows, clusters), mean 0 and variance 1, to be multiplied with ``columns``
    columns."""
    for block in row_blocks(draws, clusters, columns + 1):
        yield block, _weights(kind, (block.stop - block.start, clusters), rng)


def _weights(kind: Multiplier, shape: tuple[int, int], rng: np.random.Generator) -> FloatArray:
    points = POINTS[kind]
    if len(points) > 2:
        return points[rng.integers(0, len(points), shape)]
    return np.asarray(np.where(_highs(kind, shape, rng), points[1], points[0]))


def _highs(kind: Multiplier, shape: tuple[int, int], rng: np.random.Generator) -> BoolArray:
    """Which weights of a distribution of two points have the higher one."""
    if kind == "rademacher":
        size = shape[0] * shape[1]
        drawn = np.frombuffer(rng.bytes((size + 7) // 8), dtype=np.uint8)
        return np.unpackbits(drawn, count=size).view(bool).reshape(shape)
    out = np.empty(shape, dtype=bool)
    for row in out:
        np.greater_equal(rng.random(shape[1]), MAMMEN_LOW, out=row)
    return out


def weighted_sums(kind: Multiplier, draws: int, values: FloatArray, rng: np.random.Generator) -> FloatArray:
    """(draws, k) random weights times values (G, k): what ``multiplier_blocks`` gives, without an array of weights.

    Weights of two points are drawn as bits for many draws at once, which become numbers a few clusters at a time, in
    the processor's cache: from ``MANY_PRODUCTS`` on numbers of single precision. That is off by some millionths of the
    spread of the draws, of which a thousand draws themselves tell no more than a fiftieth.
    """
    clusters, columns = values.shape
    if len(POINTS[kind]) > 2:
        return np.vstack([weights @ values for _, weights in multiplier_blocks(kind, draws, clusters, columns, rng)])
    low, high = POINTS[kind]
    unit = np.ldexp(1.0, np.frexp(np.abs(values).max(axis=0, initial=0.0))[1])
    precision = np.float32 if draws * values.size >= MANY_PRODUCTS else np.float64
    blocks = list(row_blocks(draws, clusters, columns + 1))
    pieces = _pieces(values / unit, blocks[0].stop, precision)
    sums = [_sums_of(_highs(kind, (block.stop - block.start, clusters), rng), pieces) for block in blocks]
    return np.asarray(low * values.sum(axis=0) + (high - low) * unit * np.vstack(sums)[:, :columns])


def _pieces(values: FloatArray, rows: int, precision: type[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """(pieces, clusters of a piece, columns) of values (G, k), filled with zeros; as large as one thread multiplies."""
    columns = -(-values.shape[1] // FOUR) * FOUR
    size = max(1, ONE_THREAD_MATRICES // (rows * columns))
    number = -(-len(values) // size)
    out = np.zeros((number * size, columns), dtype=precision)
    out[: len(values), : values.shape[1]] = values
    return out.reshape(number, size, columns)


def _sums_of(chosen: BoolArray, pieces: NDArray[np.floating[Any]]) -> FloatArray:
    """(rows, columns) sums of the values of the clusters that each row (rows, G) has chosen."""
    rows, size = len(chosen), pieces.shape[1]
    total = np.zeros((rows, pieces.shape[2]))
    numbers = np.zeros((rows, AT_ONCE * size), dtype=pieces.dtype)
    for first in range(0, len(pieces), AT_ONCE):
        some = pieces[first : first + AT_ONCE]
        bits = chosen[:, first * size : (first + AT_ONCE) * size]
        np.copyto(numbers[:, : bits.shape[1]], bits)
        left = numbers[:, : len(some) * size].reshape(rows, len(some), size)
        total += (left.transpose(1, 0, 2) @ some).sum(axis=0)
    return total


def sign_blocks(clusters: int, columns: int) -> Iterator[tuple[slice, FloatArray]]:
    """Slices of all 2^clusters vectors of signs, each once."""
    place = np.arange(clusters)
    for block in row_blocks(2**clusters, clusters, columns + 1):
        number = np.arange(block.start, block.stop)
        yield block, np.asarray(((number[:, None] >> place) & 1) * 2.0 - 1.0, dtype=float)


def canonical_order(values: FloatArray) -> IntArray:
    """Order of rows (G, k) that depends on their values alone, so that other labels or rows give the same draws."""
    largest = np.max(np.abs(values), axis=0)
    scaled = np.round(values / np.where(largest > DUST * largest.max(initial=0.0), largest, np.inf), DIGITS)
    multiples = GOLDEN * np.arange(1, values.shape[1] + 1)
    key = np.round(scaled @ (0.5 + multiples - np.floor(multiples)), DIGITS)
    order = np.argsort(key, kind="stable")
    same = key[order[1:]] == key[order[:-1]]
    tied = np.append(False, same) | np.append(same, False)
    rows = order[tied]
    order[tied] = rows[np.lexsort((*scaled[rows].T[::-1], key[rows]))]
    return order


def count_assignments(sizes: IntArray, treated: IntArray) -> int:
    """Number of ways to choose the treated of each stratum: the product of binomial coefficients."""
    return math.prod(math.comb(int(n), int(m)) for n, m in zip(sizes, treated, strict=True))


def all_assignments(stratum: IntArray, treated: IntArray) -> Iterator[IntArray]:
    """The places that are treated, for every assignment with as many treated in each stratum as there are.

    stratum : (m,) codes 0 … S − 1
    treated : (S,) number of treated in each
    """
    members = [np.flatnonzero(stratum == s) for s in range(len(treated))]
    choices = [itertools.combinations(own.tolist(), int(m)) for own, m in zip(members, treated, strict=True)]
    for chosen in itertools.product(*choices):
        yield np.array([place for part in chosen for place in part], dtype=np.int64)


def random_assignments(
    stratum: IntArray, treated: IntArray, draws: int, rng: np.random.Generator
) -> Iterator[IntArray]:
    """The places that are treated, in as many random assignments as there are draws; arguments as all_assignments."""
    sizes = np.bincount(stratum, minlength=len(treated))
    rank = np.arange(len(stratum)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    is_treated = rank < np.repeat(treated, sizes)
    for _ in range(draws):
        yield np.argsort(stratum + rng.random(len(stratum)), kind="stable")[is_treated]
