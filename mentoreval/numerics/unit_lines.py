"""Columns less a line of their own for each unit: an intercept and a slope in time."""

from __future__ import annotations

import numpy as np

from mentoreval.aliases import FloatArray, IntArray
from mentoreval.numerics.absorb import demean

NO_SPREAD = 1e-14
"""Share of the squared times below which a unit's times are one time, and it has no slope."""


def remove_lines(columns: FloatArray, unit: IntArray, time: FloatArray, weights: FloatArray) -> FloatArray:
    """(n, k) residuals of columns (n, k) after weighted regression, within each unit, on a constant and time.

    unit : (n,) codes 0 … units − 1
    time : (n,)
    weights : (n,) at least 0

    A unit that is seen at one time only has no slope: its column is less its mean.
    """
    own = demean(time[:, None], unit, weights)[:, 0]
    spread = np.bincount(unit, weights * own**2)
    size = np.bincount(unit, weights * time**2)
    inverse = np.where(spread > NO_SPREAD * size, 1.0 / np.where(spread > 0, spread, 1.0), 0.0)
    out = demean(columns, unit, weights)
    for column in out.T:
        slope = np.bincount(unit, weights * own * column) * inverse
        column -= slope[unit] * own
    return out
