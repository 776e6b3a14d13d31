"""Random weights for resampling, in blocks, so that no array of draws × clusters is ever held whole."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Literal

import numpy as np

from mentoreval.aliases import FloatArray, IntArray
from mentoreval.numerics.blocks import row_blocks

Multiplier = Literal["rademacher", "webb", "mammen"]

POINTS: dict[str, FloatArray] = {
    "rademacher": np.array([-1.0, 1.0]),
    "webb": np.sqrt(np.array([1.5, 1.0, 0.5, 0.5, 1.0, 1.5])) * np.array([-1, -1, -1, 1, 1, 1]),
    "mammen": (1.0 + np.array([-1.0, 1.0]) * math.sqrt(5.0)) / 2.0,
}
"""The values that each distribution takes: Webb's six and the two signs with equal probability, Mammen's two not."""

SIGNS_OF_BYTE = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1) * 2.0 - 1.0
"""(256, 8) signs for the bits of each byte, so that eight of them are one copy."""

MAMMEN_LOW = (math.sqrt(5.0) + 1.0) / (2.0 * math.sqrt(5.0))
"""Probability of Mammen's lower value."""

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
    if kind == "rademacher":
        size = shape[0] * shape[1]
        drawn = np.frombuffer(rng.bytes((size + 7) // 8), dtype=np.uint8)
        return np.asarray(SIGNS_OF_BYTE.take(drawn, axis=0).ravel()[:size].reshape(shape), dtype=float)
    if kind == "mammen":
        return np.asarray(np.where(rng.random(shape) < MAMMEN_LOW, *POINTS["mammen"]))
    return POINTS["webb"][rng.integers(0, 6, shape)]


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
