"""Judgement: which sentence an estimate has earned. Verdicts only; the words are elsewhere."""

from __future__ import annotations

import math
from typing import Literal

import pandas as pd

from mentoreval.panel.facts import MeasureFacts

EffectCase = Literal["better", "worse", "higher", "lower", "cannot_tell", "small_at_most", "no_interval"]


def judge_effect(headline: pd.Series, facts: MeasureFacts | None, meaningful: float | None) -> EffectCase:
    """What may be said of an effect; where nothing is known of the outcome, only whether it is higher or lower.

    An interval that holds zero never becomes "no effect": either it also holds an effect that would matter, and then
    nobody can tell, or every effect in it is smaller than that.
    """
    low, high = float(headline["conf_low"]), float(headline["conf_high"])
    if not (math.isfinite(low) and math.isfinite(high)):
        return "no_interval"
    if low > 0 or high < 0:
        if facts is None:
            return "higher" if low > 0 else "lower"
        return "better" if (low > 0) == facts.higher_is_better else "worse"
    if meaningful is not None and -meaningful < low and high < meaningful:
        return "small_at_most"
    return "cannot_tell"
