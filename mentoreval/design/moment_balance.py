"""Moment balance: weights under which students of one arm have exactly the means of those whom they shall resemble."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mentoreval.aliases import BoolArray, FloatArray
from mentoreval.design.covariate_matrix import CovariateMatrix
from mentoreval.errors import DesignError
from mentoreval.numerics.logit import aliased_columns
from mentoreval.numerics.tilting import Tilt, tilt_to

AT_EDGE = 1e-10
"""A target within this many standard deviations of the lowest or highest value is at it; the rest is rounding."""

ALIASED_SLACK = 10.0
"""Times the tolerance that a column may be off which is a combination of columns that are within it."""

POWERS = {1: "{!r}", 2: "the square of {!r}", 3: "the cube of {!r}"}

Moment = tuple[int, int]
"""Place of a column of the covariates, and the power of it."""


@dataclass(frozen=True, eq=False)
class Resemblance:
    """Who is weighted, whom they shall resemble, and in what.

    covariates : (n, k) every level
    moments    : 1 means, 2 squares too, 3 cubes too, of the columns that are not binary
    weight     : (n,) sampling weights, above 0
    source     : (n,) True for the students to be weighted
    target     : (n,) True for the students to resemble
    who, whom  : their names in messages
    base       : (n,) weights above 0 that those of the source shall stay near; None = the sampling weights
    """

    covariates: CovariateMatrix
    moments: int
    weight: FloatArray
    source: BoolArray
    target: BoolArray
    who: str
    whom: str
    base: FloatArray | None = None


@dataclass(frozen=True, eq=False)
class Balanced:
    """Weights (source,) that meet the moments and sum to the target's sampling weights, and how they were found.

    n_unused   : students of the source with weight 0, for they have a value that nobody in the target has
    imbalance  : the largest difference left, in standard deviations
    iterations : Newton steps
    """

    weights: FloatArray
    n_unused: int
    imbalance: float
    iterations: int


def balance_moments(asked: Resemblance, tolerance: float) -> Balanced:
    """The weights nearest to the base weights, in entropy, that meet the target's moments.

    tolerance : largest difference to leave, in standard deviations

    Raises DesignError where no weights do. It names the covariate whose mean lies outside of the source's range or,
    where each lies inside but no weights meet all, the covariates with the largest differences left.
    """
    columns, moments = _centred_moments(asked)
    _refuse_outside(asked, columns, moments)
    usable = _not_beyond_the_target(columns)
    kept = columns if usable.all() else columns[usable]
    weight = (asked.weight if asked.base is None else asked.base)[asked.source][usable]
    total = float(asked.weight[asked.target].sum())
    tilt, imbalance = _tilt(kept, weight * (total / weight.sum()), total, tolerance)
    worst = float(np.abs(imbalance).max(initial=0.0))
    if not tilt.converged or worst > ALIASED_SLACK * tolerance:
        raise DesignError(_explain_together(asked, moments, imbalance * (total / tilt.weights.sum())))
    weights = np.zeros(len(usable))
    weights[usable] = tilt.weights
    return Balanced(weights, int((~usable).sum()), worst, tilt.iterations)


def _tilt(columns: FloatArray, base: FloatArray, total: float, tolerance: float) -> tuple[Tilt, FloatArray]:
    """The tilt on the columns that are not combinations of others, and what is left in all of them."""
    Z = np.column_stack([np.ones(len(columns)), columns])
    aliased = aliased_columns(Z, base)
    used = np.delete(Z, aliased, axis=1) if len(aliased) else Z
    target = np.zeros(used.shape[1])
    target[0] = total
    tilt = tilt_to(used, base, target, total=total, tolerance=tolerance)
    return tilt, np.asarray((tilt.weights[:, None] * columns).sum(axis=0) / total, dtype=float)


def _centred_moments(asked: Resemblance) -> tuple[FloatArray, list[Moment]]:
    """(source, k) powers of each column less their mean in the target, in standard deviations; and which they are."""
    share = asked.weight[asked.target] / asked.weight[asked.target].sum()
    out: list[FloatArray] = []
    moments: list[Moment] = []
    for place, column in enumerate(asked.covariates.columns):
        values = asked.covariates.values[:, place]
        values = values - values[asked.target][0]  # so that a target without spread is at 0 to the last digit
        source, target = values[asked.source], values[asked.target]
        centre, spread = float(share @ target), _spread(source, target)
        source, target = (source - centre) / spread, (target - centre) / spread
        for power in range(1, (1 if column.binary else asked.moments) + 1):
            scale = _spread(source**power, target**power)
            out.append((source**power - float(share @ target**power)) / scale)
            moments.append((place, power))
    return np.column_stack(out), moments


def _spread(source: FloatArray, target: FloatArray) -> float:
    """Standard deviation over both; 1 where nothing varies."""
    both = np.concatenate([source, target])
    return float(both.std()) if np.ptp(both) > 0 else 1.0


def _not_beyond_the_target(columns: FloatArray) -> BoolArray:
    """(source,) False for students who can not count, because the target is wholly at the edge of a column.

    Where nobody in the target is in grade 8, its share is 0, the lowest that there is: whoever is in grade 8 has
    weight 0. Leaving them out may bring the target to another edge, hence the rounds.
    """
    usable = np.ones(len(columns), dtype=bool)
    while usable.any():
        left = columns[usable]
        edge = (np.abs(left.max(axis=0)) <= AT_EDGE) | (np.abs(left.min(axis=0)) <= AT_EDGE)
        out = (np.abs(columns[:, edge]) > AT_EDGE).any(axis=1) & usable
        if not out.any():
            return usable
        usable &= ~out
    return np.ones(len(columns), dtype=bool)


def _refuse_outside(asked: Resemblance, columns: FloatArray, moments: list[Moment]) -> None:
    """DesignError where the target's mean is below the lowest or above the highest value in the source."""
    low, high = columns.min(axis=0), columns.max(axis=0)
    beyond = np.maximum(low, -high)
    outside = np.flatnonzero(beyond > AT_EDGE)
    if outside.size:
        worst = int(outside[np.argmax(beyond[outside])])
        more = ", ".join(_named(asked, moments[other]) for other in outside if other != worst)
        raise DesignError(
            f"No weights make {asked.who} resemble {asked.whom} in {_named(asked, moments[worst])}: "
            f"{_ranges(asked, moments[worst][0])}{f'. So it is with {more}' if more else ''}. Drop or coarsen the "
            "covariate, ask for fewer moments, or make its rule one of eligibility for both arms."
        )


def _named(asked: Resemblance, moment: Moment) -> str:
    place, power = moment
    return POWERS[power].format(asked.covariates.columns[place].label)


def _ranges(asked: Resemblance, place: int) -> str:
    """What values both have in a column."""
    values = asked.covariates.values[:, place]
    source, target = values[asked.source], values[asked.target]
    mean = float(np.average(target, weights=asked.weight[asked.target]))
    return (
        f"{asked.whom} have values from {target.min():.4g} to {target.max():.4g} with a mean of {mean:.4g}, "
        f"{asked.who} from {source.min():.4g} to {source.max():.4g}"
    )


def _explain_together(asked: Resemblance, moments: list[Moment], imbalance: FloatArray) -> str:
    """Where no single moment is to blame: those with the largest differences (k,) that the search left."""
    worst = np.argsort(-np.abs(imbalance), kind="stable")[:3]
    left = ", ".join(f"{_named(asked, moments[j])} ({imbalance[j]:+.2g} standard deviations)" for j in worst)
    return (
        f"No weights make {asked.who} ({int(asked.source.sum()):,}) resemble {asked.whom} "
        f"({int(asked.target.sum()):,}) in all of {len(moments)} moments at once, though each can be met alone. The "
        f"largest differences left are in {left}. Give fewer covariates or moments, or use overlap_weighting."
    )
