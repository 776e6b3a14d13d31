"""Moment balance: weights under which students of one arm have exactly the means of those whom they shall resemble."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.design.covariate_matrix import CovariateMatrix
from mentoreval.errors import DesignError
from mentoreval.numerics.logit import aliased_columns
from mentoreval.numerics.tilting import Tilt, tilt_to

AT_EDGE = 1e-10
"""A target within this many standard deviations of the lowest or highest value is at it; the rest is rounding."""

POWERS = {1: "{}", 2: "the square of {}", 3: "the cube of {}"}


@dataclass(frozen=True, eq=False)
class Sample:
    """Who is weighted, whom they shall resemble, and in what.

    covariates : (n, k) every level
    moments    : 1 means, 2 squares too, 3 cubes too, of the columns that are not binary
    weight     : (n,) sampling weights, above 0
    source     : (n,) True for the students to be weighted
    target     : (n,) True for the students to resemble
    who        : for messages: the source, e.g. "comparison students"
    """

    covariates: CovariateMatrix
    moments: int
    weight: FloatArray
    source: BoolArray
    target: BoolArray
    who: str


@dataclass(frozen=True, eq=False)
class Balanced:
    """Weights (source,) that meet the moments and sum to the target's sampling weights, and how they were found.

    n_unused  : students of the source with weight 0, for they have a value that no student of the target has
    imbalance : the largest difference left, in standard deviations
    """

    weights: FloatArray
    n_unused: int
    imbalance: float
    iterations: int


def balance_moments(sample: Sample, tolerance: float) -> Balanced:
    """The weights nearest to the sampling weights, in entropy, that meet the target's moments.

    Raises DesignError where no weights do; it names the covariate of which the mean lies outside of the source's range
    or, where each is inside but not all together, those with the largest differences left.
    """
    columns, labels = _centred_moments(sample)
    _refuse_outside(sample)
    usable = _on_the_edge_of_the_target(columns)
    kept = columns[usable] if not usable.all() else columns
    weight = sample.weight[sample.source][usable]
    total = float(sample.weight[sample.target].sum())
    tilt, imbalance = _tilt(kept, weight * (total / weight.sum()), total, tolerance)
    worst = float(np.abs(imbalance).max(initial=0.0))
    if not tilt.converged or worst > 10 * tolerance:
        raise DesignError(_explain_together(sample, labels, imbalance))
    weights = np.zeros(len(usable))
    weights[usable] = tilt.weights
    return Balanced(weights, int((~usable).sum()), worst, tilt.iterations)


def _tilt(columns: FloatArray, base: FloatArray, total: float, tolerance: float) -> tuple[Tilt, FloatArray]:
    """The tilt on the columns that are not combinations of others, and what is left in all of them."""
    Z = np.column_stack([np.ones(len(columns)), columns])
    kept = np.setdiff1d(np.arange(Z.shape[1]), aliased_columns(Z, base))
    target = np.zeros(len(kept))
    target[0] = total
    tilt = tilt_to(Z[:, kept] if len(kept) < Z.shape[1] else Z, base, target, total=total, tolerance=tolerance)
    return tilt, np.asarray(tilt.weights @ columns / total, dtype=float)


def _centred_moments(sample: Sample) -> tuple[FloatArray, list[str]]:
    """(source, k) columns and their powers less the target's mean, over the spread in both; and their names."""
    values, weight = sample.covariates.values, sample.weight
    out, labels = [], []
    share = weight[sample.target] / weight[sample.target].sum()
    for place, column in enumerate(sample.covariates.columns):
        first = values[:, place]
        for power in range(1, 1 if column.binary else sample.moments) or range(1, 2):
            pass
        for power in range(1, (1 if column.binary else sample.moments) + 1):
            moved, aimed = _centred(first[sample.source] ** power, first[sample.target] ** power, share)
            out.append(moved)
            labels.append(POWERS[power].format(repr(column.label)))
    return np.column_stack(out), labels
