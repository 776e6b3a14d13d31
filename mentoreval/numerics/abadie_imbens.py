"""Matching with replacement and all ties, and the standard errors of Abadie and Imbens (2006).

The conventions are those of R's ``Matching::Match`` (ties = TRUE): every column is scaled by its standard deviation
over all students, every student as near as the last of the ``matches`` nearest shares in the match, and a student of
weight 2 counts as two.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.errors import DesignError
from mentoreval.numerics.blocks import row_blocks
from mentoreval.numerics.least_squares import solve_least_squares

TIE = 1e-5
"""Squared distances, in variances, that differ by no more are tied (R's ``distance.tolerance``)."""

Metric = Literal["mahalanobis", "inverse_variance"]


@dataclass(frozen=True, eq=False)
class Space:
    """Students as points, and who may be matched with whom.

    points : (n, k) from ``scaled_columns``
    weights : (n,) above 0
    within : (n,) codes that must be equal in a match
    box : (n, b) columns that may differ by at most 1 in a match; no columns for no caliper
    """

    points: FloatArray
    weights: FloatArray
    within: IntArray
    box: FloatArray

    @classmethod
    def of(cls, points: FloatArray, weights: FloatArray | None = None) -> Space:
        """A space without weights, groups or calipers, save the weights that are given."""
        n = len(points)
        return cls(points, np.ones(n) if weights is None else weights, np.zeros(n, dtype=np.int64), np.empty((n, 0)))


@dataclass(frozen=True, eq=False)
class TiedPairs:
    """Students who seek and all their nearest.

    seeker, nearest : (p,) rows of the students
    share : (p,) that add up to 1 for each seeker
    """

    seeker: IntArray
    nearest: IntArray
    share: FloatArray


@dataclass(frozen=True, eq=False)
class MatchedEffect:
    """The mean of the seekers' effects, and what its variance is made of.

    theta : the effect
    rows : (s,) seekers who found a match
    gaps : (s,) the effect of each
    own : (n,) weight of each student as a seeker; 0 for the others
    times : (n,) K, the weighted sum of shares in which a student is matched
    squares : (n,) the weighted sum of these shares' squares
    noise : half the mean square of the pairs' differences from the effect, the variance of an outcome given covariates
    """

    theta: float
    rows: IntArray
    gaps: FloatArray
    own: FloatArray
    times: FloatArray
    squares: FloatArray
    noise: float

    def std_error(
        self, noise: FloatArray | None = None, person: IntArray | None = None, conditional: bool = False
    ) -> float:
        """The error of Abadie & Imbens (2006) for students drawn at random.

        noise : (n,) variance of each outcome given the covariates, from ``noise_within``; None = one for all
        person : (n,) codes of students who stand in several rows, whose outcomes are then taken to move together, so
            that the error is not too small; None = every row is another student
        conditional : for the effect of these very students, given their covariates, instead of students like them
        """
        each: FloatArray = np.full(len(self.own), self.noise) if noise is None else noise
        persons = np.arange(len(each)) if person is None else person
        total = self.own.sum()
        if conditional:
            return float(np.sqrt((np.bincount(persons, np.sqrt(each) * (self.own + self.times)) ** 2).sum()) / total)
        spread = float(self.own[self.rows] @ (self.gaps - self.theta) ** 2)
        matched = (np.bincount(persons, np.sqrt(each) * self.times) ** 2).sum()
        both = each @ (2.0 * self.times * (self.own > 0) - self.squares)
        return float(np.sqrt(spread + matched + both) / total)


def scaled_columns(X: FloatArray, metric: Metric, weights: FloatArray | None = None) -> FloatArray:
    """(n, k) columns in which the Euclidean distance is the metric's, by the variances of all n students.

    Raises DesignError for columns without variance, and for the Mahalanobis metric for columns that repeat others.
    """
    n = len(X)
    centred = X - np.average(X, axis=0, weights=weights)
    spread = np.sqrt(np.average(centred**2, axis=0, weights=weights) * n / (n - 1.0))
    constant = np.flatnonzero(spread <= 1e-12 * np.abs(X).max(axis=0))
    if constant.size:
        raise DesignError(
            f"Columns {constant.tolist()} are constant: no distance can be had from them. Leave them out."
        )
    unit = centred / spread
    if metric == "inverse_variance":
        return np.asarray(unit)
    values, vectors = np.linalg.eigh(unit.T @ unit / n)
    if values[0] <= 1e-12 * values[-1]:
        raise DesignError(
            "The covariates repeat each other, so they have no Mahalanobis distance. Leave out those that are sums of "
            "others, or use the metric inverse_variance."
        )
    return np.asarray((unit @ vectors) / np.sqrt(values))


def match_with_ties(space: Space, treated: BoolArray, seekers: BoolArray, matches: int = 1) -> TiedPairs:
    """For every seeker the nearest of the other arm, until their weights add up to ``matches``, and all ties.

    treated : (n,)
    seekers : (n,) True for students who are to find a match

    A seeker who has fewer within reach is left out. Raises DesignError where nobody finds a match.
    """
    found = [
        pair
        for arm in (True, False)
        for code in np.unique(space.within)
        for pair in _nearest(
            space,
            np.flatnonzero(seekers & (treated == arm) & (space.within == code)),
            np.flatnonzero((treated != arm) & (space.within == code)),
            matches,
        )
    ]
    seeker, nearest = (np.concatenate([pair[side] for pair in found]) if found else np.empty(0, int) for side in (0, 1))
    if not len(seeker):
        raise DesignError(
            f"{matches} matches for each of {int(seekers.sum()):,} students can not be had from {int(treated.sum()):,} "
            f"treated and {int((~treated).sum()):,} comparison students. Ask for fewer matches, a wider caliper or "
            "fewer exact values, or give a larger pool."
        )
    total = np.bincount(seeker, space.weights[nearest], len(treated))
    return TiedPairs(seeker, nearest, space.weights[nearest] / total[seeker])


def _nearest(
    space: Space, seekers: IntArray, pool: IntArray, matches: int, itself: bool = False
) -> Iterator[tuple[IntArray, IntArray]]:
    """Rows of seekers and of their nearest in the pool, block by block; ``itself`` where a seeker is in the pool."""
    from scipy.spatial.distance import cdist  # slow to import, and only matching needs it

    weights = space.weights[pool]
    if not len(seekers) or weights.sum() < matches:
        return
    for block in row_blocks(len(seekers), len(pool), 2):
        rows = seekers[block]
        distance = cdist(space.points[rows], space.points[pool], "sqeuclidean")
        for column in space.box.T:
            distance[np.abs(column[rows][:, None] - column[pool]) > 1.0] = np.inf
        if itself:
            distance[rows[:, None] == pool] = np.inf
        farthest = _distance_at(distance, weights, matches)
        row, place = np.nonzero((distance <= farthest[:, None] + TIE) & np.isfinite(distance))
        enough = np.isfinite(farthest)[row]
        yield rows[row[enough]], pool[place[enough]]


def _distance_at(distance: FloatArray, weights: FloatArray, matches: int) -> FloatArray:
    """(rows,) distance at which the weights of the nearest add up to ``matches``; infinite where they do not."""
    if np.all(weights == 1.0):
        return np.asarray(np.partition(distance, matches - 1, axis=1)[:, matches - 1])
    order = np.argsort(distance, axis=1, kind="stable")
    enough = np.cumsum(weights[order], axis=1) >= matches
    place = np.take_along_axis(order, np.argmax(enough, axis=1)[:, None], axis=1)
    return np.where(enough.any(axis=1), np.take_along_axis(distance, place, axis=1)[:, 0], np.inf)


def matched_effect(
    y: FloatArray, treated: BoolArray, weights: FloatArray, pairs: TiedPairs, adjusted: FloatArray | None = None
) -> MatchedEffect:
    """The mean effect of the seekers: their outcome against the mean of their matches.

    y : (n,) outcome
    treated : (n,)
    weights : (n,) of sampling
    adjusted : (n, k) covariates of the bias adjustment (Abadie & Imbens 2011), a linear regression among the matched of
        each arm, weighted by how often they are matched; None for none

    Raises AliasedColumnsError where the regression of the bias adjustment can not be solved.
    """
    n, weight = len(y), weights[pairs.seeker]
    times: FloatArray = np.bincount(pairs.nearest, weight * pairs.share, n).astype(float)
    imputed = y[pairs.nearest]
    if adjusted is not None:
        lines = [_predict(adjusted, y, times * (treated == arm)) for arm in (False, True)]
        line = np.where(treated[pairs.nearest], lines[1][pairs.seeker], lines[0][pairs.seeker])
        imputed = imputed + line - np.where(treated, lines[1], lines[0])[pairs.nearest]
    sign = np.where(treated[pairs.seeker], 1.0, -1.0)
    difference = sign * (y[pairs.seeker] - imputed)
    rows = np.unique(pairs.seeker)
    own = np.zeros(n)
    own[rows] = weights[rows]
    gaps: FloatArray = np.bincount(pairs.seeker, pairs.share * difference, n)[rows].astype(float)
    theta = float(own[rows] @ gaps / own.sum())
    return MatchedEffect(
        theta=theta,
        rows=rows,
        gaps=gaps,
        own=own,
        times=times,
        squares=np.bincount(pairs.nearest, weight * pairs.share**2, n).astype(float),
        noise=float(0.5 * (weight * pairs.share) @ (difference - theta) ** 2 / own.sum()),
    )


def _predict(X: FloatArray, y: FloatArray, times: FloatArray) -> FloatArray:
    """(n,) predictions of the regression among the matched, by how often each is matched; 0 where nobody is."""
    used = times > 0
    if not used.any():
        return np.zeros(len(y))
    design = np.column_stack([np.ones(len(X)), X])
    return np.asarray(design @ solve_least_squares(design[used], y[used], times[used]).coefficients)


def noise_within(y: FloatArray, treated: BoolArray, space: Space, matches: int) -> FloatArray:
    """(n,) variance of each outcome given covariates: that of a student and the nearest of the same arm and group.

    Raises DesignError where a student has too few of them.
    """
    noise = np.full(len(y), np.nan)
    for arm in (True, False):
        for code in np.unique(space.within):
            alike = np.flatnonzero((treated == arm) & (space.within == code))
            for seeker, nearest in _nearest(space, alike, alike, matches, itself=True):
                noise[np.unique(seeker)] = _variance_of_sets(y, space.weights, seeker, nearest)
    lost = int(np.isnan(noise).sum())
    if lost:
        raise DesignError(
            f"{lost:,} students have fewer than {matches} others of their own arm to compare with, so the variance "
            "of their outcomes is not known. Use variance_matches = 0, which takes one variance for all."
        )
    return noise


def _variance_of_sets(y: FloatArray, weights: FloatArray, seeker: IntArray, nearest: IntArray) -> FloatArray:
    """(s,) weighted variance of the outcomes of each seeker and the nearest, in the order of the seekers' rows."""
    rows, code = np.unique(seeker, return_inverse=True)
    member = np.concatenate([rows, nearest])
    code = np.concatenate([np.arange(len(rows)), code])
    total = np.bincount(code, weights[member])
    mean = np.bincount(code, weights[member] * y[member]) / total
    square = np.bincount(code, weights[member] * (y[member] - mean[code]) ** 2)
    return np.asarray(square / (total - 1.0))
