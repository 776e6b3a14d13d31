"""Numbers cut into classes: bins of equal width, given cut points, and quantiles of one arm (subclasses)."""

from __future__ import annotations

import numpy as np

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.errors import DataError


def sturges_bins(n: int) -> int:
    """Sturges' number of bins for n values: ⌈log₂ n + 1⌉, as R's ``nclass.Sturges``."""
    return int(np.ceil(np.log2(max(n, 1)) + 1))


def equal_width_cuts(values: FloatArray, bins: int) -> FloatArray:
    """(bins − 1,) cut points of ``bins`` classes of equal width, from the smallest to the largest of (n,) values."""
    return np.asarray(np.linspace(values.min(), values.max(), bins + 1)[1:-1], dtype=np.float64)


def quantile_cuts(values: FloatArray, classes: int) -> FloatArray:
    """(classes + 1,) quantiles of (n,) values from the smallest to the largest, interpolated as R's type 7."""
    return np.asarray(np.quantile(values, np.linspace(0.0, 1.0, classes + 1)), dtype=np.float64)


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
