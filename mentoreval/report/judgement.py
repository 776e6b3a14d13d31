"""Judgement: which sentence an estimate has earned. Verdicts only; the words are elsewhere."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from mentoreval.panel.facts import MeasureFacts
from mentoreval.panel.panel import PRIOR, Panel
from mentoreval.study.evaluation import Result

EffectCase = Literal["better", "worse", "cannot_tell", "small_at_most", "no_interval"]
BaselineCase = Literal["alike", "adjusted", "not_alike", "unknown"]
LARGEST_ADJUSTABLE = 0.25


@dataclass(frozen=True)
class BaselineOpinion:
    """Whether the arms were alike before the program in what bears on an outcome.

    case : alike; adjusted = somewhat different, and the estimate takes it into account; not_alike; unknown
    covariates : those that decided it
    largest : the largest absolute effect size among them; NaN where there is none
    """

    case: BaselineCase
    covariates: tuple[str, ...] = ()
    largest: float = math.nan


def judge_effect(headline: pd.Series, facts: MeasureFacts, meaningful: float | None) -> EffectCase:
    """What may be said of an effect.

    An interval that holds zero never becomes "no effect": either it also holds an effect that would matter, and then
    nobody can tell, or every effect in it is smaller than that.
    """
    low, high = float(headline["conf_low"]), float(headline["conf_high"])
    if not (math.isfinite(low) and math.isfinite(high)):
        return "no_interval"
    if low > 0 or high < 0:
        return "better" if (low > 0) == facts.higher_is_better else "worse"
    if meaningful is not None and -meaningful < low and high < meaningful:
        return "small_at_most"
    return "cannot_tell"


def judge_baseline(result: Result, panel: Panel) -> BaselineOpinion:
    """Baseline equivalence on the analytic sample of a result.

    The measures that decide are the outcomes of the same domain before the program; where the study has none, every
    covariate. One covariate beyond adjustment sinks the domain.
    """
    rows = _that_decide(result.baseline, result.plan.outcome, panel)
    judged = rows[rows["band"] != "cannot_judge"]
    if judged.empty:
        return BaselineOpinion("unknown", _names(rows))
    far = judged[_fails(judged)]
    if len(far):
        return BaselineOpinion("not_alike", _names(far), _largest(far))
    if len(judged) < len(rows):
        return BaselineOpinion("unknown", _names(rows[rows["band"] == "cannot_judge"]), _largest(judged))
    near = judged[judged["band"] == "needs_adjustment"]
    if len(near):
        return BaselineOpinion("adjusted", _names(near), _largest(near))
    return BaselineOpinion("alike", _names(judged), _largest(judged))


def _that_decide(baseline: pd.DataFrame, outcome: str, panel: Panel) -> pd.DataFrame:
    domain = panel.measures.get(outcome, MeasureFacts()).domain
    same: set[str] = set()
    if domain != "other":
        same = {PRIOR + name for name, facts in panel.measures.items() if facts.domain == domain}
    chosen = baseline[baseline["pretest"].astype(bool) | baseline["covariate"].isin(same)]
    return chosen if len(chosen) else baseline


def _fails(judged: pd.DataFrame) -> pd.Series:
    unadjusted = (judged["band"] == "needs_adjustment") & ~judged["adjusted"].astype(bool)
    return (judged["band"] == "not_satisfied") | unadjusted


def _names(rows: pd.DataFrame) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(name) for name in rows["covariate"]))


def _largest(rows: pd.DataFrame) -> float:
    return float(rows["effect_size"].abs().max())
