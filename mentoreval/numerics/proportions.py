"""Proportions: intervals for a share and for the difference of two, which hold near 0 and 1 and in small groups."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from mentoreval.aliases import FloatArray


def wilson_interval(count: FloatArray, n: FloatArray, confidence: float = 0.95) -> tuple[FloatArray, FloatArray]:
    """Lower and upper limit of the share count ÷ n by the score test (Wilson 1927), without continuity correction.

    count, n : arrays of one shape, 0 ≤ count ≤ n
    confidence : two-sided
    returns : two arrays within 0 and 1; NaN where n is 0
    """
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    count, n = np.asarray(count, dtype=float), np.asarray(n, dtype=float)
    n = np.where(n > 0, n, np.nan)
    share = count / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    # At no and at all successes the limit is exactly 0 and 1; rounding would miss it by a last digit.
    return np.where(count == 0, 0.0, centre - half) + 0 * share, np.where(count == n, 1.0, centre + half) + 0 * share


def newcombe_interval(
    first: tuple[FloatArray, FloatArray], second: tuple[FloatArray, FloatArray], confidence: float = 0.95
) -> tuple[FloatArray, FloatArray]:
    """Limits of the share of the second less that of the first, from two independent groups (Newcombe 1998, method 10).

    first, second : (count, n) of each group
    confidence : two-sided
    returns : two arrays within -1 and 1; NaN where a group is empty
    """
    low, high = wilson_interval(*first, confidence)
    low_later, high_later = wilson_interval(*second, confidence)
    # A share whose group is empty is already missing in its limits.
    share = np.asarray(first[0], dtype=float) / np.maximum(np.asarray(first[1], dtype=float), 1)
    later = np.asarray(second[0], dtype=float) / np.maximum(np.asarray(second[1], dtype=float), 1)
    down = np.sqrt((later - low_later) ** 2 + (high - share) ** 2)
    up = np.sqrt((high_later - later) ** 2 + (share - low) ** 2)
    return later - share - down, later - share + up
