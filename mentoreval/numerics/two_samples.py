"""How two weighted samples of one number differ: means, spreads, standardized difference, Kolmogorov–Smirnov distance.

Conventions are those of cobalt (R): a weighted variance is unbiased for weights that say how much a row counts, and a
number that is only ever 0 or 1 has the variance p(1 − p) and a Kolmogorov–Smirnov distance of the difference in shares.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np

from mentoreval.aliases import BoolArray, FloatArray, IntArray

Denominator = Literal["treated", "comparison", "pooled"]

ROUNDING = 1e-12
"""A spread or a difference below this share of the mean is what rounding leaves of zero."""


class Moments(NamedTuple):
    """Of one sample: number of rows with weight, weighted mean, weighted variance (NaN below two rows)."""

    n: int
    mean: float
    variance: float

    @property
    def sd(self) -> float:
        """Standard deviation."""
        return float(np.sqrt(self.variance))


@dataclass(frozen=True)
class Difference:
    """Two samples under one set of weights; ks is the largest distance of their distribution functions."""

    treated: Moments
    comparison: Moments
    ks: float

    @property
    def of_means(self) -> float:
        """Treated less comparison; exactly 0 where only rounding keeps the means apart."""
        difference = self.treated.mean - self.comparison.mean
        largest = max(abs(self.treated.mean), abs(self.comparison.mean))
        return 0.0 if abs(difference) <= ROUNDING * largest else difference

    @property
    def variance_ratio(self) -> float:
        """Variance of the treated over that of the comparison; NaN where the latter is 0 or not known."""
        return self.treated.variance / self.comparison.variance if self.comparison.variance > 0 else float("nan")

    def spread(self, denominator: Denominator) -> float:
        """Standard deviation of one arm, or the root of the mean of both variances."""
        if denominator == "pooled":
            return float(np.sqrt((self.treated.variance + self.comparison.variance) / 2))
        return self.treated.sd if denominator == "treated" else self.comparison.sd


@dataclass(frozen=True, eq=False)
class TwoSamples:
    """Values (n,) of two arms, to be compared under several sets of weights; they are sorted once.

    binary : True where the values are 0 and 1 only
    """

    values: FloatArray
    treated: BoolArray
    binary: bool = False

    def under(self, weights: FloatArray) -> Difference:
        """The two samples with these weights (n,); rows without weight do not count."""
        treated = moments(self.values[self.treated], weights[self.treated], self.binary)
        comparison = moments(self.values[~self.treated], weights[~self.treated], self.binary)
        if not min(treated.n, comparison.n):
            return Difference(treated, comparison, float("nan"))
        if self.binary:
            return Difference(treated, comparison, abs(treated.mean - comparison.mean))
        return Difference(treated, comparison, self._ks(weights))

    @cached_property
    def _steps(self) -> tuple[IntArray, IntArray]:
        """Rows in the order of their values, and the places of the last row of each value."""
        order = np.argsort(self.values)
        ordered = self.values[order]
        return order, np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))

    def _ks(self, weights: FloatArray) -> float:
        order, last_of_ties = self._steps
        totals = float(weights[self.treated].sum()), -float(weights[~self.treated].sum())
        steps = weights / np.where(self.treated, *totals)
        return float(np.abs(np.cumsum(steps[order])[last_of_ties]).max())


def moments(values: FloatArray, weights: FloatArray, binary: bool = False) -> Moments:
    """Moments of values (n,) with weights (n,); rows without weight do not count.

    The variance is Σw(x − m)² · Σw / ((Σw)² − Σw²), which is the usual n − 1 for equal weights; p(1 − p) if binary.
    Sums are numpy's pairwise ones: they keep more digits than a dot product, and wait for no threads.
    """
    n = int(np.count_nonzero(weights))
    if n == 0:
        return Moments(0, float("nan"), float("nan"))
    total = float(weights.sum())
    mean = float((weights * values).sum()) / total
    if binary:
        return Moments(n, mean, max(mean * (1 - mean), 0.0))
    if n < 2:
        return Moments(n, mean, float("nan"))
    scale = total / (total**2 - float(np.square(weights).sum()))
    variance = scale * float((weights * np.square(values - mean)).sum())
    return Moments(n, mean, variance if variance > (ROUNDING * mean) ** 2 else 0.0)


def standardized(difference: float, spread: float) -> float:
    """difference / spread; 0 where there is no difference, infinite where there is one and no spread."""
    if difference == 0:
        return 0.0
    return difference / spread if spread != 0 else float(np.copysign(np.inf, difference))


def effective_sample_size(weights: FloatArray) -> float:
    """(Σw)² / Σw²: the number of equally weighted rows that would tell as much; 0 for none."""
    squares = float(np.square(weights).sum())
    return float(weights.sum()) ** 2 / squares if squares > 0 else 0.0
