"""Numbers cut into classes: bins of equal width, given cut points, and quantiles of one arm (subclasses)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.errors import DataError

FREEDMAN_DIACONIS_DIGITS = 5
"""Significant digits to which values are rounded before their quartiles are taken."""

SMALLEST_TAIL = 1 / 512
"""Where the quartiles are equal, quantiles farther out are tried, down to this share in each tail."""


def sturges_bins(values: FloatArray) -> int:
    """Sturges' number of bins for (n,) values: ⌈log₂ n + 1⌉, as R's ``nclass.Sturges``."""
    return int(np.ceil(np.log2(max(values.size, 1)) + 1))


def scott_bins(values: FloatArray) -> int:
    """Scott's number of bins for (n,) values, from their standard deviation, as R's ``nclass.scott``."""
    width = 3.5 * _deviation(values) * values.size ** (-1 / 3)
    return max(1, int(np.ceil(np.ptp(values) / width))) if width > 0 else 1


def freedman_diaconis_bins(values: FloatArray) -> int:
    """Freedman and Diaconis' number of bins for (n,) values, from their quartiles, as R's ``nclass.FD``.

    Where the quartiles are equal, the first pair of equally far quantiles that differ stands in for them, halving the
    tails; where none does, the standard deviation.
    """
    rounded = _significant(values, FREEDMAN_DIACONIS_DIGITS)
    tail = 1 / 4
    width = 2.0 * float(np.subtract(*np.quantile(rounded, [1 - tail, tail])))
    while width == 0 and tail / 2 >= SMALLEST_TAIL:
        tail /= 2
        width = float(np.subtract(*np.quantile(rounded, [1 - tail, tail]))) / (1 - 2 * tail)
    if width == 0:
        width = 3.5 * _deviation(values)
    return max(1, int(np.ceil(np.ptp(values) / width * values.size ** (1 / 3)))) if width > 0 else 1


def _deviation(values: FloatArray) -> float:
    return float(np.std(values, ddof=1)) if values.size > 1 else 0.0


def _significant(values: FloatArray, digits: int) -> FloatArray:
    """Values rounded to so many significant digits."""
    return np.array([float(f"{value:.{digits - 1}e}") for value in values.tolist()])


RULES: dict[str, Callable[[FloatArray], int]] = {
    "sturges": sturges_bins,
    "scott": scott_bins,
    "fd": freedman_diaconis_bins,
}
"""Rules for the number of bins, by name."""


def equal_width_cuts(values: FloatArray, bins: int) -> FloatArray:
    """(bins − 1,) cut points of ``bins`` classes of equal width, from the smallest to the largest of (n,) values."""
    return np.asarray(np.linspace(values.min(), values.max(), bins + 1)[1:-1], dtype=np.float64)


def quantile_cuts(values: FloatArray, classes: int) -> FloatArray:
    """(classes + 1,) quantiles of (n,) values from the smallest to the largest, interpolated as R's type 7.

    The arithmetic is R's step by step: where a quantile falls on a value, its rounding says to which side of the cut
    the value belongs.
    """
    index = 1.0 + (values.size - 1) * np.linspace(0.0, 1.0, classes + 1)
    places = np.stack([np.floor(index), np.ceil(index)]).astype(np.int64) - 1
    low, high = np.partition(values, np.unique(places))[places]
    h = index - np.floor(index)
    return np.asarray(np.where((h > 0) & (low != high), (1.0 - h) * low + h * high, low), dtype=np.float64)


def classes_between(values: FloatArray, cuts: FloatArray) -> IntArray:
    """(n,) class of each value, 0 … cuts: a value on a cut point belongs to the class above it."""
    return np.searchsorted(np.sort(cuts), values, side="right").astype(np.int64)


def subclasses(score: FloatArray, treated: BoolArray, cuts: FloatArray) -> IntArray:
    """(n,) subclass 0 … c − 1 of each row, cut at the quantiles ``cuts`` (c + 1,), each with a row of both arms.

    score : (n,); treated : (n,)

    Values beyond the outermost quantiles belong to the outermost subclasses, and subclasses that equal quantiles leave
    without anybody do not exist. A subclass without one of the arms is given the nearest row of that arm from the
    side where more of them are and nearer, as MatchIt (R) does, until all have one. DataError where an arm has fewer
    rows than there are subclasses.
    """
    found = np.unique(classes_between(score, cuts[1:-1]), return_inverse=True)[1].astype(np.int64)
    number = int(found.max(initial=0)) + 1
    for arm in (treated, ~treated):
        if np.count_nonzero(arm) < number:
            raise DataError(f"{np.count_nonzero(arm):,} rows of one arm can not fill {number:,} subclasses.")
        _fill_up(found, np.flatnonzero(arm), score, number)
    return found


def _fill_up(found: IntArray, rows: IntArray, score: FloatArray, number: int) -> None:
    """Move rows of one arm between neighbouring subclasses, in place, until each of ``number`` has one."""
    while True:
        counts = np.bincount(found[rows], minlength=number)
        empty = np.flatnonzero(counts == 0)
        if not empty.size:
            return
        place = int(empty[0])
        spare = np.maximum(counts - 1, 0) / np.maximum(np.abs(np.arange(number) - place), 1)
        from_left = place > 0 and (place == number - 1 or spare[:place].sum() >= spare[place + 1 :].sum())
        filled = np.flatnonzero(counts > 0)
        donor = int(filled[filled < place].max()) if from_left else int(filled[filled > place].min())
        donors = rows[found[rows] == donor]
        found[donors[np.argmax(score[donors]) if from_left else np.argmin(score[donors])]] = place
