"""Covariate products: squares and interactions of covariates, a block of columns at a time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from mentoreval.design.covariate_matrix import Column, CovariateMatrix

BLOCK = 16
"""Columns that are made at once, so that many covariates of many students do not fill the memory with products."""

Pair = tuple[int, int]


def products(matrix: CovariateMatrix, squares: bool, interactions: bool) -> Iterator[CovariateMatrix]:
    """Squares of the numbers of a matrix, then products of all pairs of its columns, as matrices of a few columns.

    The square of 0/1 is itself and is left out, and so are two levels of one covariate, of which nobody has both.
    """
    pairs = [*(_squares(matrix.columns) if squares else ()), *(_pairs(matrix.columns) if interactions else ())]
    for start in range(0, len(pairs), BLOCK):
        block = pairs[start : start + BLOCK]
        values = np.empty((len(matrix.values), len(block)), order="F")
        for place, (one, other) in enumerate(block):
            np.multiply(matrix.values[:, one], matrix.values[:, other], out=values[:, place])
        yield CovariateMatrix(values, tuple(_column(matrix.columns, pair) for pair in block))


def _squares(columns: tuple[Column, ...]) -> list[Pair]:
    return [(place, place) for place, column in enumerate(columns) if not column.binary]


def _pairs(columns: tuple[Column, ...]) -> list[Pair]:
    everyone = combinations(range(len(columns)), 2)
    return [(one, other) for one, other in everyone if columns[one].covariate != columns[other].covariate]


def _column(columns: tuple[Column, ...], pair: Pair) -> Column:
    one, other = (columns[place] for place in pair)
    if pair[0] == pair[1]:
        return Column(f"{one.label}²", None, False)
    return Column(f"{one.label} × {other.label}", None, one.binary and other.binary)
