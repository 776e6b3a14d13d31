"""Who may be paired with whom, and who is served first: what every matching kernel shares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.errors import DataError, OptionError, suggest

MatchOrder = Literal["largest", "smallest", "closest", "data", "random"]

UNMATCHED = -1
"""The place of a control that was not found, in pairs and in matched sets."""


@dataclass(frozen=True, eq=False)
class Limits:
    """What no pair may ever violate.

    caliper    : largest distance of a pair (inclusive), in the units of the score or of the metric; None is no limit
    strata     : (n,)   codes; only rows with the same code are paired
    discarded  : (n,)   rows that take no part, for example outside the common support; they may lack values
    covariates : (n, c) columns with a width each: a pair differs by at most the width (inclusive) in every one
    widths     : (c,)
    """

    caliper: float | None = None
    strata: IntArray | None = None
    discarded: BoolArray | None = None
    covariates: FloatArray | None = None
    widths: FloatArray | None = None

    def checked(self, n: int) -> Limits:
        """These limits for n rows, as arrays; DataError or OptionError for what does not fit."""
        if self.caliper is not None and not self.caliper >= 0:
            raise OptionError(f"A caliper must not be negative; got {self.caliper}.")
        for name, column in (("strata", self.strata), ("discarded", self.discarded)):
            if column is not None and np.shape(column) != (n,):
                raise DataError(f"{name} has the shape {np.shape(column)}, but there are {n:,} rows to match.")
        discarded = np.zeros(n, dtype=bool) if self.discarded is None else np.asarray(self.discarded, dtype=bool)
        covariates, widths = _checked_widths(self.covariates, self.widths, discarded)
        return Limits(
            caliper=self.caliper,
            strata=None if self.strata is None else np.asarray(self.strata),
            discarded=discarded,
            covariates=covariates,
            widths=widths,
        )

    @property
    def reach(self) -> float:
        """The caliper as a finite number, so that an infinite distance is always beyond it."""
        return float(np.finfo(np.float64).max) if self.caliper is None else min(float(self.caliper), 1e308)

    def box(self) -> tuple[FloatArray, FloatArray]:
        """Covariates (n, c) and widths (c,) of the covariate calipers, which must be there."""
        if self.covariates is None or self.widths is None:
            raise OptionError("These limits have no covariate calipers.")
        return self.covariates, self.widths

    def usable(self, n: int) -> BoolArray:
        """(n,) rows that take part."""
        return np.ones(n, dtype=bool) if self.discarded is None else ~self.discarded

    def codes(self, n: int) -> IntArray:
        """(n,) strata renumbered 0, 1, … without gaps; all 0 where there are none."""
        if self.strata is None:
            return np.zeros(n, dtype=np.int64)
        if self.strata.dtype.kind != "i" or self.strata.min(initial=0) < 0 or self.strata.max(initial=0) > n:
            return np.unique(self.strata, return_inverse=True)[1].astype(np.int64)
        occurs = np.bincount(self.strata) > 0
        return self.strata if occurs.all() else (np.cumsum(occurs) - 1)[self.strata]


NO_LIMITS = Limits()


def visiting_order(
    order: MatchOrder | IntArray, treated: int, score: FloatArray | None = None, rng: np.random.Generator | None = None
) -> IntArray:
    """In which order the treated units choose: a permutation of 0 … treated − 1.

    order : a name, or the permutation itself
    score : (treated,)  for "largest" and "smallest"; equal scores keep the order of the data
    rng   : for "random"

    "closest" starts from the order of the data; which pair comes next is decided while matching.
    """
    if not isinstance(order, str):
        sequence = np.asarray(order, dtype=np.int64)
        if not np.array_equal(np.sort(sequence), np.arange(treated)):
            raise OptionError(f"An order given as an array must name each of the {treated:,} treated units once.")
        return sequence
    if order not in get_args(MatchOrder):
        raise OptionError(f"There is no matching order named {order!r}.{suggest(order, get_args(MatchOrder))}")
    if order == "random":
        if rng is None:
            raise OptionError('order = "random" needs a random number generator, so that the match can be repeated.')
        return rng.permutation(treated)
    if order in ("largest", "smallest"):
        if score is None:
            raise OptionError(f'order = "{order}" needs a score. Match on one, or give the order as an array.')
        return stable_order(-score if order == "largest" else score)
    return np.arange(treated)


def stable_order(values: FloatArray) -> IntArray:
    """Rows by value, equal values by row: ``argsort(kind="stable")``, in one sort of whole numbers.

    The bits of a number, read as a whole number, have its order. The row is written behind as many of them as there is
    room for, so that sorted keys know where they come from. Values that differ in no other bits are sorted once more.
    """
    if not values.size:
        return np.empty(0, dtype=np.int64)
    keys = (np.asarray(values, dtype=np.float64) + 0.0).view(np.int64)  # the sum makes 0 of a negative 0
    keys ^= (keys >> 63) & np.iinfo(np.int64).max  # of two negative numbers the lower has the larger bits
    keys -= keys.min()
    ranks, bits = keys.view(np.uint64), (values.size - 1).bit_length()
    ranks >>= max(int(ranks.max()).bit_length() + bits - 64, 0)
    ranks <<= bits
    ranks |= np.arange(values.size, dtype=np.uint64)
    ranks.sort()
    rows = (ranks & ((1 << bits) - 1)).view(np.int64)
    ordered = values.take(rows)
    if np.any(ordered[1:] < ordered[:-1]):
        alike = ranks[1:] >> bits == ranks[:-1] >> bits
        among = np.flatnonzero(np.append(alike, False) | np.append(False, alike))
        rows[among] = rows[among[np.argsort(ordered[among], kind="stable")]]
    return rows


def in_turn(sequence: IntArray, nearest: Callable[[int], tuple[int, float]], take: Callable[[int], None]) -> list[int]:
    """The nearest control of each treated unit, which it takes; UNMATCHED for who finds nobody."""
    served = list[int]()
    for unit in sequence.tolist():
        control, _ = nearest(unit)
        if control != UNMATCHED:
            take(control)
        served.append(control)
    return served


def checked_groups(treated: BoolArray, rows: int) -> BoolArray:
    """The treatment as booleans; DataError unless it has one value, true or false, for each row."""
    flags = np.asarray(treated)
    if flags.shape != (rows,):
        raise DataError(f"The treatment has the shape {flags.shape}, but there are {rows:,} rows to match.")
    if flags.dtype != np.bool_ and not np.all((flags == 0) | (flags == 1)):
        raise DataError("The treatment must be true or false (1 or 0) in every row.")
    return flags.astype(bool)


def _checked_widths(
    covariates: FloatArray | None, widths: FloatArray | None, discarded: BoolArray
) -> tuple[FloatArray | None, FloatArray | None]:
    if covariates is None and widths is None:
        return None, None
    if covariates is None or widths is None:
        raise OptionError("Covariate calipers need both the covariates and a width for each.")
    columns = np.asarray(covariates, dtype=np.float64)
    columns = columns[:, None] if columns.ndim == 1 else columns
    each = np.atleast_1d(np.asarray(widths, dtype=np.float64))
    if columns.shape != (discarded.size, each.size):
        raise DataError(
            f"Covariate calipers have the shape {columns.shape}, but {discarded.size:,} rows and {each.size} widths "
            f"ask for {(discarded.size, each.size)}."
        )
    columns = np.where(discarded[:, None], 0.0, columns) if discarded.any() else columns
    if not np.all(each >= 0):
        raise OptionError(f"The widths of covariate calipers must not be negative; got {each.tolist()}.")
    if not np.isfinite(columns).all():
        raise DataError("A covariate with a caliper has missing or infinite values. Fill them or drop the rows first.")
    return columns, each
