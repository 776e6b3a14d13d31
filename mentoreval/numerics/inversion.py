"""Confidence limits from a test: the values of an effect that the test does not reject."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mentoreval.aliases import FloatArray

FURTHEST = 1e6
"""Standard errors from the estimate beyond which an interval counts as unbounded."""

STEPS = np.concatenate([np.arange(0.25, 8.0, 0.25), np.geomspace(8.0, FURTHEST, 40)])
"""Distances from the estimate, in standard errors, at which the p-value is looked at first."""

HALVINGS = 45


def invert_test(
    p_value: Callable[[float], float], estimate: float, std_error: float, confidence: float
) -> tuple[float, float]:
    """The least and the greatest effect that is not rejected, and infinity where no effect is.

    p_value : of the hypothesis that the effect is a given number; 1 or nearly so at the estimate

    Where the values that are not rejected have gaps, as they can with few clusters, the limits are the outermost. Zero
    is always looked at, so that the interval tells the same story as the p-value that is printed.
    """
    alpha = 1.0 - confidence
    return (
        _outermost(p_value, estimate, -std_error, alpha),
        _outermost(p_value, estimate, std_error, alpha),
    )


def _outermost(p_value: Callable[[float], float], estimate: float, step: float, alpha: float) -> float:
    away = -estimate / step
    steps = np.sort(np.append(STEPS, away)) if 0 < away < FURTHEST else STEPS
    kept = _last_kept(p_value, estimate, step, alpha, steps)
    if kept == len(steps) - 1:
        return float(np.sign(step) * np.inf)
    inside, outside = (steps[kept] if kept >= 0 else 0.0), steps[kept + 1]
    for _ in range(HALVINGS):
        middle = (inside + outside) / 2.0
        if p_value(estimate + middle * step) >= alpha:
            inside = middle
        else:
            outside = middle
    return float(estimate + step * (inside + outside) / 2.0)


def _last_kept(p_value: Callable[[float], float], estimate: float, step: float, alpha: float, steps: FloatArray) -> int:
    """Position of the furthest step that is not rejected; -1 where all are."""
    for place in range(len(steps) - 1, -1, -1):
        if p_value(estimate + steps[place] * step) >= alpha:
            return place
    return -1
