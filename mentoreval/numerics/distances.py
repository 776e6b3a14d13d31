"""Balance distances: how far apart two arms are in many covariates, before and after weighting.

Conventions are those of cobalt and MatchIt (R), so that the tables agree to the last digits:

- a standardized difference divides by a standard deviation *before* the design and without its weights, so that a
  smaller number after the design is a smaller difference and not a larger spread;
- a weighted variance is Σw(x − m)² · Σw / ((Σw)² − Σw²), the usual n − 1 where weights are equal;
- a column of zeros and ones has the variance p(1 − p), no variance ratio, and |Δp| for each distance of distributions.

Every column is sorted once, whatever the number of weightings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from mentoreval.aliases import BoolArray, FloatArray
from mentoreval.errors import DataError, OptionError, suggest
from mentoreval.numerics.blocks import row_blocks

Denominator = Literal["treated", "comparison", "pooled", "all"]

ROUNDING = 1e-13
"""A variance below this share of the squared distance from the column's mean is what rounding leaves of zero."""


@dataclass(frozen=True, eq=False)
class BalanceTable:
    """How two arms differ in k columns under one weighting; every field is (k,).

    mean_treated, mean_comparison         : weighted means
    variance_treated, variance_comparison : weighted variances; NaN where fewer than two rows have weight
    spread                  : what the standardized difference divides by
    standardized_difference : treated less comparison, in spreads
    variance_ratio          : treated over comparison; NaN for binary columns (their variance follows from the mean)
                              and where the comparison arm has no variance, or one row
    ecdf_mean, ks           : mean (over the distinct values of the column) and largest distance of the two
                              distribution functions
    binary                  : columns that hold only 0 and 1
    """

    mean_treated: FloatArray
    mean_comparison: FloatArray
    variance_treated: FloatArray
    variance_comparison: FloatArray
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
) -> list[BalanceTable]:
    """Compare the arms in every column of X, once for each weighting.

    X           : (n, k)  finite
    treated     : (n,)    boolean
    weightings  : (n,) weights each, such as matching weights; None is one for every row
    denominator : whose standard deviation the differences are counted in: one arm, the root of the mean of both
                  variances ("pooled"), or both arms together ("all"). Where it is zero the pooled one stands in, and
                  where this is zero the one of all rows, so that a difference is never divided by nothing.
    before      : (n,) sampling weights that the denominator is computed with; None is one for every row

    Time n log n for each column that is not binary. Raises DataError for shapes that do not agree, entries that are
    not finite and weightings that leave an arm empty; OptionError for an unknown denominator.
    """
    if denominator not in get_args(Denominator):
        raise OptionError(
            f"There is no denominator named {denominator!r}.{suggest(denominator, get_args(Denominator))}"
        )
    X, treated = _checked(X, treated)
    arms = _split((before, *weightings), treated)
    binary = np.array([bool(np.all((column == 0) | (column == 1))) for column in X.T], dtype=bool)
    moments = _moments(X, arms, binary)
    spread = _spread(moments, denominator)
    difference = moments.mean[:, 0] - moments.mean[:, 1]
    ecdf = np.repeat(np.abs(difference[1:])[..., None], 2, axis=2)
    steps = arms[1:, 0] / moments.total[1:, 0] - arms[1:, 1] / moments.total[1:, 1]
    for place in np.flatnonzero(~binary):
        ecdf[:, place] = _apart(X[:, place], steps)
    return [
        BalanceTable(
            mean_treated=moments.mean[place, 0],
            mean_comparison=moments.mean[place, 1],
            variance_treated=moments.variance[place, 0],
            variance_comparison=moments.variance[place, 1],
            spread=spread,
            standardized_difference=_over(difference[place], spread, 0.0),
            variance_ratio=np.where(
                binary, np.nan, _over(moments.variance[place, 0], moments.variance[place, 1], np.nan)
            ),
            ecdf_mean=ecdf[place - 1, :, 0],
            ks=ecdf[place - 1, :, 1],
            binary=binary,
        )
        for place in range(1, len(arms))
    ]


def effective_sample_size(weights: FloatArray) -> float:
    """(Σw)² / Σw²: the number of equally weighted rows that would tell as much; 0 where there are none."""
    squares = float(weights @ weights)
    return float(weights.sum()) ** 2 / squares if squares > 0 else 0.0


@dataclass(frozen=True, eq=False)
class _Moments:
    """Of every weighting, arm and column: mean and variance (weightings, 2, k), total (weightings, 2, 1).

    ``overall`` (k,) is the variance of both arms of the first weighting together.
    """

    total: FloatArray
    mean: FloatArray
    variance: FloatArray
    overall: FloatArray


def _moments(X: FloatArray, arms: FloatArray, binary: BoolArray) -> _Moments:
    """Sums of powers around each column's mean, block by block, for all weightings, arms and columns at once."""
    weights = arms.reshape(-1, X.shape[0])
    centre = np.where(binary, 0.0, X.mean(axis=0))
    first, second = np.zeros((2, weights.shape[0], X.shape[1]))
    for rows in row_blocks(X.shape[0], weights.shape[0], X.shape[1]):
        block = X[rows] - centre
        first += weights[:, rows] @ block
        second += weights[:, rows] @ (block * block)
    total, squares = weights.sum(axis=1)[:, None], np.einsum("ij,ij->i", weights, weights)[:, None]
    mean = first / total
    shape = (*arms.shape[:2], -1)
    both = [part[:2].sum(axis=0) for part in (total, squares, first, second)]
    return _Moments(
        total=total.reshape(shape),
        mean=(centre + mean).reshape(shape),
        variance=_variance(total, squares, mean, second, binary).reshape(shape),
        overall=_variance(both[0], both[1], both[2] / both[0], both[3], binary),
    )


def _variance(
    total: FloatArray, squares: FloatArray, mean: FloatArray, second: FloatArray, binary: BoolArray
) -> FloatArray:
    """Weighted variance from sums around the column's mean, in which ``mean`` is counted as well.

    Exactly zero where no more than rounding is left; NaN where fewer than two rows have weight.
    """
    freedom = total - squares / total
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = np.where(freedom > ROUNDING * total, (second - total * mean**2) / freedom, np.nan)
    spread = np.where(spread <= ROUNDING * mean**2, 0.0, spread)
    variance: FloatArray = np.where(binary, np.maximum(mean * (1.0 - mean), 0.0), spread)
    return variance


def _spread(moments: _Moments, denominator: Denominator) -> FloatArray:
    """(k,) the standard deviation asked for, before the design; where it is zero, the next wider one."""
    treated, comparison = moments.variance[0]
    pooled = (treated + comparison) / 2
    asked = {"treated": treated, "comparison": comparison, "pooled": pooled, "all": moments.overall}[denominator]
    asked = np.where(asked > 0, asked, pooled)
    spread: FloatArray = np.sqrt(np.where(asked > 0, asked, moments.overall))
    return spread


def _apart(column: FloatArray, steps: FloatArray) -> list[tuple[float, float]]:
    """Mean and largest distance of the two distribution functions for each weighting, of which steps (w, n) are known.

    A step is what a row adds to the treated's function less the comparison's; sorted and summed they are the distance.
    """
    values = np.ascontiguousarray(column)
    order = np.argsort(values)
    ordered = values[order]
    last = np.append(ordered[1:] != ordered[:-1], True)
    distances = (np.abs(np.cumsum(step[order])[last]) for step in steps)
    return [(float(distance.mean()), float(distance.max())) for distance in distances]


def _over(numerator: FloatArray, denominator: FloatArray, otherwise: float) -> FloatArray:
    """Their ratio; ``otherwise`` where the denominator is not above zero."""
    ratio = np.full(numerator.shape, otherwise)
    np.divide(numerator, denominator, out=ratio, where=denominator > 0)
    return ratio


def _split(weightings: Sequence[FloatArray | None], treated: BoolArray) -> FloatArray:
    """(weightings, 2, n) weights of the treated and of the comparison rows, zero in the other arm."""
    arms = np.empty((len(weightings), 2, treated.size))
    for pair, weights in zip(arms, weightings, strict=True):
        each = np.ones(1) if weights is None else np.asarray(weights, dtype=np.float64)
        if weights is not None and each.shape != treated.shape:
            raise DataError(f"A weighting has the shape {each.shape}, but there are {treated.size:,} rows.")
        np.multiply(each, treated, out=pair[0])
        np.multiply(each, ~treated, out=pair[1])
        totals = pair.sum(axis=1)
        if not (np.all(each >= 0) and np.all(totals > 0) and np.all(np.isfinite(totals))):
            raise DataError(
                "A weighting must be finite, not negative, and leave weight in both arms; in all the treated have "
                f"{totals[0]:g} and the comparison rows {totals[1]:g}."
            )
    return arms


def _checked(X: FloatArray, treated: BoolArray) -> tuple[FloatArray, BoolArray]:
    X, flags = np.asarray(X, dtype=np.float64), np.asarray(treated, dtype=bool)
    if X.ndim != 2 or flags.shape != (X.shape[0],):
        raise DataError(f"Balance needs X (n, k) and the treatment (n,); got {X.shape} and {flags.shape}.")
    bad = np.flatnonzero(~np.isfinite(X.sum(axis=0)))
    if bad.size:
        raise DataError(
            f"Column(s) {bad.tolist()} have missing or infinite values. Compare the rows that are known, or fill the "
            "values and compare an indicator of missingness as well."
        )
    return X, flags
