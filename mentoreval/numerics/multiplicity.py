"""Several tests at once: p-values adjusted so that one in many does not look good by chance alone.

Sources: Benjamini & Hochberg (1995), JRSS B 57; Holm (1979), Scandinavian Journal of Statistics 6; Romano & Wolf
(2005), Econometrica 73, and (2016), Statistics & Probability Letters 113, in the form of Westfall & Young (1993) that
compares p-values. Each function takes the (m,) p-values of one family and returns (m,) in the same order.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from mentoreval.aliases import FloatArray


def benjamini_hochberg(p: FloatArray) -> FloatArray:
    """Least share of false discoveries at which each is one: the smallest p₍ⱼ₎ · m / j over all j from its rank on."""
    m, order = len(p), np.argsort(p, kind="stable")
    scaled = p[order] * m / np.arange(1, m + 1)
    return _back(np.minimum.accumulate(scaled[::-1])[::-1], order)


def critical_values(m: int, level: float) -> FloatArray:
    """(m,) k · α / m: what Benjamini and Hochberg compare the k-th smallest p-value with."""
    return np.arange(1, m + 1) * level / m


def holm(p: FloatArray) -> FloatArray:
    """Chance of one false claim or more in the family, step down: the largest of p₍ⱼ₎ · (m − j + 1) up to its rank."""
    m, order = len(p), np.argsort(p, kind="stable")
    return _back(np.maximum.accumulate(p[order] * (m - np.arange(m))), order)


def romano_wolf(p: FloatArray, deviations: FloatArray) -> FloatArray:
    """As ``holm``, by resampling: tests that go together are not counted as if they were apart.

    deviations : (draws, m) of the estimates from themselves, drawn jointly; their scale does not matter

    A p-value enters as the normal quantile that has it, so that whatever correction for few clusters it carries stays.
    In each draw the largest |deviation|, in its own standard deviations, over the tests that are left is compared with
    the smallest p-value among them. Never below the p-value itself.
    """
    order = np.argsort(p, kind="stable")
    spread = np.sqrt(np.mean(np.square(deviations), axis=0))
    drawn = np.abs(deviations)[:, order] / np.where(spread > 0, spread, 1.0)[order]
    # Walking from the right, the maximum over the tests that are left is one running maximum.
    largest = np.maximum.accumulate(drawn[:, ::-1], axis=1)[:, ::-1]
    observed = -ndtri(np.clip(p[order], 0.0, 1.0) / 2)
    reached = (1 + np.sum(largest >= observed, axis=0)) / (1 + len(deviations))
    return _back(np.maximum(np.maximum.accumulate(reached), p[order]), order)


def _back(values: FloatArray, order: np.ndarray[tuple[int], np.dtype[np.int64]]) -> FloatArray:
    """Values by rank in the order of the tests, at most 1."""
    out = np.empty(len(values))
    out[order] = np.minimum(values, 1.0)
    return out
