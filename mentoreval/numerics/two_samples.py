"""How two weighted samples differ, column by column: the one definition of every balance statistic.

Conventions are those of cobalt and MatchIt (R), so that the tables agree to the last digits:

- a standardized difference divides by one standard deviation before and after the design, as a rule that before it and
  without its weights, so that a smaller number after the design is a smaller difference and not a larger spread;
- a weighted variance is Σw(x − m)² · Σw / ((Σw)² − Σw²), the usual n − 1 where weights are equal;
- a column of zeros and ones has the variance p(1 − p), no variance ratio, and |Δp| for each distance of distributions.

Every column is sorted once, whatever the number of weightings; sums over all columns and weightings are one pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.errors import DataError, OptionError, suggest
from mentoreval.numerics.blocks import row_blocks
from mentoreval.numerics.strata import stable_order

Denominator = Literal["treated", "comparison", "pooled", "all", "weighted", "hedges"]
DENOMINATORS: tuple[Denominator, ...] = get_args(Denominator)
_ARMS = ("treated", "comparison")

VARIANCE_ROUNDING = 1e-13
"""A variance below this share of the squared distance from the column's mean is what rounding leaves of zero."""

MEAN_ROUNDING = 1e-12
"""A difference of means below this share of the larger of them is what rounding leaves of zero."""

LARGEST_STEP = 2.0**62
"""The largest whole number that a distribution function is summed in."""


class Moments(NamedTuple):
    """Of one arm, in k columns: rows with weight (k,), weighted means (k,), weighted variances (k,).

    The mean is NaN where no row has weight; the variance below two rows, unless the column is binary.
    """

    n: IntArray
    mean: FloatArray
    variance: FloatArray

    @property
    def sd(self) -> FloatArray:
        """Standard deviations (k,)."""
        return np.asarray(np.sqrt(self.variance), dtype=float)


@dataclass(frozen=True, eq=False)
class BalanceTable:
    """How two arms differ in k columns under one weighting; every field is (k,).

    treated, comparison : number of rows, mean and variance of each arm
    difference : of the means, treated less comparison; exactly 0 where only rounding keeps them apart
    spread : what the standardized difference divides by
    standardized_difference : in spreads; infinite where there is a difference and no spread
    variance_ratio : treated over comparison; NaN for binary columns (their variance follows from the mean) and where
        the comparison arm has no variance, or one row
    ecdf_mean, ks : mean (over the distinct values of the column) and largest distance of the two distribution
        functions; NaN where an arm has no row
    binary : columns that are shares
    """

    treated: Moments
    comparison: Moments
    difference: FloatArray
    spread: FloatArray
    standardized_difference: FloatArray
    variance_ratio: FloatArray
    ecdf_mean: FloatArray
    ks: FloatArray
    binary: BoolArray


def balance_tables(
    X: FloatArray,
    treated: BoolArray,
    weightings: Sequence[FloatArray | None],
    *,
    denominator: Denominator = "treated",
    before: FloatArray | None = None,
    binary: BoolArray | None = None,
) -> list[BalanceTable]:
    """Compare the arms in every column of X, once for each weighting.

    X           : (n, k)  NaN is a value that is not known: the row counts nowhere in that column
    treated     : (n,)    boolean
    weightings  : (n,) weights each, such as matching weights; None is one for every row. A row of weight 0 is in
                  neither arm
    denominator : whose standard deviation the differences are counted in: one arm, the root of the mean of both
                  variances ("pooled"), both arms together ("all"), both together under the last of the weightings
                  ("weighted"), or what makes the difference Hedges' g: the root of both variances pooled by their
                  degrees of freedom over 1 − 3/(4(n − 2) − 1) ("hedges"). Where it is zero or not known the pooled one
                  stands in, and where this is zero the one of all rows
    before      : (n,) sampling weights that the denominator is computed with; None is one for every row
    binary      : (k,) columns that are shares; None is those that hold only 0 and 1

    Time n log n for each column that is not binary. Raises DataError for shapes that do not agree, infinite entries
    and weights that are not finite or negative; OptionError for an unknown denominator.
    """
    if denominator not in DENOMINATORS:
        raise OptionError(f"There is no denominator named {denominator!r}.{suggest(denominator, DENOMINATORS)}")
    X, treated, has_gaps = _checked(X, treated)
    given = [before, *(weights for weights in weightings if weights is not before)]
    asked = [next(place for place, one in enumerate(given) if one is weights) for weights in weightings]
    arms = _split(given, treated)
    shares = _shares(X) if binary is None else binary
    whole = np.flatnonzero(~has_gaps)
    parts = [(whole, _compare(X if whole.size == has_gaps.size else X[:, whole], arms, shares[whole], denominator))]
    for place in np.flatnonzero(has_gaps):
        known = ~np.isnan(X[:, place])
        column = _compare(X[known][:, [place]], arms[:, :, known], shares[[place]], denominator)
        parts.append((np.array([place]), column))
    tables = parts[0][1] if len(parts) == 1 else [_joined(parts, place) for place in range(len(given))]
    return [tables[place] for place in asked]


def effective_sample_size(weights: FloatArray) -> float:
    """(Σw)² / Σw²: the number of equally weighted rows that would tell as much; 0 where there are none."""
    squares = float(np.square(weights).sum())
    return float(weights.sum()) ** 2 / squares if squares > 0 else 0.0


def _compare(X: FloatArray, arms: FloatArray, binary: BoolArray, denominator: Denominator) -> list[BalanceTable]:
    """The table of each weighting, for columns without gaps. The first of the arms (w, 2, n) are those before."""
    moments = _moments(X, arms, binary)
    mean, variance = moments.mean, moments.variance
    spread = _spread(moments, denominator)
    difference = _difference(mean)
    ecdf = np.repeat(np.abs(difference)[..., None], 2, axis=2)
    if not binary.all():
        steps, whole = _whole_steps(arms, moments.total)
        for place in np.flatnonzero(~binary):
            ecdf[:, place] = _apart(X[:, place], steps, whole)
    return [
        BalanceTable(
            treated=Moments(moments.n[place, 0], mean[place, 0], variance[place, 0]),
            comparison=Moments(moments.n[place, 1], mean[place, 1], variance[place, 1]),
            difference=difference[place],
            spread=spread,
            standardized_difference=_in_spreads(difference[place], spread),
            variance_ratio=np.where(binary, np.nan, _ratio(variance[place, 0], variance[place, 1])),
            ecdf_mean=ecdf[place, :, 0],
            ks=ecdf[place, :, 1],
            binary=binary,
        )
        for place in range(len(arms))
    ]


def _joined(parts: list[tuple[IntArray, list[BalanceTable]]], weighting: int) -> BalanceTable:
    """One table from tables of some of its columns each."""
    back = np.argsort(np.concatenate([places for places, _ in parts]))
    tables = [tables[weighting] for _, tables in parts]

    def joined(name: str) -> NDArray[Any]:
        """One field of all tables, in the order of the columns."""
        return np.asarray(np.concatenate([attrgetter(name)(table) for table in tables])[back])

    treated, comparison = (Moments(*(joined(f"{arm}.{part}") for part in Moments._fields)) for arm in _ARMS)
    rest = {field.name: joined(field.name) for field in fields(BalanceTable) if field.name not in _ARMS}
    return BalanceTable(treated, comparison, **rest)


@dataclass(frozen=True, eq=False)
class _Moments:
    """Of every weighting, arm and column: n, mean and variance (weightings, 2, k), total (weightings, 2, 1).

    ``overall`` (weightings, k) is the variance of both arms together.
    """

    n: IntArray
    total: FloatArray
    mean: FloatArray
    variance: FloatArray
    overall: FloatArray


def _moments(X: FloatArray, arms: FloatArray, binary: BoolArray) -> _Moments:
    """Sums of powers around each column's mean, block by block, for all weightings, arms and columns at once."""
    weights = arms.reshape(2 * len(arms), X.shape[0])
    centre = np.where(binary, 0.0, X.sum(axis=0) / max(X.shape[0], 1))
    first, second = np.zeros((2, weights.shape[0], X.shape[1]))
    for rows in row_blocks(X.shape[0], weights.shape[0], X.shape[1]):
        block = X[rows] - centre
        first += weights[:, rows] @ block
        second += weights[:, rows] @ (block * block)
    total, squares = weights.sum(axis=1)[:, None], np.einsum("ij,ij->i", weights, weights)[:, None]
    counts = np.count_nonzero(weights, axis=1).reshape(*arms.shape[:2], 1)
    shape = (*arms.shape[:2], -1)
    both = [part.reshape(shape).sum(axis=1) for part in (total, squares, first, second)]
    with np.errstate(invalid="ignore"):  # no weight, no mean
        mean, mean_of_all = first / total, both[2] / both[0]
    return _Moments(
        n=np.broadcast_to(counts, (*arms.shape[:2], X.shape[1])),
        total=total.reshape(shape),
        mean=(centre + mean).reshape(shape),
        variance=_variance(total, squares, mean, second, binary).reshape(shape),
        overall=_variance(both[0], both[1], mean_of_all, both[3], binary),
    )


def _variance(
    total: FloatArray, squares: FloatArray, mean: FloatArray, second: FloatArray, binary: BoolArray
) -> FloatArray:
    """Weighted variance from sums around the column's mean, in which ``mean`` is counted as well.

    Exactly zero where no more than rounding is left; NaN where fewer than two rows have weight.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        freedom = total - squares / total
        spread = np.where(freedom > VARIANCE_ROUNDING * total, (second - total * mean**2) / freedom, np.nan)
        spread = np.where(spread <= VARIANCE_ROUNDING * mean**2, 0.0, spread)
        variance: FloatArray = np.where(binary, np.maximum(mean * (1.0 - mean), 0.0), spread)
    return variance


def _difference(mean: FloatArray) -> FloatArray:
    """(weightings, k) of the means (weightings, 2, k), without what rounding leaves."""
    difference = mean[:, 0] - mean[:, 1]
    difference[np.abs(difference) <= MEAN_ROUNDING * np.abs(mean).max(axis=1)] = 0.0
    return np.asarray(difference, dtype=float)


def _spread(moments: _Moments, denominator: Denominator) -> FloatArray:
    """(k,) the standard deviation asked for, before the design; where it is zero, the next wider one."""
    treated, comparison = moments.variance[0]
    pooled, overall = (treated + comparison) / 2, moments.overall[0]
    asked = {
        "treated": treated,
        "comparison": comparison,
        "pooled": pooled,
        "all": overall,
        "weighted": moments.overall[-1],
        "hedges": _hedges(moments.n[0], treated, comparison),
    }[denominator]
    asked = np.where(asked > 0, asked, pooled)
    spread: FloatArray = np.sqrt(np.where(asked > 0, asked, overall))
    return spread


def _hedges(n: IntArray, treated: FloatArray, comparison: FloatArray) -> FloatArray:
    """(k,) variance by whose root a difference of means is Hedges' g; n (2, k) rows of the arms, (k,) their variances.

    NaN where there are too few rows for it.
    """
    freedom = n.sum(axis=0) - 2
    with np.errstate(invalid="ignore", divide="ignore"):  # an arm of one row has no variance
        pooled = ((n[0] - 1) * treated + (n[1] - 1) * comparison) / freedom
        variance: FloatArray = np.where(freedom > 0, pooled / (1 - 3 / (4 * freedom - 1)) ** 2, np.nan)
    return variance


def _whole_steps(arms: FloatArray, total: FloatArray) -> tuple[IntArray, FloatArray]:
    """What each row adds to the treated's distribution function less the comparison's, as whole numbers (w, n).

    Whole numbers are summed many times as fast as others and, where weights are whole, exactly.

    Returns them and how many of them are one (w, 1), for weights (w, 2, n) and their sums (w, 2, 1): 0 without weight.
    """
    unit = np.exp2(-np.ceil(np.log2(np.where(total > 0, total, 1.0))))
    share = total * unit  # of each arm, at most 1; scaled by powers of two nothing is rounded
    steps = arms[:, 0] * (unit[:, 0] * share[:, 1] * LARGEST_STEP)
    steps -= arms[:, 1] * (unit[:, 1] * share[:, 0] * LARGEST_STEP)
    return np.rint(steps, out=steps).astype(np.int64), share[:, 0] * share[:, 1] * LARGEST_STEP


def _apart(column: FloatArray, steps: IntArray, whole: FloatArray) -> FloatArray:
    """(w, 2) mean and largest distance of the two distribution functions for each weighting, NaN where an arm has none.

    steps, whole : (w, n), (w, 1) of ``_whole_steps``
    """
    if not column.size:
        return np.full((len(steps), 2), np.nan)
    order = stable_order(column)
    ordered = column.take(order)
    last = np.append(ordered[1:] != ordered[:-1], True)
    distinct = bool(last.all())
    apart = np.empty((len(steps), 2))
    for place, step in enumerate(steps):
        distance = np.cumsum(step.take(order))
        distance = np.abs(distance, out=distance) if distinct else np.abs(distance[last])
        apart[place] = distance.mean(), distance.max()
    with np.errstate(invalid="ignore"):
        return apart / whole


def _in_spreads(difference: FloatArray, spread: FloatArray) -> FloatArray:
    """difference / spread; 0 where there is no difference, infinite where there is one and no spread."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(difference == 0, 0.0, difference / spread)


def _ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Their ratio; NaN where the denominator is not above zero."""
    ratio = np.full(numerator.shape, np.nan)
    np.divide(numerator, denominator, out=ratio, where=denominator > 0)
    return ratio


def _split(weightings: Sequence[FloatArray | None], treated: BoolArray) -> FloatArray:
    """(weightings, 2, n) weights of the treated and of the comparison rows, zero in the other arm."""
    arms = np.empty((len(weightings), 2, treated.size))
    for pair, weights in zip(arms, weightings, strict=True):
        each = np.ones(1) if weights is None else np.asarray(weights, dtype=np.float64)
        if weights is not None and each.shape != treated.shape:
            raise DataError(f"A weighting has the shape {each.shape}, but there are {treated.size:,} rows.")
        if not (np.all(each >= 0) and np.isfinite(each.sum())):
            wrong = int(np.count_nonzero(~(np.isfinite(each) & (each >= 0))))
            raise DataError(f"A weighting must be finite and not negative; it is not so in {wrong:,} of {each.size:,}.")
        np.multiply(each, treated, out=pair[0])
        np.multiply(each, ~treated, out=pair[1])
    return arms


def _shares(X: FloatArray) -> BoolArray:
    """(k,) columns whose known values are only 0 and 1, and that have one."""
    known = (column[~np.isnan(column)] for column in X.T)
    return np.array([bool(values.size and np.all((values == 0) | (values == 1))) for values in known], dtype=bool)


def _checked(X: FloatArray, treated: BoolArray) -> tuple[FloatArray, BoolArray, BoolArray]:
    """Both arrays, and the columns (k,) that have gaps."""
    X, flags = np.asarray(X, dtype=np.float64), np.asarray(treated, dtype=bool)
    if X.ndim != 2 or flags.shape != (X.shape[0],):
        raise DataError(f"Balance needs X (n, k) and the treatment (n,); got {X.shape} and {flags.shape}.")
    with np.errstate(invalid="ignore"):
        odd = np.flatnonzero(~np.isfinite(X.sum(axis=0)))
    infinite = [int(place) for place in odd if np.isinf(X[:, place]).any()]
    if infinite:
        raise DataError(f"Column(s) {infinite} have infinite values. Make them missing or correct them.")
    has_gaps = np.zeros(X.shape[1], dtype=bool)
    has_gaps[odd] = True
    return X, flags, has_gaps
