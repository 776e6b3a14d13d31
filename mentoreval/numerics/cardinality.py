"""Cardinality matching: the largest sample of both arms whose means differ by no more than given bounds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mentoreval.aliases import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class LargestSample:
    """What the search has found.

    chosen : (n,) True for the rows of the sample; all False where no sample meets the bounds
    gap    : how much larger a sample may exist at most, as a share of this one; 0 = none is larger
    proven : whether the search ended by itself, not by the time limit
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
    decides only between rows that are alike. The time to prove that no sample is larger can be long; what was found
    until then is the answer.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp  # slow to import
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
    found = milp(
        -seekers[first].astype(float),
        constraints=[
            LinearConstraint(balance, ub=np.zeros(2 * len(bounds))),
            LinearConstraint(vstack([numbers], format="csr"), 0, 0),
        ],
        bounds=Bounds(0, most),
        integrality=np.ones(first.size),
        options={"time_limit": time_limit},
    )
    chosen = np.zeros(seekers.size, dtype=bool)
    if found.x is None:
        return LargestSample(chosen, np.inf, False)
    taken = np.round(found.x).astype(np.int64)
    place = np.arange(order.size) - np.append(0, np.cumsum(most))[kind]
    chosen[order] = place < taken[kind]
    gap = float(found.mip_gap) if found.mip_gap is not None else 0.0
    return LargestSample(chosen, gap, found.status == 0)
