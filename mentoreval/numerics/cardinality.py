"""Cardinality matching: the largest sample of both arms whose means differ by no more than given bounds."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.numerics.progress import watched

if TYPE_CHECKING:
    from scipy.optimize import LinearConstraint

MANY_KINDS, FREE_KINDS = 2000, 400
"""Of more kinds of rows than this fractions are taken first; and about how many of them are then made whole again."""

ROUNDING = 1e-6
"""How far from a whole number the solver's whole numbers may be."""


FRACTIONS_SHARE = 0.8
"""Of the time, what the fractions may take; the rest is for making them whole."""

TIME_IS_UP, INFEASIBLE = 1, 2
"""Answers of the solver."""

SEARCHING = "Largest balanced sample"


@dataclass(frozen=True, eq=False)
class LargestSample:
    """What the search has found.

    chosen : (n,) True for the rows of the sample; all False where no sample meets the bounds
    gap    : how much larger a sample may exist at most, as a share of this one; 0 = none is larger
    proven : whether no sample is larger
    """

    chosen: BoolArray
    gap: float
    proven: bool


def largest_balanced_sample(
    values: FloatArray,
    seekers: BoolArray,
    strata: IntArray,
    *,
    ratio: int,
    bounds: FloatArray,
    time_limit: float,
) -> LargestSample:
    """The most seekers, each with ``ratio`` others, such that the means of both are alike in every column.

    values  : (n, k) columns to bound the difference of means in; seekers : (n,) the arm that is counted
    strata  : (n,) codes from 0; in each there are ``ratio`` others for each seeker of the sample
    bounds  : (k,) largest difference of means, in units of the columns
    time_limit : seconds

    An integer program by HiGHS: one variable for each distinct row, with as many values as there are such rows, and
    two constraints for each column. Rows are put in the order of their values first, so that the order of the data
    decides only between rows that are alike. Proving that no sample is larger can take long: with the time limit, and
    with more than MANY_KINDS distinct rows, the answer may be a smaller one, and the gap says by how much at most.
    """
    from scipy.optimize import LinearConstraint  # slow to import
    from scipy.sparse import csr_array, vstack

    order = np.lexsort((*values.T, strata, seekers))
    keys = np.column_stack([seekers[order], strata[order], values[order]])
    kind = np.cumsum(np.append(False, (keys[1:] != keys[:-1]).any(axis=1)))
    first = order[np.append(True, np.diff(kind) > 0)]
    most = np.bincount(kind)
    sign = np.where(seekers[first], 1.0, -1.0 / ratio)
    centred = values[first] - np.median(values, axis=0)  # any shift is as good; this one ignores the order
    slack = np.outer(seekers[first], bounds)
    apart = centred * sign[:, None]
    balance = csr_array(np.vstack([(apart - slack).T, (-apart - slack).T]))
    numbers = csr_array((sign, (strata[first], np.arange(first.size))), shape=(int(strata.max()) + 1, first.size))
    limits = LinearConstraint(
        vstack([balance, numbers], format="csr"),
        np.append(np.full(balance.shape[0], -np.inf), np.zeros(numbers.shape[0])),
        np.zeros(balance.shape[0] + numbers.shape[0]),
    )
    taken, bound, proven = _solved(seekers[first].astype(np.float64), limits, most, time_limit)
    chosen = np.zeros(seekers.size, dtype=bool)
    place = np.arange(order.size) - np.append(0, np.cumsum(most))[kind]
    chosen[order] = place < taken[kind]
    size = int((chosen & seekers).sum())
    return LargestSample(chosen, 0.0 if proven else (bound - size) / size if size else np.inf, proven)


def _solved(
    worth: FloatArray, limits: LinearConstraint, most: IntArray, time_limit: float
) -> tuple[IntArray, float, bool]:
    """How many of each kind are taken, what no answer can exceed, and whether the answer is as large as that.

    Of many kinds the solver first takes fractions, of which only a few are broken (as many as there are constraints);
    then the broken ones and some others, spread over all, are made whole while the rest stays. Where the time does not
    even suffice for the fractions, only some kinds, spread over all, are taken from.
    """
    from scipy.optimize import Bounds, milp  # slow to import

    low, high, bound = np.zeros(most.size), most.astype(np.float64), np.inf
    started = time.monotonic()
    if most.size > MANY_KINDS:
        options = {"time_limit": FRACTIONS_SHARE * time_limit}
        solve = partial(milp, -worth, constraints=limits, bounds=Bounds(low, high), options=options)
        relaxed = watched(SEARCHING, solve)
        if relaxed.status == 0:
            bound = float(np.floor(-relaxed.fun + ROUNDING))
            whole = np.abs(relaxed.x - np.round(relaxed.x)) < ROUNDING
            whole[:: max(most.size // FREE_KINDS, 1)] = False
            low, high = np.where(whole, np.round(relaxed.x), low), np.where(whole, np.round(relaxed.x), high)
        elif relaxed.status == TIME_IS_UP:
            bound = float(worth @ most)
            high = np.where(np.arange(most.size) % max(most.size // MANY_KINDS, 1) == 0, high, 0.0)
        else:
            return np.zeros(most.size, dtype=np.int64), 0.0, relaxed.status == INFEASIBLE
    left = {"time_limit": max(time_limit - (time.monotonic() - started), 1.0)}
    ones = np.ones(most.size)
    solve = partial(milp, -worth, constraints=limits, bounds=Bounds(low, high), integrality=ones, options=left)
    found = watched(SEARCHING, solve)
    if found.x is None:
        return np.zeros(most.size, dtype=np.int64), np.inf, False
    taken = np.round(found.x).astype(np.int64)
    if not np.isfinite(bound):
        bound = float(worth @ taken) if found.status == 0 else float(np.floor(-found.mip_dual_bound + ROUNDING))
    return taken, bound, bool(bound <= float(worth @ taken))
