"""Judgement: which sentence an estimate has earned. Verdicts only; the words are elsewhere."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from mentoreval.panel.facts import MeasureFacts
from mentoreval.study.evaluation import Result

EffectCase = Literal["better", "worse", "higher", "lower", "cannot_tell", "small_at_most", "no_interval"]
BaselineCase = Literal["alike", "adjusted", "not_adjusted", "not_alike", "unknown"]


@dataclass(frozen=True)
class BaselineOpinion:
    """Whether the arms were alike before the program in what bears on an outcome.

    case : alike; adjusted = somewhat different, and the estimate takes it into account; not_adjusted = it does not;
        not_alike = so different that no adjustment helps; unknown
    covariates : those that decided it
    largest : the largest absolute effect size among them; NaN where there is none
    """

    case: BaselineCase
    covariates: tuple[str, ...] = ()
    largest: float = math.nan


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


def judge_baseline(result: Result) -> BaselineOpinion:
    """Baseline equivalence on the analytic sample of a result, by the covariates on which it hangs.

    One of them beyond adjustment sinks the result.
    """
    rows = result.baseline[result.baseline["decides"].astype(bool)]
    judged = rows[rows["band"] != "cannot_judge"]
    if judged.empty:
        return BaselineOpinion("unknown", _names(rows))
    far = judged[judged["band"] == "not_satisfied"]
    if len(far):
        return BaselineOpinion("not_alike", _names(far), _largest(far))
    if len(judged) < len(rows):
        return BaselineOpinion("unknown", _names(rows[rows["band"] == "cannot_judge"]), _largest(judged))
    near = judged[judged["band"] == "needs_adjustment"]
    left = near[~near["adjusted"].astype(bool)]
    if len(left):
        return BaselineOpinion("not_adjusted", _names(left), _largest(left))
    if len(near):
        return BaselineOpinion("adjusted", _names(near), _largest(near))
    return BaselineOpinion("alike", _names(judged), _largest(judged))


def _names(rows: pd.DataFrame) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(name) for name in rows["covariate"]))


def _largest(rows: pd.DataFrame) -> float:
    return float(rows["effect_size"].abs().max())
