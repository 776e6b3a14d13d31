"""The multiplier bootstrap: the influence of whole clusters times random weights."""

from __future__ import annotations

import numpy as np

from mentoreval.aliases import FloatArray
from mentoreval.numerics.draws import Multiplier, canonical_order, weighted_sums

QUARTILES = 1.3489795003921634
"""Distance between the quartiles of the standard normal distribution."""


def draw_deviations(sums: FloatArray, kind: Multiplier, draws: int, rng: np.random.Generator) -> FloatArray:
    """(draws, k) random weights times the sums of influence of G clusters (G, k).

    The clusters are taken in an order that no label decides.
    """
    return weighted_sums(kind, draws, sums[canonical_order(sums)], rng)


def quartile_errors(deviations: FloatArray) -> FloatArray:
    """(k,) standard errors: the distance between the quartiles of draws (B, k), over that of the normal distribution.

    Quantiles are values of draws (R's type 1), so that a few wild draws move nothing.
    """
    low, high = np.quantile(deviations, [0.25, 0.75], axis=0, method="inverted_cdf")
    return np.asarray((high - low) / QUARTILES)


def band_critical(deviations: FloatArray, errors: FloatArray, confidence: float) -> float:
    """Quantile over draws (B, k) of the largest \\|deviation\\| / error; errors (k,) of 0 are left out."""
    alive = errors > 0
    largest = np.max(np.abs(deviations[:, alive]) / errors[alive], axis=1)
    return float(np.quantile(largest, confidence, method="inverted_cdf"))
