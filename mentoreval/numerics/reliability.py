"""Reliability: how well the items of a scale go together."""

from __future__ import annotations

import numpy as np

from mentoreval.aliases import FloatArray


def cronbach_alpha(answers: FloatArray) -> float:
    """Cronbach's alpha (1951): k ÷ (k − 1) × (1 − sum of the items' variances ÷ variance of their sum).

    answers : (n, k) one row per person, one column per item, reversed items turned before; rows with a gap are left out
    returns : at most 1; NaN with fewer than two items, fewer than two complete rows, or a sum that does not vary
    """
    complete = answers[~np.isnan(answers).any(axis=1)]
    n, k = complete.shape
    if n < 2 or k < 2:
        return float("nan")
    total = complete.sum(axis=1).var(ddof=1)
    return float(k / (k - 1) * (1 - complete.var(axis=0, ddof=1).sum() / total)) if total > 0 else float("nan")
